//! Text from files and servers is data: it must not steer a terminal, nor show itself as something else.

use std::borrow::Cow;
use std::fmt::Write;

use crate::model::is_hidden;

/// A number with its noun: `1 file`, `2 files`.
pub fn many(count: usize, noun: &str) -> String {
    plural(count, noun, &format!("{noun}s"))
}

/// A number with a noun that has its own plural: `1 policy`, `2 policies`.
pub fn plural(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// The text with everything escaped that is not shown, or that changes how its neighbours are shown: control
/// characters (ANSI escapes begin with one), bidirectional overrides, zero-width characters and line separators.
/// Line breaks and tabs are escaped too: this is for text on one line.
pub fn neutral(text: &str) -> Cow<'_, str> {
    escape(text, is_hidden)
}

/// Like [`neutral`], for text of several lines: line breaks and tabs stay.
pub fn neutral_lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| is_hidden(c) && !matches!(c, '\n' | '\t'))
}

/// JSON text with the same characters written as JSON escapes: a reader of the JSON gets them back unchanged, a
/// terminal that the JSON is printed to does not see them. Line breaks between values stay.
pub fn neutral_json(json: &str) -> Cow<'_, str> {
    let hostile = |c: char| is_hidden(c) && c != '\n';
    if !json.contains(hostile) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if hostile(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

fn escape(text: &str, hostile: impl Fn(char) -> bool + Copy) -> Cow<'_, str> {
    if !text.contains(hostile) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' if hostile(c) => escaped.push_str("\\n"),
            '\r' if hostile(c) => escaped.push_str("\\r"),
            '\t' if hostile(c) => escaped.push_str("\\t"),
            c if hostile(c) => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::{neutral, neutral_json, neutral_lines};

    #[test]
    fn json_is_escaped_without_a_change_of_meaning() {
        let text = "a\u{1b}\u{9b}\u{7f}\u{202e}\u{e0041}\n\"é🙂";
        let json = serde_json::to_string_pretty(&serde_json::json!({ "key": text })).unwrap();
        let escaped = neutral_json(&json);
        assert!(!escaped.contains(|c: char| super::is_hidden(c) && c != '\n'), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap()["key"], text);
        assert!(escaped.contains("é🙂") && escaped.lines().count() == 3, "{escaped}");
    }

    #[test]
    fn ordinary_text_is_not_touched() {
        for text in ["", "plain", "grüße, 世界 🙂", "a\u{301}"] {
            assert!(matches!(neutral(text), std::borrow::Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_steers_is_escaped() {
        let cases = [
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("x\u{202e}y\u{2066}z\u{200d}\u{feff}\u{2028}", "x\\u{202e}y\\u{2066}z\\u{200d}\\u{feff}\\u{2028}"),
            ("\u{0}\u{7f}", "\\u{0}\\u{7f}"),
        ];
        for (text, expected) in cases {
            assert_eq!(neutral(text), expected);
        }
        assert_eq!(neutral_lines("a\n\tb\u{1b}"), "a\n\tb\\u{1b}");
    }
}
