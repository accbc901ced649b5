//! What a record is about, and what was decided.

use std::fmt;
use std::str::FromStr;

use model::docker::{FileMode, Method, Transport};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The kind of an attempt. Together with the object, it is a request as `explain` reads it, except for
/// mounts and for connections without a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TrafficKind {
    /// A connection. Records of early versions have no port.
    Connect(Transport),
    /// An HTTP request.
    Http(Method),
    /// A file access with a known mode.
    File(FileMode),
    /// A path that was mounted; the record does not say whether for reading or for writing.
    Mount,
    /// An MCP request: the object is an action and a name.
    Mcp,
}

/// The text is not a kind of attempt.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "unknown kind `{0}`: expected tcp, udp, an HTTP method such as get, read, write, mount or mcp"
)]
pub struct UnknownKind(String);

/// What was decided about an attempt, as recorded. It may come from a local rule or from a person.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum RecordedDecision {
    /// It was allowed.
    Allow,
    /// It was denied.
    Deny,
    /// An approval was requested.
    ApprovalRequired,
    /// It was allowed after an approval.
    Approved,
    /// The approval was refused.
    Rejected,
    /// The record contains no decision, or one that this version does not know.
    #[default]
    Unknown,
}

impl RecordedDecision {
    /// The decision of an audit record (contract: docker/AUDIT, "Record").
    pub(crate) fn of_audit(text: &str) -> Self {
        match text {
            "AUDIT_DECISION_ALLOW" => Self::Allow,
            "AUDIT_DECISION_DENY" => Self::Deny,
            "AUDIT_DECISION_APPROVAL_REQUIRED" => Self::ApprovalRequired,
            "AUDIT_DECISION_APPROVED" | "AUDIT_DECISION_APPROVAL_ALLOW" => Self::Approved,
            "AUDIT_DECISION_REJECTED" | "AUDIT_DECISION_APPROVAL_DENY" => Self::Rejected,
            _ => Self::Unknown,
        }
    }

    /// The decision of a log of another program.
    pub(crate) fn of_log(text: &str) -> Self {
        let text = text.trim().to_ascii_lowercase();
        match text.as_str() {
            "allow" | "allowed" => Self::Allow,
            "deny" | "denied" | "block" | "blocked" => Self::Deny,
            "approval" | "approvalrequired" => Self::ApprovalRequired,
            "approved" => Self::Approved,
            "rejected" => Self::Rejected,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for TrafficKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect(transport) => transport.as_str().trim_start_matches("connect:"),
            Self::Http(method) => method.as_str().trim_start_matches("request:"),
            Self::File(mode) => mode.as_str(),
            Self::Mount => "mount",
            Self::Mcp => "mcp",
        })
    }
}

impl FromStr for TrafficKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let transports = Transport::ALL.iter().copied().map(Self::Connect);
        let methods = Method::ALL.iter().copied().map(Self::Http);
        let modes = FileMode::ALL.iter().copied().map(Self::File);
        transports
            .chain(methods)
            .chain(modes)
            .chain([Self::Mount, Self::Mcp])
            .find(|kind| kind.to_string() == text)
            .ok_or_else(|| UnknownKind(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for TrafficKind {
    type Error = UnknownKind;

    fn try_from(text: String) -> Result<Self, UnknownKind> {
        text.parse()
    }
}

impl From<TrafficKind> for String {
    fn from(kind: TrafficKind) -> Self {
        kind.to_string()
    }
}

impl JsonSchema for TrafficKind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TrafficKind".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let transports = Transport::ALL.iter().copied().map(Self::Connect);
        let methods = Method::ALL.iter().copied().map(Self::Http);
        let modes = FileMode::ALL.iter().copied().map(Self::File);
        let all = transports
            .chain(methods)
            .chain(modes)
            .chain([Self::Mount, Self::Mcp]);
        let names: Vec<String> = all.map(|kind| kind.to_string()).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}
