//! What connecting to a service has in common: endpoints, the state of embedded services, errors.

use std::error::Error as StdError;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::workspace::file::read_text;
use crate::workspace::state;
use emulator::{EmulatorError, RunningEmulator, SeedError};
use http::operation::ApiOperation;
use http::{AccessTokenError, ClientError, ConnectionError, Endpoint, EndpointError, HttpClient};
use http::{OrganizationName, OrganizationNameError};
use manifest::config::{Provider, Target};

/// What everything that is not specific to one service must know about each of them.
#[derive(Debug)]
pub struct ServiceInfo {
    /// The service.
    pub provider: Provider,
    /// The environment variable for another endpoint.
    pub endpoint_variable: &'static str,
    /// The environment variables with credentials.
    pub credential_variables: &'static [&'static str],
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

/// Maximum size of the file with the initial contents of an embedded service, in bytes.
const MAX_SEED_BYTES: u64 = 1 << 20;

/// The initial contents of an embedded service, `embedded-SERVICE.json` next to the configuration, if
/// there are any. They only affect the embedded service, so a change may contain the file.
///
/// # Errors
/// It cannot be read, is a link, or is invalid.
pub(crate) fn embedded_seed<T>(
    service: &str,
    parse: impl FnOnce(&str) -> Result<T, SeedError>,
) -> Result<Option<T>, ConnectError> {
    let path = PathBuf::from(format!("embedded-{service}.json"));
    let failed = |cause| ConnectError::State {
        action: "read",
        path: path.display().to_string(),
        cause,
    };
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(failed(io::Error::other("it is not a regular file"))),
    }
    let text = read_text(&path, MAX_SEED_BYTES).map_err(failed)?;
    let seed = parse(&text).map_err(|error| failed(io::Error::other(error)))?;
    Ok(Some(seed))
}

/// The address of an embedded service.
///
/// # Errors
/// It is not usable.
pub(crate) fn address(running: &RunningEmulator) -> Result<Endpoint, ConnectError> {
    running.url().parse().map_err(ConnectError::Address)
}

/// The file for the state of an embedded service, in the state folder, which is created.
///
/// # Errors
/// The folder cannot be created; or the file is a link or came with the repository.
pub(crate) fn state_file(name: &str) -> Result<PathBuf, ConnectError> {
    let failed = |action, path: &Path| {
        let path = path.display().to_string();
        move |cause| ConnectError::State {
            action,
            path,
            cause,
        }
    };
    let folder = state::create_folder(None).map_err(failed("create", Path::new(state::FOLDER)))?;
    let path = folder.join(name);
    // SQLite keeps its log beside the file, and follows links.
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let path = folder.join(format!("{name}{suffix}"));
        match state::check_own(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            checked => checked.map_err(failed("use", &path))?,
        }
    }
    // SQLite gives the files beside it the mode of this one.
    drop(state::append_private(&path).map_err(failed("open", &path))?);
    Ok(path)
}
