//! Lines of limited length.

use std::io::{self, BufRead};

/// The maximum length of a line in bytes.
pub(crate) const MAX_LINE: usize = 1 << 20;

/// The result of reading a line.
pub(crate) enum Line {
    /// The line, without its end, is in the buffer.
    Text,
    /// The line was longer than [`MAX_LINE`] and was dropped.
    TooLong,
    /// The input ended before the line.
    End,
}

/// Reads a line without its end. The rest of a line that is too long is read and dropped.
///
/// # Errors
/// The input cannot be read.
pub(crate) fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    let mut is_too_long = false;
    let mut has_text = false;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(match (is_too_long, has_text) {
                (true, _) => Line::TooLong,
                (false, true) => Line::Text,
                (false, false) => Line::End,
            });
        }
        has_text = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = end.map_or(buffer, |end| &buffer[..end]);
        if line.len() + part.len() > MAX_LINE {
            is_too_long = true;
            line.clear();
        } else if !is_too_long {
            line.extend_from_slice(part);
        }
        let used = end.map_or(buffer.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(if is_too_long {
                Line::TooLong
            } else {
                Line::Text
            });
        }
    }
}
