//! Texts for expected and actual values.

use jsonschema::JsonType;
use jsonschema::error::TypeKind;
use serde_json::Value;

use model::diag::{Path, PathSegment};

/// The type of a value, for messages.
pub(super) fn found_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "an empty value",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// The expected form for a `type` error. `at` points to the `type` keyword.
pub(super) fn expected_type(kind: &TypeKind, schema: &Value, at: &str) -> String {
    let list_of = |item: &str| match item {
        "string" => "a list of texts",
        "object" => "a list of mappings",
        _ => "a list",
    };
    let item = at
        .rsplit_once('/')
        .and_then(|(parent, _)| schema.pointer(&format!("{parent}/items/type")));
    let name = |kind: JsonType| match kind {
        JsonType::Null => "an empty value",
        JsonType::Boolean => "`true` or `false`",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a text",
        JsonType::Array => list_of(item.and_then(Value::as_str).unwrap_or_default()),
        JsonType::Object => "a mapping",
    };
    let names: Vec<_> = types(kind).into_iter().map(name).collect();
    names.join(" or ")
}

fn types(kind: &TypeKind) -> Vec<JsonType> {
    match kind {
        TypeKind::Single(kind) => vec![*kind],
        TypeKind::Multiple(kinds) => kinds.iter().collect(),
    }
}

/// The help for a value of the wrong type.
pub(super) fn help(kind: &TypeKind, value: &Value) -> Option<String> {
    let types = types(kind);
    let wants = |kind: JsonType| types.contains(&kind);
    match value {
        Value::Null => Some("write a value, or remove the field where it is optional".to_owned()),
        // The source text may differ from the parsed number.
        Value::Number(number) if wants(JsonType::String) && number.is_u64() => {
            Some(format!("quote it: \"{number}\""))
        }
        Value::Number(_) | Value::Bool(_) if wants(JsonType::String) => {
            Some("put it into quotes".to_owned())
        }
        Value::String(text) if wants(JsonType::Array) => {
            Some(format!("write it as a list: [\"{text}\"]"))
        }
        Value::String(text) if wants(JsonType::Integer) && text.parse::<u64>().is_ok() => {
            Some("remove the quotes".to_owned())
        }
        Value::String(_) if wants(JsonType::Boolean) => {
            Some("write `true` or `false`, without quotes".to_owned())
        }
        Value::Object(_) if wants(JsonType::Array) => {
            Some("begin each entry of the list with `- `".to_owned())
        }
        Value::Object(_) if wants(JsonType::String) => {
            Some("if the text holds `: `, put it into quotes".to_owned())
        }
        Value::Array(_) if wants(JsonType::String) || wants(JsonType::Object) => {
            Some("write one value, without `- ` or brackets".to_owned())
        }
        Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    }
}

/// The fields of the object whose `additionalProperties` keyword is at `at`.
pub(super) fn fields<'a>(schema: &'a Value, at: &str) -> Vec<&'a str> {
    let properties = at
        .rsplit_once('/')
        .and_then(|(object, _)| schema.pointer(&format!("{object}/properties")));
    properties
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect()
}

/// The condition of the `if` next to the `then` that contains `at`, a schema that matches nothing:
/// "`provider: pulumi`".
pub(super) fn condition(schema: &Value, at: &str) -> String {
    let branch = at
        .rfind("/then/")
        .and_then(|end| schema.pointer(&format!("{}/if/properties", &at[..end])));
    let constants = branch.and_then(Value::as_object).into_iter().flatten();
    let texts = constants
        .filter_map(|(name, value)| Some(format!("`{name}: {}`", value.get("const")?.as_str()?)));
    texts.collect::<Vec<_>>().join(" and ")
}

/// The allowed names of a value whose `anyOf` at `at` consists of names and another form.
pub(super) fn allowed_names<'a>(schema: &'a Value, at: &str) -> Option<&'a Value> {
    schema
        .pointer(at)?
        .as_array()?
        .iter()
        .find_map(|choice| choice.get("enum"))
}

/// The first sentence of the description of a field of the object at `path`, in parentheses.
pub(super) fn field_description(schema: &Value, path: &Path, name: &str) -> Option<String> {
    let object = path
        .segments()
        .iter()
        .try_fold(schema, |schema, segment| match segment {
            PathSegment::Key(key) => schema.get("properties")?.get(key),
            PathSegment::Index(_) => schema.get("items"),
        })?;
    let text = object
        .get("properties")?
        .get(name)?
        .get("description")?
        .as_str()?;
    let sentence = text
        .split_once(". ")
        .map_or(text, |(first, _)| first)
        .trim_end_matches('.');
    Some(format!("({})", sentence.replace('\n', " ")))
}

/// The meaning of a pattern of these schemas.
pub(super) fn pattern_help(pattern: &str) -> String {
    match pattern {
        "^/" => "begin with `/`".to_owned(),
        super::super::NAME_PATTERN => {
            "a name is not empty and has no white space before or after it".to_owned()
        }
        super::super::config::SHARE_PATTERN => {
            "write a number, or a percentage from \"0%\" to \"100%\"".to_owned()
        }
        other => format!("write a text of the form {other}"),
    }
}
