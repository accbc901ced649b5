//! `argument-unknown`, `argument-missing` and `argument-invalid`: what is given to attached policies, against what they take.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Findings;
use crate::check::documents::scene::{GroupView, Scene};
use crate::diag::{Code, Diagnostic, Path, Place, did_you_mean};
use crate::manifest::chainloop::{Attachment, Input};
use crate::model::chainloop::{InputsSchema, Reference};

/// What a policy takes.
enum Takes<'a> {
    /// As its document declares it; the place of the inputs is named.
    Declared(&'a [Input], Place),
    /// As the server tells it.
    Told(&'a InputsSchema),
}

pub(super) fn check(scene: &Scene<'_>, group: &GroupView<'_>, found: &mut Findings) {
    for (path, attachment) in group.attachments() {
        let Some((name, takes)) = takes(scene, group, &path, attachment) else { continue };
        let at = At { group, name: &name, path, given: attachment.with.as_ref() };
        at.unknown(&takes, found);
        at.missing(&takes, found);
        at.invalid(&takes, found);
    }
}

/// What the attached policy is called and takes; nothing where nobody knows.
fn takes<'a>(
    scene: &'a Scene<'_>,
    group: &GroupView<'a>,
    path: &Path,
    attachment: &'a Attachment,
) -> Option<(String, Takes<'a>)> {
    if let Some(policy) = &attachment.embedded {
        let place = Place::key(group.document, path.clone().key("embedded"));
        return Some((policy.metadata.name.clone(), Takes::Declared(policy.spec.inputs(), place)));
    }
    let reference = Reference::parse(attachment.reference.as_deref()?).ok()?;
    let name = reference.name.to_string();
    if let Some(policy) = scene.declared(&reference) {
        let place = Place::value(policy.document, Path::root().key("metadata").key("name"));
        return Some((name, Takes::Declared(policy.manifest.spec.inputs(), place)));
    }
    scene.schemas.get(&reference).map(|schema| (name, Takes::Told(schema)))
}

impl Takes<'_> {
    fn names(&self) -> Vec<&str> {
        match self {
            Self::Declared(inputs, _) => inputs.iter().map(|input| input.name.as_str()).collect(),
            Self::Told(schema) => schema.properties.keys().map(String::as_str).collect(),
        }
    }

    fn required(&self) -> Vec<&str> {
        match self {
            Self::Declared(inputs, _) => {
                let required = inputs.iter().filter(|input| input.required == Some(true));
                required.map(|input| input.name.as_str()).collect()
            }
            Self::Told(schema) => schema.required.iter().map(String::as_str).collect(),
        }
    }

    fn also(&self, finding: Diagnostic) -> Diagnostic {
        match self {
            Self::Declared(_, place) => finding.also(place.clone(), "the policy"),
            Self::Told(_) => finding,
        }
    }
}

/// Whether only the engine knows what a value will be.
fn is_template(value: &str) -> bool {
    value.contains("{{")
}

struct At<'a> {
    group: &'a GroupView<'a>,
    /// The policy.
    name: &'a str,
    /// The way to the attachment.
    path: Path,
    given: Option<&'a BTreeMap<String, String>>,
}

impl At<'_> {
    fn argument(&self, name: &str) -> Path {
        self.path.clone().key("with").key(name)
    }

    fn unknown(&self, takes: &Takes<'_>, found: &mut Findings) {
        let known = takes.names();
        for argument in self.given.into_iter().flatten().map(|(argument, _)| argument) {
            if known.contains(&argument.as_str()) {
                continue;
            }
            let message = format!("the policy `{}` takes no argument `{argument}`", self.name);
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
        for input in takes.required() {
            let given = self.given.and_then(|given| given.get(input));
            if given.is_some_and(|value| !value.is_empty()) {
                continue;
            }
            let message = format!("the policy `{}` must be given `{input}`", self.name);
            // What is empty is missing to the engine.
            let place = match given {
                Some(_) => Place::value(self.group.document, self.argument(input)),
                None => Place::value(self.group.document, self.path.clone()),
            };
            let help = format!("add `{input}:` to the `with:` of this attachment");
            found.push(takes.also(Diagnostic::new(Code::ArgumentMissing, message, place)).help(help));
        }
    }

    fn invalid(&self, takes: &Takes<'_>, found: &mut Findings) {
        let schema = match takes {
            Takes::Declared(..) => return,
            Takes::Told(schema) => schema,
        };
        for (argument, text) in self.given.into_iter().flatten().filter(|(_, text)| !is_template(text)) {
            let Some(fault) = schema.properties.get(argument).and_then(|schema| fault(schema, text)) else { continue };
            let message = format!("the policy `{}` does not take this as `{argument}`: {fault}", self.name);
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
