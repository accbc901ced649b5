//! Names of objects in manifests, and validated strings in general.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The text is not a valid [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    #[error("a name must not be empty")]
    Empty,
    /// Leading or trailing white space, which readers cannot see.
    #[error("a name must not begin or end with white space")]
    Padded,
    /// An invisible character, or one that changes how others are displayed.
    #[error("a name must not hold control or invisible characters")]
    Control,
}

/// Whether a character is invisible or changes how its neighbors are displayed: control characters,
/// the Arabic letter mark, zero-width and directional marks, line separators, overrides, isolates,
/// invisible operators, the byte order mark and tags.
pub fn is_hidden(character: char) -> bool {
    // Every character of all output is checked here, and nearly all are ASCII.
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

fn check(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.trim() != text {
        return Err(NameError::Padded);
    }
    if text.chars().any(is_hidden) {
        return Err(NameError::Control);
    }
    Ok(())
}

/// Defines a string type whose values are validated by a function with the text and further
/// arguments.
macro_rules! checked_text {
    ($(#[doc = $doc:literal])+ $name:ident, $error:ident, $check:ident $(, $more:expr)?) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Validates a text.
            ///
            /// # Errors
            /// Returns the violated rule of the service.
            pub fn new(text: &str) -> Result<Self, $error> {
                $check(text $(, $more)?)?;
                Ok(Self(text.into()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, $error> {
                Self::new(&text)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(crate) use checked_text;

checked_text! {
    /// A name that a person gave: not empty, no white space around it, no control characters.
    Name, NameError, check
}
