//! Suggestions: texts that a help line proposes, as replacements for a part of a file.
//!
//! A suggestion names the new value. How it is written depends on the text around it: a plain or
//! quoted scalar, a list in brackets or one line per entry. [`SourceMap::edit`] decides that.

use std::ops::Range;

use super::scalar::block_header;
use super::{EntryPart, Place, SourceMap};

/// A proposed change of one value or key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Suggestion {
    pub place: Place,
    pub replacement: Replacement,
}

/// What replaces a value or key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Replacement {
    /// A string that is most likely meant ("did you mean"). The meaning changes.
    Similar(String),
    /// A string that means the same, in the form that is accepted.
    Text(String),
    /// The text as it is in the file, as a string.
    Quoted,
    /// The content of a string, as a number or a truth value.
    Unquoted,
    /// A number instead of a string.
    Number(String),
    /// A list of strings instead of one string.
    List(Vec<String>),
    /// Several entries of a list instead of one.
    Entries(Vec<String>),
}

impl Replacement {
    /// Whether the suggestion is a guess, so that a person must decide.
    pub fn is_guess(&self) -> bool {
        matches!(self, Self::Similar(_))
    }
}

/// A suggestion as a change of the text of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes to replace.
    pub range: Range<usize>,
    /// The new text.
    pub text: String,
}

impl SourceMap {
    /// The change of the file, or nothing if the place is not a simple value, for example an alias.
    pub fn edit(&self, suggestion: &Suggestion) -> Option<Edit> {
        let Suggestion { place, replacement } = suggestion;
        let text = self.file(place.file()).text();
        let range = self.resolve(place).range;
        replacement.edit(text, range, place)
    }
}

impl Replacement {
    /// The change of a text, at the range of a value or key.
    pub fn edit(&self, text: &str, range: Range<usize>, place: &Place) -> Option<Edit> {
        if let (Place::Text { .. }, Self::Similar(new) | Self::Text(new)) = (place, self) {
            let text = new.clone();
            return Some(Edit { range, text });
        }
        let range = without_anchor(text, range);
        let old = text.get(range.clone())?;
        let is_key = matches!(
            place,
            Place::Node {
                part: EntryPart::Key,
                ..
            }
        );
        // An alias stands for a value elsewhere, and a missing value has the range of its key. Bytes
        // are exactly what is replaced.
        let is_node = matches!(place, Place::Node { .. });
        let is_other = old.starts_with('*') || (!is_key && is_missing(text, &range));
        if old.is_empty() || (is_node && is_other) {
            return None;
        }
        let header = block_header(text, range.start);
        let is_plain = header.is_none() && !old.starts_with(['"', '\'']);
        let new = match self {
            Self::Similar(new) | Self::Text(new) => scalar(new, is_plain),
            Self::Quoted if is_plain && !old.contains(['\n', '\r']) => quoted(old),
            Self::Quoted => return None,
            Self::Unquoted => {
                let inner = old.strip_prefix(['"', '\''])?.strip_suffix(['"', '\''])?;
                inner.to_owned()
            }
            Self::Number(number) => number.clone(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(|item| scalar(item, false)).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Entries(items) => {
                let start = header.unwrap_or(range.start);
                entries(text, &(start..range.end), items, is_plain)?
            }
        };
        Some(Edit {
            range: header.unwrap_or(range.start)..range.end,
            text: new,
        })
    }
}

/// The range of a value without the anchor in front of it, which stays.
fn without_anchor(text: &str, range: Range<usize>) -> Range<usize> {
    let old = text.get(range.clone()).unwrap_or_default();
    let value = old
        .strip_prefix('&')
        .and_then(|rest| rest.split_once(char::is_whitespace))
        .map_or(old, |(_, value)| value.trim_start());
    range.end - value.len()..range.end
}

/// Whether the range is a key, because the value is missing.
fn is_missing(text: &str, range: &Range<usize>) -> bool {
    let rest = text.get(range.end..).unwrap_or_default();
    let after = rest.trim_start_matches([' ', '\t']);
    after
        .strip_prefix(':')
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace()))
}

