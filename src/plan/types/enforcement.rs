//! What a plan does to what is enforced.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SourceRef;
use model::pulumi::EnforcementLevel;

/// Which way a level of enforcement moves.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// More gets through.
    Loosens,
    /// Less gets through.
    Tightens,
    /// As much gets through, and what happens is otherwise.
    Changes,
}

/// A policy whose level of enforcement changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnforcementChange {
    /// Which way.
    pub direction: Enforcement,
    /// The group for which it changes; nothing for what the pack says where no group says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The pack.
    pub pack: String,
    /// The policy.
    pub policy: String,
    /// The level before; nothing where the policy was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<EnforcementLevel>,
    /// The level after; nothing where the policy is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<EnforcementLevel>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}
