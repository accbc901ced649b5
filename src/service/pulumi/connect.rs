//! Connections to Pulumi Cloud, and the embedded service.

use secrecy::SecretString;

use super::client::{
    DEFAULT_ENDPOINT, ENDPOINT_VARIABLE, OPERATIONS, PulumiConnection, PulumiReader, PulumiWriter,
    TOKEN_VARIABLE, token_from,
};
use super::target::{PackWriter, PulumiTarget};
use crate::plan::{EMBEDDED, TargetInfo};
use crate::service::connect::{
    ConnectError, Connecting, ServiceInfo, address, organization, state_file,
};
use emulator::pulumi::{PulumiOptions, PulumiOrganizationSeed, start};
use emulator::{RunningEmulator, StateLocation};
use http::Endpoint;
use jiff::SignedDuration;
use manifest::config::{Provider, Target};

/// What others must know about the service.
pub const SERVICE: ServiceInfo = ServiceInfo {
    provider: Provider::Pulumi,
    endpoint_variable: ENDPOINT_VARIABLE,
    credential_variables: &[TOKEN_VARIABLE],
    default_endpoint: DEFAULT_ENDPOINT,
    operations: OPERATIONS,
    takes_effect_later: false,
};

/// The connection that all targets share.
pub struct PulumiConnections {
    connection: PulumiConnection,
    embedded: Option<RunningEmulator>,
}

impl PulumiConnections {
    /// Connects to an endpoint, or else starts the embedded service. Nothing is sent yet.
    ///
    /// # Errors
    /// There are no usable credentials, or the embedded service does not start.
    pub async fn open(
        connecting: Connecting<'_>,
        endpoint: Option<Endpoint>,
    ) -> Result<Self, ConnectError> {
        let Connecting { http, targets, .. } = connecting;
        if let Some(endpoint) = endpoint {
            let token = token_from(|name| std::env::var(name).ok())?;
            connecting.log(&endpoint);
            return Ok(Self {
                connection: PulumiConnection::new(http, &endpoint, &token)?,
                embedded: None,
            });
        }
        let organization = |target: &&Target| PulumiOrganizationSeed {
            name: target.organization.clone(),
            ..PulumiOrganizationSeed::default()
        };
        let options = PulumiOptions {
            state: StateLocation::File(state_file("pulumi.sqlite")?),
            organizations: targets.iter().map(organization).collect(),
            any_stack: true,
            ..PulumiOptions::default()
        };
        let running = start(options).await.map_err(ConnectError::Start)?;
        let token = SecretString::from("embedded".to_owned());
        Ok(Self {
            connection: PulumiConnection::new(http, &address(&running)?, &token)?,
            embedded: Some(running),
        })
    }

    /// The endpoint of all targets: its URL, or `embedded`.
    pub fn endpoint(&self) -> String {
        match self.embedded {
            Some(_) => EMBEDDED.to_owned(),
            None => self.connection.endpoint().to_string(),
        }
    }

    /// The reader of a target's organization.
    ///
    /// # Errors
    /// The organization's name cannot be used.
    pub fn reader(&self, target: &Target) -> Result<PulumiReader, ConnectError> {
        Ok(PulumiReader::new(&self.connection, &organization(target)?))
    }

    /// A target, to read it.
    ///
    /// # Errors
    /// The organization's name cannot be used.
    pub fn target(&self, target: &Target, info: TargetInfo) -> Result<PulumiTarget, ConnectError> {
        Ok(PulumiTarget::new(info, self.reader(target)?))
    }

    /// A target, to write to it.
    ///
    /// # Errors
    /// The organization's name cannot be used.
    pub fn writable(
        &self,
        target: &Target,
        info: TargetInfo,
    ) -> Result<PulumiTarget<PackWriter>, ConnectError> {
        let writer = PulumiWriter::new(&self.connection, &organization(target)?);
        Ok(self.target(target, info)?.with_writer(writer))
    }

    /// What the service warned of since this was asked last.
    pub fn take_warnings(&self) -> Vec<String> {
        self.connection.take_warnings()
    }

    /// How far the clock of the server is ahead, by its last answer.
    pub fn clock_offset(&self) -> Option<SignedDuration> {
        self.connection.clock_offset()
    }

    /// Stops the embedded service.
    pub async fn close(self) {
        if let Some(running) = self.embedded {
            running.shutdown().await;
        }
    }
}