/// Several entries of a list, in the style of the list.
fn entries(text: &str, range: &Range<usize>, items: &[String], is_plain: bool) -> Option<String> {
    let start = text.get(..range.start)?.rfind('\n').map_or(0, |at| at + 1);
    let before = text.get(start..range.start)?;
    let scalars = |is_plain| items.iter().map(move |item| scalar(item, is_plain));
    let dash = before.rfind('-').filter(|at| {
        let inner = before.get(at + 1..).unwrap_or_default();
        let outer = before.get(..*at).unwrap_or_default();
        inner.trim().is_empty() && outer.chars().all(|c| c == ' ' || c == '-')
    });
    match dash {
        Some(dash) => {
            let separator = format!("\n{}- ", " ".repeat(dash));
            Some(scalars(is_plain).collect::<Vec<_>>().join(&separator))
        }
        None => {
            let outer = text.get(..range.start)?.trim_end();
            outer
                .ends_with(['[', ','])
                .then(|| scalars(false).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A string as YAML. Quotes are omitted only if the old value had none and the new one cannot be
/// mistaken for anything else.
fn scalar(text: &str, is_plain: bool) -> String {
    if is_plain && is_plain_string(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Whether a text is a string without quotes in every context: it begins with a letter, contains no
/// character with a meaning in YAML, and cannot be read as another value.
fn is_plain_string(text: &str) -> bool {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.chars().all(|c| {
            c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ':' | '*' | '@')
        })
        && !text.ends_with(':')
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A string in double quotes, with the escapes of JSON, which YAML has as well.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{DocumentId, Path};

    fn edited(text: &str, path: Path, replacement: Replacement) -> Option<String> {
        let mut sources = SourceMap::default();
        let file = sources.add("a.yaml", text);
        let place = Place::value(DocumentId { file, index: 0 }, path);
        let edit = sources.edit(&Suggestion { place, replacement })?;
        let mut text = text.to_owned();
        text.replace_range(edit.range, &edit.text);
        Some(text)
    }

    #[test]
    fn the_new_text_has_the_style_of_the_old_one() {
        let a = || Path::root().key("a");
        let item = |index| a().index(index);
        let hosts = || vec!["a.example.com:443".to_owned(), "*.b".to_owned()];
        let text = |text: &str| Replacement::Text(text.to_owned());
        let cases = [
            ("a: x # c\n", a(), text("w"), "a: w # c\n"),
            ("a: 'x'\n", a(), text("w"), "a: \"w\"\n"),
            ("a: x\n", a(), text("no"), "a: \"no\"\n"),
            ("a: x\n", a(), text("**.y"), "a: \"**.y\"\n"),
            ("a: [x, z]\n", item(0), text("w"), "a: [w, z]\n"),
            ("a: &n x\n", a(), text("w"), "a: &n w\n"),
            ("a: |\n  x\nb: 1\n", a(), text("w"), "a: \"w\"\nb: 1\n"),
            ("a: 1e1\n", a(), Replacement::Quoted, "a: \"1e1\"\n"),
            ("a: &n 1e1\n", a(), Replacement::Quoted, "a: &n \"1e1\"\n"),
            (
                "a: 0x1F # c\n",
                a(),
                Replacement::Quoted,
                "a: \"0x1F\" # c\n",
            ),
            (
                "a: [443.0]\n",
                item(0),
                Replacement::Quoted,
                "a: [\"443.0\"]\n",
            ),
            ("a: \"443\"\n", a(), Replacement::Unquoted, "a: 443\n"),
            (
                "a: >\n  x\n  y\nb: 1\n",
                a(),
                Replacement::List(hosts()),
                "a: [\"a.example.com:443\", \"*.b\"]\nb: 1\n",
            ),
            (
                "a:\n  - x y\n  - z\n",
                item(0),
                Replacement::Entries(hosts()),
                "a:\n  - a.example.com:443\n  - \"*.b\"\n  - z\n",
            ),
            (
                "a: [z, x y]\n",
                item(1),
                Replacement::Entries(hosts()),
                "a: [z, \"a.example.com:443\", \"*.b\"]\n",
            ),
        ];
        for (before, path, replacement, after) in cases {
            assert_eq!(
                edited(before, path, replacement).as_deref(),
                Some(after),
                "{before}"
            );
        }
        for before in ["b: &n 1\na: *n\n", "a:\n"] {
            assert_eq!(edited(before, a(), Replacement::Quoted), None, "{before}");
        }
    }
}
