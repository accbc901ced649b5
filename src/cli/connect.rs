//! From targets to readers and writers: endpoints, credentials, and the embedded service.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use secrecy::SecretString;

use super::console::Console;
use super::progress::{Reading, Readings};
use crate::emulator;
use crate::manifest::config::{Provider, Settings, Target};
use crate::model::docker::Profile;
use crate::plan::TargetInfo;
use crate::provider;
use crate::provider::docker::{
    Connection, Credentials, DEFAULT_ENDPOINT, ENDPOINT_VARIABLE, EndpointChoice, Organization, Reader,
    credentials_from,
};
use crate::provider::http::{EndpointError, HttpClient, HttpOptions};

/// The folder, beside `polwarden.yaml`, for what is kept between runs.
const STATE_FOLDER: &str = ".polwarden";

/// How to reach the services.
#[derive(Debug, Args)]
pub(super) struct Connect {
    /// Where a service is: `docker=URL`, or `docker=embedded` for one that runs inside this command and keeps its
    /// state in `.polwarden/`. The variable POLWARDEN_DOCKER_ENDPOINT has the same effect.
    #[arg(long = "endpoint", value_name = "PROVIDER=URL|embedded")]
    // Read later than other arguments: clap repeats a wrong value in its error, and this one may hold a password.
    endpoints: Vec<String>,
    /// How many requests may be under way at a time.
    #[arg(long, value_name = "N", default_value = "16")]
    pub(super) concurrency: NonZeroUsize,
}

#[derive(Debug, Clone)]
struct EndpointArgument {
    provider: Provider,
    choice: EndpointChoice,
}

#[derive(Debug, thiserror::Error)]
enum EndpointArgumentError {
    #[error("expected PROVIDER=URL or PROVIDER=embedded, for example docker=embedded")]
    Form,
    #[error("what stands before `=` is not a provider; this version knows docker")]
    Provider,
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

impl FromStr for EndpointArgument {
    type Err = EndpointArgumentError;
    fn from_str(text: &str) -> Result<Self, EndpointArgumentError> {
        let (provider, choice) = text.split_once('=').ok_or(EndpointArgumentError::Form)?;
        match provider {
            "docker" => Ok(Self { provider: Provider::Docker, choice: choice.parse()? }),
            _ => Err(EndpointArgumentError::Provider),
        }
    }
}

/// Open connections for the targets of one command.
pub(super) struct Session {
    connections: BTreeMap<Profile, Connection>,
    embedded: Vec<emulator::Running>,
    readings: Arc<Readings>,
    console: Console,
}

impl Session {
    /// Connects to what the targets need. Nothing is sent before the first read.
    ///
    /// # Errors
    /// An endpoint or credentials that cannot be used, or an embedded service that does not start.
    pub(super) async fn open(arguments: &Connect, targets: &[&Target], console: Console) -> anyhow::Result<Self> {
        let options = HttpOptions { concurrency: arguments.concurrency, ..HttpOptions::default() };
        let http = HttpClient::new(options);
        let (connections, embedded, readings) = (BTreeMap::new(), Vec::new(), Arc::default());
        let mut session = Self { connections, embedded, readings, console };
        if targets.is_empty() {
            return Ok(session);
        }
        match docker_choice(arguments)?.endpoint(DEFAULT_ENDPOINT)? {
            Some(endpoint) => {
                let credentials = credentials_from(|name| std::env::var(name).ok())?;
                let connection = Connection::new(&http, &endpoint, credentials)?;
                tracing::info!(endpoint = %endpoint, concurrency = arguments.concurrency, "using a service");
                for profile in targets.iter().filter_map(|target| target.profile()) {
                    session.connections.insert(profile, connection.clone());
                }
            }
            None => {
                for profile in targets.iter().filter_map(|target| target.profile()) {
                    if !session.connections.contains_key(&profile) {
                        session.embed(&http, profile, targets).await?;
                    }
                }
            }
        }
        Ok(session)
    }

