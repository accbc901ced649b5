//! `argument-unknown`, `argument-missing`, `argument-invalid` and `input-default-unused`: the
//! inputs of policies, and the arguments that attachments give them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::service::chainloop::check::context;
use crate::service::chainloop::check::context::{
    ChainloopGroupView, ChainloopRuleContext, DocumentHeader,
};
use manifest::chainloop::Attachment;
use model::chainloop::{InputsSchema, Reference};
use model::diag::{Code, Diagnostic, FileId, Path, Place, did_you_mean};

/// Maximum number of diagnostics per file, and of each kind per attachment: more than are ever
/// listed.
const MOST: usize = 200;
/// Maximum number of names that a help line lists.
const MOST_LISTED: usize = 10;
const MOST_COMPARED: usize = 500;
/// Maximum length of a name in a message.
const LONGEST: usize = 100;

/// The inputs of a policy.
struct AcceptedInputs<'a> {
    name: String,
    names: InputNames<'a>,
    required: Cow<'a, [&'a str]>,
    /// `None` if the server reported the inputs.
    place: Option<Place>,
}

enum InputNames<'a> {
    Declared(&'a HashSet<&'a str>),
    Embedded(HashSet<&'a str>),
    FromServer(&'a InputsSchema),
}

pub(super) fn check(context: &ChainloopRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    let mut made: BTreeMap<FileId, usize> = BTreeMap::new();
    for group in &context.groups {
        let made = made.entry(group.document.file).or_default();
        let before = found.len();
        check_group(context, group, MOST.saturating_sub(*made), found);
        *made += found.len() - before;
    }
}

/// Stops after `most` diagnostics, but completes the current attachment.
fn check_group(
    context: &ChainloopRuleContext<'_>,
    group: &ChainloopGroupView<'_>,
    most: usize,
    found: &mut Vec<Diagnostic>,
) {
    let before = found.len();
    for (path, attachment) in group.attachments() {
        if found.len() - before >= most {
            return;
        }
        let Some(takes) = input_names(context, group, &path, attachment) else {
            continue;
        };
        let at = ArgumentLocation {
            group,
            path,
            given: attachment.with.as_ref(),
        };
        at.unknown(&takes, found);
        let arguments = at.path.clone().key("with");
        if !context.invalid.affects(group.document, &arguments) {
            at.missing(&takes, found);
        }
        at.invalid(&takes, found);
    }
}

/// The inputs of the attached policy, if they are known.
fn input_names<'a>(
    context: &'a ChainloopRuleContext<'_>,
    group: &ChainloopGroupView<'a>,
    path: &Path,
    attachment: &'a Attachment,
) -> Option<AcceptedInputs<'a>> {
    if let Some(policy) = &attachment.embedded {
        if !context.knows_inputs(group.document, &path.clone().key("embedded")) {
            return None;
        }
        let inputs = policy.spec.inputs();
        return Some(AcceptedInputs {
            name: policy.metadata.name.clone(),
            names: InputNames::Embedded(context::names(inputs)),
            required: Cow::Owned(context::required(inputs)),
            place: Some(Place::key(group.document, path.clone().key("embedded"))),
        });
    }
    let reference = Reference::parse(attachment.reference.as_deref()?).ok()?;
    let name = reference.name.to_string();
    if let Some(policy) = context.declared(&reference) {
        if !context.knows_inputs(policy.document, &Path::root()) {
            return None;
        }
        return Some(AcceptedInputs {
            name,
            names: InputNames::Declared(&policy.names),
            required: Cow::Borrowed(&policy.required),
            place: Some(Place::value(
                policy.document,
                Path::root().key("metadata").key("name"),
            )),
        });
    }
    let schema = context.schemas.get(&reference)?;
    let required = Cow::Owned(schema.required.iter().map(String::as_str).collect());
    Some(AcceptedInputs {
        name,
        names: InputNames::FromServer(schema),
        required,
        place: None,
    })
}

impl AcceptedInputs<'_> {
    fn contains(&self, name: &str) -> bool {
        match &self.names {
            InputNames::Declared(names) => names.contains(name),
            InputNames::Embedded(names) => names.contains(name),
            InputNames::FromServer(schema) => schema.properties.contains_key(name),
        }
    }

    fn name(&self) -> Cow<'_, str> {
        shortened(&self.name)
    }

    /// All names, sorted.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = match &self.names {
            InputNames::Declared(names) => names.iter().copied().collect(),
            InputNames::Embedded(names) => names.iter().copied().collect(),
            InputNames::FromServer(schema) => {
                schema.properties.keys().map(String::as_str).collect()
            }
        };
        names.sort_unstable();
        names
    }

    fn label_policy(&self, finding: Diagnostic) -> Diagnostic {
        match &self.place {
            Some(place) => finding.also(place.clone(), "the policy"),
            None => finding,
        }
    }
}

fn listed(names: &[&str]) -> String {
    let mut listed = names
        .iter()
        .take(MOST_LISTED)
        .map(|name| shortened(name))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > MOST_LISTED {
        listed += &format!(" and {} more", names.len() - MOST_LISTED);
    }
    listed
}

/// Shortens a string that may be quoted many times, which bounds the memory.
fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Whether the value contains a template, which only the engine can evaluate.
fn is_template(value: &str) -> bool {
    value.contains("{{")
}

