//! Texts for expected and actual values.

use jsonschema::JsonType;
use jsonschema::error::TypeKind;
use serde_json::Value;

use model::diag::{Path, PathSegment, Replacement};

/// The type of a value, for messages.
pub(super) fn found_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "an empty value",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// The expected form for a `type` error. `at` points to the `type` keyword.
pub(super) fn expected_type(kind: &TypeKind, schema: &Value, at: &str) -> String {
    let list_of = |item: &str| match item {
        "string" => "a list of strings",
        "object" => "a list of mappings",
        _ => "a list",
    };
    let item = at
        .rsplit_once('/')
        .and_then(|(parent, _)| schema.pointer(&format!("{parent}/items/type")));
    let name = |kind: JsonType| match kind {
        JsonType::Null => "an empty value",
        JsonType::Boolean => "`true` or `false`",
        JsonType::Integer => "an integer",
        JsonType::Number => "a number",
        JsonType::String => "a string",
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
pub(super) fn help(kind: &TypeKind, path: &Path, value: &Value) -> Option<String> {
    let types = types(kind);
    let wants = |kind: JsonType| types.contains(&kind);
    match value {
        Value::Null => Some("write a value, or remove the field where it is optional".to_owned()),
        // The source text may differ from the parsed value, so it is added later from the source.
        Value::Number(_) if wants(JsonType::String) && is_host(path) => {
            Some("write a host, as in `example.com:443`".to_owned())
        }
        Value::Number(_) | Value::Bool(_) if wants(JsonType::String) => Some(QUOTE_HELP.to_owned()),
        Value::String(text) if wants(JsonType::Array) => {
            let items: Vec<String> = entries(path, text)
                .into_iter()
                .map(|entry| Value::from(entry).to_string())
                .collect();
            Some(format!("write it as a list: [{}]", items.join(", ")))
        }
        Value::String(text) if wants(JsonType::Integer) && is_integer(text) => {
            Some("remove the quotes".to_owned())
        }
        Value::String(text) if wants(JsonType::Integer) => without_underscores(text)
            .map(|number| format!("write the number without `_`: {number}")),
        Value::String(_) if wants(JsonType::Boolean) => {
            Some("write `true` or `false`, without quotes".to_owned())
        }
        Value::Object(_) if wants(JsonType::Array) => {
            Some("begin each entry of the list with `- `".to_owned())
        }
        Value::Object(_) if wants(JsonType::String) => {
            Some("quote the string if it contains `: `".to_owned())
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

/// The help for a value that needs quotes, before the text of the source is added.
pub(crate) const QUOTE_HELP: &str = "quote it";

/// Whether a number or a boolean would not be accepted in quotes either, because its field has
/// only certain values. `at` points to the `type` keyword.
pub(super) fn is_restricted(schema: &Value, at: &str, value: &Value) -> bool {
    let own = at.rsplit_once('/').and_then(|(own, _)| schema.pointer(own));
    let has = |keyword: &str| own.is_some_and(|own| own.get(keyword).is_some());
    let pattern = own.and_then(|own| own.get("pattern"));
    let has_other_pattern = pattern.is_some_and(|pattern| pattern != super::super::NAME_PATTERN);
    matches!(value, Value::Number(_) | Value::Bool(_))
        && (has("enum") || has("const") || has_other_pattern)
}

/// Whether the value is an entry of a list of hosts, which a number cannot be.
fn is_host(path: &Path) -> bool {
    matches!(
        path.segments(),
        [.., PathSegment::Key(list), PathSegment::Index(_)] if list == "resources" || list == "hosts"
    )
}

/// The change that [`help`] proposes.
pub(super) fn replacement(kind: &TypeKind, path: &Path, value: &Value) -> Option<Replacement> {
    let types = types(kind);
    let wants = |kind: JsonType| types.contains(&kind);
    match value {
        Value::Number(_) if wants(JsonType::String) && is_host(path) => None,
        Value::Number(_) | Value::Bool(_) if wants(JsonType::String) => Some(Replacement::Quoted),
        Value::String(text) if wants(JsonType::Array) => {
            let entries = entries(path, text).into_iter().map(str::to_owned);
            Some(Replacement::List(entries.collect()))
        }
        Value::String(text) if wants(JsonType::Integer) && is_integer(text) => {
            Some(Replacement::Unquoted)
        }
        Value::String(text) if wants(JsonType::Integer) => {
            without_underscores(text).map(Replacement::Number)
        }
        Value::String(text) if wants(JsonType::Boolean) => {
            matches!(text.as_str(), "true" | "false").then_some(Replacement::Unquoted)
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    }
}

fn is_integer(text: &str) -> bool {
    let number = text.parse::<u64>();
    number.is_ok_and(|number| number.to_string() == text)
}

/// `4_43`, which is a number in YAML 1.1 and a string in YAML 1.2.
fn without_underscores(text: &str) -> Option<String> {
    let number = text.replace('_', "");
    (number != text && is_integer(&number)).then_some(number)
}

/// The entries of a list that is written as one string. Names may contain spaces and commas, and
/// paths may contain spaces; hosts contain neither.
fn entries<'a>(path: &Path, text: &'a str) -> Vec<&'a str> {
    let split = |separators: fn(char) -> bool| -> Vec<&'a str> {
        let parts = text.split(separators).map(str::trim);
        parts.filter(|part| !part.is_empty()).collect()
    };
    let is_name = matches!(path.segments().last(), Some(PathSegment::Key(key)) if key == "aliases");
    let words = split(|c| c.is_whitespace() || matches!(c, ',' | ';'));
    let is_host = |word: &&str| !word.contains(['/', '\\', '~']) && word.contains(['.', ':', '*']);
    let parts = if is_name {
        vec![text.trim()]
    } else if words.iter().all(is_host) {
        words
    } else {
        split(|c| matches!(c, '\n' | '\r' | ','))
    };
    if parts.is_empty() { vec![text] } else { parts }
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
        other => format!("write a string that matches {other}"),
    }
}
