//! From targets to readers and writers: endpoints, credentials, and the embedded service.

mod chainloop;
mod endpoints;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use secrecy::SecretString;

use super::console::Console;
use super::progress::{Reading, Readings};

use crate::plan::TargetInfo;
use crate::render::text::neutral;
use crate::service::docker::client::{
    Connection, Credentials, DEFAULT_ENDPOINT, Reader, credentials_from,
};
use crate::service::pulumi::client as pulumi;
use crate::service::registry as provider;
use http::Organization;
use http::{HttpClient, HttpOptions};
use manifest::config::{Provider, Settings, Target};
use model::Live;
use model::docker::{LiveState, Profile};

/// The folder, beside `polwarden.yaml`, for what is kept between runs.
const STATE_FOLDER: &str = ".polwarden";

/// How to reach the services.
#[derive(Debug, Args)]
pub(super) struct Connect {
    /// Where a service is: `docker=URL`, `pulumi=URL` or `chainloop=URL`, or `docker=embedded` for one that runs inside
    /// this command and keeps its state in `.polwarden/`. The variables POLWARDEN_DOCKER_ENDPOINT,
    /// POLWARDEN_PULUMI_ENDPOINT and POLWARDEN_CHAINLOOP_ENDPOINT have the same effect. May be given more than once.
    #[arg(long = "endpoint", value_name = "PROVIDER=URL|embedded")]
    // Read later than other arguments: clap repeats a wrong value in its error, and this one may hold a password.
    endpoints: Vec<String>,
    /// How many requests may be under way at a time.
    #[arg(long, value_name = "N", default_value = "16")]
    pub(super) concurrency: NonZeroUsize,
}

/// Open connections for the targets of one command.
pub(super) struct Session {
    connections: BTreeMap<Profile, Connection>,
    pulumi: Option<pulumi::Connection>,
    chainloop: Option<crate::service::chainloop::client::Connection>,
    embedded: Vec<(Provider, emulator::Running)>,
    readings: Arc<Readings>,
    console: Console,
}

impl Session {
    /// Connects to what the targets need. Nothing is sent before the first read.
    ///
    /// # Errors
    /// An endpoint or credentials that cannot be used, or an embedded service that does not start.
    pub(super) async fn open(
        arguments: &Connect,
        targets: &[&Target],
        console: Console,
    ) -> anyhow::Result<Self> {
        let options = HttpOptions {
            concurrency: arguments.concurrency,
            ..HttpOptions::default()
        };
        let http = HttpClient::new(options);
        let connections = BTreeMap::new();
        let embedded = Vec::new();
        let readings = Arc::default();
        let mut session = Self {
            connections,
            pulumi: None,
            chainloop: None,
            embedded,
            readings,
            console,
        };
        let is_at = |provider| move |target: &&&Target| target.provider() == provider;
        if targets
            .iter()
            .any(|target| is_at(Provider::Docker)(&target))
        {
            session.open_docker(arguments, &http, targets).await?;
        }
        let at_pulumi: Vec<&Target> = targets
            .iter()
            .filter(is_at(Provider::Pulumi))
            .copied()
            .collect();
        if !at_pulumi.is_empty() {
            session.open_pulumi(arguments, &http, &at_pulumi).await?;
        }
        let at_chainloop: Vec<&Target> = targets
            .iter()
            .filter(is_at(Provider::Chainloop))
            .copied()
            .collect();
        if !at_chainloop.is_empty() {
            session
                .open_chainloop(arguments, &http, &at_chainloop)
                .await?;
        }
        Ok(session)
    }

