//! Finds invisible characters in all texts of a document, and in comments.
//!
//! Names, hosts and paths have stricter rules of their own, which are checked later.

use serde_json::Value;

use crate::schema::ManifestKind;
use model::diag::{Code, Diagnostic, DocumentId, FileId, Path, PathSegment, Place};
use model::{character_name, is_hidden};

/// Maximum number of diagnostics per document or file.
const MAX_FINDINGS: usize = 20;

/// Fields whose texts are prose or scripts. Line ends and emoji are ordinary characters there.
const PROSE: &[&str] = &[
    "description",
    "displayName",
    "embedded",
    "message",
    "note",
    "reason",
    "remediation",
    "remediationSteps",
    "text",
];

/// Whether no string of a file can contain an invisible character: the file consists of printable ASCII
/// and line feeds, and contains no backslash, with which double-quoted strings escape characters. Nearly
/// all files are like this.
pub(super) fn is_plain(text: &str) -> bool {
    // Without an early end, the compiler vectorizes the loop.
    text.bytes().fold(true, |is_plain, byte| {
        is_plain & (byte == b'\n' || ((0x20..0x7f).contains(&byte) && byte != b'\\'))
    })
}

/// The invisible characters in the keys and strings of a document.
pub(super) fn check(id: DocumentId, kind: Option<ManifestKind>, value: &Value) -> Vec<Diagnostic> {
    let mut search = InvisibleSearch {
        id,
        kind,
        path: Vec::new(),
        found: Vec::new(),
    };
    search.value(value);
    search.found
}

struct InvisibleSearch<'a> {
    id: DocumentId,
    /// `None` for a document of an unknown kind.
    kind: Option<ManifestKind>,
    /// The path to the current value.
    path: Vec<InvisiblePathPart<'a>>,
    found: Vec<Diagnostic>,
}

#[derive(Clone, Copy)]
enum InvisiblePathPart<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> InvisibleSearch<'a> {
    /// The depth of documents is limited when they are read.
    fn value(&mut self, value: &'a Value) {
        if self.found.len() >= MAX_FINDINGS {
            return;
        }
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.path.push(InvisiblePathPart::Index(index));
                    self.value(item);
                    self.path.pop();
                }
            }
            Value::Object(map) => {
                for (key, item) in map {
                    self.path.push(InvisiblePathPart::Key(key));
                    if let Some(character) = key.chars().find(|c| is_hidden(*c)) {
                        let place = Place::key(self.id, self.place_path());
                        self.found.push(finding("the key", character, place));
                    }
                    self.value(item);
                    self.path.pop();
                }
            }
        }
    }

    fn text(&mut self, text: &str) {
        if self.is_checked_later() {
            return;
        }
        let found = if self.is_prose(text) {
            hidden_in_prose(text)
        } else {
            text.chars().find(|c| is_hidden(*c))
        };
        if let Some(character) = found {
            let place = Place::value(self.id, self.place_path());
            self.found.push(finding("the text", character, place));
        }
    }

    fn is_prose(&self, text: &str) -> bool {
        let key = self.path.iter().rev().find_map(|part| match part {
            InvisiblePathPart::Key(key) => Some(*key),
            InvisiblePathPart::Index(_) => None,
        });
        text.contains('\n') || key.is_some_and(|key| PROSE.contains(&key))
    }

    /// Names, hosts and paths of rules, whose own checks reject invisible characters too.
    fn is_checked_later(&self) -> bool {
        let keys = self.path.iter().filter_map(|part| match part {
            InvisiblePathPart::Key(key) => Some(*key),
            InvisiblePathPart::Index(_) => None,
        });
        let keys: Vec<&str> = keys.collect();
        let Some(kind) = self.kind else {
            return false;
        };
        match kind {
            ManifestKind::Policy => matches!(
                *keys,
                ["metadata", "name" | "aliases"]
                    | ["spec", "rules", "name" | "aliases" | "resources"]
                    | ["spec", "rules", "httpResources", "host" | "path"]
                    | ["spec", "scope", "profiles"]
            ),
            ManifestKind::ResourceList => matches!(
                *keys,
                ["metadata", "name"]
                    | ["spec", "hosts" | "paths"]
                    | ["spec", "httpResources", "host" | "path"]
            ),
            ManifestKind::PolicyTest => {
                matches!(*keys, ["metadata", "name"] | ["spec", "cases", "name"])
            }
            ManifestKind::PolicyPack => {
                matches!(*keys, ["metadata", "name"] | ["spec", "policies", "name"])
            }
            ManifestKind::PolicyGroup => matches!(*keys, ["metadata", "name" | "aliases"]),
            ManifestKind::ChainloopPolicy | ManifestKind::ChainloopGroup => {
                matches!(*keys, ["metadata", "name"])
            }
            ManifestKind::Config => matches!(*keys, ["targets", "name"]),
            ManifestKind::Lock => false,
        }
    }

    fn place_path(&self) -> Path {
        self.path
            .iter()
            .map(|part| match part {
                InvisiblePathPart::Key(key) => PathSegment::Key((*key).to_owned()),
                InvisiblePathPart::Index(index) => PathSegment::Index(*index),
            })
            .collect()
    }
}

