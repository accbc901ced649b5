//! A change, as it is spoken of elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ChangeKind, ResourceKind, SourceRef};

/// A change, as it is spoken of elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeRef {
    /// What happens to it.
    pub kind: ChangeKind,
    /// What it is.
    pub resource: ResourceKind,
    /// The policy, by its name after the change, or before a deletion.
    pub policy: String,
    /// The rule likewise, where the change is a rule's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}
