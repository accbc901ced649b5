//! The texts that places point into, and the way from a place to a line and a column.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::{FileId, Part, Place, Spans};

/// One text, with the name under which users know it.
#[derive(Debug)]
pub struct SourceFile {
    name: String,
    text: Arc<str>,
    spans: OnceLock<Spans>,
    line_starts: OnceLock<Vec<usize>>,
}

impl SourceFile {
    /// The path shown to users: relative to the directory that the command works in, with `/`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text; empty for a file that could not be read.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    fn spans(&self) -> &Spans {
        self.spans.get_or_init(|| Spans::of(&self.text))
    }

    /// Where lines begin, in bytes: a plan locates every rule that it shows.
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

    fn locate(&self, range: Range<usize>) -> Location {
        let start = floor(&self.text, range.start);
        let end = floor(&self.text, range.end).max(start);
        let (line, column) = self.line_and_column(start);
        let (end_line, end_column) = self.line_and_column(end);
        Location {
            range: start..end,
            line,
            column,
            end_line,
            end_column,
        }
    }

    /// The line and the column of a byte offset that is on a character's boundary.
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

/// All texts of one run.
#[derive(Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

/// A place as a person or an editor counts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Byte offsets into the file's text.
    pub range: Range<usize>,
    /// The line of the first byte, counted from 1.
    pub line: u32,
    /// The column of the first byte, counted from 1, in characters.
    pub column: u32,
    /// The line after whose `end_column` the place ends, counted from 1.
    pub end_line: u32,
    /// The column just after the place, counted from 1, in characters.
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

    /// The file behind a handle of this map.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// All files with their handles, in the order in which they were added.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0..).map(FileId).zip(&self.files)
    }

    /// Where a place is. A node that is not there is shown at the nearest parent that is.
    pub fn resolve(&self, place: &Place) -> Location {
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
                    (Part::Key, Some(key)) => key,
                    (Part::Key, None) | (Part::Value, _) => span.value,
                }
            }
        };
        file.locate(range)
    }
}

fn floor(text: &str, mut offset: usize) -> usize {
    offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