    async fn open_docker(
        &mut self,
        arguments: &Connect,
        http: &HttpClient,
        targets: &[&Target],
    ) -> anyhow::Result<()> {
        match endpoints::choice(&arguments.endpoints, Provider::Docker)?
            .endpoint(DEFAULT_ENDPOINT)?
        {
            Some(endpoint) => {
                let credentials = credentials_from(|name| std::env::var(name).ok())?;
                let connection = Connection::new(http, &endpoint, credentials)?;
                tracing::info!(endpoint = %endpoint, concurrency = arguments.concurrency, "using a service");
                for profile in targets.iter().filter_map(|target| target.profile()) {
                    self.connections.insert(profile, connection.clone());
                }
            }
            None => {
                for profile in targets.iter().filter_map(|target| target.profile()) {
                    if !self.connections.contains_key(&profile) {
                        self.embed_docker(http, profile, targets).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn open_pulumi(
        &mut self,
        arguments: &Connect,
        http: &HttpClient,
        targets: &[&Target],
    ) -> anyhow::Result<()> {
        let choice = endpoints::choice(&arguments.endpoints, Provider::Pulumi)?;
        let connection = match choice.endpoint(pulumi::DEFAULT_ENDPOINT)? {
            Some(endpoint) => {
                let token = pulumi::token_from(|name| std::env::var(name).ok())?;
                tracing::info!(endpoint = %endpoint, concurrency = arguments.concurrency, "using a service");
                pulumi::Connection::new(http, &endpoint, &token)?
            }
            None => {
                let organization = |target: &&Target| emulator::pulumi::OrganizationSeed {
                    name: target.organization.clone(),
                    ..emulator::pulumi::OrganizationSeed::default()
                };
                let options = emulator::pulumi::Options {
                    state: emulator::StateLocation::File(state_folder()?.join("pulumi.sqlite")),
                    organizations: targets.iter().map(organization).collect(),
                    any_stack: true,
                    ..emulator::pulumi::Options::default()
                };
                let running = emulator::pulumi::start(options)
                    .await
                    .context("cannot start the embedded service")?;
                let endpoint = running
                    .url()
                    .parse()
                    .context("the embedded service has no usable address")?;
                self.embedded.push((Provider::Pulumi, running));
                pulumi::Connection::new(
                    http,
                    &endpoint,
                    &SecretString::from("embedded".to_owned()),
                )?
            }
        };
        self.pulumi = Some(connection);
        Ok(())
    }

    /// Starts the embedded service of a profile and connects to it.
    async fn embed_docker(
        &mut self,
        http: &HttpClient,
        profile: Profile,
        targets: &[&Target],
    ) -> anyhow::Result<()> {
        let folder = state_folder()?;
        let options = emulator::Options {
            profile: emulator_profile(profile),
            state: emulator::StateLocation::File(folder.join(format!("docker-{profile}.sqlite"))),
            organizations: targets
                .iter()
                .filter(|target| target.profile() == Some(profile))
                .map(|t| seed(t))
                .collect(),
            ..emulator::Options::default()
        };
        let running = emulator::start(options)
            .await
            .context("cannot start the embedded service")?;
        let endpoint = running
            .url()
            .parse()
            .context("the embedded service has no usable address")?;
        let secret = SecretString::from("embedded".to_owned());
        let credentials = Credentials::SignIn {
            identifier: "embedded".to_owned(),
            secret,
        };
        self.connections
            .insert(profile, Connection::new(http, &endpoint, credentials)?);
        self.embedded.push((Provider::Docker, running));
        Ok(())
    }

    /// A reader for a target's organization: it has no way to write.
    ///
    /// # Errors
    /// The organization's name cannot be part of a URL.
    pub(super) fn reader(&self, target: &Target) -> anyhow::Result<provider::Reader> {
        match &target.settings {
            Settings::Docker(_) => Ok(provider::Reader::Docker(self.docker_reader(target)?)),
            Settings::Pulumi(_) => Ok(provider::Reader::Pulumi(self.pulumi_reader(target)?)),
            Settings::Chainloop(_) => {
                Ok(provider::Reader::Chainloop(self.chainloop_reader(target)?))
            }
        }
    }

    /// A reader for a target's organization at the Docker AI Governance API.
    ///
    /// # Errors
    /// The target is at another service, or the organization's name cannot be part of a URL.
    pub(super) fn docker_reader(&self, target: &Target) -> anyhow::Result<Reader> {
        let (connection, organization, profile) = self.find(target)?;
        Ok(connection.reader(&organization, profile))
    }

    /// A writer for a target's organization at the Docker AI Governance API.
    ///
    /// # Errors
    /// As for [`docker_reader`](Self::docker_reader).
    pub(super) fn docker_writer(
        &self,
        target: &Target,
    ) -> anyhow::Result<crate::service::docker::client::Writer> {
        let (connection, organization, profile) = self.find(target)?;
        Ok(connection.writer(&organization, profile))
    }

    /// A reading of all that a target's organization holds, which shows how far it is.
    ///
    /// # Errors
    /// The organization's name cannot be part of a URL.
    pub(super) fn reading(&self, target: &Target) -> anyhow::Result<Reading> {
        Ok(self.reading_with(self.reader(target)?, target))
    }

    /// A reading by a reader that was told what to ask for.
    pub(super) fn reading_with(&self, reader: provider::Reader, target: &Target) -> Reading {
        Reading::new(reader, &target.name, &self.readings, self.console)
    }

    /// All policies of a target's organization, for questions about access.
    ///
    /// # Errors
    /// They cannot be read, or the target's service has no rules of access.
    pub(super) async fn docker_live(&self, target: &Target) -> anyhow::Result<LiveState> {
        match self.reading(target)?.live_state().await? {
            Live::Docker(live) => Ok(live),
            Live::Pulumi(_) | Live::Chainloop(_) => bail!(
                "target `{}` is of the provider `{}`, which has no rules of access; choose another one with --target",
                target.name,
                target.provider().as_str()
            ),
        }
    }

    /// A writer for a target's organization.
    ///
    /// # Errors
    /// The organization's name cannot be part of a URL.
    pub(super) fn writer(&self, target: &Target) -> anyhow::Result<provider::Writer> {
        match &target.settings {
            Settings::Docker(_) => {
                let (connection, organization, profile) = self.find(target)?;
                Ok(provider::Writer::Docker(
                    connection.writer(&organization, profile),
                ))
            }
            Settings::Pulumi(_) => Ok(provider::Writer::Pulumi(self.pulumi_writer(target)?)),
            Settings::Chainloop(_) => {
                Ok(provider::Writer::Chainloop(self.chainloop_writer(target)?))
            }
        }
    }

    /// What a plan says about a target.
    ///
    /// # Errors
    /// The target is not one of those that the session was opened for.
    pub(super) fn info(&self, target: &Target) -> anyhow::Result<TargetInfo> {
        let endpoint = if self
            .embedded
            .iter()
            .any(|(provider, _)| *provider == target.provider())
        {
            "embedded".to_owned()
        } else {
            self.endpoint(target)?
        };
        let Target {
            name,
            organization,
            paths: _,
            unmanaged: _,
            limits: _,
            settings: _,
        } = target;
        Ok(TargetInfo {
            name: name.clone(),
            provider: target.provider(),
            organization: organization.clone(),
            profile: target.profile(),
            endpoint,
        })
    }

    fn endpoint(&self, target: &Target) -> anyhow::Result<String> {
        Ok(match &target.settings {
            Settings::Docker(_) => self.find(target)?.0.endpoint().to_string(),
            Settings::Pulumi(_) => self.find_pulumi(target)?.0.endpoint().to_string(),
            Settings::Chainloop(_) => self.find_chainloop(target)?.0.endpoint().to_string(),
        })
    }

    /// A reader for a target's organization at Pulumi Cloud.
    ///
    /// # Errors
    /// The target is at another service, or the organization's name cannot be part of a URL.
    pub(super) fn pulumi_reader(&self, target: &Target) -> anyhow::Result<pulumi::Reader> {
        let (connection, organization) = self.find_pulumi(target)?;
        Ok(connection.reader(&organization))
    }

    /// A writer for a target's organization at Pulumi Cloud.
    ///
    /// # Errors
    /// As for [`pulumi_reader`](Self::pulumi_reader).
    pub(super) fn pulumi_writer(&self, target: &Target) -> anyhow::Result<pulumi::Writer> {
        let (connection, organization) = self.find_pulumi(target)?;
        Ok(connection.writer(&organization))
    }

    fn find_pulumi(&self, target: &Target) -> anyhow::Result<(&pulumi::Connection, Organization)> {
        let organization = organization(target)?;
        match (&self.pulumi, target.provider()) {
            (Some(connection), Provider::Pulumi) => Ok((connection, organization)),
            (Some(_) | None, Provider::Docker | Provider::Pulumi | Provider::Chainloop) => {
                bail!("target `{}` has no connection", target.name)
            }
        }
    }

    /// Tells what services warned of, and stops the embedded ones, if there are any.
    pub(super) async fn close(self) {
        for warning in self
            .pulumi
            .iter()
            .flat_map(pulumi::Connection::take_warnings)
        {
            self.console
                .warn(&format!("The service warns: {}", neutral(&warning)));
        }
        for (_, running) in self.embedded {
            running.shutdown().await;
        }
    }

    fn find(&self, target: &Target) -> anyhow::Result<(&Connection, Organization, Profile)> {
        let organization = organization(target)?;
        let profile = target.profile();
        match profile.and_then(|profile| Some((self.connections.get(&profile)?, profile))) {
            Some((connection, profile)) => Ok((connection, organization, profile)),
            None => bail!("target `{}` has no connection", target.name),
        }
    }
}

fn organization(target: &Target) -> anyhow::Result<Organization> {
    let parsed = target.organization.parse();
    parsed.with_context(|| {
        format!(
            "target `{}`: the organization's name cannot be used",
            target.name
        )
    })
}

/// The folder for what is kept between runs. It is made, and git ignores it.
fn state_folder() -> anyhow::Result<&'static Path> {
    let folder = Path::new(STATE_FOLDER);
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        std::fs::write(&ignore, "*\n")
            .with_context(|| format!("cannot write {}", ignore.display()))?;
    }
    Ok(folder)
}

fn emulator_profile(profile: Profile) -> emulator::Profile {
    match profile {
        Profile::Seed => emulator::Profile::Seed,
        Profile::Intermediate => emulator::Profile::Intermediate,
        Profile::Current => emulator::Profile::Current,
    }
}

/// The embedded service knows the teams that the target names.
fn seed(target: &Target) -> emulator::OrganizationSeed {
    let teams = target
        .teams()
        .iter()
        .map(|(name, uuid)| emulator::TeamSeed {
            uuid: uuid.clone(),
            name: name.clone(),
        });
    emulator::OrganizationSeed {
        name: target.organization.clone(),
        teams: teams.collect(),
        ..emulator::OrganizationSeed::default()
    }
}
