//! Text that XML can hold.

use crate::render::text;

/// Text on one line.
pub(crate) fn neutral(text: &str) -> String {
    held(&text::neutral(text))
}

/// Text of several lines.
pub(crate) fn neutral_lines(text: &str) -> String {
    held(&text::neutral_lines(text))
}

/// Control characters aside, which are neutral already, there are two characters that no XML may hold (XML 1.0,
/// section 2.2).
fn held(text: &str) -> String {
    text.replace('\u{fffe}', "\\u{fffe}")
        .replace('\u{ffff}', "\\u{ffff}")
}
