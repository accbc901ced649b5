//! The safety net: reads a text and its formatted form again, and compares what they say.
//!
//! Twice, by two parsers that share no code: as typed manifests, with what is a set taken as one; and, since a document
//! that breaks its schema has no type, as plain YAML, with every list taken as a set. Comments are counted.

mod typed;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize as _;

use super::documents;

/// Compares two texts.
///
/// # Errors
/// Says what differs.
pub(super) fn same(before: &str, after: &str) -> Result<(), &'static str> {
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

/// A YAML value without order and repetition.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Plain {
    Scalar(String),
    List(BTreeSet<Plain>),
    Mapping(BTreeMap<Plain, Plain>),
}

/// All documents; nothing if this parser does not accept the text (it knows YAML 1.1, the manifests are 1.2).
fn plain(text: &str) -> Option<Vec<Plain>> {
    // A text without a last line break is the same to the reader of manifests; to this parser, a literal at its end
    // would differ.
    let text = if text.ends_with('\n') {
        text.to_owned()
    } else {
        format!("{text}\n")
    };
    let documents = serde_yaml::Deserializer::from_str(&text).map(serde_yaml::Value::deserialize);
    documents
        .map(|document| document.ok().map(normal))
        .collect()
}

fn normal(value: serde_yaml::Value) -> Plain {
    use serde_yaml::Value;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Plain::Scalar(format!("{value:?}"))
        }
        Value::Sequence(items) => Plain::List(items.into_iter().map(normal).collect()),
        Value::Mapping(entries) => Plain::Mapping(
            entries
                .into_iter()
                .map(|(key, value)| (normal(key), normal(value)))
                .collect(),
        ),
        Value::Tagged(tagged) => {
            Plain::List([Plain::Scalar(tagged.tag.to_string()), normal(tagged.value)].into())
        }
    }
}
