//! What connecting to a service has in common: endpoints, the state of embedded services, errors.

use std::error::Error as StdError;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;

use thiserror::Error;

use emulator::{EmulatorError, RunningEmulator};
use http::operation::ApiOperation;
use http::{AccessTokenError, ClientError, ConnectionError, Endpoint, EndpointError, HttpClient};
use http::{OrganizationName, OrganizationNameError};
use manifest::config::{Provider, Target};

/// The folder, beside `polwarden.yaml`, for what is kept between runs.
const STATE_FOLDER: &str = ".polwarden";

/// What everything that is not specific to one service must know about each of them.
#[derive(Debug)]
pub struct ServiceInfo {
    /// The service.
    pub provider: Provider,
    /// The environment variable for another endpoint.
    pub endpoint_variable: &'static str,
    /// The public endpoint.
    pub default_endpoint: &'static str,
    /// The operations of its API.
    pub operations: &'static [ApiOperation],
    /// Whether those who use the service learn of a change minutes later.
    pub takes_effect_later: bool,
}

/// What a connection is made from.
#[derive(Clone, Copy)]
pub struct Connecting<'a> {
    pub http: &'a HttpClient,
    /// How many requests may be under way at a time.
    pub concurrency: NonZeroUsize,
    /// The targets at the service.
    pub targets: &'a [&'a Target],
}

/// Why there is no connection to a service.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// An endpoint that was given is not usable.
    #[error("{what} cannot be used")]
    Choice {
        /// The option or the variable.
        what: &'static str,
        /// Why.
        #[source]
        cause: Box<dyn StdError + Send + Sync>,
    },
    /// An endpoint is not usable.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The HTTP client cannot be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The HTTP client cannot be set up, or the credentials cannot be sent.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// There are no usable credentials.
    #[error(transparent)]
    Credentials(#[from] AccessTokenError),
    /// There are no usable credentials for a service that takes several kinds.
    #[error(transparent)]
    OtherCredentials(Box<dyn StdError + Send + Sync>),
    /// The embedded service does not start.
    #[error("cannot start the embedded service")]
    Start(#[source] EmulatorError),
    /// The embedded service started at an unusable address.
    #[error("the embedded service has no usable address")]
    Address(#[source] EndpointError),
    /// The folder for the state of embedded services cannot be used.
    #[error("cannot {action} {path}")]
    State {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: String,
        /// Why it failed.
        #[source]
        cause: io::Error,
    },
    /// The organization's name cannot be part of a URL.
    #[error("target `{target}`: the organization's name cannot be used")]
    Organization {
        target: String,
        /// Why.
        #[source]
        cause: OrganizationNameError,
    },
    /// No connection was made for the target.
    #[error("target `{target}` has no connection")]
    NotConnected { target: String },
}

impl ConnectError {
    /// No connection was made for a target.
    pub fn not_connected(target: &Target) -> Self {
        Self::NotConnected {
            target: target.name.clone(),
        }
    }
}

impl Connecting<'_> {
    /// Logs which endpoint is used.
    pub fn log(&self, endpoint: &Endpoint) {
        tracing::info!(endpoint = %endpoint, concurrency = self.concurrency, "using a service");
    }
}

/// The organization of a target.
///
/// # Errors
/// Its name cannot be part of a URL.
pub(crate) fn organization(target: &Target) -> Result<OrganizationName, ConnectError> {
    target
        .organization
        .parse()
        .map_err(|cause| ConnectError::Organization {
            target: target.name.clone(),
            cause,
        })
}

/// The address of an embedded service.
///
/// # Errors
/// It is not usable.
pub(crate) fn address(running: &RunningEmulator) -> Result<Endpoint, ConnectError> {
    running.url().parse().map_err(ConnectError::Address)
}

/// The folder for what is kept between runs. It is created, and git ignores it.
///
/// # Errors
/// It cannot be created.
pub(crate) fn state_folder() -> Result<&'static Path, ConnectError> {
    let folder = Path::new(STATE_FOLDER);
    let state = |action, path: &Path| {
        let path = path.display().to_string();
        move |cause| ConnectError::State {
            action,
            path,
            cause,
        }
    };
    std::fs::create_dir_all(folder).map_err(state("create", folder))?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        std::fs::write(&ignore, "*\n").map_err(state("write", &ignore))?;
    }
    Ok(folder)
}
