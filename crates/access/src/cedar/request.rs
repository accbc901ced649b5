//! Parses requests to Cedar policies, such as `invokeTool delete_issue`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use cedar_policy::{EntityUid, RestrictedExpression};
use serde_json::{Map, Value};
use thiserror::Error;

use super::schema::{self, AttributeType, McpAction, NEVER_GATED, ResourceType, SERVER_TYPES};
use super::space::{Arguments, Question};
use model::diag::did_you_mean;

/// Why a question cannot name a principal.
pub const NO_PRINCIPAL: &str = "the principal comes from the scope of a policy, so that statements \
     cannot match it: ask for a team instead";

/// The reason why a text is not a valid request to Cedar policies.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CedarRequestError {
    /// The text is not two words.
    #[error(
        "`{0}` must be an action and a resource, for example `invokeTool delete_issue` or \
         `MCP::Action::\"invokeTool\" MCP::Tool::\"delete_issue\"`"
    )]
    Words(String),
    /// A word that is neither a plain name nor a Cedar entity.
    #[error(
        "`{text}` is not a Cedar entity: {why}; write for example `MCP::Tool::\"delete_issue\"`"
    )]
    Entity {
        /// The word.
        text: String,
        /// The reason.
        why: String,
    },
    /// An action that policies do not decide.
    #[error("`{action}` is not an action that policies decide; {help}")]
    Action {
        /// The action.
        action: String,
        /// A similar action, or all actions.
        help: String,
    },
    /// The action is decided on another type of resource.
    #[error("`{action}` is decided on `{expected}`, not on `{given}`")]
    Resource {
        /// The action.
        action: &'static str,
        /// The type of its resource.
        expected: &'static str,
        /// The given type.
        given: String,
    },
    /// A server, an attribute, an argument or a context that the request cannot have.
    #[error("{why}")]
    Circumstance {
        /// What it is part of: `server`, `attributes`, `args` or `context`.
        field: &'static str,
        /// What is wrong.
        why: String,
    },
}

/// What a question gives in addition to the action and the resource. Anything else has the documented
/// default, or is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CedarRequestContext {
    pub(super) server: Option<String>,
    pub(super) attributes: Map<String, Value>,
    pub(super) arguments: Option<Map<String, Value>>,
    pub(super) context: Map<String, Value>,
}

impl CedarRequestContext {
    /// Sets the registered name of the server that the resource is in.
    #[must_use]
    pub fn with_server(mut self, name: &str) -> Self {
        self.server = Some(name.to_owned());
        self
    }

    /// Sets attributes of the resource.
    #[must_use]
    pub fn with_attributes(mut self, attributes: &Map<String, Value>) -> Self {
        self.attributes.extend(attributes.clone());
        self
    }

    /// Sets arguments of the call; null for one that is absent. Others stay unknown.
    #[must_use]
    pub fn with_arguments(mut self, arguments: &Map<String, Value>) -> Self {
        let own = self.arguments.get_or_insert_default();
        own.extend(arguments.clone());
        self
    }

    /// Sets fields of the context, from a JSON object; null for one that is absent. `args` contains
    /// all arguments.
    ///
    /// # Errors
    /// The value is not an object.
    pub fn with_context(mut self, json: &Value) -> Result<Self, CedarRequestError> {
        let Value::Object(fields) = json else {
            return Err(circumstance(
                "context",
                "the context must be an object, for example `{\"args\": {\"amount\": 700}}`",
            ));
        };
        self.context.extend(fields.clone());
        Ok(self)
    }

    fn question(&self, action: McpAction, name: &str) -> Result<Question, CedarRequestError> {
        let mut question = self.given(action)?;
        question.name = Some(name.to_owned());
        for attribute in action.resource().attributes() {
            if let AttributeType::Bool(Some(default)) = attribute.kind {
                let value = RestrictedExpression::new_bool(default);
                let known = question.attributes.entry(attribute.name.to_owned());
                known.or_insert(value);
            }
        }
        Ok(question)
    }

    /// A question that gives this and nothing else: what is not given has no default.
    pub(super) fn given(&self, action: McpAction) -> Result<Question, CedarRequestError> {
        let kind = action.resource();
        let mut question = Question::about(action);
        if let Some(server) = &self.server {
            if !kind.has_server() {
                let why = match kind {
                    ResourceType::Server => {
                        "the server is the resource that is registered: give its name only"
                    }
                    _ => "the gateway's own tools belong to no server",
                };
                return Err(circumstance(
                    "server",
                    format!("`{}` takes no server: {why}", action.as_str()),
                ));
            }
            question.server = Some(server.clone());
        }
        if let Some(Value::String(server_type)) = self.attributes.get("type")
            && server_type.starts_with("remote-")
        {
            let empty = RestrictedExpression::new_string(String::new());
            question.attributes.insert("command".to_owned(), empty);
            let none = RestrictedExpression::new_set([]);
            question.attributes.insert("args".to_owned(), none);
        }
        for (name, value) in &self.attributes {
            let value = attribute_value(kind, name, value)?;
            question.attributes.insert(name.clone(), value);
        }
        self.check_context(action)?;
        if let Some(time) = self.context.get(schema::REQUEST_TIME) {
            question.request_time = Some(time_value(time)?);
        }
        question.arguments = self.arguments(action)?;
        Ok(question)
    }

