//! How an emulator is started.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::super::state::StateLocation;
use super::Fault;
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

/// What the service has room for (the product manual's limits). Tests lower them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Policies in an organization.
    pub policies: usize,
    /// Rules in a policy.
    pub rules: usize,
    /// Bytes of a full policy as JSON: 400 KiB (409,600 bytes) unless said otherwise.
    pub policy_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            policies: 100,
            rules: 250,
            policy_bytes: 400 * 1024,
        }
    }
}
