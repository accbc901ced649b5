//! Patterns of MCP requests: `mcp *`, `mcp invokeTool delete_* --server github`.
//!
//! Unlike a question, a pattern means all requests with what it gives: an attribute that it does not
//! give has no default, but any value.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::classes::Class;
use super::globs::{Glob, GlobPart, string_classes};
use super::request::{
    CedarRequestContext, CedarRequestError, circumstance, known_action, short_or_entity,
    similar_action, words,
};
use super::schema::{self, McpAction};
use super::space::{Dimension, Question};
use super::uses::{Uses, Variable};

const VERB: &str = "mcp";

/// A set of MCP requests.
#[derive(Debug, Clone)]
pub struct McpPattern {
    /// `None` for all MCP activity.
    requests: Option<McpRequests>,
}

#[derive(Debug, Clone)]
struct McpRequests {
    action: McpAction,
    /// The pattern of the names of resources.
    name: Glob,
    /// The pattern of the names of servers.
    server: Option<Glob>,
    /// What it gives, without the server.
    given: CedarRequestContext,
    /// The same as a question, without the names.
    question: Question,
}

/// Patterns are equal if they give the same, regardless of notation.
impl PartialEq for McpPattern {
    fn eq(&self, other: &Self) -> bool {
        let parts = |pattern: &Self| {
            let requests = pattern.requests.clone();
            requests.map(|it| (it.action, it.name, it.server, it.given))
        };
        parts(self) == parts(other)
    }
}

impl Eq for McpPattern {}

/// A condition of a pattern on one variable.
enum Constraint {
    Text(Glob),
    Long(i64),
    Bool(bool),
    Absent,
}

impl McpPattern {
    /// All MCP activity.
    pub fn all() -> Self {
        Self { requests: None }
    }

    /// Whether a text is meant as a pattern of MCP requests.
    pub fn is_meant(text: &str) -> bool {
        let verb = text.split_whitespace().next();
        verb.is_some_and(|verb| verb.eq_ignore_ascii_case(VERB))
    }

    /// Parses a pattern. What `given` contains must not be repeated in the text.
    ///
    /// # Errors
    /// The error names the invalid part.
    pub fn parse(text: &str, given: &CedarRequestContext) -> Result<Self, CedarRequestError> {
        let object = text.trim_start();
        let object = object.get(VERB.len()..).unwrap_or_default().trim();
        let wrong = || CedarRequestError::Words(object.to_owned());
        let words = words(object).ok_or_else(wrong)?;
        let [action, name, options @ ..] = words.as_slice() else {
            if words != ["*"] {
                return Err(wrong());
            }
            return if *given == CedarRequestContext::default() {
                Ok(Self::all())
            } else {
                Err(circumstance(
                    "server",
                    "`mcp *` is all MCP activity: name an action and a resource, for example `mcp invokeTool *`",
                ))
            };
        };
        let action = short_or_entity(action, schema::ACTION)?;
        let action = known_action(&action)?;
        if options.first().is_some_and(|word| *word == "when") {
            return Err(circumstance(
                "server",
                "only --allow-widening accepts the conditions of a row of a plan; give the server, attributes or arguments instead, for example `mcp invokeTool * --server github`",
            ));
        }
        let mut given = given.clone();
        add_options(&mut given, options)?;
        let server = given.server.take();
        if server.is_some() && !action.resource().has_server() {
            // The message is the same as for questions.
            given.clone().with_server("any").given(action)?;
        }
        let question = given.given(action)?;
        Ok(Self {
            requests: Some(McpRequests {
                action,
                name: name_pattern(action, name)?,
                server: server.as_deref().map(glob),
                given,
                question,
            }),
        })
    }

    /// The same text with the action that is probably meant; nothing if its action is known or if no
    /// action is similar.
    pub fn with_known_action(text: &str) -> Option<String> {
        let mut words = text.split_whitespace();
        let action = words.nth(1)?;
        let near = similar_action(action).and_then(McpAction::named)?;
        let is_known = McpAction::named(action).is_some();
        (!is_known).then(|| text.replacen(action, near.as_str(), 1))
    }

