//! Parses requests to Cedar policies, such as `call_tool restart_runner`.

use std::fmt;
use std::str::FromStr;

use cedar_policy::{Context, EntityId, EntityTypeName, EntityUid};
use serde_json::Value;
use thiserror::Error;

/// The entity types of the short form (contract: the example of `CedarV1Policy`).
const ACTION: &str = "MCP::Action";
const TOOL: &str = "MCP::Tool";
/// The default principal: a user that no statement names.
const ANYBODY: &str = "MCP::User::\"anybody\"";

/// The reason why a text is not a valid request to Cedar policies.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CedarRequestError {
    /// The text is not two words.
    #[error(
        "`{0}` must be an action and a resource, for example `call_tool restart_runner` or \
         `MCP::Action::\"call_tool\" MCP::Tool::\"restart_runner\"`"
    )]
    Words(String),
    /// A word that is neither a plain name nor a Cedar entity.
    #[error(
        "`{text}` is no Cedar entity: {why}; write for example `MCP::Tool::\"restart_runner\"`"
    )]
    Entity {
        /// The word.
        text: String,
        /// The reason.
        why: String,
    },
    /// A context that Cedar rejects.
    #[error("the context is not one: {0}; write a JSON object, for example `{{\"hour\": 12}}`")]
    Context(String),
}

/// The principal and context of a request. The default is a user that no statement names, with an
/// empty context.
#[derive(Debug, Clone, Default)]
pub struct CedarRequestContext {
    principal: Option<EntityUid>,
    context: Option<Context>,
}

impl CedarRequestContext {
    /// Sets the principal, as a Cedar entity such as `MCP::User::"ada"`.
    ///
    /// # Errors
    /// The text is not a valid Cedar entity.
    pub fn with_principal(mut self, text: &str) -> Result<Self, CedarRequestError> {
        self.principal = Some(entity(text)?);
        Ok(self)
    }

    /// Sets the context, from a JSON object.
    ///
    /// # Errors
    /// The value is not an object, or contains a value that Cedar does not support.
    pub fn with_context(mut self, json: &Value) -> Result<Self, CedarRequestError> {
        let context = Context::from_json_value(json.clone(), None);
        self.context =
            Some(context.map_err(|error| CedarRequestError::Context(error_chain(&error)))?);
        Ok(self)
    }
}

/// A call of an MCP tool: a principal, an action, a resource and a context.
#[derive(Debug, Clone)]
pub struct CedarRequest {
    principal: EntityUid,
    action: EntityUid,
    resource: EntityUid,
    context: Context,
}

impl CedarRequest {
    /// Parses an action and a resource, each a plain name or a Cedar entity.
    ///
    /// # Errors
    /// The error names the invalid word.
    pub fn parse(
        text: &str,
        circumstances: &CedarRequestContext,
    ) -> Result<Self, CedarRequestError> {
        let words = words(text);
        let Some([action, resource]) = words.as_deref() else {
            return Err(CedarRequestError::Words(text.to_owned()));
        };
        let CedarRequestContext { principal, context } = circumstances;
        Ok(Self {
            principal: principal.clone().map_or_else(|| entity(ANYBODY), Ok)?,
            action: short_or_entity(action, ACTION)?,
            resource: short_or_entity(resource, TOOL)?,
            context: context.clone().unwrap_or_else(Context::empty),
        })
    }

    /// Converts the request for the Cedar engine. Without a schema, the engine does not validate
    /// it.
    pub(super) fn to_cedar(&self) -> Result<cedar_policy::Request, String> {
        let Self {
            principal,
            action,
            resource,
            context,
        } = self.clone();
        cedar_policy::Request::new(principal, action, resource, context, None)
            .map_err(|error| error_chain(&error))
    }
}

/// Splits a text into words. Whitespace in quotes does not separate words. `None` if a quote is not
/// closed.
fn words(text: &str) -> Option<Vec<&str>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => {
                quoted = !quoted;
                start = start.or(Some(at));
            }
            c if c.is_whitespace() && !quoted => {
                words.extend(start.take().map(|start| &text[start..at]))
            }
            _ => start = start.or(Some(at)),
        }
    }
    words.extend(start.map(|start| &text[start..]));
    (!quoted).then_some(words)
}

