//! Verifies the result: parses a text and its formatted form, and compares them.
//!
//! This happens twice, with parsers that share no code: as typed manifests with sets; and as plain
//! YAML with all lists as sets, because a document that violates its schema has no type. Comments
//! are counted.

mod typed;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize as _;

use super::documents;

/// Compares two texts.
///
/// # Errors
/// Returns the part that differs.
pub(super) fn check_same_meaning(before: &str, after: &str) -> Result<(), &'static str> {
    if typed::read(before) != typed::read(after) {
        return Err("what the manifests say");
    }
    if plain(before).is_some_and(|before| plain(after) != Some(before)) {
        return Err("the values of the text");
    }
    if documents::comments(before) != documents::comments(after) {
        return Err("the comments");
    }
    Ok(())
}

/// A YAML value in which all lists are sets.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PlainValue {
    Scalar(String),
    List(BTreeSet<PlainValue>),
    Mapping(BTreeMap<PlainValue, PlainValue>),
}

/// All documents, or `None` if this parser (YAML 1.1; manifests are 1.2) rejects the text.
fn plain(text: &str) -> Option<Vec<PlainValue>> {
    // The manifest parser ignores a missing final line break. For this parser, a block scalar at
    // the end would differ.
    let text = if text.ends_with('\n') {
        text.to_owned()
    } else {
        format!("{text}\n")
    };
    let documents = serde_yaml::Deserializer::from_str(&text).map(serde_yaml::Value::deserialize);
    documents
        .map(|document| document.ok().map(normalize))
        .collect()
}

fn normalize(value: serde_yaml::Value) -> PlainValue {
    use serde_yaml::Value;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            PlainValue::Scalar(format!("{value:?}"))
        }
        Value::Sequence(items) => PlainValue::List(items.into_iter().map(normalize).collect()),
        Value::Mapping(entries) => PlainValue::Mapping(
            entries
                .into_iter()
                .map(|(key, value)| (normalize(key), normalize(value)))
                .collect(),
        ),
        Value::Tagged(tagged) => PlainValue::List(
            [
                PlainValue::Scalar(tagged.tag.to_string()),
                normalize(tagged.value),
            ]
            .into(),
        ),
    }
}