    /// The actions of the requests.
    pub(super) fn actions(&self) -> Vec<McpAction> {
        match &self.requests {
            None => McpAction::ALL.to_vec(),
            Some(requests) => vec![requests.action],
        }
    }

    /// A question that means all requests of the pattern with this action, and more requests only
    /// where a name has wildcards.
    pub(super) fn question(&self, action: McpAction) -> Question {
        let Some(requests) = &self.requests else {
            return Question::about(action);
        };
        let mut question = requests.question.clone();
        question.name = literal(&requests.name);
        question.server = requests.server.as_ref().and_then(literal);
        question
    }

    /// The comparisons by which the question must be divided, so that each case is inside or outside
    /// of the pattern.
    pub(super) fn name_comparisons(&self) -> Uses {
        let mut uses = Uses::default();
        for (variable, glob) in self.name_patterns() {
            if !glob.is_literal() && *glob != anything() {
                uses.compare(&variable).strings.insert(glob.clone());
            }
        }
        uses
    }

    /// Whether a case of the question is in the pattern.
    pub(super) fn contains_case(&self, dimensions: &[Dimension], classes: &[usize]) -> bool {
        self.name_patterns().iter().all(|(variable, glob)| {
            // A name without a dimension is given, or makes no difference.
            class_of(dimensions, classes, variable).is_none_or(|class| glob.matches(class.text()))
        })
    }

    fn name_patterns(&self) -> Vec<(Variable, &Glob)> {
        let Some(requests) = &self.requests else {
            return Vec::new();
        };
        let server = requests.server.as_ref();
        std::iter::once((Variable::Name, &requests.name))
            .chain(server.map(|server| (Variable::Server, server)))
            .collect()
    }

    /// All conditions of the pattern on requests with this action. Nothing if it contains none of
    /// them, or if a condition cannot be divided.
    fn constraints(&self, action: McpAction) -> Option<Vec<(Variable, Constraint)>> {
        let Some(requests) = &self.requests else {
            return Some(Vec::new());
        };
        if requests.action != action {
            return None;
        }
        let names = self.name_patterns().into_iter();
        let mut found: Vec<(Variable, Constraint)> = names
            .map(|(variable, glob)| (variable, Constraint::Text(glob.clone())))
            .collect();
        let CedarRequestContext {
            server: _,
            attributes,
            arguments,
            context,
        } = &requests.given;
        if !context.is_empty() {
            return None;
        }
        for (name, value) in attributes {
            found.push((Variable::Attribute(name.clone()), constraint(value)?));
        }
        for (name, value) in arguments.iter().flatten() {
            let path = vec![schema::ARGS.to_owned(), name.clone()];
            found.push((Variable::Context(path), constraint(value)?));
        }
        Some(found)
    }

    /// Adds the comparisons of all conditions.
    pub(super) fn add_comparisons(&self, action: McpAction, uses: &mut Uses) {
        for (variable, constraint) in self.constraints(action).into_iter().flatten() {
            let own = uses.compare(&variable);
            match constraint {
                Constraint::Text(glob) => {
                    own.strings.insert(glob);
                }
                Constraint::Long(number) => {
                    own.longs.insert(number);
                }
                Constraint::Bool(_) => own.bools = true,
                Constraint::Absent => {}
            }
        }
    }

    /// Whether all requests of a case are in the pattern. The cases must have been divided by
    /// [`Self::add_comparisons`].
    pub(super) fn covers_case(
        &self,
        action: McpAction,
        dimensions: &[Dimension],
        classes: &[usize],
    ) -> bool {
        let Some(constraints) = self.constraints(action) else {
            return false;
        };
        constraints.iter().all(|(variable, constraint)| {
            let Some(class) = class_of(dimensions, classes, variable) else {
                return false;
            };
            match (constraint, class) {
                (Constraint::Text(glob), Class::Strings { witness, .. }) => glob.matches(witness),
                (Constraint::Long(number), Class::Longs(from, to)) => {
                    from == number && to == number
                }
                (Constraint::Bool(value), Class::Bool(other)) => value == other,
                (Constraint::Absent, Class::Absent) => true,
                _ => false,
            }
        })
    }

