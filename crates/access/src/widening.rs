//! Patterns of what a change may open.

use std::fmt;
use std::str::FromStr;

use super::cedar::McpPattern;
use super::gate::GatePatternError;
use super::request_pattern::RequestPattern;

/// What a change may open: requests of rules, or MCP requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WideningPattern {
    /// The requests that match a pattern.
    Requests(RequestPattern),
    /// MCP requests; `mcp *` is all MCP activity.
    Mcp(Box<McpPattern>),
    /// The MCP requests of a row, as a plan shows them:
    /// `mcp invokeTool delete_issue when server is "github"`.
    McpRow(String),
}

impl WideningPattern {
    /// Whether it permits all MCP activity.
    pub fn is_all_mcp(&self) -> bool {
        matches!(self, Self::Mcp(pattern) if **pattern == McpPattern::all())
    }
}

impl fmt::Display for WideningPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests(pattern) => pattern.fmt(f),
            Self::Mcp(pattern) => pattern.fmt(f),
            Self::McpRow(text) => f.write_str(text),
        }
    }
}

impl FromStr for WideningPattern {
    type Err = GatePatternError;

    fn from_str(text: &str) -> Result<Self, GatePatternError> {
        if !McpPattern::is_meant(text) {
            return Ok(Self::Requests(text.parse()?));
        }
        // A row of a plan: the pattern of a name, and conditions.
        if let Some((pattern, _)) = text.split_once(" when ") {
            let _: McpPattern = pattern.parse()?;
            return Ok(Self::McpRow(text.trim().to_owned()));
        }
        Ok(Self::Mcp(Box::new(text.parse()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mcp_activity_is_one_pattern() {
        for text in ["mcp *", " MCP  * "] {
            let pattern = text.parse::<WideningPattern>().unwrap();
            assert!(pattern.is_all_mcp());
            assert_eq!(pattern.to_string(), "mcp *");
        }
        let hosts = "tcp **.example.com:443".parse::<WideningPattern>().unwrap();
        assert_eq!(hosts.to_string(), "tcp **.example.com:443");
        let row = "mcp invokeTool * when server is \"legacy\"";
        let pattern = row.parse::<WideningPattern>().unwrap();
        assert_eq!(pattern, WideningPattern::McpRow(row.to_owned()));
        assert_eq!(pattern.to_string(), row);
        for wrong in ["mcp call_tool", "mcp call_tool * when server is \"legacy\""] {
            assert!(wrong.parse::<WideningPattern>().is_err(), "{wrong}");
        }
        let pattern = "mcp invokeTool delete_* --server a".parse::<WideningPattern>();
        let pattern = pattern.unwrap();
        assert!(!pattern.is_all_mcp());
        assert_eq!(pattern.to_string(), "mcp invokeTool delete_* --server a");
    }
}