    fn check_context(&self, action: McpAction) -> Result<(), CedarRequestError> {
        for name in self.context.keys() {
            if !schema::CONTEXT.contains(&name.as_str()) {
                let help = match did_you_mean(schema::CONTEXT, name) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it contains {}", schema::CONTEXT.join(" and ")),
                };
                return Err(circumstance(
                    "context",
                    format!("the context has no field `{name}`; {help}"),
                ));
            }
            if !action.has_context(name) && !self.context[name].is_null() {
                return Err(circumstance(
                    "context",
                    format!("the context of `{}` has no `{name}`", action.as_str()),
                ));
            }
        }
        Ok(())
    }

    fn arguments(&self, action: McpAction) -> Result<Arguments, CedarRequestError> {
        let whole = self.context.get(schema::ARGS);
        if !action.has_context(schema::ARGS) {
            return match &self.arguments {
                Some(given) if !given.is_empty() => Err(circumstance(
                    "args",
                    format!("`{}` has no arguments", action.as_str()),
                )),
                Some(_) | None => Ok(Arguments::Absent),
            };
        }
        match (whole, &self.arguments) {
            (Some(_), Some(given)) if !given.is_empty() => Err(circumstance(
                "args",
                "the arguments are given twice: by themselves and in the context",
            )),
            (Some(Value::Null), _) => Ok(Arguments::Absent),
            (Some(Value::Object(fields)), _) => {
                let mut all = BTreeMap::new();
                for (name, value) in fields {
                    all.insert(name.clone(), argument(name, value)?);
                }
                Ok(Arguments::Exactly(all))
            }
            (Some(_), _) => Err(circumstance(
                "context",
                "`args` of the context must be an object",
            )),
            (None, Some(given)) if !given.is_empty() => {
                let mut some = BTreeMap::new();
                for (name, value) in given {
                    let value = match value {
                        Value::Null => None,
                        value => Some(argument(name, value)?),
                    };
                    some.insert(name.clone(), value);
                }
                Ok(Arguments::Some(some))
            }
            (None, _) => Ok(Arguments::Unknown),
        }
    }
}

/// The value of an attribute of a resource.
fn attribute_value(
    kind: ResourceType,
    name: &str,
    value: &Value,
) -> Result<RestrictedExpression, CedarRequestError> {
    let names = || kind.attributes().iter().map(|attribute| attribute.name);
    let kind_name = kind.as_str();
    let Some(attribute) = kind.attribute(name) else {
        let help = match did_you_mean(names(), name) {
            Some(near) => format!("did you mean `{near}`?"),
            None if kind.attributes().is_empty() => "it has none".to_owned(),
            None => format!("it has {}", names().collect::<Vec<_>>().join(", ")),
        };
        return Err(circumstance(
            "attributes",
            format!("`{kind_name}` has no attribute `{name}`; {help}"),
        ));
    };
    let wrong = |expected: &str| {
        circumstance(
            "attributes",
            format!("the attribute `{name}` of `{kind_name}` must be {expected}, not `{value}`"),
        )
    };
    match (attribute.kind, value) {
        (AttributeType::Identity, _) => Err(circumstance(
            "attributes",
            format!("the attribute `{name}` is the name that the request gives"),
        )),
        (AttributeType::String, Value::String(text)) => {
            if name == "type" && !SERVER_TYPES.contains(&text.as_str()) {
                let help = match did_you_mean(SERVER_TYPES, text) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the types are {}", SERVER_TYPES.join(", ")),
                };
                return Err(circumstance(
                    "attributes",
                    format!("`{text}` is not a type of servers; {help}"),
                ));
            }
            Ok(RestrictedExpression::new_string(text.clone()))
        }
        (AttributeType::String, _) => Err(wrong("a string")),
        (AttributeType::Bool(_), Value::Bool(value)) => Ok(RestrictedExpression::new_bool(*value)),
        (AttributeType::Bool(_), _) => Err(wrong("true or false")),
        (AttributeType::Strings, Value::Array(items)) if items.iter().all(Value::is_string) => {
            let items = items.iter().filter_map(Value::as_str);
            let items = items.map(|item| RestrictedExpression::new_string(item.to_owned()));
            Ok(RestrictedExpression::new_set(items))
        }
        (AttributeType::Strings, _) => Err(wrong("a list of strings")),
    }
}

