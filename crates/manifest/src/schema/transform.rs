//! Simplifies generated schemas for readers, editors and validation.

use schemars::Schema;
use serde_json::{Map, Value};

/// Simplifies one schema; applied to all of them.
pub(super) fn tidy(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    drop_null(object);
    unwrap_single(object);
    describe_choices(object);
    markdown(object);
    // Formats such as `uint16` are not part of JSON Schema; the bounds express the same.
    if object.get("type").is_some_and(|kind| kind == "integer") {
        object.remove("format");
    }
}

/// Optional fields are omitted, never `null`.
fn drop_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
    }
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
}

/// Replaces an `anyOf` with one branch by that branch; keywords next to it take precedence.
fn unwrap_single(object: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = object.get_mut("anyOf") else {
        return;
    };
    if choices.len() != 1 {
        return;
    }
    if let Some(Value::Object(only)) = choices.pop() {
        object.remove("anyOf");
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}

/// Converts a `oneOf` of constants with descriptions to an `enum` with `enumDescriptions`. Editors
/// show both alike, errors contain the values, and validation is one lookup.
fn describe_choices(object: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = object.get("oneOf") else {
        return;
    };
    let Some(values) = choices
        .iter()
        .map(|choice| choice.get("const").cloned())
        .collect::<Option<Vec<_>>>()
    else {
        return;
    };
    let describe = |choice: &Value| choice.get("description").cloned().unwrap_or_default();
    let descriptions: Vec<_> = choices.iter().map(describe).collect();
    object.remove("oneOf");
    object.insert("type".to_owned(), Value::from("string"));
    object.insert("enum".to_owned(), Value::Array(values));
    object.insert("enumDescriptions".to_owned(), Value::Array(descriptions));
}

/// Editors show `description` verbatim and `markdownDescription` as Markdown. Line breaks of the
/// source are removed, empty lines are kept.
fn markdown(object: &mut Map<String, Value>) {
    let Some(Value::String(text)) = object.get("description") else {
        return;
    };
    let paragraphs: Vec<_> = text
        .split("\n\n")
        .map(|paragraph| paragraph.replace('\n', " "))
        .collect();
    let text = paragraphs.join("\n\n");
    if text.contains('`') {
        object.insert(
            "markdownDescription".to_owned(),
            Value::String(text.clone()),
        );
    }
    object.insert("description".to_owned(), Value::String(text));
}
