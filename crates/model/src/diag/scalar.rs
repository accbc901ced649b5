//! The bytes of a file that a part of a YAML string comes from.
//!
//! A literal block keeps its lines and drops their indentation, so every byte is found exactly. Other
//! forms join lines and have escapes; they are read character by character.

use std::ops::Range;

/// The bytes of the file for the bytes `part` of the string whose scalar is at `value`. If the scalar
/// cannot be read in this way, the whole scalar.
pub(super) fn source_range(text: &str, value: Range<usize>, part: Range<usize>) -> Range<usize> {
    let found = match block_header(text, value.start) {
        Some(header) => block(text, header, &part),
        None => flow(text, &value, &part),
    };
    found
        .filter(|range| range.start <= range.end)
        .unwrap_or(value)
}

/// The start of the header of a block scalar (`|` or `>`), whose content begins at `start`.
pub(super) fn block_header(text: &str, start: usize) -> Option<usize> {
    let before = text.get(..start)?.trim_end_matches(' ');
    let above = before.strip_suffix('\n')?.trim_end();
    let line = above.rfind('\n').map_or(0, |at| at + 1);
    let content = above.get(line..)?;
    let content = content.split(" #").next().unwrap_or(content).trim_end();
    let header = content.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
    let parent = header.strip_suffix(['|', '>'])?;
    parent
        .ends_with([' ', ':', '-'])
        .then_some(line + parent.len())
}

/// A position of the string, and the position of the file that it comes from.
type OffsetPair = (usize, usize);

/// The range between the positions of its first and last byte.
fn between(part: &Range<usize>, offset: impl Fn(usize) -> Option<usize>) -> Option<Range<usize>> {
    let start = offset(part.start)?;
    // The end of a line is better than the indentation of the next one.
    let end = match part.end.checked_sub(1) {
        Some(last) if part.end > part.start => offset(last)? + 1,
        _ => start,
    };
    Some(start..end)
}

fn block(text: &str, header: usize, part: &Range<usize>) -> Option<Range<usize>> {
    let first = header + text.get(header..)?.find('\n')? + 1;
    let style = text.get(header..first)?;
    let is_folded = style.starts_with('>');
    let mut lines = Vec::new();
    let mut at = first;
    for line in text.get(first..)?.split_inclusive('\n') {
        lines.push((at, line));
        at += line.len();
    }
    let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let is_blank = |line: &str| line.trim().is_empty();
    // An explicit indentation counts from the parent, which is not known here; the first line decides.
    let indent = lines
        .iter()
        .find(|(_, line)| !is_blank(line))
        .map(|(_, line)| indentation(line))?;
    // Each line of the string with its position in the file.
    let mut starts: Vec<OffsetPair> = Vec::new();
    let mut length = 0;
    for (number, (start, line)) in lines.iter().enumerate() {
        let content = line.strip_suffix('\n').unwrap_or(line);
        let content = content.strip_suffix('\r').unwrap_or(content);
        let skipped = indent.min(indentation(content));
        if !is_blank(line) && skipped < indent {
            break;
        }
        starts.push((length, start + skipped));
        let inner = content.len() - skipped;
        // Of several line breaks in a folded block, the first one is dropped.
        let next_is_blank = lines
            .get(number + 1)
            .is_some_and(|(_, line)| is_blank(line));
        let joins = is_folded && !is_blank(line) && next_is_blank;
        length += inner + usize::from(!joins);
    }
    between(part, |offset| {
        let at = starts.partition_point(|(inner, _)| *inner <= offset);
        let (inner, outer) = starts.get(at.checked_sub(1)?)?;
        Some(outer + (offset - inner))
    })
}

/// Quoted and plain scalars.
fn flow(text: &str, value: &Range<usize>, part: &Range<usize>) -> Option<Range<usize>> {
    let old = text.get(value.clone())?;
    let quote = old.chars().next().filter(|c| matches!(c, '"' | '\''));
    let mut at = value.start + usize::from(quote.is_some());
    let end = value.end - usize::from(quote.is_some());
    let mut positions: Vec<OffsetPair> = Vec::new();
    let mut length = 0;
    while at < end {
        let rest = text.get(at..end)?;
        let next = rest.chars().next()?;
        positions.push((length, at));
        let (read, written) = match next {
            '\'' if quote == Some('\'') => (2, 1),
            '\\' if quote == Some('"') => escape(rest)?,
            ' ' | '\t' | '\r' | '\n' => {
                let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
                let breaks = rest.get(..blank)?.matches('\n').count();
                match breaks {
                    0 => (blank, blank),
                    breaks => (blank, (breaks - 1).max(1)),
                }
            }
            other => (other.len_utf8(), other.len_utf8()),
        };
        at += read;
        length += written;
    }
    positions.push((length, end));
    between(part, |offset| {
        let at = positions.partition_point(|(inner, _)| *inner <= offset);
        let (inner, outer) = positions.get(at.checked_sub(1)?)?;
        Some(outer + (offset - inner))
    })
}

/// The length of an escape in double quotes, and of what it stands for.
fn escape(rest: &str) -> Option<(usize, usize)> {
    let kind = rest.chars().nth(1)?;
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        // An escaped line break stands for nothing, and so does the indentation after it.
        '\n' | '\r' => {
            let after = rest.get(1..)?;
            let blank = after.len() - after.trim_start().len();
            return Some((1 + blank, 0));
        }
        'N' | '_' => return Some((2, 2)),
        'L' | 'P' => return Some((2, 3)),
        other => return Some((1 + other.len_utf8(), 1)),
    };
    let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
    Some((2 + digits, char::from_u32(code)?.len_utf8()))
}

#[cfg(test)]
mod tests {
    use crate::diag::{DocumentId, Path, Place, SourceMap};

    #[test]
    fn parts_of_strings_are_found_in_the_file() {
        let cases = [
            (
                "a:\n  t: |\n    one two\n      three\n\n    four\n",
                "one two\n  three\n\nfour\n",
            ),
            (
                "a:\n  t: |-\n\n    // x\n    one two\n    four",
                "\n// x\none two\nfour",
            ),
            (
                "a:\n  t: >\n    one two\n    three\n\n    four\n",
                "one two three\nfour\n",
            ),
            (
                "a:\n  t: one two\n    three\n    four\n",
                "one two three four",
            ),
            (
                "a:\n  t: \"one \\u0074wo\\n three \\\"\n    four\"\n",
                "one two\n three \" four",
            ),
            ("a: {t: 'one '' two three four'}\n", "one ' two three four"),
            (
                "a:\r\n  t: |\r\n    one two\r\n    three four\r\n",
                "one two\nthree four\n",
            ),
        ];
        for (file, string) in cases {
            let mut sources = SourceMap::default();
            let id = sources.add("a.yaml", file);
            let path = Path::root().key("a").key("t");
            for word in ["one", "three", "four"] {
                let Some(start) = string.find(word) else {
                    continue;
                };
                let place = Place::Text {
                    document: DocumentId { file: id, index: 0 },
                    path: path.clone(),
                    range: start..start + word.len(),
                };
                let range = sources.resolve(&place).range;
                assert_eq!(file.get(range), Some(word), "{file}");
            }
        }
    }
}
