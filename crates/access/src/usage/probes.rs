//! Probes: artificial rules that match everything of a kind. A rule that covers one opens
//! everything of that kind.

use std::sync::Arc;

use super::Realm;
use crate::bits::Bits;
use crate::index::Index;
use crate::parsed::{Parsed, Where};
use crate::terms::{About, Actions};
use model::docker::pattern::{NetworkPattern, PathPattern};
use model::docker::{Action, Decision, FileMode, Transport};

/// The probes of an index.
pub(super) struct Probes {
    /// The meaning of each probe, in the order of their rules.
    pub(super) realms: Vec<(Action, Realm)>,
}

impl Probes {
    /// Adds the probes as rules without an audience, numbered from `position`.
    pub(super) fn add(index: &mut Index, position: usize) -> Self {
        let mut realms = Vec::new();
        let mut put = |action: Action, realm: Realm, at: Where, about: About| {
            let probe = Parsed {
                decision: Decision::Allow,
                at,
                about,
            };
            index.put(
                position + realms.len(),
                Arc::default(),
                &probe,
                &Bits::default(),
            );
            realms.push((action, realm));
        };
        for transport in Transport::ALL {
            for (realm, text) in [(Realm::Ipv4, "0.0.0.0/0"), (Realm::Ipv6, "::/0")] {
                if let Some(net) = NetworkPattern::parse(text)
                    .ok()
                    .and_then(|pattern| pattern.net())
                {
                    let transports = Actions::of([*transport as u16].into_iter());
                    let about = About::Connect {
                        transports,
                        port: None,
                    };
                    put(Action::Connect(*transport), realm, Where::Net(net), about);
                }
            }
        }
        for mode in FileMode::ALL {
            for (realm, text) in [
                (Realm::Posix, "/**"),
                (Realm::Home, "~/**"),
                (Realm::Windows, "*:\\**"),
                (Realm::Wsl, "\\\\wsl.localhost\\*\\**"),
            ] {
                if let Ok(path) = PathPattern::parse(text) {
                    let modes = Actions::of([*mode as u16].into_iter());
                    put(
                        Action::File(*mode),
                        realm,
                        Where::Path(path),
                        About::File { modes },
                    );
                }
            }
        }
        Self { realms }
    }
}
