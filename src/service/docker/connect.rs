//! Connections to the Docker AI Governance API, and the embedded service.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use secrecy::SecretString;

use super::client::{
    DEFAULT_ENDPOINT, DockerConnection, DockerCredentials, DockerReader, DockerWriter,
    ENDPOINT_VARIABLE, IDENTIFIER_VARIABLE, OPERATIONS, SECRET_VARIABLE, TOKEN_VARIABLE,
    credentials_from,
};
use super::target::{DockerTarget, PolicyWriter};
use crate::plan::{EMBEDDED, TargetInfo};
use crate::service::connect::{
    ConnectError, Connecting, ServiceInfo, address, embedded_seed, organization, state_file,
};
use emulator::{DockerOrganizationSeed, DockerSeed, RunningEmulator, StateLocation, TeamSeed};
use http::Endpoint;
use http::OrganizationName;
use manifest::config::{Provider, Target};
use model::docker::Profile;

/// What others must know about the service.
pub const SERVICE: ServiceInfo = ServiceInfo {
    provider: Provider::Docker,
    endpoint_variable: ENDPOINT_VARIABLE,
    credential_variables: &[IDENTIFIER_VARIABLE, SECRET_VARIABLE, TOKEN_VARIABLE],
    default_endpoint: DEFAULT_ENDPOINT,
    operations: OPERATIONS,
    takes_effect_later: true,
};

/// One connection for each shape of the API. A real service shares one between all of them.
pub struct DockerConnections {
    by_profile: BTreeMap<Profile, DockerConnection>,
    embedded: Vec<RunningEmulator>,
}

impl DockerConnections {
    /// Connects to an endpoint, or else starts the embedded service. Nothing is sent yet.
    ///
    /// # Errors
    /// There are no usable credentials, or the embedded service does not start.
    pub async fn open(
        connecting: Connecting<'_>,
        endpoint: Option<Endpoint>,
    ) -> Result<Self, ConnectError> {
        let mut connections = Self {
            by_profile: BTreeMap::new(),
            embedded: Vec::new(),
        };
        let profiles = connecting.targets.iter();
        let profiles = profiles.filter_map(|target| target.profile());
        if let Some(endpoint) = endpoint {
            let credentials = credentials_from(|name| std::env::var(name).ok())
                .map_err(|error| ConnectError::OtherCredentials(error.into()))?;
            let connection = DockerConnection::new(connecting.http, &endpoint, credentials)?;
            connecting.log(&endpoint);
            let shared = profiles.map(|profile| (profile, connection.clone()));
            connections.by_profile.extend(shared);
            return Ok(connections);
        }
        for profile in profiles {
            if !connections.by_profile.contains_key(&profile) {
                connections.embed(connecting, profile).await?;
            }
        }
        Ok(connections)
    }

    /// Starts the embedded service of a profile and connects to it.
    async fn embed(
        &mut self,
        connecting: Connecting<'_>,
        profile: Profile,
    ) -> Result<(), ConnectError> {
        let file = state_file(&format!("docker-{profile}.sqlite"))?;
        let targets = connecting.targets.iter();
        let options = emulator::DockerOptions {
            profile: emulator_profile(profile),
            state: StateLocation::File(file),
            seed: embedded_seed(SERVICE.provider.as_str(), DockerSeed::from_json)?,
            organizations: targets
                .filter(|target| target.profile() == Some(profile))
                .map(|target| seed(target))
                .collect(),
            ..emulator::DockerOptions::default()
        };
        let running = emulator::start(options)
            .await
            .map_err(ConnectError::Start)?;
        let credentials = DockerCredentials::SignIn {
            identifier: "embedded".to_owned(),
            secret: SecretString::from("embedded".to_owned()),
        };
        let connection = DockerConnection::new(connecting.http, &address(&running)?, credentials)?;
        self.by_profile.insert(profile, connection);
        self.embedded.push(running);
        Ok(())
    }

    fn find(
        &self,
        target: &Target,
    ) -> Result<(&DockerConnection, OrganizationName, Profile), ConnectError> {
        let organization = organization(target)?;
        let profile = target.profile();
        let found = profile.and_then(|profile| Some((self.by_profile.get(&profile)?, profile)));
        let (connection, profile) = found.ok_or_else(|| ConnectError::not_connected(target))?;
        Ok((connection, organization, profile))
    }

    /// The endpoint of a target: its URL, or `embedded`.
    ///
    /// # Errors
    /// The target has no connection.
    pub fn endpoint(&self, target: &Target) -> Result<String, ConnectError> {
        if !self.embedded.is_empty() {
            return Ok(EMBEDDED.to_owned());
        }
        Ok(self.find(target)?.0.endpoint().to_string())
    }

    /// The reader of a target's organization.
    ///
    /// # Errors
    /// The target has no connection.
    pub fn reader(&self, target: &Target) -> Result<DockerReader, ConnectError> {
        let (connection, organization, profile) = self.find(target)?;
        Ok(DockerReader::new(connection, &organization, profile))
    }

    /// A target, to read it.
    ///
    /// # Errors
    /// The target has no connection.
    pub fn target(&self, target: &Target, info: TargetInfo) -> Result<DockerTarget, ConnectError> {
        let reader = self.reader(target)?;
        Ok(DockerTarget::new(info, target.teams().clone(), reader))
    }

    /// A target, to write to it.
    ///
    /// # Errors
    /// The target has no connection.
    pub fn writable(
        &self,
        target: &Target,
        info: TargetInfo,
    ) -> Result<DockerTarget<PolicyWriter>, ConnectError> {
        let (connection, organization, profile) = self.find(target)?;
        let writer = DockerWriter::new(connection, &organization, profile);
        Ok(self.target(target, info)?.with_writer(writer))
    }

    /// How far the clock of a target's server is ahead, by its last answer.
    ///
    /// # Errors
    /// The target has no connection.
    pub fn clock_offset(&self, target: &Target) -> Result<Option<SignedDuration>, ConnectError> {
        let (connection, ..) = self.find(target)?;
        Ok(connection.clock_offset())
    }

    /// Stops the embedded service.
    pub async fn close(self) {
        for running in self.embedded {
            running.shutdown().await;
        }
    }
}

fn emulator_profile(profile: Profile) -> emulator::EmulatorProfile {
    match profile {
        Profile::Seed => emulator::EmulatorProfile::Seed,
        Profile::Intermediate => emulator::EmulatorProfile::Intermediate,
        Profile::Current => emulator::EmulatorProfile::Current,
    }
}

/// The embedded service knows the teams that the target names.
fn seed(target: &Target) -> DockerOrganizationSeed {
    let teams = target.teams().iter().map(|(name, uuid)| TeamSeed {
        uuid: uuid.clone(),
        name: name.clone(),
    });
    DockerOrganizationSeed {
        name: target.organization.clone(),
        teams: teams.collect(),
        ..DockerOrganizationSeed::default()
    }
}
