//! `argument-unknown`, `argument-missing` and `argument-invalid`: what is given to attached policies, against what they take.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::Findings;
use crate::check::documents::scene::{self, GroupView, Scene};
use crate::diag::{Code, Diagnostic, Path, Place, did_you_mean};
use crate::manifest::chainloop::Attachment;
use crate::model::chainloop::{InputsSchema, Reference};

/// How many findings of one group are made: more than are ever listed.
const MOST: usize = 200;

/// What a policy takes.
struct Takes<'a> {
    /// What it is called.
    name: String,
    names: Names<'a>,
    required: Cow<'a, [&'a str]>,
    /// Where it is declared; none where the server told what it takes.
    place: Option<Place>,
}

/// The names of inputs.
enum Names<'a> {
    Declared(&'a HashSet<&'a str>),
    Embedded(HashSet<&'a str>),
    Told(&'a InputsSchema),
}

pub(super) fn check(scene: &Scene<'_>, group: &GroupView<'_>, found: &mut Findings) {
    let before = found.len();
    for (path, attachment) in group.attachments() {
        if found.len() - before > MOST {
            return;
        }
        let Some(takes) = takes(scene, group, &path, attachment) else { continue };
        let at = At { group, path, given: attachment.with.as_ref() };
        at.unknown(&takes, found);
        at.missing(&takes, found);
        at.invalid(&takes, found);
    }
}

/// What the attached policy takes; nothing where nobody knows.
fn takes<'a>(
    scene: &'a Scene<'_>,
    group: &GroupView<'a>,
    path: &Path,
    attachment: &'a Attachment,
) -> Option<Takes<'a>> {
    if let Some(policy) = &attachment.embedded {
        let inputs = policy.spec.inputs();
        return Some(Takes {
            name: policy.metadata.name.clone(),
            names: Names::Embedded(scene::names(inputs)),
            required: Cow::Owned(scene::required(inputs)),
            place: Some(Place::key(group.document, path.clone().key("embedded"))),
        });
    }
    let reference = Reference::parse(attachment.reference.as_deref()?).ok()?;
    let name = reference.name.to_string();
    if let Some(policy) = scene.declared(&reference) {
        return Some(Takes {
            name,
            names: Names::Declared(&policy.names),
            required: Cow::Borrowed(&policy.required),
            place: Some(Place::value(policy.document, Path::root().key("metadata").key("name"))),
        });
    }
    let schema = scene.schemas.get(&reference)?;
    let required = Cow::Owned(schema.required.iter().map(String::as_str).collect());
    Some(Takes { name, names: Names::Told(schema), required, place: None })
}

impl Takes<'_> {
    fn knows(&self, name: &str) -> bool {
        match &self.names {
            Names::Declared(names) => names.contains(name),
            Names::Embedded(names) => names.contains(name),
            Names::Told(schema) => schema.properties.contains_key(name),
        }
    }

    /// All names, in order.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = match &self.names {
            Names::Declared(names) => names.iter().copied().collect(),
            Names::Embedded(names) => names.iter().copied().collect(),
            Names::Told(schema) => schema.properties.keys().map(String::as_str).collect(),
        };
        names.sort_unstable();
        names
    }

    fn also(&self, finding: Diagnostic) -> Diagnostic {
        match &self.place {
            Some(place) => finding.also(place.clone(), "the policy"),
            None => finding,
        }
    }
}

/// Whether only the engine knows what a value will be.
fn is_template(value: &str) -> bool {
    value.contains("{{")
}

struct At<'a> {
    group: &'a GroupView<'a>,
    /// The way to the attachment.
    path: Path,
    given: Option<&'a BTreeMap<String, String>>,
}

impl At<'_> {
    fn argument(&self, name: &str) -> Path {
        self.path.clone().key("with").key(name)
    }

    fn unknown(&self, takes: &Takes<'_>, found: &mut Findings) {
        let given = self.given.into_iter().flatten().map(|(argument, _)| argument);
        for argument in given.filter(|argument| !takes.knows(argument)).take(MOST) {
            let known = takes.names();
            let message = format!("the policy `{}` takes no argument `{argument}`", takes.name);
            let help = match did_you_mean(known.iter().copied(), argument) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "it takes none: remove it, or declare it in its `inputs`".to_owned(),
                None => format!("it takes: {}", known.join(", ")),
            };
            let place = Place::key(self.group.document, self.argument(argument));
            found.push(takes.also(Diagnostic::new(Code::ArgumentUnknown, message, place)).help(help));
        }
    }

    fn missing(&self, takes: &Takes<'_>, found: &mut Findings) {
        let value = |input: &str| self.given.and_then(|given| given.get(input));
        let missing = takes.required.iter().filter(|input| value(input).is_none_or(String::is_empty));
        for input in missing.take(MOST) {
            let message = format!("the policy `{}` must be given `{input}`", takes.name);
            // What is empty is missing to the engine.
            let place = match value(input) {
                Some(_) => Place::value(self.group.document, self.argument(input)),
                None => Place::value(self.group.document, self.path.clone()),
            };
            let help = format!("add `{input}:` to the `with:` of this attachment");
            found.push(takes.also(Diagnostic::new(Code::ArgumentMissing, message, place)).help(help));
        }
    }

    fn invalid(&self, takes: &Takes<'_>, found: &mut Findings) {
        let schema = match &takes.names {
            Names::Declared(_) | Names::Embedded(_) => return,
            Names::Told(schema) => schema,
        };
        for (argument, text) in self.given.into_iter().flatten().filter(|(_, text)| !is_template(text)) {
            let Some(fault) = schema.properties.get(argument).and_then(|schema| fault(schema, text)) else { continue };
            let message = format!("the policy `{}` does not take this as `{argument}`: {fault}", takes.name);
            let place = Place::value(self.group.document, self.argument(argument));
            found.push(
                Diagnostic::new(Code::ArgumentInvalid, message, place)
                    .help("write what the policy's inputs accept; every value is taken as its text"),
            );
        }
    }
}

/// Why a schema does not accept a value: as its text, or as the JSON that the text is. An array takes one text as well as
/// several, which commas and line ends part.
fn fault(schema: &Value, text: &str) -> Option<String> {
    // A schema that is none accepts everything.
    let validator =
        jsonschema::options().with_pattern_options(jsonschema::PatternOptions::regex()).build(schema).ok()?;
    let several: Vec<&str> = text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty()).collect();
    let readings = [serde_json::from_str(text).ok(), Some(Value::from(several))];
    let as_text = Value::from(text);
    if validator.is_valid(&as_text) || readings.into_iter().flatten().any(|reading| validator.is_valid(&reading)) {
        return None;
    }
    validator.iter_errors(&as_text).next().map(|error| error.to_string())
}
