//! Questions: what may be asked about access. Rules decide about requests, Cedar policies about calls of MCP tools; the
//! two worlds never answer for each other.

use std::fmt;

use thiserror::Error;

use super::cedar::{CedarRequest, CedarRequestError, Circumstances};
use super::parse::RequestError;
use super::request::Request;

/// The first word of a question about an MCP tool.
const MCP: &str = "mcp";

/// The longest question that is read, in bytes.
pub const LONGEST_QUESTION: usize = 4096;

/// One question about access.
#[derive(Debug, Clone)]
pub enum Question {
    /// Decided by rules.
    Rules(Request),
    /// Decided by Cedar policies; boxed, because it is rare and large.
    Cedar(Box<CedarRequest>),
}

/// Why a text is no question.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuestionError {
    /// No request that rules decide about.
    #[error(transparent)]
    Rules(#[from] RequestError),
    /// No request that Cedar policies decide about.
    #[error(transparent)]
    Cedar(#[from] CedarRequestError),
    /// One word, or none.
    #[error(
        "`{0}` is no request; write what is done and to what, for example `tcp api.example.com:443`"
    )]
    OneWord(String),
    /// Longer than is read.
    #[error("the request is longer than {LONGEST_QUESTION} bytes")]
    TooLong,
}

impl Question {
    /// Reads a question: `tcp api.example.com:443`, `get https://api.example.com/x`, `read /data/x`,
    /// `mcp call_tool restart_runner`. The circumstances are those of a call of an MCP tool.
    ///
    /// # Errors
    /// Says which part cannot be understood, and what would do.
    pub fn parse(text: &str, circumstances: &Circumstances) -> Result<Self, QuestionError> {
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
        Ok(Self::Rules(Request::parse(verb, object)?))
    }
}

impl fmt::Display for Question {
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
        let read = Question::parse(text, &Circumstances::default());
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
                "MCP call_tool restart_runner",
                "mcp call_tool restart_runner",
            ),
            (
                "mcp MCP::Action::\"call_tool\" MCP::Tool::\"restart_runner\"",
                "mcp call_tool restart_runner",
            ),
            (
                "mcp call_tool MCP::Tool::\"two words\"",
                "mcp call_tool MCP::Tool::\"two words\"",
            ),
            (
                "mcp read_resource MCP::Resource::\"x\"",
                "mcp read_resource MCP::Resource::\"x\"",
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
            ("", "is no request"),
            ("tcp", "is no request"),
            ("ping example.com", "not a kind of request"),
            ("mcp call_tool", "an action and a resource"),
            ("mcp call_tool a b", "an action and a resource"),
            ("mcp call_tool Tool::x", "`Tool::x` is no Cedar entity"),
            ("mcp \"call_tool a", "an action and a resource"),
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
