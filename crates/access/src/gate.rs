//! Gates: statements about which requests must never or always be allowed.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::audience::NamedAudience;
use super::cedar::{CedarRequestContext, CedarRequestError, McpPattern};
use super::gate_kind::GateKind;
use super::request_pattern::{RequestPattern, RequestPatternError};
use super::sets::RequestSet;

/// The requests that a gate applies to. Rules decide some requests, Cedar policies decide the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatePattern {
    /// Requests that rules decide.
    Requests(RequestPattern),
    /// MCP requests, which Cedar policies decide.
    Mcp(Box<McpPattern>),
}

impl fmt::Display for GatePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests(pattern) => pattern.fmt(f),
            Self::Mcp(pattern) => pattern.fmt(f),
        }
    }
}

/// The reason why a text is not a valid pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GatePatternError {
    /// It is not a pattern of requests that rules decide.
    #[error(transparent)]
    Requests(#[from] RequestPatternError),
    /// It is not a pattern of MCP requests.
    #[error(transparent)]
    Mcp(#[from] CedarRequestError),
}

impl FromStr for GatePattern {
    type Err = GatePatternError;

    fn from_str(text: &str) -> Result<Self, GatePatternError> {
        Self::parse(text, &CedarRequestContext::default())
    }
}

impl GatePattern {
    /// Parses a pattern. `given` applies to MCP requests only.
    ///
    /// # Errors
    /// The error names the invalid part.
    pub fn parse(text: &str, given: &CedarRequestContext) -> Result<Self, GatePatternError> {
        if McpPattern::is_meant(text) {
            return Ok(Self::Mcp(Box::new(McpPattern::parse(text, given)?)));
        }
        Ok(Self::Requests(text.parse()?))
    }

    /// Whether all requests of the other pattern are in this one. If that exceeds the work budget,
    /// only an equal pattern contains another one.
    fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Requests(own), Self::Requests(other)) => {
                let [wide, narrow] = [own, other].map(|pattern| RequestSet::matching([pattern]));
                own == other || narrow.is_subset(&wide).unwrap_or(false)
            }
            (Self::Mcp(own), Self::Mcp(other)) => own == other || own.contains(other),
            (Self::Requests(_), Self::Mcp(_)) | (Self::Mcp(_), Self::Requests(_)) => false,
        }
    }
}

/// A requirement on the access of an organization. `S` is its source, such as a place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate<S> {
    /// The requirement.
    pub kind: GateKind,
    /// The requests that it applies to.
    pub pattern: GatePattern,
    /// The audience that it applies to; `None` means everyone.
    pub audience: Option<NamedAudience>,
    /// The reason given by its author.
    pub reason: Option<String>,
    /// The place where it is declared.
    pub source: S,
}

impl<S> Gate<S> {
    /// Whether this gate implies another one: same requirement, same audience, and a pattern that
    /// includes the pattern of the other.
    pub fn is_as_strict_as<T>(&self, other: &Gate<T>) -> bool {
        let people = |audience: &Option<NamedAudience>| {
            audience.as_ref().map(|named| named.audience.clone())
        };
        self.kind == other.kind
            && people(&self.audience) == people(&other.audience)
            && self.pattern.contains(&other.pattern)
    }

    /// Converts the source.
    pub fn with_source<T>(self, source: impl FnOnce(S) -> T) -> Gate<T> {
        let Self {
            kind,
            pattern,
            audience,
            reason,
            source: old,
        } = self;
        Gate {
            kind,
            pattern,
            audience,
            reason,
            source: source(old),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(kind: GateKind, pattern: &str) -> Gate<()> {
        Gate {
            kind,
            pattern: pattern.parse().unwrap(),
            audience: None,
            reason: None,
            source: (),
        }
    }

    #[test]
    fn a_gate_asks_as_much_as_another_whose_requests_it_takes_in() {
        for (wide, narrow, expected) in [
            ("tcp **.example.com", "tcp a.example.com:443", true),
            ("tcp a.example.com:443", "tcp **.example.com", false),
            ("tcp 10.0.0.2/32", "tcp 10.0.0.2", true),
            ("read /data/**", "read /data/*/x", true),
            ("read /data/*", "read /data/**", false),
            ("tcp api.example.com", "get https://api.example.com/x", true),
            ("http api.example.com/**", "tcp api.example.com", false),
            ("mcp *", "mcp invokeTool x --server a", true),
            ("mcp invokeTool *", "mcp *", false),
            ("mcp invokeTool del*", "mcp invokeTool delete_*", true),
            ("mcp invokeTool delete_*", "mcp invokeTool del*", false),
            ("mcp invokeTool x", "mcp getPrompt x", false),
            ("mcp invokeTool x", "mcp invokeTool x --server a", true),
            ("mcp invokeTool x --server a", "mcp invokeTool x", false),
            ("mcp invokeTool x --server *", "mcp invokeTool x", true),
            ("mcp invokeTool x", "mcp invokeTool x --arg a=1", true),
            (
                "mcp invokeTool x --arg a=1",
                "mcp invokeTool x --arg a=2",
                false,
            ),
            ("mcp *", "tcp a.example.com", false),
            ("tcp **", "mcp invokeTool x", false),
        ] {
            let one = gate(GateKind::Never, wide);
            let two = gate(GateKind::Never, narrow);
            assert_eq!(one.is_as_strict_as(&two), expected, "{wide} and {narrow}");
            assert!(!gate(GateKind::Always, wide).is_as_strict_as(&two));
        }
    }
}
