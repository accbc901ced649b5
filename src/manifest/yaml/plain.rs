//! The fast reader: the part of YAML that manifests are written in.
//!
//! It knows block mappings and sequences, scalars on one line (plain, or quoted without escapes), one-line lists of
//! such scalars, comments, and documents divided by `---`. On anything else, wrong or only unusual, it gives up and the
//! full reader takes over; so it needs no error messages, and must only be right about what it accepts.

use serde_json::{Map, Value};

use super::{RawDocument, scalar};

/// Deeper texts are left to the full reader.
const MAX_DEPTH: usize = 16;

/// Longer keys are left to the full reader, which knows where YAML ends them (1024 characters).
const MAX_KEY: usize = 128;

/// All documents of a text that are not empty, or nothing if the text is not written in the subset.
pub(super) fn read(text: &str) -> Option<Vec<RawDocument>> {
    if !text.bytes().all(|byte| byte == b'\n' || (b' '..0x7f).contains(&byte)) {
        return None;
    }
    let mut reader = Reader { rest: text, line: None, marker: false };
    let mut documents = Vec::new();
    let mut index = 0;
    reader.advance()?;
    if reader.line.is_none() && reader.marker {
        reader.next_document()?;
    }
    loop {
        if let Some(line) = reader.line {
            let value = reader.block(line.indent, 0)?;
            documents.push(RawDocument { index, value });
        }
        if reader.line.is_some() {
            return None;
        }
        if !reader.marker {
            return Some(documents);
        }
        reader.next_document()?;
        index += 1;
    }
}

/// A line that holds more than white space and comments.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    indent: usize,
    /// The content, without white space at both ends.
    text: &'a str,
}

struct Reader<'a> {
    rest: &'a str,
    /// The line to be read next; none at the end of the document.
    line: Option<Line<'a>>,
    /// Whether the document ended at a `---`.
    marker: bool,
}

impl<'a> Reader<'a> {
    fn next_document(&mut self) -> Option<()> {
        self.marker = false;
        self.advance()
    }

    /// Moves to the next line with content; nothing for lines that only the full reader understands.
    fn advance(&mut self) -> Option<()> {
        self.line = None;
        while !self.rest.is_empty() {
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            self.rest = rest;
            let text = line.trim_start_matches(' ');
            let indent = line.len() - text.len();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let text = text.trim_end_matches(' ');
            if indent == 0 && (text.starts_with("---") || text.starts_with("...") || text.starts_with('%')) {
                self.marker = text == "---";
                return self.marker.then_some(());
            }
            self.line = Some(Line { indent, text });
            break;
        }
        Some(())
    }

    fn block(&mut self, indent: usize, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        if self.line?.text.starts_with("- ") { self.sequence(indent, depth) } else { self.mapping(indent, depth) }
    }

    fn mapping(&mut self, indent: usize, depth: usize) -> Option<Value> {
        let mut map = Map::new();
        while let Some(line) = self.line
            && line.indent == indent
        {
            let (key, rest) = split_key(line.text)?;
            self.advance()?;
            let value = if rest.is_empty() { self.nested(indent, depth)? } else { self.inline(rest, indent)? };
            if map.insert(key.to_owned(), value).is_some() {
                return None;
            }
        }
        self.ends(indent)?;
        Some(Value::Object(map))
    }

    fn sequence(&mut self, indent: usize, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        while let Some(line) = self.line
            && line.indent == indent
            && let Some(content) = line.text.strip_prefix("- ")
        {
            let text = content.trim_start_matches(' ');
            if split_key(text).is_some() {
                let indent = indent + line.text.len() - text.len();
                self.line = Some(Line { indent, text });
                items.push(self.block(indent, depth + 1)?);
            } else {
                self.advance()?;
                items.push(self.inline(text, indent)?);
            }
        }
        self.ends(indent)?;
        Some(Value::Array(items))
    }