    /// Whether all requests of the other pattern are in this one. False if that is not established.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        let Some(own) = &self.requests else {
            return true;
        };
        let Some(other) = &other.requests else {
            return false;
        };
        let server = match (&own.server, &other.server) {
            (None, _) => true,
            (Some(own), Some(other)) => contains_glob(own, other),
            (Some(own), None) => *own == anything(),
        };
        let has = |all: &Map<String, Value>, some: &Map<String, Value>| {
            some.iter()
                .all(|(name, value)| all.get(name) == Some(value))
        };
        let none = Map::new();
        let arguments = |given: &CedarRequestContext| given.arguments.clone().unwrap_or_default();
        own.action == other.action
            && contains_glob(&own.name, &other.name)
            && server
            && has(&other.given.attributes, &own.given.attributes)
            && has(&arguments(&other.given), &arguments(&own.given))
            && (own.given.context == none || own.given.context == other.given.context)
    }

    /// One request of a case, as a question with options.
    pub(super) fn witness(
        &self,
        action: McpAction,
        dimensions: &[Dimension],
        classes: &[usize],
    ) -> String {
        let class = |variable: &Variable| class_of(dimensions, classes, variable);
        let question = self.question(action);
        let default = self
            .requests
            .as_ref()
            .map_or_else(anything, |it| it.name.clone());
        let name = question
            .name
            .or_else(|| class(&Variable::Name).map(|class| class.text().to_owned()))
            .unwrap_or_else(|| example_of(&default, "example"));
        let mut given = match &self.requests {
            Some(requests) => requests.given.clone(),
            None => CedarRequestContext::default(),
        };
        let own_server = self.requests.as_ref().and_then(|it| it.server.clone());
        given.server = class(&Variable::Server)
            .map(|class| class.text().to_owned())
            .or_else(|| own_server.map(|server| example_of(&server, "example")));
        let mut fields: Map<String, Value> = Map::new();
        for (dimension, chosen) in dimensions.iter().zip(classes) {
            let Dimension::Variable(variable, all) = dimension else {
                continue;
            };
            let Some(class) = all.get(*chosen) else {
                continue;
            };
            match variable {
                Variable::Name | Variable::Server => {}
                Variable::Attribute(name) => {
                    let value = class.json().map(|value| (name.clone(), value));
                    given.attributes.extend(value);
                }
                Variable::Context(path) => insert(&mut fields, path, class),
            }
        }
        match fields.remove(schema::ARGS) {
            Some(Value::Object(known)) if !known.is_empty() || given.arguments.is_some() => {
                let own = given.arguments.get_or_insert_default();
                own.extend(known);
            }
            // All arguments: none of them, or an empty object.
            Some(all) => {
                given.context.insert(schema::ARGS.to_owned(), all);
            }
            None => {}
        }
        given.context.extend(fields);
        let name = entity_text(action, &name);
        format!("{VERB} {} {name}{}", action.as_str(), Options(&given))
    }
}

impl Glob {
    /// Whether it matches a text.
    pub(super) fn matches(&self, text: &str) -> bool {
        contains_glob(self, &Self::literal(text))
    }
}

/// Whether each text of `narrow` is one of `wide`. False if there are too many states.
fn contains_glob(wide: &Glob, narrow: &Glob) -> bool {
    let classes = string_classes(&[wide.clone(), narrow.clone()]);
    classes.is_some_and(|classes| classes.iter().all(|class| class.matched != [false, true]))
}

/// The pattern of all texts.
fn anything() -> Glob {
    Glob(vec![GlobPart::Wildcard])
}

/// The only text of a pattern.
fn literal(glob: &Glob) -> Option<String> {
    glob.is_literal().then(|| glob.text())
}

