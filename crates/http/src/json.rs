//! Takes JSON apart and knows where it is.

use std::fmt;

use serde_json::{Map, Value};

use crate::{ErrorKind, check_segment};

/// A place in an answer: a chain of steps from the root, made without allocating.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> At<'a> {
    /// The whole answer.
    pub const ROOT: At<'static> = At {
        parent: None,
        step: Step::Root,
    };

    /// A field here; the name is the contract's, never the server's.
    pub fn key(&'a self, key: &'static str) -> At<'a> {
        At {
            parent: Some(self),
            step: Step::Key(key),
        }
    }

    /// An element here.
    pub fn index(&'a self, index: usize) -> At<'a> {
        At {
            parent: Some(self),
            step: Step::Index(index),
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => f.write_str("$"),
            Step::Key(key) => write!(f, ".{key}"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// An answer that does not fit the contract. It holds no text of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    pub at: String,
    pub expected: String,
}

impl From<DecodeError> for ErrorKind {
    fn from(error: DecodeError) -> Self {
        let DecodeError { at, expected } = error;
        Self::Malformed { at, expected }
    }
}

/// The error that something else was expected here.
pub fn mismatch(at: At<'_>, expected: &str, found: Option<&Value>) -> DecodeError {
    let found = match found {
        None => "nothing",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "true or false",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "a text",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "an object",
    };
    DecodeError {
        at: at.to_string(),
        expected: format!("{expected}, found {found}"),
    }
}

/// An object of the answer, and its place.
#[derive(Debug, Clone, Copy)]
pub struct Object<'v> {
    map: &'v Map<String, Value>,
    at: At<'v>,
}

impl<'v> Object<'v> {
    pub fn new(value: &'v Value, at: At<'v>) -> Result<Self, DecodeError> {
        let map = value
            .as_object()
            .ok_or_else(|| mismatch(at, "an object", Some(value)))?;
        Ok(Self { map, at })
    }

    /// The place of the object itself.
    pub fn at(&self) -> &At<'v> {
        &self.at
    }

    /// A field, whatever it holds.
    pub fn get(&self, key: &str) -> Option<&'v Value> {
        self.map.get(key)
    }

    /// A field that may be missing; null counts as missing, as some servers write empty lists so.
    pub fn present(&self, key: &str) -> Option<&'v Value> {
        self.get(key).filter(|value| !value.is_null())
    }

    pub fn text(&self, key: &'static str) -> Result<&'v str, DecodeError> {
        self.get(key)
            .and_then(Value::as_str)
            .ok_or_else(|| self.mismatch(key, "a text"))
    }

    /// An id that can stand in a path: ids are the server's, and a server may be hostile.
    pub fn id(&self, key: &'static str) -> Result<&'v str, DecodeError> {
        let id = self.text(key)?;
        check_segment(id).map_err(|_| self.mismatch(key, "an id that can stand in a path"))?;
        Ok(id)
    }

    pub fn list(&self, key: &'static str) -> Result<&'v [Value], DecodeError> {
        let list = self.get(key).and_then(Value::as_array);
        list.map(Vec::as_slice)
            .ok_or_else(|| self.mismatch(key, "a list"))
    }

    pub fn texts(&self, key: &'static str) -> Result<Vec<&'v str>, DecodeError> {
        let at = self.at.key(key);
        let text = |(index, value): (usize, &'v Value)| {
            value
                .as_str()
                .ok_or_else(|| mismatch(at.index(index), "a text", Some(value)))
        };
        self.list(key)?.iter().enumerate().map(text).collect()
    }

    /// [`Object::texts`] of a field that may be missing.
    pub fn optional_texts(&self, key: &'static str) -> Result<Option<Vec<&'v str>>, DecodeError> {
        self.present(key).map(|_| self.texts(key)).transpose()
    }

    /// The fields that are not among these.
    pub fn others(&self, known: &[&str]) -> Map<String, Value> {
        let others = self
            .map
            .iter()
            .filter(|(key, _)| !known.contains(&key.as_str()));
        others
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    pub fn mismatch(&self, key: &'static str, expected: &str) -> DecodeError {
        mismatch(self.at.key(key), expected, self.get(key))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_name_the_place_and_no_text_of_the_server() {
        let value = json!({"a": ["x", 7], "id": "../hunter2", "n": null});
        let object = Object::new(&value, At::ROOT).unwrap();
        let said = |error: DecodeError| format!("{}: {}", error.at, error.expected);
        assert_eq!(
            said(object.texts("a").unwrap_err()),
            "$.a[1]: a text, found a number"
        );
        assert_eq!(
            said(object.text("missing").unwrap_err()),
            "$.missing: a text, found nothing"
        );
        assert_eq!(
            said(object.list("id").unwrap_err()),
            "$.id: a list, found a text"
        );
        assert_eq!(
            said(object.id("id").unwrap_err()),
            "$.id: an id that can stand in a path, found a text"
        );
        assert_eq!(
            said(object.text("n").unwrap_err()),
            "$.n: a text, found null"
        );
        assert_eq!(object.optional_texts("n"), Ok(None));
        assert_eq!(
            said(Object::new(&json!(1), At::ROOT).unwrap_err()),
            "$: an object, found a number"
        );
    }
}