    /// The value below a key that has none on its own line. Dashes may stand under their key.
    fn nested(&mut self, indent: usize, depth: usize) -> Option<Value> {
        match self.line {
            Some(line) if line.indent > indent => self.block(line.indent, depth + 1),
            Some(line) if line.indent == indent && line.text.starts_with("- ") => self.sequence(indent, depth + 1),
            Some(_) | None => Some(Value::Null),
        }
    }

    /// A value on one line; the line after it must not continue it.
    fn inline(&self, text: &str, indent: usize) -> Option<Value> {
        self.ends(indent)?;
        let (value, rest) = match text.as_bytes().first()? {
            b'"' | b'\'' => quoted(text)?,
            b'[' => flow_sequence(text)?,
            byte if begins_plain(*byte) => return plain(text),
            _ => return None,
        };
        (rest.trim_start_matches(' ').is_empty() || is_comment(rest)).then_some(value)
    }

    /// A line that is deeper than the block it follows is for the full reader.
    fn ends(&self, indent: usize) -> Option<()> {
        self.line.is_none_or(|line| line.indent <= indent).then_some(())
    }
}

/// Whether the text after a value is a comment: white space, then `#`.
fn is_comment(rest: &str) -> bool {
    rest.starts_with(' ') && rest.trim_start_matches(' ').starts_with('#')
}

/// `key: value` as the key and the value, which is empty if it is not on this line.
fn split_key(text: &str) -> Option<(&str, &str)> {
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-');
    let end = text.bytes().position(|byte| !is_key(&byte))?;
    let (key, rest) = text.split_at(end);
    let rest = rest.strip_prefix(':')?;
    let begins = key.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if !begins || key.len() > MAX_KEY || !scalar::is_text(key) {
        return None;
    }
    match rest.as_bytes().first() {
        None => Some((key, "")),
        Some(b' ') => {
            let value = rest.trim_start_matches(' ');
            Some((key, if value.starts_with('#') { "" } else { value }))
        }
        Some(_) => None,
    }
}

fn begins_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'~' | b'_' | b'$' | b'(')
}

/// A plain scalar in block context, without the comment after it.
fn plain(text: &str) -> Option<Value> {
    let text = text.split_once(" #").map_or(text, |(text, _)| text).trim_end_matches(' ');
    if text.ends_with(':') || text.contains(": ") {
        return None;
    }
    scalar::plain(text)
}

/// A quoted scalar without escapes, and what follows it.
fn quoted(text: &str) -> Option<(Value, &str)> {
    let quote = if text.starts_with('"') { '"' } else { '\'' };
    let (content, rest) = text.strip_prefix(quote)?.split_once(quote)?;
    if (quote == '"' && content.contains('\\')) || rest.starts_with(quote) {
        return None;
    }
    Some((Value::String(content.to_owned()), rest))
}

/// A one-line list of scalars, and what follows it.
fn flow_sequence(text: &str) -> Option<(Value, &str)> {
    let mut items = Vec::new();
    let mut rest = text.strip_prefix('[')?.trim_start_matches(' ');
    if let Some(rest) = rest.strip_prefix(']') {
        return Some((Value::Array(items), rest));
    }
    loop {
        let (item, after) = if rest.starts_with(['"', '\'']) { quoted(rest)? } else { flow_plain(rest)? };
        items.push(item);
        rest = after.trim_start_matches(' ');
        if let Some(rest) = rest.strip_prefix(']') {
            return Some((Value::Array(items), rest));
        }
        rest = rest.strip_prefix(',')?.trim_start_matches(' ');
    }
}

/// A plain scalar in flow context: a word such as `connect:tcp`.
fn flow_plain(text: &str) -> Option<(Value, &str)> {
    let bytes = text.as_bytes();
    if !bytes.first()?.is_ascii_alphanumeric() {
        return None;
    }
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-' | b'*');
    let mut end = 0;
    while let Some(byte) = bytes.get(end) {
        let colon = *byte == b':' && bytes.get(end + 1).is_some_and(|next| next.is_ascii_alphanumeric());
        if !is_word(*byte) && !colon {
            break;
        }
        end += 1;
    }
    let (word, rest) = text.split_at(end);
    Some((scalar::plain(word)?, rest))
}