/// A text of a pattern; `word` if every text is one.
fn example_of(glob: &Glob, word: &str) -> String {
    if *glob == anything() {
        return word.to_owned();
    }
    let parts = glob.0.iter().filter_map(|part| match part {
        GlobPart::Char(c) => Some(*c),
        GlobPart::Wildcard => None,
    });
    parts.collect()
}

/// Parses a name with `*` for any characters and `\*` for the character itself.
fn glob(text: &str) -> Glob {
    let mut parts = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        parts.push(match c {
            '\\' if rest.next_if_eq(&'*').is_some() => GlobPart::Char('*'),
            '*' => GlobPart::Wildcard,
            c => GlobPart::Char(c),
        });
    }
    Glob(parts)
}

/// The text that [`glob`] parses.
fn glob_text(glob: &Glob) -> String {
    let parts = glob.0.iter().map(|part| match part {
        GlobPart::Char('*') => "\\*".to_owned(),
        GlobPart::Char(c) => c.to_string(),
        GlobPart::Wildcard => "*".to_owned(),
    });
    parts.collect()
}

/// The pattern of names: a name with wildcards, the same in quotes, or a Cedar entity.
fn name_pattern(action: McpAction, word: &str) -> Result<Glob, CedarRequestError> {
    if word.starts_with('"')
        && let Ok(Value::String(text)) = serde_json::from_str(word)
    {
        return Ok(glob(&text));
    }
    let is_name = !word.contains("::") && !word.contains('"');
    if is_name && word.contains('*') {
        return Ok(glob(word));
    }
    let expected = action.resource().as_str();
    let entity = short_or_entity(word, expected)?;
    let given = entity.type_name().to_string();
    if given != expected {
        return Err(CedarRequestError::Resource {
            action: action.as_str(),
            expected,
            given,
        });
    }
    let name: &str = entity.id().unescaped();
    Ok(Glob::literal(name))
}

/// A name in a pattern or question: plain, or as a Cedar entity.
pub(super) fn entity_text(action: McpAction, name: &str) -> String {
    let is_plain = !name.is_empty()
        && !name.contains("::")
        && !name.contains(|c: char| c.is_whitespace() || "\"\\*".contains(c));
    if is_plain {
        return name.to_owned();
    }
    format!("{}::{}", action.resource().as_str(), Value::from(name))
}

/// Reads the options of `explain`: `--server NAME --attr NAME=VALUE --arg NAME=VALUE`.
fn add_options(given: &mut CedarRequestContext, words: &[&str]) -> Result<(), CedarRequestError> {
    let mut words = words.iter();
    while let Some(option) = words.next() {
        let field = match *option {
            "--server" => "server",
            "--attr" | "--identity-url" | "--type" => "attributes",
            "--arg" => "args",
            "--context" => "context",
            other => {
                return Err(circumstance(
                    "server",
                    format!(
                        "unknown option `{other}`; a pattern takes `--server NAME`, `--attr NAME=VALUE`, `--arg NAME=VALUE` and `--context JSON`"
                    ),
                ));
            }
        };
        let missing = || circumstance(field, format!("a value is missing after `{option}`"));
        let value = words.next().ok_or_else(missing)?;
        let text = || match serde_json::from_str(value) {
            Ok(Value::String(text)) => text,
            _ => (*value).to_owned(),
        };
        let is_repeated = match *option {
            "--server" => given.server.replace(text()).is_some(),
            "--identity-url" => {
                let own = &mut given.attributes;
                own.insert("identityURL".to_owned(), text().into())
                    .is_some()
            }
            "--type" => {
                let own = &mut given.attributes;
                own.insert("type".to_owned(), text().into()).is_some()
            }
            "--context" => {
                let json = serde_json::from_str(value);
                let json = json.map_err(|_| circumstance(field, "`--context` is not JSON"))?;
                let is_repeated = !given.context.is_empty();
                *given = given.clone().with_context(&json)?;
                is_repeated
            }
            option => {
                let pair = value.split_once('=').filter(|(name, _)| !name.is_empty());
                let (name, value) = pair.ok_or_else(|| {
                    circumstance(
                        field,
                        format!("`{option}` must be NAME=VALUE, not `{value}`"),
                    )
                })?;
                let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
                let own = match option {
                    "--attr" => &mut given.attributes,
                    _ => given.arguments.get_or_insert_default(),
                };
                own.insert(name.to_owned(), value).is_some()
            }
        };
        if is_repeated {
            return Err(circumstance(
                field,
                format!("`{option}` gives a value twice"),
            ));
        }
    }
    Ok(())
}

