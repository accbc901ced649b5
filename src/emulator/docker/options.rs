//! How an emulator is started, and why it may not start.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::fault::Fault;
use super::profile::Profile;
use super::seed::{OrganizationSeed, Seed};

/// How to start an emulator. `Options::default()` is an empty organization `my-org` in memory on a free port.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; loopback only. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The shape of the API that is served.
    pub profile: Profile,
    /// Where policies are kept.
    pub state: StateLocation,
    /// Organizations to create where the state does not hold them yet; their missing teams are added either way.
    /// Without any here, in the seed or in the state, there is one, named `my-org`.
    pub organizations: Vec<OrganizationSeed>,
    /// What organizations hold when they are created; `docs/emulator.md` describes the file.
    pub seed: Option<Seed>,
    /// The only secret (or password) that signs in; without it, any that is not empty does.
    pub secret: Option<SecretString>,
    /// How long a token is good for.
    pub token_ttl: Duration,
    /// How long every request waits before it is served; requests wait side by side.
    pub latency: Duration,
    /// A file that gets one JSON line for each request, without credentials.
    pub request_log: Option<PathBuf>,
    /// What the service has room for.
    pub limits: Limits,
    /// What goes wrong on purpose. A request meets all that fit it, but only the first of those that end it.
    pub faults: Vec<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            profile: Profile::default(),
            state: StateLocation::default(),
            organizations: Vec::new(),
            seed: None,
            secret: None,
            token_ttl: Duration::from_mins(10),
            latency: Duration::ZERO,
            request_log: None,
            limits: Limits::default(),
            faults: Vec::new(),
        }
    }
}

/// Where policies are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StateLocation {
    /// Nowhere: they end with the emulator.
    #[default]
    Memory,
    /// An SQLite file, created with its folder if missing; it survives a kill at any moment.
    File(PathBuf),
}

/// What the service has room for (the product manual's limits). Tests lower them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Policies in an organization.
    pub policies: usize,
    /// Rules in a policy.
    pub rules: usize,
    /// Bytes of a full policy as JSON.
    pub policy_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { policies: 100, rules: 250, policy_bytes: 400 * 1024 }
    }
}

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The address could be reached from other machines.
    #[error("the emulator serves loopback only and {address} is not; use an address such as 127.0.0.1:0")]
    NotLoopback {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("the emulator cannot listen on {address}: {cause}; choose another port, or 0 for any free one")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The folder of the state file cannot be made.
    #[error("cannot create {} for the emulator's state: {cause}", .folder.display())]
    StateFolder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The state cannot be opened, read or written.
    #[error("the emulator's state {place} cannot be used: {cause}; is it an SQLite file that an emulator made?")]
    State {
        /// The file, or `in memory`.
        place: String,
        /// What SQLite said.
        cause: rusqlite::Error,
    },
    /// Two policies of an organization in the seed have one name, or two objects one id.
    #[error("the seed repeats a policy name or an id: {cause}; names are unique in an organization, ids everywhere")]
    SeedRepeats {
        /// What SQLite said: it names the column.
        cause: rusqlite::Error,
    },
    /// The state was written by a version of the emulator with another layout.
    #[error(
        "the emulator's state {place} has layout {found}, this version needs {needed}; delete the file to start anew"
    )]
    StateLayout {
        /// The file, or `in memory`.
        place: String,
        /// The layout in the file.
        found: i64,
        /// The layout that this version reads and writes.
        needed: i64,
    },
    /// The request log cannot be opened.
    #[error("the request log {} cannot be opened for appending: {cause}", .path.display())]
    RequestLog {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}
