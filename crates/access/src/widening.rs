//! Patterns of what a change may open.

use std::fmt;
use std::str::FromStr;

use super::cedar::schema::McpAction;
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
    /// The MCP requests of a row, as a plan shows them:
    /// `mcp invokeTool delete_issue when server is "github"`.
    Mcp(String),
}

impl fmt::Display for WideningPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests(pattern) => pattern.fmt(f),
            Self::AllMcp => f.write_str(ALL_MCP),
            Self::Mcp(text) => f.write_str(text),
        }
    }
}

impl FromStr for WideningPattern {
    type Err = RequestPatternError;

    fn from_str(text: &str) -> Result<Self, RequestPatternError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [verb, "*"] if verb.eq_ignore_ascii_case("mcp") => Ok(Self::AllMcp),
            [verb, action, _, ..]
                if verb.eq_ignore_ascii_case("mcp") && McpAction::named(action).is_some() =>
            {
                Ok(Self::Mcp(text.trim().to_owned()))
            }
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
        let row = "mcp invokeTool * when server is \"legacy\"";
        let pattern = row.parse::<WideningPattern>().unwrap();
        assert_eq!(pattern, WideningPattern::Mcp(row.to_owned()));
        assert_eq!(pattern.to_string(), row);
        assert!("mcp call_tool".parse::<WideningPattern>().is_err());
    }
}
