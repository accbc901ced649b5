//! What a plan does that nobody should do unseen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ResourceKind;

/// Something that needs an acknowledgement of its own, however little a plan changes besides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guarded {
    /// What is done.
    pub kind: GuardedKind,
    /// What it is done to.
    pub resource: ResourceKind,
    /// Its live name.
    pub name: String,
    /// How, as a clause: "it is deleted".
    pub how: String,
}

/// What needs an acknowledgement of its own.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum GuardedKind {
    /// A policy that no manifest declares goes: it is deleted, or becomes another one.
    Prune,
    /// A policy that was for some people becomes one for the whole organization.
    ScopeWidens,
    /// A policy loses the last of its deny rules.
    LastDeny,
    /// A policy with `protect: true` is deleted, or loses all its rules.
    Protected,
    /// A policy pack is taken from a policy group that stays.
    PackRemoved,
}
