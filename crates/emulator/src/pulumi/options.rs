//! The options of an emulator.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::change::PulumiFault;
use super::seed::{PulumiOrganizationSeed, PulumiSeed};
use crate::state::StateLocation;

/// Options of an emulator. `Options::default()` is an empty organization `my-org` in memory on free
/// ports.
#[derive(Debug, Clone)]
pub struct PulumiOptions {
    /// The address to listen on; loopback only. Port 0 selects a free port.
    pub listen: SocketAddr,
    /// The address of the upload host; loopback only. Port 0 selects a free port.
    pub listen_uploads: SocketAddr,
    /// Where packs and groups are stored.
    pub state: StateLocation,
    /// Organizations to create if the state does not contain them; missing stacks and accounts are
    /// added to existing ones. Without any here, in the seed or in the state, the emulator creates
    /// `my-org`.
    pub organizations: Vec<PulumiOrganizationSeed>,
    /// The initial contents of organizations; `docs/reference/emulator-pulumi.md` describes the file.
    pub seed: Option<PulumiSeed>,
    /// Whether adding an unknown stack or account to a group creates it.
    pub any_stack: bool,
    /// The only accepted access token. Without it, every token that is not empty is accepted.
    pub token: Option<SecretString>,
    /// The page size of the registry's lists of packs and versions.
    pub page_size: usize,
    /// The header `X-Pulumi-Warning` of every answer of the API.
    pub warning: Option<String>,
    /// The delay of every request. Requests wait concurrently.
    pub latency: Duration,
    /// Requests per second that are accepted; others are answered with 429. Default: all.
    pub requests_per_second: Option<NonZeroU32>,
    /// A file that receives one JSON line per request, without credentials.
    pub request_log: Option<PathBuf>,
    /// The faults. All that match apply to a request, but only the first of those that end it.
    pub faults: Vec<PulumiFault>,
}

impl Default for PulumiOptions {
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
            requests_per_second: None,
            request_log: None,
            faults: Vec::new(),
        }
    }
}
