//! Patterns of what a change may open.

use std::fmt;
use std::str::FromStr;

use super::request_pattern::{RequestPattern, RequestPatternError};

/// The pattern of all MCP activity.
const ALL_MCP: &str = "mcp *";

/// What a change may open: requests, or all MCP activity.
///
/// MCP requests are decided by Cedar policies, so that they are no [`RequestPattern`], which rules
/// decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WideningPattern {
    /// The requests that match a pattern.
    Requests(RequestPattern),
    /// All MCP activity: `mcp *`.
    AllMcp,
}

impl fmt::Display for WideningPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests(pattern) => pattern.fmt(f),
            Self::AllMcp => f.write_str(ALL_MCP),
        }
    }
}

impl FromStr for WideningPattern {
    type Err = RequestPatternError;

    fn from_str(text: &str) -> Result<Self, RequestPatternError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [verb, "*"] if verb.eq_ignore_ascii_case("mcp") => Ok(Self::AllMcp),
            _ => text.parse().map(Self::Requests),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mcp_activity_is_one_pattern() {
        for text in ["mcp *", " MCP  * "] {
            let pattern = text.parse::<WideningPattern>().unwrap();
            assert_eq!(pattern, WideningPattern::AllMcp);
            assert_eq!(pattern.to_string(), "mcp *");
        }
        let hosts = "tcp **.example.com:443".parse::<WideningPattern>().unwrap();
        assert_eq!(hosts.to_string(), "tcp **.example.com:443");
        assert!("mcp call_tool".parse::<WideningPattern>().is_err());
    }
}
