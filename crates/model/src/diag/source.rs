//! The texts of a run, and the conversion of places to lines and columns.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::scalar::source_range;
use super::{EntryPart, FileId, Place, Spans};

/// A text with its name for users.
#[derive(Debug)]
pub struct SourceFile {
    name: String,
    text: Arc<str>,
    spans: OnceLock<Spans>,
    line_starts: OnceLock<Vec<usize>>,
}

impl SourceFile {
    /// The path for users: relative to the working directory, with `/`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text; empty if the file could not be read.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    fn spans(&self) -> &Spans {
        self.spans.get_or_init(|| Spans::of(&self.text))
    }

    /// Byte offsets of the lines, cached because a plan locates every rule.
    fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| {
            let ends = self
                .text
                .bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0)
                .chain(ends.map(|(end, _)| end + 1))
                .collect()
        })
    }

    fn locate(&self, range: Range<usize>) -> TextRange {
        let start = floor_char_boundary(&self.text, range.start);
        let end = floor_char_boundary(&self.text, range.end).max(start);
        let (line, column) = self.line_and_column(start);
        let (end_line, end_column) = self.line_and_column(end);
        TextRange {
            range: start..end,
            line,
            column,
            end_line,
            end_column,
        }
    }

    /// The line and column of a byte offset, which must be a character boundary.
    fn line_and_column(&self, offset: usize) -> (u32, u32) {
        let starts = self.line_starts();
        let line = starts.partition_point(|start| *start <= offset);
        let line_start = line
            .checked_sub(1)
            .and_then(|index| starts.get(index))
            .copied()
            .unwrap_or_default();
        let column = self.text[line_start..offset].chars().count() + 1;
        (
            u32::try_from(line).unwrap_or(u32::MAX),
            u32::try_from(column).unwrap_or(u32::MAX),
        )
    }
}

#[derive(Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

/// A place with lines and columns, as editors count them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextRange {
    /// Byte offsets in the text of the file.
    pub range: Range<usize>,
    /// First line, counted from 1.
    pub line: u32,
    /// First column in characters, counted from 1.
    pub column: u32,
    /// Last line, counted from 1.
    pub end_line: u32,
    /// Column after the last character, counted from 1.
    pub end_column: u32,
}

impl SourceMap {
    /// Adds a text and returns its handle.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile {
            name: name.into(),
            text: text.into(),
            spans: OnceLock::new(),
            line_starts: OnceLock::new(),
        });
        id
    }

    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// All files with their handles, in insertion order.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0..).map(FileId).zip(&self.files)
    }

    /// Computes the location of a place. A missing node is located at its nearest existing parent.
    pub fn resolve(&self, place: &Place) -> TextRange {
        let file = self.file(place.file());
        let range = match place {
            Place::File(_) => 0..0,
            Place::Bytes { range, .. } => range.clone(),
            Place::Node {
                document,
                path,
                part,
            } => {
                let span = file.spans().find(document.index, path);
                match (part, span.key) {
                    (EntryPart::Key, Some(key)) => key,
                    (EntryPart::Key, None) | (EntryPart::Value, _) => span.value,
                }
            }
            Place::Text {
                document,
                path,
                range,
            } => {
                let value = file.spans().find(document.index, path).value;
                source_range(&file.text, value, range.clone())
            }
        };
        file.locate(range)
    }
}

fn floor_char_boundary(text: &str, mut offset: usize) -> usize {
    offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
