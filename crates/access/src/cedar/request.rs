//! What is asked of Cedar policies: `call_tool restart_runner`.

use std::fmt;
use std::str::FromStr;

use cedar_policy::{Context, EntityId, EntityTypeName, EntityUid};
use serde_json::Value;
use thiserror::Error;

/// The types of entities that the short form stands for (contract: the example of `CedarV1Policy`).
const ACTION: &str = "MCP::Action";
const TOOL: &str = "MCP::Tool";
/// Who asks, where nobody is named: somebody whom no statement names.
const ANYBODY: &str = "MCP::User::\"anybody\"";

/// Why a text is no request that Cedar policies decide about.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CedarRequestError {
    /// Fewer than two words, or more.
    #[error(
        "`{0}` must be an action and a resource, for example `call_tool restart_runner` or \
         `MCP::Action::\"call_tool\" MCP::Tool::\"restart_runner\"`"
    )]
    Words(String),
    /// A word that is neither a plain name nor an entity.
    #[error(
        "`{text}` is no Cedar entity: {why}; write for example `MCP::Tool::\"restart_runner\"`"
    )]
    Entity {
        /// The word.
        text: String,
        /// Why it is none.
        why: String,
    },
    /// A context that Cedar does not take.
    #[error("the context is not one: {0}; write a JSON object, for example `{{\"hour\": 12}}`")]
    Context(String),
}

/// Who asks, and in what context. By default that is somebody whom no statement names, in an empty context.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    principal: Option<EntityUid>,
    context: Option<Context>,
}

impl Circumstances {
    /// The same context for somebody who is named as a Cedar entity, such as `MCP::User::"ada"`.
    ///
    /// # Errors
    /// The text is no entity.
    pub fn with_principal(mut self, text: &str) -> Result<Self, CedarRequestError> {
        self.principal = Some(entity(text)?);
        Ok(self)
    }

    /// The same person in the context that a JSON object describes.
    ///
    /// # Errors
    /// The value is no object, or holds what Cedar has no value for.
    pub fn with_context(mut self, json: &Value) -> Result<Self, CedarRequestError> {
        let context = Context::from_json_value(json.clone(), None);
        self.context = Some(context.map_err(|error| CedarRequestError::Context(told(&error)))?);
        Ok(self)
    }
}

/// Somebody wants to do something with something, as Cedar policies see it.
#[derive(Debug, Clone)]
pub struct CedarRequest {
    principal: EntityUid,
    action: EntityUid,
    resource: EntityUid,
    context: Context,
}

impl CedarRequest {
    /// Reads an action and a resource: plain names, or Cedar entities.
    ///
    /// # Errors
    /// Says which word cannot be understood.
    pub fn parse(text: &str, circumstances: &Circumstances) -> Result<Self, CedarRequestError> {
        let words = words(text);
        let Some([action, resource]) = words.as_deref() else {
            return Err(CedarRequestError::Words(text.to_owned()));
        };
        let Circumstances { principal, context } = circumstances;
        Ok(Self {
            principal: principal.clone().map_or_else(|| entity(ANYBODY), Ok)?,
            action: short_or_entity(action, ACTION)?,
            resource: short_or_entity(resource, TOOL)?,
            context: context.clone().unwrap_or_else(Context::empty),
        })
    }

    /// The same for the Cedar engine. There is no schema, so that nothing is refused.
    pub(super) fn for_engine(&self) -> Result<cedar_policy::Request, String> {
        let Self {
            principal,
            action,
            resource,
            context,
        } = self.clone();
        cedar_policy::Request::new(principal, action, resource, context, None)
            .map_err(|error| told(&error))
    }
}

/// The words of a text; white space in quotes divides none. Nothing where a quote is not closed.
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
        let kind = EntityTypeName::from_str(kind).map_err(|error| wrong(word, &error))?;
        return Ok(named(&kind, word));
    }
    entity(word)
}

/// Whether a word is a name and not an entity.
fn is_short(word: &str) -> bool {
    !word.is_empty()
        && !word.contains("::")
        && !word.contains(|c: char| c == '"' || c == '\\' || c.is_whitespace())
}

fn entity(text: &str) -> Result<EntityUid, CedarRequestError> {
    EntityUid::from_str(text).map_err(|error| wrong(text, &error))
}

fn named(kind: &EntityTypeName, name: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(name))
}

fn wrong(text: &str, error: &dyn std::error::Error) -> CedarRequestError {
    CedarRequestError::Entity {
        text: text.to_owned(),
        why: told(error),
    }
}

/// What an error says, with what caused it.
fn told(error: &dyn std::error::Error) -> String {
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
            Short(&self.action, ACTION),
            Short(&self.resource, TOOL)
        )
    }
}

/// An entity by its name alone, where its type is the usual one.
struct Short<'a>(&'a EntityUid, &'static str);

impl fmt::Display for Short<'_> {
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
