//! The policies of one organization, wherever they come from: what questions about access are asked of.

use super::audience::Audience;
use super::cedar::CedarPool;
use super::pool::Pool;
use model::docker::{DesiredPolicy, LiveState, Scope};

/// The policies of one organization.
#[derive(Debug, Clone, Copy)]
pub enum Policies<'a> {
    /// As the manifests want them.
    Desired(&'a [DesiredPolicy]),
    /// As the server has them.
    Live(&'a LiveState),
}

impl<'a> Policies<'a> {
    /// The rules that reach some people.
    pub fn rules(self, audience: &Audience) -> Pool<'a> {
        match self {
            Self::Desired(policies) => Pool::desired(policies, audience),
            Self::Live(state) => Pool::live(state, audience),
        }
    }

    /// The Cedar policies that reach some people.
    pub fn cedar(self, audience: &Audience) -> CedarPool<'a> {
        match self {
            Self::Desired(policies) => CedarPool::desired(policies, audience),
            Self::Live(state) => CedarPool::live(state, audience),
        }
    }

    /// People whom every policy reaches.
    pub fn everybody_at_once(self) -> Audience {
        let scopes: Vec<&Scope> = match self {
            Self::Desired(policies) => policies.iter().map(|policy| &policy.scope).collect(),
            Self::Live(state) => state.policies.iter().map(|policy| &policy.scope).collect(),
        };
        Audience {
            teams: scopes
                .iter()
                .flat_map(|scope| scope.teams.iter().map(ToString::to_string))
                .collect(),
            profiles: scopes
                .iter()
                .flat_map(|scope| scope.profiles.iter().cloned())
                .collect(),
        }
    }
}
