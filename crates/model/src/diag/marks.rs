//! The parser's marks (lines and columns in characters) as byte offsets.

use std::cell::Cell;

use saphyr_parser::Marker;

/// The byte offset at which each line of a text begins.
#[derive(Debug)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    ascii: bool,
    /// The place that was looked up last: marks mostly come in order, so the next is near.
    last: Cell<At>,
}

/// A place in both ways of counting.
#[derive(Debug, Clone, Copy, Default)]
struct At {
    line: usize,
    column: usize,
    offset: usize,
}

impl<'a> Lines<'a> {
    /// Lines end where YAML 1.2 ends them (section 5.4): at LF, at CR LF, or at a CR alone.
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

    /// The byte that a mark points at. The line is trusted rather than the parser's running index: a column can
    /// only be wrong until its line ends.
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
        // A column behind the line's end must not become a place to go on from.
        if offset < end {
            self.last.set(At {
                line,
                column: mark.col(),
                offset,
            });
        }
        offset
    }
}

/// The quoted scalar that a text begins with, both quotes included: the parser's mark may reach over the space and the
/// comment behind it. Nothing if the text begins with no quote, or no quote ends it.
pub fn quoted(text: &str) -> Option<&str> {
    let mut bytes = text.bytes().enumerate();
    let (_, quote) = bytes
        .next()
        .filter(|(_, first)| matches!(first, b'"' | b'\''))?;
    while let Some((at, byte)) = bytes.next() {
        if byte == b'\\' && quote == b'"' {
            bytes.next();
        } else if byte == quote {
            // A single quote is escaped by another.
            if quote == b'"' || text.as_bytes().get(at + 1) != Some(&b'\'') {
                return Some(&text[..=at]);
            }
            bytes.next();
        }
    }
    None
}
