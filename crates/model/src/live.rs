//! What an organization holds, at any provider.

use super::{chainloop, docker, pulumi};

/// All that an organization holds, completely read, by provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// At the Docker AI Governance API.
    Docker(docker::LiveState),
    /// At Pulumi Cloud.
    Pulumi(pulumi::LiveState),
    /// At Chainloop, of the documents that were asked for.
    Chainloop(chainloop::LiveState),
}

impl Live {
    /// How many things stand there by themselves.
    pub fn len(&self) -> usize {
        match self {
            Self::Docker(live) => live.policies.len(),
            Self::Pulumi(live) => live.packs.len() + live.groups.len(),
            Self::Chainloop(live) => live.found().count(),
        }
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
