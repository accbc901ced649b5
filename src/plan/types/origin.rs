//! The origins of changes in comparison with the base revision.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why the live state differs from the manifests.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The manifests changed since the base revision; the live state matches the base.
    Change,
    /// The manifests did not change since the base revision; the live state differs from both.
    Drift,
    /// Some fields differ by this change and others by drift; no field by both.
    Mixed,
    /// The manifests changed, and the live state matches neither the base nor the change.
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

/// The origins of the differences of all targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Origins {
    /// The commit that the change is based on.
    pub base: String,
    /// One for each target, in the order of the plan.
    pub targets: Vec<TargetOrigins>,
}

/// The origins of the differences of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetOrigins {
    /// The name of the target.
    pub target: String,
    /// One for each change of the plan, in its order.
    pub changes: Vec<ChangeOrigin>,
    /// One for each change that the plan holds back, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Origin>,
    /// One for each live object that no manifest declares, in the order of the plan's `unmanaged`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmanaged: Vec<Origin>,
}

/// The origin of one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeOrigin {
    /// The name of the changed object.
    pub name: String,
    /// The origin of the change, including its children.
    pub origin: Origin,
    /// The origins of its children, in the plan's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Self>,
}