fn argument(name: &str, value: &Value) -> Result<RestrictedExpression, CedarRequestError> {
    expression(value).map_err(|why| {
        circumstance(
            "args",
            format!("the argument `{name}` cannot be used: {why}"),
        )
    })
}

/// The time of a request. The type is not documented: a string that is a date is a Cedar `datetime`.
fn time_value(value: &Value) -> Result<Option<RestrictedExpression>, CedarRequestError> {
    let is_date = |text: &str| {
        let bytes = text.as_bytes();
        bytes.len() >= 10
            && bytes[..10].iter().enumerate().all(|(at, byte)| match at {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    };
    match value {
        Value::Null => Ok(None),
        Value::String(text) if is_date(text) => {
            let value = RestrictedExpression::new_datetime(text);
            let context = [(schema::REQUEST_TIME.to_owned(), value.clone())];
            match cedar_policy::Context::from_pairs(context) {
                Ok(_) => Ok(Some(value)),
                Err(error) => Err(circumstance(
                    "context",
                    format!(
                        "`request_time` is not a valid date: {}",
                        error_chain(&error)
                    ),
                )),
            }
        }
        value => {
            let value = expression(value);
            value.map(Some).map_err(|why| {
                circumstance("context", format!("`request_time` cannot be used: {why}"))
            })
        }
    }
}

/// A JSON value in Cedar.
fn expression(value: &Value) -> Result<RestrictedExpression, String> {
    match value {
        Value::Null => Err("Cedar has no null".to_owned()),
        Value::Bool(value) => Ok(RestrictedExpression::new_bool(*value)),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Ok(RestrictedExpression::new_long(number)),
            None => Err(format!(
                "Cedar has whole numbers of 64 bits only, not `{number}`"
            )),
        },
        Value::String(text) => Ok(RestrictedExpression::new_string(text.clone())),
        Value::Array(items) => {
            let items: Result<Vec<_>, String> = items.iter().map(expression).collect();
            Ok(RestrictedExpression::new_set(items?))
        }
        Value::Object(fields) => {
            let mut values = Vec::new();
            for (name, value) in fields {
                values.push((name.clone(), expression(value)?));
            }
            RestrictedExpression::new_record(values).map_err(|error| error.to_string())
        }
    }
}

pub(super) fn circumstance(field: &'static str, why: impl Into<String>) -> CedarRequestError {
    let why = why.into();
    CedarRequestError::Circumstance { field, why }
}

/// An action on a resource, with what is known about it.
#[derive(Debug, Clone)]
pub struct CedarRequest {
    action: EntityUid,
    resource: EntityUid,
    question: Question,
}

impl CedarRequest {
    /// Parses an action and a resource, each a plain name or a Cedar entity.
    ///
    /// # Errors
    /// The error names the invalid word, or what the request cannot have.
    pub fn parse(
        text: &str,
        circumstances: &CedarRequestContext,
    ) -> Result<Self, CedarRequestError> {
        let words = words(text);
        let Some([action, resource]) = words.as_deref() else {
            return Err(CedarRequestError::Words(text.to_owned()));
        };
        let action = short_or_entity(action, schema::ACTION)?;
        let known = known_action(&action)?;
        let expected = known.resource().as_str();
        let resource = short_or_entity(resource, expected)?;
        let given = resource.type_name().to_string();
        if given != expected {
            return Err(CedarRequestError::Resource {
                action: known.as_str(),
                expected,
                given,
            });
        }
        let name: &str = resource.id().unescaped();
        let question = circumstances.question(known, name)?;
        Ok(Self {
            action,
            resource,
            question,
        })
    }

    /// What is known about the request.
    pub(super) fn question(&self) -> &Question {
        &self.question
    }
}

pub(super) fn known_action(action: &EntityUid) -> Result<McpAction, CedarRequestError> {
    let kind = action.type_name().to_string();
    let name: &str = action.id().unescaped();
    if kind == schema::ACTION
        && let Some(known) = McpAction::named(name)
    {
        return Ok(known);
    }
    let names = || McpAction::ALL.into_iter().map(McpAction::as_str);
    let help = if NEVER_GATED.contains(&name) {
        "the gateway permits it, whatever the policies say".to_owned()
    } else if let Some(near) = similar_action(name) {
        format!("did you mean `{near}`?")
    } else {
        format!("use {}", names().collect::<Vec<_>>().join(", "))
    };
    Err(CedarRequestError::Action {
        action: name.to_owned(),
        help,
    })
}

/// The action that is probably meant by a name.
pub(super) fn similar_action(name: &str) -> Option<&'static str> {
    // The example of the service's API page uses the old name.
    if name == "call_tool" {
        return Some(McpAction::InvokeTool.as_str());
    }
    let names = McpAction::ALL.into_iter().map(McpAction::as_str);
    did_you_mean(names.chain(NEVER_GATED), name)
}

