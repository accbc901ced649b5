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
    /// What stands by itself, a policy for example, by its name after the change, or before a deletion.
    #[serde(alias = "policy")]
    pub name: String,
    /// The part of it likewise, a rule for example, where the change is one of a part.
    #[serde(default, alias = "rule", skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}
