//! Questions about access. Rules decide requests, Cedar policies decide calls of MCP tools. The two
//! systems are independent: neither affects the answers of the other.

use std::fmt;

use thiserror::Error;

use super::cedar::{CedarRequest, CedarRequestContext, CedarRequestError};
use super::parse::RequestParseError;
use super::request::AccessRequest;

const MCP: &str = "mcp";

/// The maximum length of a question in bytes.
pub const LONGEST_QUESTION: usize = 4096;

/// One question about access.
#[derive(Debug, Clone)]
pub enum AccessQuestion {
    /// A request, decided by rules.
    Rules(AccessRequest),
    /// A call of an MCP tool, decided by Cedar policies. Boxed because it is rare and large.
    Cedar(Box<CedarRequest>),
}

/// The reason why a text is not a valid question.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuestionError {
    /// The text after a verb of rules is invalid.
    #[error(transparent)]
    Rules(#[from] RequestParseError),
    /// The text after `mcp` is invalid.
    #[error(transparent)]
    Cedar(#[from] CedarRequestError),
    /// Fewer than two words.
    #[error(
        "invalid request `{0}`: expected an action and a resource, for example `tcp api.example.com:443`"
    )]
    OneWord(String),
    /// Longer than [`LONGEST_QUESTION`].
    #[error("the request is longer than {LONGEST_QUESTION} bytes")]
    TooLong,
}

impl AccessQuestion {
    /// Parses a question such as `tcp api.example.com:443`, `get https://api.example.com/x`,
    /// `read /data/x` or `mcp invokeTool restart_runner`. `circumstances` applies only to calls of
    /// MCP tools.
    ///
    /// # Errors
    /// The error names the invalid part and shows a valid form.
    pub fn parse(text: &str, circumstances: &CedarRequestContext) -> Result<Self, QuestionError> {
        if text.len() > LONGEST_QUESTION {
            return Err(QuestionError::TooLong);
        }
        let text = text.trim();
        let words = text
            .split_once(char::is_whitespace)
            .map(|(verb, object)| (verb, object.trim_start()));
        let (verb, object) = words.ok_or_else(|| QuestionError::OneWord(text.to_owned()))?;
        if verb.eq_ignore_ascii_case(MCP) {
            return Ok(Self::Cedar(Box::new(CedarRequest::parse(
                object,
                circumstances,
            )?)));
        }
        Ok(Self::Rules(AccessRequest::parse(verb, object)?))
    }
}

impl fmt::Display for AccessQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rules(request) => request.fmt(f),
            Self::Cedar(request) => write!(f, "{MCP} {request}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let read = AccessQuestion::parse(text, &CedarRequestContext::default());
        read.map_or_else(
            |error| format!("! {error}"),
            |question| question.to_string(),
        )
    }

    #[test]
    fn questions_of_both_worlds_are_read() {
        let cases = [
            ("  tcp   api.example.com:443 ", "tcp api.example.com:443"),
            ("read C:\\data\\x", "read C:\\data\\x"),
            ("read /data/with space", "read /data/with space"),
            (
                "MCP invokeTool restart_runner",
                "mcp invokeTool restart_runner",
            ),
            (
                "mcp MCP::Action::\"invokeTool\" MCP::Tool::\"restart_runner\"",
                "mcp invokeTool restart_runner",
            ),
            (
                "mcp invokeTool MCP::Tool::\"two words\"",
                "mcp invokeTool MCP::Tool::\"two words\"",
            ),
            (
                "mcp readResource MCP::Resource::\"x\"",
                "mcp readResource x",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected);
            assert_eq!(read(&read(text)), expected, "what is shown reads the same");
        }
    }

    #[test]
    fn what_is_no_question_is_explained() {
        let long = format!("tcp {}.example.com:443", "a".repeat(LONGEST_QUESTION));
        let cases = [
            ("", "invalid request"),
            ("tcp", "invalid request"),
            ("ping example.com", "not a kind of request"),
            ("mcp invokeTool", "an action and a resource"),
            ("mcp invokeTool a b", "an action and a resource"),
            ("mcp invokeTool Tool::x", "`Tool::x` is not a Cedar entity"),
            ("mcp \"invokeTool a", "an action and a resource"),
            (long.as_str(), "longer than"),
        ];
        for (text, expected) in cases {
            let error = read(text);
            assert!(
                error.starts_with("! ") && error.contains(expected),
                "{text}: {error}"
            );
        }
    }
}
