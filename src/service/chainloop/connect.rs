//! Connections to Chainloop, and the embedded service.

use secrecy::SecretString;

use super::client::{
    ChainloopConnection, ChainloopReader, ChainloopWriter, DEFAULT_ENDPOINT, ENDPOINT_VARIABLE,
    OPERATIONS, TOKEN_VARIABLE, token_from,
};
use super::target::{ChainloopTarget, DocumentWriter};
use crate::plan::{EMBEDDED, TargetInfo};
use crate::service::connect::{
    ConnectError, Connecting, ServiceInfo, address, organization, state_file,
};
use emulator::chainloop::{ChainloopOptions, ChainloopOrganizationSeed, RawSchema, start};
use emulator::{RunningEmulator, StateLocation};
use http::Endpoint;
use jiff::SignedDuration;
use manifest::config::{Provider, Target};

/// What others must know about the service.
pub const SERVICE: ServiceInfo = ServiceInfo {
    provider: Provider::Chainloop,
    endpoint_variable: ENDPOINT_VARIABLE,
    credential_variables: &[TOKEN_VARIABLE],
    default_endpoint: DEFAULT_ENDPOINT,
    operations: OPERATIONS,
    takes_effect_later: false,
};

/// The connection that all targets share.
pub struct ChainloopConnections {
    connection: ChainloopConnection,
    embedded: Option<RunningEmulator>,
}

impl ChainloopConnections {
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
                connection: ChainloopConnection::new(http, &endpoint, &token)?,
                embedded: None,
            });
        }
        let organization = |target: &&Target| ChainloopOrganizationSeed {
            name: target.organization.clone(),
            ..ChainloopOrganizationSeed::default()
        };
        let options = ChainloopOptions {
            state: StateLocation::File(state_file("chainloop.sqlite")?),
            organizations: targets.iter().map(organization).collect(),
            // Each target says how it encodes documents; the embedded service takes both.
            raw_schema: RawSchema::Either,
            ..ChainloopOptions::default()
        };
        let running = start(options).await.map_err(ConnectError::Start)?;
        let token = SecretString::from("embedded".to_owned());
        Ok(Self {
            connection: ChainloopConnection::new(http, &address(&running)?, &token)?,
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

    /// The reader of a target's organization; it asks for nothing yet.
    ///
    /// # Errors
    /// The organization's name cannot be used.
    pub fn reader(&self, target: &Target) -> Result<ChainloopReader, ConnectError> {
        Ok(ChainloopReader::new(
            &self.connection,
            &organization(target)?,
        ))
    }

    /// A target, to read it.
    ///
    /// # Errors
    /// The organization's name cannot be used.
    pub fn target(
        &self,
        target: &Target,
        info: TargetInfo,
    ) -> Result<ChainloopTarget, ConnectError> {
        Ok(ChainloopTarget::new(info, self.reader(target)?))
    }

    /// A target, to write to it.
    ///
    /// # Errors
    /// The organization's name cannot be used.
    pub fn writable(
        &self,
        target: &Target,
        info: TargetInfo,
    ) -> Result<ChainloopTarget<DocumentWriter>, ConnectError> {
        let settings = target.chainloop().cloned().unwrap_or_default();
        let organization = organization(target)?;
        let writer = ChainloopWriter::new(
            &self.connection,
            &organization,
            settings.raw_schema_encoding,
        );
        let readable = self.target(target, info)?;
        Ok(readable.with_writer(writer, settings.writes))
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
