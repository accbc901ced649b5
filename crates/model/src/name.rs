//! Names as people write them.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A name that a person gave: not empty, no white space around it, no control characters.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String")]
pub struct Name(Arc<str>);

/// Why a text is not a [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing is there.
    #[error("a name must not be empty")]
    Empty,
    /// White space before or after the name: two such names look the same to a reader.
    #[error("a name must not begin or end with white space")]
    Padded,
    /// A character that is not shown, or that changes how others are shown.
    #[error("a name must not hold control or invisible characters")]
    Control,
}

/// Whether a character is not shown, or changes how its neighbours are shown: control characters, the Arabic letter
/// mark, zero-width and directional marks, line separators, overrides, isolates, invisible operators, the byte order
/// mark and tags.
pub fn is_hidden(character: char) -> bool {
    // Every character of every output passes here, and nearly all are ASCII.
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

impl Name {
    /// Checks a text.
    ///
    /// # Errors
    /// Says what keeps the text from being a name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.trim() != text {
            return Err(NameError::Padded);
        }
        if text.chars().any(is_hidden) {
            return Err(NameError::Control);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
