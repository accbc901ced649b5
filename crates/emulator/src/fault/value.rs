//! The value of a fault: the text after `=`.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use jiff::SignedDuration;

use super::error::FaultError;

/// The parts between slashes, and whether each was quoted.
#[derive(Debug, Default)]
pub struct FaultArgument(Vec<(String, bool)>);

impl FaultArgument {
    /// Parses a value at the start of a text. Returns the value and the rest.
    pub(super) fn take(mut text: &str) -> Result<(Self, &str), FaultError> {
        let mut parts = Vec::new();
        loop {
            let (part, rest) = if text.starts_with('"') {
                let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
                let part = strings
                    .next()
                    .and_then(Result::ok)
                    .ok_or_else(|| FaultError::Name(text.to_owned()))?;
                (
                    (part, true),
                    text.get(strings.byte_offset()..).unwrap_or_default(),
                )
            } else {
                let (part, rest) = text.split_at(text.find(['/', '@']).unwrap_or(text.len()));
                if part.trim().is_empty() || part.contains('"') {
                    return Err(FaultError::Name(part.to_owned()));
                }
                ((part.to_owned(), false), rest)
            };
            parts.push(part);
            match rest.strip_prefix('/') {
                Some(rest) => text = rest,
                None => return Ok((Self(parts), rest)),
            }
        }
    }

    /// Requires that there is no value.
    pub(super) fn none(&self, kind: &'static str) -> Result<(), FaultError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(FaultError::Value {
                kind,
                takes: "no value",
            })
        }
    }

    /// An optional duration.
    pub(super) fn duration(&self, kind: &'static str) -> Result<Option<Duration>, FaultError> {
        match self.0.as_slice() {
            [] => Ok(None),
            [(text, false)] => duration(text).map(Some),
            [..] => Err(FaultError::Value {
                kind,
                takes: "one duration",
            }),
        }
    }

    /// An optional name; `takes` describes it in errors.
    ///
    /// # Errors
    /// There is more than one name.
    pub fn name(self, kind: &'static str, takes: &'static str) -> Result<ObjectChoice, FaultError> {
        let mut names = self.0.into_iter().map(parse_object_choice);
        match (names.next(), names.next()) {
            (name, None) => Ok(name.unwrap_or_default()),
            (_, Some(_)) => Err(FaultError::Value { kind, takes }),
        }
    }

    /// `OUTER/INNER`, `INNER`, or nothing; `takes` describes them in errors.
    ///
    /// # Errors
    /// There are more than two names.
    pub fn pair(
        self,
        kind: &'static str,
        takes: &'static str,
    ) -> Result<(ObjectChoice, ObjectChoice), FaultError> {
        let mut names = self.0.into_iter().map(parse_object_choice);
        match (names.next(), names.next(), names.next()) {
            (None, _, _) => Ok((ObjectChoice::Any, ObjectChoice::Any)),
            (Some(inner), None, _) => Ok((ObjectChoice::Any, inner)),
            (Some(outer), Some(inner), None) => Ok((outer, inner)),
            (_, _, Some(_)) => Err(FaultError::Value { kind, takes }),
        }
    }
}

fn parse_object_choice((name, quoted): (String, bool)) -> ObjectChoice {
    if name == "any" && !quoted {
        ObjectChoice::Any
    } else {
        ObjectChoice::Named(name)
    }
}

fn duration(text: &str) -> Result<Duration, FaultError> {
    let parsed: Option<SignedDuration> = text.trim().parse().ok();
    parsed
        .and_then(|duration| duration.try_into().ok())
        .ok_or_else(|| FaultError::Duration(text.to_owned()))
}

/// The object that another client changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ObjectChoice {
    /// The object in the request's path if it matches, otherwise the oldest.
    #[default]
    Any,
    /// The object with this name.
    Named(String),
}

impl ObjectChoice {
    pub(crate) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Named(wanted) => wanted == name,
        }
    }
}

impl Display for ObjectChoice {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Named(name) if is_plain(name) => f.write_str(name),
            Self::Named(name) => write!(f, "{}", serde_json::Value::from(name.as_str())),
        }
    }
}

/// Whether a name can be written without quotes.
fn is_plain(name: &str) -> bool {
    name != "any"
        && name.trim() == name
        && !name.is_empty()
        && !name.contains(['/', '@', '"'])
        && !name.contains(char::is_control)
}

/// Writes the text that [`Value::pair`] reads.
pub(crate) fn show_pair(
    f: &mut Formatter<'_>,
    outer: &ObjectChoice,
    inner: &ObjectChoice,
) -> fmt::Result {
    match outer {
        ObjectChoice::Any => write!(f, "{inner}"),
        ObjectChoice::Named(_) => write!(f, "{outer}/{inner}"),
    }
}