    /// Starts the embedded service of a profile and connects to it.
    async fn embed(&mut self, http: &HttpClient, profile: Profile, targets: &[&Target]) -> anyhow::Result<()> {
        let folder = Path::new(STATE_FOLDER);
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let ignore = folder.join(".gitignore");
        if !ignore.exists() {
            std::fs::write(&ignore, "*\n").with_context(|| format!("cannot write {}", ignore.display()))?;
        }
        let options = emulator::Options {
            profile: emulator_profile(profile),
            state: emulator::StateLocation::File(folder.join(format!("docker-{profile}.sqlite"))),
            organizations: targets.iter().filter(|target| target.profile() == Some(profile)).map(|t| seed(t)).collect(),
            ..emulator::Options::default()
        };
        let running = emulator::start(options).await.context("cannot start the embedded service")?;
        let endpoint = running.url().parse().context("the embedded service has no usable address")?;
        let secret = SecretString::from("embedded".to_owned());
        let credentials = Credentials::SignIn { identifier: "embedded".to_owned(), secret };
        self.connections.insert(profile, Connection::new(http, &endpoint, credentials)?);
        self.embedded.push(running);
        Ok(())
    }

    /// A reader for a target's organization: it has no way to write.
    ///
    /// # Errors
    /// The organization's name cannot be part of a URL.
    pub(super) fn reader(&self, target: &Target) -> anyhow::Result<provider::Reader> {
        match &target.settings {
            Settings::Docker(_) => Ok(provider::Reader::Docker(self.docker_reader(target)?)),
            Settings::Pulumi(_) => bail!("target `{}` has no connection", target.name),
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

    /// A reading of all that a target's organization holds, which shows how far it is.
    ///
    /// # Errors
    /// The organization's name cannot be part of a URL.
    pub(super) fn reading(&self, target: &Target) -> anyhow::Result<Reading> {
        Ok(Reading::new(self.reader(target)?, &target.name, &self.readings, self.console))
    }

    /// A writer for a target's organization.
    ///
    /// # Errors
    /// The organization's name cannot be part of a URL.
    pub(super) fn writer(&self, target: &Target) -> anyhow::Result<provider::Writer> {
        match &target.settings {
            Settings::Docker(_) => {
                let (connection, organization, profile) = self.find(target)?;
                Ok(provider::Writer::Docker(connection.writer(&organization, profile)))
            }
            Settings::Pulumi(_) => bail!("target `{}` has no connection", target.name),
        }
    }

    /// What a plan says about a target.
    ///
    /// # Errors
    /// The target is not one of those that the session was opened for.
    pub(super) fn info(&self, target: &Target) -> anyhow::Result<TargetInfo> {
        let endpoint =
            if self.embedded.is_empty() { self.find(target)?.0.endpoint().to_string() } else { "embedded".to_owned() };
        let Target { name, organization, paths: _, unmanaged: _, limits: _, settings: _ } = target;
        Ok(TargetInfo {
            name: name.clone(),
            provider: target.provider(),
            organization: organization.clone(),
            profile: target.profile(),
            endpoint,
        })
    }

    /// Stops the embedded services, if there are any.
    pub(super) async fn close(self) {
        for running in self.embedded {
            running.shutdown().await;
        }
    }

    fn find(&self, target: &Target) -> anyhow::Result<(&Connection, Organization, Profile)> {
        let organization = target
            .organization
            .parse()
            .with_context(|| format!("target `{}`: the organization's name cannot be used", target.name))?;
        let profile = target.profile();
        match profile.and_then(|profile| Some((self.connections.get(&profile)?, profile))) {
            Some((connection, profile)) => Ok((connection, organization, profile)),
            None => bail!("target `{}` has no connection", target.name),
        }
    }
}

/// The last `--endpoint docker=…`, else the variable, else the public service.
fn docker_choice(arguments: &Connect) -> anyhow::Result<EndpointChoice> {
    let given: Result<Vec<EndpointArgument>, _> = arguments.endpoints.iter().map(|text| text.parse()).collect();
    let given = given.context("--endpoint cannot be used")?;
    if let Some(argument) = given.into_iter().rev().find(|argument| argument.provider == Provider::Docker) {
        return Ok(argument.choice);
    }
    match std::env::var(ENDPOINT_VARIABLE) {
        Ok(text) if !text.trim().is_empty() => {
            text.trim().parse().with_context(|| format!("{ENDPOINT_VARIABLE} cannot be used"))
        }
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(EndpointChoice::Default),
        Err(error) => Err(error).with_context(|| format!("{ENDPOINT_VARIABLE} cannot be used")),
    }
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
    let teams = target.teams().iter().map(|(name, uuid)| emulator::TeamSeed { uuid: uuid.clone(), name: name.clone() });
    emulator::OrganizationSeed {
        name: target.organization.clone(),
        teams: teams.collect(),
        ..emulator::OrganizationSeed::default()
    }
}
