//! Makes the generated schemas good to read, to complete from and to check with.

use schemars::Schema;
use serde_json::{Map, Value};

/// Tidies one schema; to be applied to all.
pub(super) fn tidy(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    drop_null(object);
    unwrap_single(object);
    name_choices(object);
    markdown(object);
    // Formats such as `uint16` are no part of JSON Schema; the bounds say the same.
    if object.get("type").is_some_and(|kind| kind == "integer") {
        object.remove("format");
    }
}

/// A field that can be left out is left out, never written as `null`.
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

/// `anyOf` with one branch is that branch; what stands beside it wins.
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

/// Turns `oneOf` of constants, each with a description, into an `enum` with `enumDescriptions`: editors show both
/// alike, errors name the values, and checking is one look-up.
fn name_choices(object: &mut Map<String, Value>) {
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

/// Editors show `description` as it stands and `markdownDescription` as Markdown. Line breaks of the source are no
/// line breaks of the text, empty lines are.
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