fn constraint(value: &Value) -> Option<Constraint> {
    match value {
        Value::Null => Some(Constraint::Absent),
        Value::Bool(value) => Some(Constraint::Bool(*value)),
        Value::Number(number) => number.as_i64().map(Constraint::Long),
        Value::String(text) => Some(Constraint::Text(Glob::literal(text))),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// The class of a variable in a case, if it is a dimension.
fn class_of<'d>(
    dimensions: &'d [Dimension],
    classes: &[usize],
    variable: &Variable,
) -> Option<&'d Class> {
    let mut pairs = dimensions.iter().zip(classes);
    pairs.find_map(|(dimension, class)| match dimension {
        Dimension::Variable(own, all) if own == variable => all.get(*class),
        Dimension::Variable(..) | Dimension::Statement(_) => None,
    })
}

/// Sets a field of an object, whose parents have been set before.
fn insert(fields: &mut Map<String, Value>, path: &[String], class: &Class) {
    let (Some(name), parents) = (path.last(), &path[..path.len().saturating_sub(1)]) else {
        return;
    };
    let mut at = fields;
    for parent in parents {
        match at.get_mut(parent) {
            Some(Value::Object(inner)) => at = inner,
            // The parent is absent or no object.
            _ => return,
        }
    }
    let is_argument = parents.len() == 1;
    match class {
        Class::Object => {
            at.insert(name.clone(), Value::Object(Map::new()));
        }
        // In a question, an argument that is not named is unknown.
        Class::Absent if parents.is_empty() || is_argument => {
            at.insert(name.clone(), Value::Null);
        }
        Class::Absent => {}
        class => at.extend(class.json().map(|value| (name.clone(), value))),
    }
}

/// What a pattern or question gives, as options of `explain`.
struct Options<'g>(&'g CedarRequestContext);

impl fmt::Display for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(CedarRequestContext {
            server,
            attributes,
            arguments,
            context,
        }) = self;
        if let Some(server) = server {
            write!(f, " --server {}", word(server))?;
        }
        for (name, value) in attributes {
            write!(f, " --attr {name}={}", option_value(value))?;
        }
        for (name, value) in arguments.iter().flatten() {
            write!(f, " --arg {name}={}", option_value(value))?;
        }
        if !context.is_empty() {
            write!(f, " --context {}", Value::Object(context.clone()))?;
        }
        Ok(())
    }
}

/// A text that is read back as one word.
fn word(text: &str) -> String {
    let is_plain = !text.is_empty()
        && !text.contains(|c: char| c.is_whitespace() || c == '"')
        && !text.starts_with("--");
    if is_plain {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

/// A value that is read back as the same: a string without quotes if it is no other JSON.
fn option_value(value: &Value) -> String {
    match value {
        Value::String(text) if serde_json::from_str::<Value>(text).is_err() => word(text),
        other => other.to_string(),
    }
}

impl fmt::Display for McpPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(requests) = &self.requests else {
            return write!(f, "{VERB} *");
        };
        let McpRequests {
            action,
            name,
            server,
            given,
            question: _,
        } = requests;
        let name = match literal(name) {
            Some(name) => entity_text(*action, &name),
            None => word(&glob_text(name)),
        };
        let mut given = given.clone();
        given.server = server.as_ref().map(glob_text);
        write!(f, "{VERB} {} {name}{}", action.as_str(), Options(&given))
    }
}

impl FromStr for McpPattern {
    type Err = CedarRequestError;

    fn from_str(text: &str) -> Result<Self, CedarRequestError> {
        Self::parse(text, &CedarRequestContext::default())
    }
}
