//! Actions, their layers, and the domains of the layers (schema `RuleActions`, operation
//! createRule).

use super::profile::EmulatorProfile;
use super::refusal::DockerRefusal;

/// The layer of a rule's actions. A rule has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RuleLayer {
    /// `connect:…`
    Network,
    /// `request:…`
    Http,
    /// `read`, `write`
    Filesystem,
}

/// The domain of a policy's rules. A policy has at most one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyDomain {
    /// Network and HTTP rules.
    Network,
    /// Filesystem rules.
    Filesystem,
}

impl PolicyDomain {
    /// The value of `domain` (schema `AllowlistV0`).
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Filesystem => "filesystem",
        }
    }
}

impl RuleLayer {
    /// The layer of an action; none if the contract does not define the action.
    pub(crate) fn of_action(action: &str) -> Option<Self> {
        match action {
            "connect:tcp" | "connect:udp" => Some(Self::Network),
            "read" | "write" => Some(Self::Filesystem),
            "request:get" | "request:post" | "request:put" | "request:delete" | "request:patch"
            | "request:head" | "request:options" | "request:connect" | "request:trace" => {
                Some(Self::Http)
            }
            _ => None,
        }
    }

    /// The layer that all `actions` belong to.
    pub(super) fn of_actions(
        actions: &[String],
        profile: EmulatorProfile,
    ) -> Result<Self, DockerRefusal> {
        let mut found = None;
        for action in actions {
            let layer = Self::of_action(action)
                .filter(|layer| *layer != Self::Http || profile.has_http_and_cedar());
            let layer = layer.ok_or_else(|| {
                DockerRefusal::invalid(format!("actions: {action:?} is not an action"))
            })?;
            if *found.get_or_insert(layer) != layer {
                return Err(DockerRefusal::invalid(
                    "actions: all actions of a rule must belong to the same layer",
                ));
            }
        }
        found.ok_or_else(|| DockerRefusal::invalid("actions must not be empty"))
    }

    pub(crate) fn domain(self) -> PolicyDomain {
        match self {
            Self::Network | Self::Http => PolicyDomain::Network,
            Self::Filesystem => PolicyDomain::Filesystem,
        }
    }
}