struct ArgumentLocation<'a> {
    group: &'a ChainloopGroupView<'a>,
    /// The path to the attachment.
    path: Path,
    given: Option<&'a BTreeMap<String, String>>,
}

impl ArgumentLocation<'_> {
    fn argument(&self, name: &str) -> Path {
        self.path.clone().key("with").key(name)
    }

    fn unknown(&self, takes: &AcceptedInputs<'_>, found: &mut Vec<Diagnostic>) {
        let given = self
            .given
            .into_iter()
            .flatten()
            .map(|(argument, _)| argument);
        let mut unknown = given
            .filter(|argument| !takes.contains(argument))
            .take(MOST)
            .peekable();
        if unknown.peek().is_none() {
            return;
        }
        let known = takes.names();
        let near = |argument: &str| {
            let compared = known.iter().copied().filter(|name| name.len() <= LONGEST);
            did_you_mean(compared.take(MOST_COMPARED), argument)
        };
        for argument in unknown {
            let message = format!(
                "unknown argument `{argument}` of the policy `{}`",
                takes.name()
            );
            let similar = (argument.len() <= LONGEST)
                .then(|| near(argument))
                .flatten();
            let help = match similar {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => {
                    "the policy has no inputs: remove the argument, or declare it in `inputs` of the policy".to_owned()
                }
                None => format!("it takes: {}", listed(&known)),
            };
            let place = Place::key(self.group.document, self.argument(argument));
            found.push(
                takes
                    .label_policy(Diagnostic::new(Code::ArgumentUnknown, message, place))
                    .help(help)
                    .suggest_similar(similar),
            );
        }
    }

    fn missing(&self, takes: &AcceptedInputs<'_>, found: &mut Vec<Diagnostic>) {
        let value = |input: &str| self.given.and_then(|given| given.get(input));
        let missing = takes
            .required
            .iter()
            .filter(|input| value(input).is_none_or(String::is_empty));
        for input in missing.take(MOST) {
            let message = format!(
                "missing argument of the policy `{}`: `{}`",
                takes.name(),
                shortened(input)
            );
            // The engine treats an empty value as missing.
            let place = match value(input) {
                Some(_) => Place::value(self.group.document, self.argument(input)),
                None => Place::value(self.group.document, self.path.clone()),
            };
            let help = format!(
                "add `{}:` to the `with:` of this attachment",
                shortened(input)
            );
            found.push(
                takes
                    .label_policy(Diagnostic::new(Code::ArgumentMissing, message, place))
                    .help(help),
            );
        }
    }

    fn invalid(&self, takes: &AcceptedInputs<'_>, found: &mut Vec<Diagnostic>) {
        let schema = match &takes.names {
            InputNames::Declared(_) | InputNames::Embedded(_) => return,
            InputNames::FromServer(schema) => schema,
        };
        for (argument, text) in self
            .given
            .into_iter()
            .flatten()
            .filter(|(_, text)| !is_template(text))
        {
            let Some(fault) = schema
                .properties
                .get(argument)
                .and_then(|schema| fault(schema, text))
            else {
                continue;
            };
            let name = takes.name();
            let fault = shortened(&fault);
            let message = format!("invalid argument `{argument}` of the policy `{name}`: {fault}");
            let place = Place::value(self.group.document, self.argument(argument));
            found.push(Diagnostic::new(Code::ArgumentInvalid, message, place).help(
                "write a value that the policy's inputs accept; every value is treated as a string",
            ));
        }
    }
}

/// Why a schema rejects a value, both as a string and as the JSON value that the string contains.
/// An array accepts one string as well as several, separated by commas or newlines.
fn fault(schema: &Value, text: &str) -> Option<String> {
    // An invalid schema accepts everything. So does one that could take forever: references can
    // double the work with each step.
    if !is_bounded(schema) {
        return None;
    }
    let validator = jsonschema::options()
        .with_pattern_options(jsonschema::PatternOptions::regex())
        .build(schema)
        .ok()?;
    let several: Vec<&str> = text
        .split([',', '\n'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    let readings = [serde_json::from_str(text).ok(), Some(Value::from(several))];
    let as_text = Value::from(text);
    if validator.is_valid(&as_text)
        || readings
            .into_iter()
            .flatten()
            .any(|reading| validator.is_valid(&reading))
    {
        return None;
    }
    validator
        .iter_errors(&as_text)
        .next()
        .map(|error| error.to_string())
}

/// Whether a schema contains no references, so that its work is bounded by its size.
fn is_bounded(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => members.iter().all(|(key, value)| {
            !matches!(key.as_str(), "$ref" | "$dynamicRef" | "$recursiveRef") && is_bounded(value)
        }),
        Value::Array(items) => items.iter().all(is_bounded),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

pub(super) fn check_inputs(
    _: &ChainloopRuleContext<'_>,
    head: &DocumentHeader<'_>,
    found: &mut Vec<Diagnostic>,
) {
    for (index, input) in head.inputs.iter().enumerate() {
        // The engine treats an empty default as missing.
        let default = input
            .default
            .as_deref()
            .is_some_and(|default| !default.is_empty());
        if input.required == Some(true) && default {
            let message = format!("the required input `{}` has a default", input.name);
            found.push(
                Diagnostic::new(
                    Code::InputDefaultUnused,
                    message,
                    head.input(index, "default"),
                )
                .label("this default")
                .also(head.input(index, "required"), "and this")
                .help("remove one of the two: the engine refuses a policy with both"),
            );
        }
    }
}
