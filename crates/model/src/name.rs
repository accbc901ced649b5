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
    #[error("a name must not contain the invisible character {}", character_name(*.0))]
    Control(char),
}

/// Whether a character is invisible or changes how its neighbors are displayed: control characters,
/// line separators, all default-ignorable code points of Unicode 16 (zero-width and directional marks,
/// overrides, isolates, fillers, variation selectors, tags), and the blank pattern of Braille.
pub fn is_hidden(character: char) -> bool {
    // Every character of all output is checked here, and nearly all are ASCII.
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// An invisible character by its code point, with its name if it is common.
pub fn character_name(character: char) -> String {
    let name = match character {
        '\0' => " (null)",
        '\u{7}' => " (bell)",
        '\u{8}' => " (backspace)",
        '\t' => " (tab)",
        '\n' => " (newline)",
        '\u{b}' => " (vertical tab)",
        '\u{c}' => " (form feed)",
        '\r' => " (carriage return)",
        '\u{1b}' => " (escape)",
        '\u{7f}' => " (delete)",
        '\u{85}' => " (next line)",
        '\u{ad}' => " (soft hyphen)",
        '\u{200b}' => " (zero width space)",
        '\u{200c}' => " (zero width non-joiner)",
        '\u{200d}' => " (zero width joiner)",
        '\u{200e}' => " (left-to-right mark)",
        '\u{200f}' => " (right-to-left mark)",
        '\u{2028}' => " (line separator)",
        '\u{2029}' => " (paragraph separator)",
        '\u{202e}' => " (right-to-left override)",
        '\u{2060}' => " (word joiner)",
        '\u{feff}' => " (byte order mark)",
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => " (variation selector)",
        _ => "",
    };
    format!("U+{:04X}{name}", u32::from(character))
}

fn check(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.trim() != text {
        return Err(NameError::Padded);
    }
    if let Some(hidden) = text.chars().find(|c| is_hidden(*c)) {
        return Err(NameError::Control(hidden));
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
    /// A name given by a user: not empty, without surrounding white space and control characters.
    Name, NameError, check
}