/// Splits a text into words. Whitespace in quotes does not separate words. `None` if a quote is not
/// closed.
pub(super) fn words(text: &str) -> Option<Vec<&str>> {
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

pub(super) fn short_or_entity(word: &str, kind: &str) -> Result<EntityUid, CedarRequestError> {
    if is_short(word) {
        let quoted = Value::from(word);
        return entity(&format!("{kind}::{quoted}"));
    }
    entity(word)
}

/// Whether a word is a plain name rather than an entity.
pub(super) fn is_short(word: &str) -> bool {
    !word.is_empty()
        && !word.contains("::")
        && !word.contains(|c: char| c == '"' || c == '\\' || c.is_whitespace())
}

fn entity(text: &str) -> Result<EntityUid, CedarRequestError> {
    EntityUid::from_str(text).map_err(|error| CedarRequestError::Entity {
        text: text.to_owned(),
        why: error_chain(&error),
    })
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
            ShortEntity(&self.action, schema::ACTION),
            ShortEntity(&self.resource, self.question.action.resource().as_str())
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
            ("invokeTool restart_runner", "invokeTool restart_runner"),
            (
                r#"MCP::Action::"invokeTool" MCP::Tool::"restart_runner""#,
                "invokeTool restart_runner",
            ),
            (
                r#"invokeTool MCP::Tool::"a::b""#,
                r#"invokeTool MCP::Tool::"a::b""#,
            ),
            (
                r#"getPrompt MCP::Prompt::"a\"b""#,
                r#"getPrompt MCP::Prompt::"a\"b""#,
            ),
            (
                "readResource file:///docs/a.md",
                "readResource file:///docs/a.md",
            ),
            ("register notion", "register notion"),
            ("invokePrimordial code-mode", "invokePrimordial code-mode"),
        ];
        for (text, expected) in cases {
            let request = CedarRequest::parse(text, &CedarRequestContext::default()).unwrap();
            assert_eq!(request.to_string(), expected, "{text}");
        }
    }

    fn error(text: &str, circumstances: &CedarRequestContext) -> String {
        CedarRequest::parse(text, circumstances).map_or_else(
            |error| error.to_string(),
            |request| format!("no error: {request}"),
        )
    }

    /// Expected texts follow the tables of actions and resources of the contract.
    #[test]
    fn what_a_request_cannot_have_is_an_error() {
        let none = CedarRequestContext::default();
        let server = none.clone().with_server("github");
        let attributes =
            |json: serde_json::Value| none.clone().with_attributes(json.as_object().unwrap());
        let arguments =
            |json: serde_json::Value| none.clone().with_arguments(json.as_object().unwrap());
        let context = |json: serde_json::Value| none.clone().with_context(&json).unwrap();
        let cases = [
            ("call_tool x", none.clone(), "did you mean `invokeTool`?"),
            ("listTools x", none.clone(), "the gateway permits it"),
            ("invoketool x", none.clone(), "did you mean `invokeTool`?"),
            ("MCP::Tool::\"x\" y", none.clone(), "not an action"),
            (
                "invokeTool MCP::Server::\"x\"",
                none.clone(),
                "`invokeTool` is decided on `MCP::Tool`, not on `MCP::Server`",
            ),
            ("register x", server.clone(), "takes no server"),
            ("invokePrimordial x", server, "belong to no server"),
            (
                "invokeTool x",
                attributes(serde_json::json!({"readonly": true})),
                "did you mean `readOnly`?",
            ),
            (
                "invokeTool x",
                attributes(serde_json::json!({"readOnly": "yes"})),
                "must be true or false",
            ),
            (
                "invokePrimordial x",
                attributes(serde_json::json!({"readOnly": true})),
                "it has none",
            ),
            (
                "register x",
                attributes(serde_json::json!({"type": "remote-dcrr"})),
                "did you mean `remote-dcr`?",
            ),
            (
                "getPrompt x",
                arguments(serde_json::json!({"a": 1})),
                "`getPrompt` has no arguments",
            ),
            (
                "invokeTool x",
                arguments(serde_json::json!({"a": 1.5})),
                "whole numbers",
            ),
            (
                "register x",
                context(serde_json::json!({"request_time": 1})),
                "has no `request_time`",
            ),
            (
                "invokeTool x",
                context(serde_json::json!({"hour": 1})),
                "no field `hour`",
            ),
        ];
        for (text, circumstances, expected) in cases {
            let error = error(text, &circumstances);
            assert!(error.contains(expected), "{text}: {error}");
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
