//! Converts the parser's positions (lines and columns in characters) to byte offsets.

use std::cell::Cell;

use saphyr_parser::Marker;

/// The byte offsets of the lines of a text.
#[derive(Debug)]
pub struct LineIndex<'a> {
    text: &'a str,
    starts: Vec<usize>,
    ascii: bool,
    /// The last position looked up. Positions mostly come in order, so the next one is close.
    last: Cell<TextPosition>,
}

/// A position as byte offset and as line and column.
#[derive(Debug, Clone, Copy, Default)]
struct TextPosition {
    line: usize,
    column: usize,
    offset: usize,
}

impl<'a> LineIndex<'a> {
    /// Splits lines as YAML 1.2 does (section 5.4): at LF, CR LF, or a single CR.
    pub fn of(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0)
            .chain(ends.map(|(at, _)| at + 1))
            .collect();
        Self {
            text,
            starts,
            ascii: text.is_ascii(),
            last: Cell::default(),
        }
    }

    /// The byte offset of a position. The line is used instead of the parser's index, because an
    /// error in a column ends with its line.
    pub fn offset(&self, mark: &Marker) -> usize {
        let line = mark.line().saturating_sub(1).min(self.starts.len() - 1);
        let start = self.starts[line];
        let end = self
            .starts
            .get(line + 1)
            .copied()
            .unwrap_or(self.text.len());
        if self.ascii {
            return (start + mark.col()).min(end);
        }
        let last = self.last.get();
        let (column, from) = if last.line == line && last.column <= mark.col() {
            (last.column, last.offset)
        } else {
            (0, start)
        };
        let from = from.clamp(start, end);
        let offset = self.text[from..end]
            .char_indices()
            .nth(mark.col() - column)
            .map_or(end, |(at, _)| from + at);
        // Do not continue from a column after the end of the line.
        if offset < end {
            self.last.set(TextPosition {
                line,
                column: mark.col(),
                offset,
            });
        }
        offset
    }
}

/// The quoted scalar at the start of a text, including both quotes: the parser's span may include
/// the space and comment after it. `None` if there is no complete quoted scalar.
pub fn quoted(text: &str) -> Option<&str> {
    let mut bytes = text.bytes().enumerate();
    let (_, quote) = bytes
        .next()
        .filter(|(_, first)| matches!(first, b'"' | b'\''))?;
    while let Some((at, byte)) = bytes.next() {
        if byte == b'\\' && quote == b'"' {
            bytes.next();
        } else if byte == quote {
            // A single quote is escaped by doubling it.
            if quote == b'"' || text.as_bytes().get(at + 1) != Some(&b'\'') {
                return Some(&text[..=at]);
            }
            bytes.next();
        }
    }
    None
}
