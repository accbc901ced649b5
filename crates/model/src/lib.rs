//! Validated types for the objects of the three services, and diagnostics. No I/O.

pub mod chainloop;
mod desired;
pub mod diag;
pub mod digest;
pub mod docker;
pub mod misleading;
mod name;
mod opaque;
pub mod pulumi;
mod punycode;
mod shorten;

/// The name of the configuration file.
pub const CONFIG_FILE_NAME: &str = "polwarden.yaml";

pub use desired::Desired;
pub use name::{Name, NameError, character_name, is_hidden};
pub use opaque::Opaque;
pub use punycode::{unicode_host, with_unicode_hosts};
pub use shorten::shorten;

/// The complete live state of an organization, by service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    Docker(docker::DockerLiveState),
    Pulumi(pulumi::PulumiLiveState),
    /// Only the requested documents.
    Chainloop(chainloop::ChainloopLiveState),
}

impl Live {
    /// The number of policies, packs, groups or documents.
    pub fn len(&self) -> usize {
        match self {
            Self::Docker(live) => live.policies.len(),
            Self::Pulumi(live) => live.packs.len() + live.groups.len(),
            Self::Chainloop(live) => live.found().count(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
