//! What the arguments of the emulators of all services have in common.

use std::error::Error as StdError;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use camino::Utf8PathBuf;
use clap::Args;
use emulator::{EmulatorError, RunningEmulator, StateLocation};
use secrecy::SecretString;
use thiserror::Error;

use crate::workspace::file::read_text;

/// Maximum size of a seed file in bytes.
const MAX_SEED: u64 = 64 << 20;

/// Why an emulator does not start.
#[derive(Debug, Error)]
pub enum EmulateError {
    /// The seed file cannot be read.
    #[error("cannot read the seed file `{path}`")]
    Unreadable {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The seed file is invalid.
    #[error("the seed file `{path}` cannot be used")]
    Invalid {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        cause: Box<dyn StdError + Send + Sync>,
    },
    /// The emulator does not start.
    #[error(transparent)]
    Start(#[from] EmulatorError),
}

/// An emulator that serves requests.
pub struct Serving {
    /// The emulator.
    pub running: RunningEmulator,
    /// The file to write its port to.
    pub port_file: Option<Utf8PathBuf>,
}

/// Where a service listens.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ListenArgs {
    /// Loopback address to listen on; port 0 selects a free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// Write the port to this file once the service listens.
    #[arg(long, value_name = "FILE")]
    pub(crate) port_file: Option<Utf8PathBuf>,
}

/// What a service holds.
#[derive(Debug, Args)]
#[command(next_help_heading = "State")]
pub(crate) struct StateArgs {
    /// Keep the state in this SQLite file (default: in memory).
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<Utf8PathBuf>,
    /// JSON file with the initial contents of organizations.
    ///
    /// See docs/reference/emulator.md for its format.
    #[arg(long, value_name = "FILE")]
    pub(crate) seed_file: Option<Utf8PathBuf>,
    /// Organization to serve (repeatable).
    #[arg(long, value_name = "NAME")]
    pub(crate) organization: Vec<String>,
}

/// How requests are served and told.
#[derive(Debug, Args)]
#[command(next_help_heading = "Requests")]
pub(crate) struct RequestArgs {
    /// Delay of each request in milliseconds.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    pub(crate) latency: u64,
    /// Maximum requests per second; others get 429 with `Retry-After`.
    #[arg(long, value_name = "N")]
    pub(crate) requests_per_second: Option<NonZeroU32>,
    /// Append a JSON line for each request to this file, without credentials.
    #[arg(long, value_name = "FILE")]
    pub(crate) request_log: Option<Utf8PathBuf>,
}

/// Who may send requests, at services with access tokens.
#[derive(Debug, Args)]
#[command(next_help_heading = "Authentication")]
pub(crate) struct AccessToken {
    /// Accept only this access token.
    ///
    /// Without it, any token that is not empty is accepted. The variable keeps it out of the process list.
    #[arg(
        long,
        env = "POLWARDEN_EMULATOR_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub(crate) token: Option<SecretString>,
}

/// Faults on purpose. Each service has kinds of its own.
#[derive(Debug, Args)]
#[command(next_help_heading = "Faults")]
pub(crate) struct FaultArgs<F>
where
    F: FromStr + Clone + Send + Sync + 'static,
    F::Err: StdError + Send + Sync + 'static,
{
    /// Inject a fault, such as `after-500@write:3` (repeatable).
    ///
    /// See "Faults" below for SPEC.
    #[arg(long = "fault", value_name = "SPEC")]
    pub(crate) faults: Vec<F>,
}

/// The grammar of `--fault`, from what differs: what another writer can do, operations to name, and examples.
macro_rules! fault_help {
    ($changes:literal, $operations:literal, $examples:literal) => {
        concat!(
            "\
Faults: SPEC is KIND, or KIND@WHERE

  KIND says what goes wrong. `before-` means that the service does nothing of what is asked,
  `after-` that it has done it.
    before-STATUS, after-STATUS     an error is the answer; before-429=2s adds Retry-After: 2
    before-reset, after-reset       the connection is reset, without an answer
    before-hang, after-hang         no answer comes until the client or the emulator gives up
    before-crash, after-crash       the emulator ends for good
    before-undecodable, after-undecodable
                                    the answer is 200 with a text that is not JSON
    truncated                       it is done; the connection closes after half of the answer
    delay=DURATION                  the request waits first: delay=200ms
    revoke-tokens                   all tokens are revoked first, so this request gets a 401
",
            $changes,
            "
                                    another writer does this first. `any`, or no name, is the object
                                    that the request is about, or else the oldest
  Without a word for it, reset, hang and crash come before, and undecodable after.

  WHERE says at which requests, all of them if it is left out; joined by commas:
    N                               the N-th request since the start
    reads, writes, OPERATION        those alone; an operation is, for example, ",
            $operations,
            "
    read:N, write:N, OPERATION:N    the N-th of those; also N..M, and N.. for all from the N-th on
    p=0.05,seed=7                   with this probability; a seed always draws the same
    once, times=N                   no more often than this

Examples:
",
            $examples
        )
    };
}
pub(crate) use fault_help;

/// An address with a port, or one without, for a free port.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let free = |ip: IpAddr| SocketAddr::new(ip, 0);
    text.parse()
        .or_else(|_| text.parse().map(free))
        .map_err(|_| "expected an address such as 127.0.0.1:8080".to_owned())
}

impl StateArgs {
    /// Reads the seed file, if there is one.
    pub(crate) fn seed<S, E: StdError + Send + Sync + 'static>(
        &self,
        read: impl FnOnce(&str) -> Result<S, E>,
    ) -> Result<Option<S>, EmulateError> {
        let Some(path) = &self.seed_file else {
            return Ok(None);
        };
        let text =
            read_text(path.as_std_path(), MAX_SEED).map_err(|cause| EmulateError::Unreadable {
                path: path.clone(),
                cause,
            })?;
        read(&text)
            .map(Some)
            .map_err(|error| EmulateError::Invalid {
                path: path.clone(),
                cause: error.into(),
            })
    }

    pub(crate) fn location(&self) -> StateLocation {
        self.state.as_ref().map_or(StateLocation::Memory, |path| {
            StateLocation::File(path.into())
        })
    }
}

impl RequestArgs {
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency)
    }
}
