//! Objects of a server that this version does not support.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

// It is kept, shown and never rewritten.
/// Unsupported content, as the server returned it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalOpaque")]
pub struct Opaque {
    // For example: "has the unknown action `connect:quic`".
    /// The unsupported content, as a clause.
    pub why: String,
    /// The object.
    pub raw: Value,
}