fn short_or_entity(word: &str, kind: &str) -> Result<EntityUid, CedarRequestError> {
    if is_short(word) {
        let kind = EntityTypeName::from_str(kind).map_err(|error| invalid_entity(word, &error))?;
        return Ok(entity_uid(&kind, word));
    }
    entity(word)
}

/// Whether a word is a plain name rather than an entity.
fn is_short(word: &str) -> bool {
    !word.is_empty()
        && !word.contains("::")
        && !word.contains(|c: char| c == '"' || c == '\\' || c.is_whitespace())
}

fn entity(text: &str) -> Result<EntityUid, CedarRequestError> {
    EntityUid::from_str(text).map_err(|error| invalid_entity(text, &error))
}

fn entity_uid(kind: &EntityTypeName, name: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(name))
}

fn invalid_entity(text: &str, error: &dyn std::error::Error) -> CedarRequestError {
    CedarRequestError::Entity {
        text: text.to_owned(),
        why: error_chain(error),
    }
}

/// The message of an error and its causes.
fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

impl fmt::Display for CedarRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}",
            ShortEntity(&self.action, ACTION),
            ShortEntity(&self.resource, TOOL)
        )
    }
}

/// Displays an entity, by its name alone if it has the usual type.
struct ShortEntity<'a>(&'a EntityUid, &'static str);

impl fmt::Display for ShortEntity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(entity, usual) = self;
        let name: &str = entity.id().unescaped();
        if entity.type_name().to_string() == *usual && is_short(name) {
            f.write_str(name)
        } else {
            entity.fmt(f)
        }
    }
}

#[cfg(test)]
mod tests {
    use thiserror::Error;

    use super::{CedarRequest, CedarRequestContext, error_chain, words};

    #[test]
    fn whitespace_and_escaped_quotes_do_not_end_a_quoted_word() {
        let cases: [(&str, Option<&[&str]>); 7] = [
            (
                "call_tool  restart\trunner ",
                Some(&["call_tool", "restart", "runner"]),
            ),
            (r#"A::"a b" T::"c""#, Some(&[r#"A::"a b""#, r#"T::"c""#])),
            (
                r#"A::"a \" b" T::"c""#,
                Some(&[r#"A::"a \" b""#, r#"T::"c""#]),
            ),
            (r#"A::"a\\" T::"c""#, Some(&[r#"A::"a\\""#, r#"T::"c""#])),
            (r"a\ b", Some(&[r"a\", "b"])),
            (r#"A::"a b"#, None),
            ("", Some(&[])),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_request_is_shown_in_the_short_form_only_if_that_is_read_back() {
        let cases = [
            ("call_tool restart_runner", "call_tool restart_runner"),
            (
                r#"MCP::Action::"call_tool" MCP::Tool::"restart_runner""#,
                "call_tool restart_runner",
            ),
            (
                r#"MCP::Action::"a b" MCP::Tool::"a::b""#,
                r#"MCP::Action::"a b" MCP::Tool::"a::b""#,
            ),
            (
                r#"MCP::Action::"" MCP::Tool::"a\"b""#,
                r#"MCP::Action::"" MCP::Tool::"a\"b""#,
            ),
            (
                r#"MCP::Tool::"x" Other::"y""#,
                r#"MCP::Tool::"x" Other::"y""#,
            ),
        ];
        for (text, expected) in cases {
            let request = CedarRequest::parse(text, &CedarRequestContext::default()).unwrap();
            assert_eq!(request.to_string(), expected, "{text}");
        }
    }

    #[derive(Debug, Error)]
    #[error("{text}")]
    struct Message {
        text: &'static str,
        source: Option<Box<Message>>,
    }

    #[test]
    fn each_cause_is_shown_once() {
        let chain = |texts: &[&'static str]| {
            let error = texts.iter().rev().fold(None, |source, text| {
                Some(Box::new(Message { text, source }))
            });
            error_chain(&*error.unwrap())
        };
        assert_eq!(chain(&["invalid entity"]), "invalid entity");
        assert_eq!(
            chain(&["invalid entity", "unexpected token", "at 3"]),
            "invalid entity: unexpected token: at 3"
        );
        assert_eq!(
            chain(&[
                "invalid entity: unexpected token",
                "unexpected token",
                "at 3"
            ]),
            "invalid entity: unexpected token: at 3"
        );
    }
}
