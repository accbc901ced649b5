//! The fields of a document as the service's JSON has them.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

use model::chainloop::PolicyName;

/// More than any document has, counted as nodes with sixteen bytes of text each: an alias can stand for many.
const MOST_NODES: usize = 200_000;
/// More levels than any document has.
const DEEPEST: usize = 64;

/// The boolean fields of a policy. Every other scalar is a string, whatever it looks like: `default: 1.10` is the string
/// `1.10`.
const TRUTHS: &[&str] = &["required", "optional", "disabled", "gate"];
/// The fields of enumerations, which accept the number of a value in place of its name.
const CHOICES: &[&str] = &["kind", "type", "attestation_phases", "attestationPhases"];

/// The fields of a policy, for a request that writes it: the organization is named, unless the document does so.
///
/// # Errors
/// The text does not consist of exactly one document with this name, as a sentence.
pub(super) fn structured(
    text: &str,
    organization: &str,
    name: &PolicyName,
) -> Result<Value, String> {
    let mut value = read(text)?;
    let metadata = value.get_mut("metadata").and_then(Value::as_object_mut);
    let metadata = metadata.ok_or_else(|| "the document has no metadata".to_owned())?;
    if metadata.get("name").and_then(Value::as_str) != Some(name.as_str()) {
        return Err(format!("the document does not have the name `{name}`"));
    }
    let owner = metadata
        .entry("organization")
        .or_insert_with(|| Value::from(organization));
    if owner.as_str() != Some(organization) {
        return Err(format!(
            "the document names another organization than `{organization}`"
        ));
    }
    Ok(value)
}

/// A collection that is still open, and the number of its anchor.
struct ValueFrame {
    content: ValueFrameContent,
    anchor: usize,
}

enum ValueFrameContent {
    List(Vec<Value>),
    Members {
        members: Map<String, Value>,
        key: Option<String>,
    },
}

#[derive(Default)]
struct ValueBuilder {
    open: Vec<ValueFrame>,
    anchors: HashMap<usize, (Value, usize)>,
    nodes: usize,
    done: Option<Value>,
}

fn read(text: &str) -> Result<Value, String> {
    let text = text.trim_start_matches('\u{feff}');
    let mut builder = ValueBuilder::default();
    let mut parser = Parser::new_from_str(text);
    let mut documents = 0_usize;
    while let Some(event) = parser.next_event() {
        let (event, _) = event.map_err(|error| format!("the document is not YAML: {error}"))?;
        match event {
            Event::DocumentStart(_) => documents += 1,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::Alias(anchor) => {
                let (value, nodes) = builder
                    .anchors
                    .get(&anchor)
                    .cloned()
                    .ok_or("an alias has no anchor")?;
                builder.nodes += nodes;
                builder.node(value, 0)?;
            }
            Event::Scalar(text, style, anchor, _) => {
                let value = builder.scalar(&text, style);
                builder.node(value, anchor)?;
            }
            Event::SequenceStart(anchor, _) => {
                builder.open(ValueFrameContent::List(Vec::new()), anchor)?
            }
            Event::MappingStart(anchor, _) => {
                builder.open(
                    ValueFrameContent::Members {
                        members: Map::new(),
                        key: None,
                    },
                    anchor,
                )?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.close()?,
        }
    }
    match builder.done {
        Some(value) if documents == 1 => Ok(value),
        _ => Err("expected exactly one document".to_owned()),
    }
}

impl ValueBuilder {
    /// A string, unless the field requires a boolean or an enumeration, or the scalar is empty.
    fn scalar(&self, text: &str, style: ScalarStyle) -> Value {
        if style != ScalarStyle::Plain {
            return Value::from(text);
        }
        let mut around = self.open.iter().rev().map(|open| &open.content);
        let key = match around.next() {
            Some(ValueFrameContent::Members { key: Some(key), .. }) => Some(key.as_str()),
            Some(ValueFrameContent::Members { key: None, .. }) => return Value::from(text),
            Some(ValueFrameContent::List(_)) => match around.next() {
                Some(ValueFrameContent::Members { key, .. }) => key.as_deref(),
                Some(ValueFrameContent::List(_)) | None => None,
            },
            None => None,
        };
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Value::Null,
            "true" | "True" | "TRUE" if key.is_some_and(|key| TRUTHS.contains(&key)) => {
                Value::Bool(true)
            }
            "false" | "False" | "FALSE" if key.is_some_and(|key| TRUTHS.contains(&key)) => {
                Value::Bool(false)
            }
            _ if key.is_some_and(|key| CHOICES.contains(&key)) => {
                text.parse::<i32>().map_or(text.into(), Value::from)
            }
            _ => Value::from(text),
        }
    }

    fn open(&mut self, content: ValueFrameContent, anchor: usize) -> Result<(), String> {
        if self.open.len() >= DEEPEST {
            return Err("the document is nested too deeply".to_owned());
        }
        self.open.push(ValueFrame { content, anchor });
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let Some(ValueFrame { content, anchor }) = self.open.pop() else {
            return Ok(());
        };
        let value = match content {
            ValueFrameContent::List(items) => Value::Array(items),
            ValueFrameContent::Members { members, key: _ } => Value::Object(members),
        };
        self.node(value, anchor)
    }

    fn node(&mut self, value: Value, anchor: usize) -> Result<(), String> {
        self.nodes += own_size(&value);
        if self.nodes > MOST_NODES {
            return Err("the document is too large".to_owned());
        }
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), size(&value)));
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.done = Some(value),
            Some(ValueFrameContent::List(items)) => items.push(value),
            Some(ValueFrameContent::Members { members, key }) => match key.take() {
                // Empty values are omitted, as in the service's own JSON.
                Some(_) if value.is_null() => {}
                Some(key) => {
                    members.insert(key, value);
                }
                None => {
                    let text = value.as_str().ok_or("a key is not a string")?;
                    *key = Some(text.to_owned());
                }
            },
        }
        Ok(())
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(size).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => own_size(value),
    }
}

