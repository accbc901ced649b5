//! Probes: artificial rules that match everything of a kind. A rule that covers one opens
//! everything of that kind.

use std::sync::Arc;

use super::ResourceSpace;
use crate::bits::BitSet;
use crate::index::RuleIndex;
use crate::parsed::{ParsedResource, ResourceDestination};
use crate::terms::{ActionSet, ResourceMatcher};
use model::docker::pattern::{NetworkPattern, PathPattern};
use model::docker::{Action, Decision, FileMode, Transport};

/// The probes of an index.
pub(super) struct Probes {
    /// The meaning of each probe, in the order of their rules.
    pub(super) spaces: Vec<(Action, ResourceSpace)>,
}

impl Probes {
    /// Adds the probes as rules without an audience, numbered from `position`.
    pub(super) fn add(index: &mut RuleIndex, position: usize) -> Self {
        let mut spaces = Vec::new();
        let mut put = |action: Action,
                       space: ResourceSpace,
                       at: ResourceDestination,
                       about: ResourceMatcher| {
            let probe = ParsedResource {
                decision: Decision::Allow,
                at,
                about,
            };
            index.put(
                position + spaces.len(),
                Arc::default(),
                &probe,
                &BitSet::default(),
            );
            spaces.push((action, space));
        };
        for transport in Transport::ALL {
            for (space, text) in [
                (ResourceSpace::Ipv4, "0.0.0.0/0"),
                (ResourceSpace::Ipv6, "::/0"),
            ] {
                if let Some(net) = NetworkPattern::parse(text)
                    .ok()
                    .and_then(|pattern| pattern.net())
                {
                    let transports = ActionSet::from_positions([*transport as u16].into_iter());
                    let about = ResourceMatcher::Connect {
                        transports,
                        port: None,
                    };
                    put(
                        Action::Connect(*transport),
                        space,
                        ResourceDestination::Net(net),
                        about,
                    );
                }
            }
        }
        for mode in FileMode::ALL {
            for (space, text) in [
                (ResourceSpace::Posix, "/**"),
                (ResourceSpace::Home, "~/**"),
                (ResourceSpace::Windows, "*:\\**"),
                (ResourceSpace::Wsl, "\\\\wsl.localhost\\*\\**"),
            ] {
                if let Ok(path) = PathPattern::parse(text) {
                    let modes = ActionSet::from_positions([*mode as u16].into_iter());
                    put(
                        Action::File(*mode),
                        space,
                        ResourceDestination::Path(path),
                        ResourceMatcher::File { modes },
                    );
                }
            }
        }
        Self { spaces }
    }
}
