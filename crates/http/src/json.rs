//! Decodes the JSON of a service into wire types.
//!
//! An error names the place and the expected form, and never contains text of the server, which may be hostile or
//! repeat a secret. serde's own messages quote values, so [`DecodeError`] keeps only what our types contribute to them:
//! what they expect, and the kind of value that was found. Sample types have no maps with typed values, because the
//! place of such a value would contain a key of the server; they use `Map<String, Value>` instead.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Error as _, Expected, IntoDeserializer, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::Value;
use serde_path_to_error::Segment;
use thiserror::Error;

use crate::endpoint::check_segment;
use crate::error::ErrorKind;

/// JSON path of the whole response.
pub const ROOT: &str = "$";

/// An answer that does not fit the contract. It contains no text of the server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("at {at}, expected {expected}")]
pub struct DecodeError {
    /// JSON path, starting with `$`.
    pub at: String,
    /// The expected form.
    pub expected: String,
}

impl DecodeError {
    /// Creates an error for the value at a JSON path.
    pub fn new(at: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            expected: expected.into(),
        }
    }
}

impl From<DecodeError> for ErrorKind {
    fn from(error: DecodeError) -> Self {
        let DecodeError { at, expected } = error;
        Self::Malformed { at, expected }
    }
}

impl de::Error for DecodeError {
    /// The message may quote the value, so it is dropped.
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self::new("", "another value")
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new("", format!("{}, found {}", form(expected), kind(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(_variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new("", format!("one of {}", expected.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!(".{field}"), "a value, found nothing")
    }
}

/// What a type expects, in the words of our messages instead of serde's.
fn form(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    let ours = match text.as_str() {
        "a string" | "a borrowed string" => "a string",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "u64" | "a JSON number" => "a number",
        name if name.starts_with("enum ") => "a string",
        name if name == "a map" || name.starts_with("struct ") => "an object",
        other => other,
    };
    ours.to_owned()
}

fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Str(_) => "a string",
        Unexpected::Seq => "a list",
        Unexpected::Map => "an object",
        _ => "another value",
    }
}

/// Decodes a value whose own place is `at`.
pub fn decode<'de, T: Deserialize<'de>>(value: &'de Value, at: &str) -> Result<T, DecodeError> {
    serde_path_to_error::deserialize(Json(value)).map_err(|error| {
        let path: String = error.path().iter().map(step).collect();
        let DecodeError {
            at: field,
            expected,
        } = error.into_inner();
        DecodeError::new(format!("{at}{path}{field}"), expected)
    })
}

/// All keys in a JSON path are ours. The check ensures that no other key appears.
fn step(segment: &Segment) -> String {
    let is_plain = |key: &str| key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    match segment {
        Segment::Seq { index } => format!("[{index}]"),
        Segment::Map { key } if key.len() < 40 && is_plain(key) => format!(".{key}"),
        Segment::Map { .. } | Segment::Enum { .. } | Segment::Unknown => ".?".to_owned(),
    }
}

/// A required field of the object at `at`, for a value that is decoded on its own.
pub fn required<'v>(
    value: &'v Value,
    at: &str,
    key: &'static str,
) -> Result<&'v Value, DecodeError> {
    #[derive(Deserialize)]
    struct AnyObject {}

    let AnyObject {} = decode(value, at)?;
    value
        .get(key)
        .ok_or_else(|| DecodeError::new(format!("{at}.{key}"), "a value, found nothing"))
}

/// A field that may be missing; null counts as missing, because some servers write empty lists as null.
pub fn present<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    value.get(key).filter(|value| !value.is_null())
}

/// Decodes a string with a narrower form than any string.
pub fn text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &'static str,
    read: impl FnOnce(&'de str) -> Option<T>,
) -> Result<T, D::Error> {
    let text = <&str>::deserialize(deserializer)?;
    read(text).ok_or_else(|| D::Error::invalid_value(Unexpected::Str(text), &expected))
}

/// Decodes a server-made id, which must be safe as a segment of a URL path.
pub fn id<'de, D: Deserializer<'de>, T: From<&'de str>>(deserializer: D) -> Result<T, D::Error> {
    text(
        deserializer,
        "an id without characters that are special in URLs",
        |text| check_segment(text).is_ok().then(|| text.into()),
    )
}

/// A serde deserializer over a JSON value. Unlike `Value` itself, it rejects a list in place of a
/// struct, and its errors do not quote values.
struct Json<'de>(&'de Value);