fn finding(what: &str, character: char, place: Place) -> Diagnostic {
    let message = format!(
        "{what} contains the invisible character {}",
        character_name(character)
    );
    Diagnostic::new(Code::InvisibleCharacter, message, place).help("remove the character")
}

/// The first invisible character of a text that is not part of ordinary prose: line ends, tabs, emoji,
/// and joiners between letters of scripts that need them.
pub fn hidden_in_prose(text: &str) -> Option<char> {
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        if is_hidden(c) && !is_ordinary(before, c, next) {
            return Some(c);
        }
        before = Some(c);
    }
    None
}

fn is_ordinary(before: Option<char>, c: char, next: Option<char>) -> bool {
    let is_emoji_or_letter = |c: char| !c.is_ascii() && !is_hidden(c);
    match c {
        '\n' | '\t' => true,
        '\r' => next == Some('\n'),
        // Variation selectors of emoji, for example in a keycap.
        '\u{fe0e}' | '\u{fe0f}' => before.is_some_and(|before| {
            is_emoji_or_letter(before) || matches!(before, '0'..='9' | '#' | '*')
        }),
        // Joiners of emoji, and of scripts such as Persian and Hindi.
        '\u{200c}' | '\u{200d}' => {
            before.is_some_and(|before| is_emoji_or_letter(before) || before == '\u{fe0f}')
                && next.is_some_and(is_emoji_or_letter)
        }
        _ => false,
    }
}

/// Invisible characters outside of keys and strings: characters in comments that reorder text or end a
/// line for some programs only, so that a comment is displayed as if it were data; and all invisible
/// characters in the names of anchors, so that an alias seems to stand for another value.
pub(super) fn check_syntax(file: FileId, text: &str) -> Vec<Diagnostic> {
    if text.is_ascii() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if let Some((what, at, character)) = hidden_in_syntax(line) {
            let range = start + at..start + at + character.len_utf8();
            let place = Place::Bytes { file, range };
            found.push(finding(what, character, place));
            if found.len() >= MAX_FINDINGS {
                break;
            }
        }
        start += line.len();
    }
    found
}

/// The first such character of a line, with where it is.
fn hidden_in_syntax(line: &str) -> Option<(&'static str, usize, char)> {
    let mut is_comment = false;
    let mut is_anchor = false;
    let mut before = None;
    for (at, c) in line.char_indices() {
        let begins = before.is_none_or(|c: char| c.is_whitespace() || "[{,:-".contains(c));
        match c {
            '#' if before.is_none_or(char::is_whitespace) => is_comment = true,
            '&' | '*' if begins => is_anchor = true,
            c if c.is_whitespace() || matches!(c, ',' | ']' | '}') => is_anchor = false,
            _ => {}
        }
        if is_comment && reorders_text(c) {
            return Some(("a comment", at, c));
        }
        if is_anchor && !is_comment && is_hidden(c) {
            return Some(("an anchor or alias", at, c));
        }
        before = Some(c);
    }
    None
}

fn reorders_text(c: char) -> bool {
    matches!(
        c,
        '\u{85}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::diag::SourceMap;

    #[test]
    fn emoji_and_joiners_are_prose() {
        for text in [
            "plain\ntext\twith\r\nlines",
            "⚠️ careful",
            "1️⃣ first",
            "👩‍💻 and 🏳️‍🌈",
            "می‌خواهم",
            "क्‍ष",
        ] {
            assert_eq!(hidden_in_prose(text), None, "{text}");
        }
        for (text, hidden) in [
            ("a\u{200d}b", '\u{200d}'),
            ("a\u{fe0f}", '\u{fe0f}'),
            ("\u{202e}a", '\u{202e}'),
            ("👩\u{200b}", '\u{200b}'),
            ("a\rb", '\r'),
            ("x\u{e0041}", '\u{e0041}'),
        ] {
            assert_eq!(hidden_in_prose(text), Some(hidden), "{text:?}");
        }
    }

    #[test]
    fn comments_that_reorder_text_and_anchors_that_hide_some_are_found() {
        let file = SourceMap::default().add("a.yaml", "");
        for (text, count) in [
            ("# plain\na: é # ⚠️\n", 0),
            ("a: b # \u{202e}x\n", 1),
            ("#\u{2028}b: c\n# \u{2066}\n", 2),
            ("a: \"x#\u{202e}\"\n", 0),
            ("a: &x\u{200b} b\nc: *x\u{200b}\n", 2),
            ("a: [&x b, *y\u{ad}]\n", 1),
            ("a: &é b # &\u{200b}\nc: é & \u{200b}\n", 0),
        ] {
            assert_eq!(check_syntax(file, text).len(), count, "{text:?}");
        }
    }
}
