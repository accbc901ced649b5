//! How an emulator is started.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::change::Fault;
use super::seed::{OrganizationSeed, Seed};
use crate::state::StateLocation;

/// How to start an emulator. `Options::default()` is an empty organization `my-org` in memory on free ports.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; loopback only. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where archives are uploaded to; the same holds.
    pub listen_uploads: SocketAddr,
    /// Where packs and groups are kept.
    pub state: StateLocation,
    /// Organizations to create where the state does not hold them yet; missing stacks and accounts are added either
    /// way. Without any here, in the seed or in the state, there is one, named `my-org`.
    pub organizations: Vec<OrganizationSeed>,
    /// What organizations hold when they are created; `docs/emulator.md` describes the file.
    pub seed: Option<Seed>,
    /// Whether a stack that nobody declared is there as soon as a group is given it.
    pub any_stack: bool,
    /// The only access token that is good; without it, any that is not empty is.
    pub token: Option<SecretString>,
    /// How many packs or versions a page of the registry holds.
    pub page_size: usize,
    /// What every answer of the API carries in `X-Pulumi-Warning`.
    pub warning: Option<String>,
    /// How long every request waits before it is served; requests wait side by side.
    pub latency: Duration,
    /// A file that gets one JSON line for each request, without credentials.
    pub request_log: Option<PathBuf>,
    /// What goes wrong on purpose. A request meets all that fit it, but only the first of those that end it.
    pub faults: Vec<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: free,
            listen_uploads: free,
            state: StateLocation::default(),
            organizations: Vec::new(),
            seed: None,
            any_stack: false,
            token: None,
            page_size: 100,
            warning: None,
            latency: Duration::ZERO,
            request_log: None,
            faults: Vec::new(),
        }
    }
}