impl<'de> Deserializer<'de> for Json<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(list) => visitor.visit_seq(SeqDeserializer::new(list.iter().map(Json))),
            Value::Object(map) => visitor.visit_map(MapDeserializer::new(
                map.iter().map(|(key, value)| (key.as_str(), Json(value))),
            )),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Array(_) => Err(DecodeError::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::String(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map identifier
    }
}

impl<'de> IntoDeserializer<'de, DecodeError> for Json<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Map, json};

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Level {
        Low,
        High,
    }

    #[derive(Debug, Deserialize)]
    struct Sample<'v> {
        a: Vec<&'v str>,
        #[serde(deserialize_with = "id")]
        id: &'v str,
        n: Option<u64>,
        level: Option<Level>,
        #[serde(flatten)]
        others: Map<String, Value>,
    }

    #[derive(Debug, Deserialize)]
    struct Strict {
        _yes: bool,
    }

    fn said<'v, T: Deserialize<'v> + fmt::Debug>(value: &'v Value) -> String {
        let DecodeError { at, expected } = decode::<T>(value, ROOT).unwrap_err();
        format!("{at}: {expected}")
    }

    #[test]
    fn errors_name_the_place_and_no_text_of_the_server() {
        for (change, wanted) in [
            (json!({"a": ["x", 7]}), "$.a[1]: a string, found a number"),
            (json!({"a": "hunter2"}), "$.a: a list, found a string"),
            (json!({"a": null}), "$.a: a list, found null"),
            (json!({"id": null}), "$.id: a string, found null"),
            (
                json!({"id": "../hunter2"}),
                "$.id: an id without characters that are special in URLs, found a string",
            ),
            (json!({"n": "hunter2"}), "$.n: a number, found a string"),
            (json!({"n": -1}), "$.n: a number, found a number"),
            (json!({"n": 1.5}), "$.n: a number, found a number"),
            (json!({"level": "hunter2"}), "$.level: one of low, high"),
            (
                json!({"level": {"low": null}}),
                "$.level: a string, found an object",
            ),
        ] {
            let mut value = json!({"a": [], "id": "i"});
            value
                .as_object_mut()
                .unwrap()
                .extend(change.as_object().unwrap().clone());
            assert_eq!(said::<Sample<'_>>(&value), wanted);
        }
        assert_eq!(
            said::<Sample<'_>>(&json!({"a": []})),
            "$.id: a value, found nothing"
        );
        assert_eq!(
            said::<Sample<'_>>(&json!(1)),
            "$: an object, found a number"
        );
        assert_eq!(said::<Strict>(&json!([true])), "$: an object, found a list");
        assert_eq!(
            said::<Vec<Strict>>(&json!([{}])),
            "$[0]._yes: a value, found nothing"
        );
        assert_eq!(
            said::<jiff::Timestamp>(&json!("hunter2")),
            "$: another value"
        );
    }

    #[test]
    fn null_is_missing_and_unknown_fields_are_kept_in_order() {
        let others = json!({"z": [1, -1, 1.5, null], "a b": {"y": 1, "x": "\u{1b}"}});
        let mut value = json!({"a": ["x"], "id": "i", "n": null, "level": "high"});
        value
            .as_object_mut()
            .unwrap()
            .extend(others.as_object().unwrap().clone());
        let read: Sample<'_> = decode(&value, ROOT).unwrap();
        assert_eq!(
            (read.a.as_slice(), read.id, read.n),
            (&["x"][..], "i", None)
        );
        assert!(matches!(read.level, Some(Level::High)));
        assert_eq!(Value::Object(read.others).to_string(), others.to_string());
    }

    #[test]
    fn keys_of_the_server_are_not_part_of_a_place() {
        let value = json!({"hunter2 \u{1b}": "x"});
        assert_eq!(
            said::<BTreeMap<String, u64>>(&value),
            "$.?: a number, found a string"
        );
    }

    #[test]
    fn fields_that_are_decoded_on_their_own() {
        let answer = json!({"old": {"a": 1}, "none": null});
        assert_eq!(required(&answer, ROOT, "old"), Ok(&json!({"a": 1})));
        assert_eq!(present(&answer, "none"), None);
        let error = |value: &Value| required(value, ROOT, "new").unwrap_err().to_string();
        assert_eq!(error(&answer), "at $.new, expected a value, found nothing");
        assert_eq!(error(&json!([])), "at $, expected an object, found a list");
    }
}
