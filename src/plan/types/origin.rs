//! The origins of changes in comparison with the base revision.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why the server is something else than the manifests.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The manifests changed since the base revision; the server holds what the base wants.
    Change,
    /// The manifests want what the base wanted; the server holds something else already.
    Drift,
    /// Some of it is from this change and some is drift, nothing is both.
    Mixed,
    /// The manifests changed, and the server holds neither what the base wants nor what the change wants.
    Conflict,
}

impl Origin {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "from this change",
            Self::Drift => "drift",
            Self::Mixed => "mixed",
            Self::Conflict => "in conflict",
        }
    }
}

/// Where the differences at all targets come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Origins {
    /// The commit that the change is based on.
    pub base: String,
    /// One for each target, in the order of the plan.
    pub targets: Vec<TargetOrigins>,
}

/// Where the differences at one target come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetOrigins {
    /// The name of the target.
    pub target: String,
    /// One for each change of the plan, in its order.
    pub changes: Vec<ChangeOrigin>,
    /// One for each difference that the plan leaves undone, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Origin>,
    /// One for each live object that no manifest declares, in the order of the plan's `unmanaged`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmanaged: Vec<Origin>,
}

/// Where one change comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeOrigin {
    /// The name of what changes.
    pub name: String,
    /// Where it, with all that changes below it, comes from.
    pub origin: Origin,
    /// One for each change below it, in the plan's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Self>,
}
