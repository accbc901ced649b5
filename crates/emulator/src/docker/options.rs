//! The options of an emulator.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::change::DockerFault;
use super::profile::EmulatorProfile;
use super::seed::{DockerOrganizationSeed, DockerSeed};
use crate::state::StateLocation;

/// Options of an emulator. `Options::default()` is an empty organization `my-org` in memory on a
/// free port.
#[derive(Debug, Clone)]
pub struct DockerOptions {
    /// The address to listen on; loopback only. Port 0 selects a free port.
    pub listen: SocketAddr,
    /// The profile of the API.
    pub profile: EmulatorProfile,
    /// Where policies are stored.
    pub state: StateLocation,
    /// Organizations to create if the state does not contain them; missing teams are added to
    /// existing ones. Without any here, in the seed or in the state, the emulator creates `my-org`.
    pub organizations: Vec<DockerOrganizationSeed>,
    /// The initial contents of organizations; `docs/reference/emulator.md` describes the file.
    pub seed: Option<DockerSeed>,
    /// The only accepted secret or password. Without it, every secret that is not empty is
    /// accepted.
    pub secret: Option<SecretString>,
    /// The lifetime of a token.
    pub token_ttl: Duration,
    /// The delay of every request. Requests wait concurrently.
    pub latency: Duration,
    /// Requests per second that are accepted; others are answered with 429. Default: all.
    pub requests_per_second: Option<NonZeroU32>,
    /// A file that receives one JSON line per request, without credentials.
    pub request_log: Option<PathBuf>,
    pub limits: ServiceLimits,
    /// Fields of policies and rules that the contract does not define and that are accepted, like
    /// those of a later version of the service.
    pub extra_fields: Vec<String>,
    /// The faults. All that match apply to a request, but only the first of those that end it.
    pub faults: Vec<DockerFault>,
}

impl Default for DockerOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            profile: EmulatorProfile::default(),
            state: StateLocation::default(),
            organizations: Vec::new(),
            seed: None,
            secret: None,
            token_ttl: Duration::from_mins(10),
            latency: Duration::ZERO,
            requests_per_second: None,
            request_log: None,
            limits: ServiceLimits::default(),
            extra_fields: Vec::new(),
            faults: Vec::new(),
        }
    }
}

/// The service's limits (from the product manual). Tests lower them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceLimits {
    /// Policies per organization.
    pub policies: usize,
    /// Rules per policy.
    pub rules: usize,
    /// Bytes of a full policy as JSON: 400 KiB (409,600 bytes) unless said otherwise.
    pub policy_bytes: usize,
}

impl Default for ServiceLimits {
    fn default() -> Self {
        Self {
            policies: 100,
            rules: 250,
            policy_bytes: 400 * 1024,
        }
    }
}