/// The size without nested values, which are counted already.
fn own_size(value: &Value) -> usize {
    1 + value.as_str().map_or(0, |text| text.len() / 16)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(text: &str) -> Result<Value, String> {
        structured(text, "acme", &PolicyName::new("p").unwrap())
    }

    #[test]
    fn scalars_are_texts_but_for_truths() {
        let text = "\u{feff}# note\r\napiVersion: chainloop.dev/v1\r\nkind: Policy\r\nmetadata: {name: p, description: ~, annotations: {a: 1.10, b: yes}}\r\n\
                    spec:\r\n  inputs:\r\n    - &i {name: a, default: 0x10, required: false}\r\n    - *i\r\n    - {name: required, default: true}\r\n";
        let input = json!({"name": "a", "default": "0x10", "required": false});
        let wanted = json!({
            "apiVersion": "chainloop.dev/v1", "kind": "Policy",
            "metadata": {"name": "p", "annotations": {"a": "1.10", "b": "yes"}, "organization": "acme"},
            "spec": {"inputs": [input, input, {"name": "required", "default": "true"}]},
        });
        assert_eq!(of(text), Ok(wanted));
    }

    #[test]
    fn choices_may_be_numbers() {
        let text = "metadata: {name: p}\nkind: Policy\nspec: {policies: [{kind: 12, embedded: 12, attestation_phases: [1, INIT]}]}\n";
        let wanted = json!([{"kind": 12, "embedded": "12", "attestation_phases": [1, "INIT"]}]);
        assert_eq!(of(text).unwrap()["spec"]["policies"], wanted);
    }

    #[test]
    fn what_is_not_this_document_is_not_sent() {
        for text in [
            "",
            "a: [",
            "metadata: {name: q}",
            "metadata: p",
            "metadata: {name: p, organization: other}",
            "metadata: {name: p}\n---\nmetadata: {name: p}\n",
            "metadata: {name: p}\n? [a]\n: b\n",
        ] {
            assert!(of(text).is_err(), "{text}");
        }
        let bomb: String = (0..40)
            .map(|n| {
                format!(
                    "k{n}: &a{n} [{0}, {0}]\n",
                    if n == 0 {
                        "x".to_owned()
                    } else {
                        format!("*a{}", n - 1)
                    }
                )
            })
            .collect();
        assert!(
            of(&format!("metadata: {{name: p}}\n{bomb}"))
                .unwrap_err()
                .contains("too large")
        );
    }
}
