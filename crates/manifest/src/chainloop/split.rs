//! Splits a file into documents, byte for byte.

use std::ops::Range;

/// The position of a document in the text of its file.
///
/// The only document of a file is the whole file, including everything in front of it: git stores
/// it and the vendor's tool reads it like that. If there are several, a document starts after the
/// line of its `---` (or after the `---` itself if it starts on that line) and ends at the line of
/// the next `---`. The first document starts with the file if it has no `---`. Separators and
/// documents together are the whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRange {
    /// The line of the `---` in front; for the first document including everything before. Empty if
    /// there is none.
    pub separator: Range<usize>,
    /// The document without its separator.
    pub document: Range<usize>,
}

impl DocumentRange {
    pub fn text_in<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.document.clone()).unwrap_or_default()
    }
}

/// Splits a text into documents.
///
/// YAML allows `---` at the start of a line only as a document marker, even inside of multi-line
/// strings (1.2, section 9.1.2), so lines are sufficient to find it. A document without `---` after
/// a `...` is not separated.
pub fn split(text: &str) -> Vec<DocumentRange> {
    let markers: Vec<Range<usize>> = lines(text).filter_map(|line| marker(text, line)).collect();
    let Some(first) = markers.first() else {
        return vec![whole(text)];
    };
    let bare = text.get(..first.start).is_some_and(has_content);
    let mut pieces = Vec::with_capacity(markers.len() + 1);
    if bare {
        pieces.push(DocumentRange {
            separator: 0..0,
            document: 0..first.start,
        });
    }
    let ends = markers
        .iter()
        .skip(1)
        .map(|marker| marker.start)
        .chain([text.len()]);
    for (marker, end) in markers.iter().zip(ends) {
        let start = if pieces.is_empty() { 0 } else { marker.start };
        pieces.push(DocumentRange {
            separator: start..marker.end,
            document: marker.end..end,
        });
    }
    if pieces.len() == 1 {
        vec![whole(text)]
    } else {
        pieces
    }
}

fn whole(text: &str) -> DocumentRange {
    DocumentRange {
        separator: 0..0,
        document: 0..text.len(),
    }
}

/// The lines of a text including line endings. YAML ends lines with CR LF, LF or CR (1.2, section
/// 5.4).
fn lines(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let length = match rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            Some(end) if rest[end] == b'\r' && rest.get(end + 1) == Some(&b'\n') => end + 2,
            Some(end) => end + 1,
            None => rest.len(),
        };
        let start = at;
        at += length;
        Some(start..at)
    })
}

/// The part of a line that separates documents: the whole line, or only `---` if more than a
/// comment follows.
fn marker(text: &str, line: Range<usize>) -> Option<Range<usize>> {
    let content = text.get(line.clone())?;
    // The first line may start with a byte order mark.
    let mark = if line.start == 0 {
        content.len() - content.trim_start_matches('\u{feff}').len()
    } else {
        0
    };
    let rest = content[mark..].strip_prefix("---")?;
    match rest.trim_start_matches([' ', '\t']) {
        after if after.starts_with(['\n', '\r']) || after.is_empty() => Some(line),
        _ if !rest.starts_with([' ', '\t']) => None,
        after if after.starts_with('#') => Some(line),
        _ => Some(line.start..line.start + mark + 3),
    }
}

/// Whether another document or directive follows the `...` that ends a document.
pub(super) fn has_content_after_end(document: &str) -> bool {
    let after = document
        .split(['\n', '\r'])
        .skip_while(|line| line.trim_end() != "...");
    after
        .map(str::trim_start)
        .any(|line| !(line.is_empty() || line.starts_with('#') || line.trim_end() == "..."))
}

/// Whether the text before the first `---` contains a document: more than comments and directives.
fn has_content(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    text.split(['\n', '\r']).any(|line| {
        let content = line.trim_start_matches([' ', '\t']);
        !(content.is_empty()
            || content.starts_with('#')
            || line.starts_with('%')
            || line.trim_end() == "...")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn documents(text: &str) -> Vec<&str> {
        split(text)
            .iter()
            .map(|piece| piece.text_in(text))
            .collect()
    }

    #[test]
    fn the_only_document_is_the_whole_file() {
        for text in [
            "",
            "a: 1\n",
            "---\na: 1\n",
            "\u{feff}# license\r\n---\r\na: 1",
            "%YAML 1.2\n---\na: 1\n...\n",
        ] {
            assert_eq!(documents(text), [text], "{text:?}");
        }
    }

    #[test]
    fn documents_are_what_stands_between_the_marks() {
        for (text, wanted) in [
            ("a: 1\n---\nb: 2\n", ["a: 1\n", "b: 2\n"]),
            ("---\na: 1\n---\nb: 2", ["a: 1\n", "b: 2"]),
            (
                "# all\n--- # first\na: 1 # one\r\n---\r\n\r\nb: 2\r\n",
                ["a: 1 # one\r\n", "\r\nb: 2\r\n"],
            ),
            ("\u{feff}---\na: 1\n---\nb: 2\n", ["a: 1\n", "b: 2\n"]),
            ("--- {a: 1}\n--- {b: 2}\n", [" {a: 1}\n", " {b: 2}\n"]),
            (
                "a: |\n  ---\n  x\n---\nb: ----\n",
                ["a: |\n  ---\n  x\n", "b: ----\n"],
            ),
            ("---\r---\rb: 2", ["", "b: 2"]),
        ] {
            assert_eq!(documents(text), wanted, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn separators_and_documents_are_the_whole_file(
            lines in proptest::collection::vec(
                (prop_oneof!["---", "--- #c", "--- a", "---x", "\u{feff}", "\\.\\.\\.", "%YAML 1\\.2", "# c", "a: [é1 \t-]{0,4}", ""], prop_oneof!["\n", "\r\n", "\r", ""]),
                0..12,
            ),
        ) {
            let text: String = lines.into_iter().map(|(line, end)| line + &end).collect();
            let mut joined = String::new();
            for piece in split(&text) {
                joined += &text[piece.separator.clone()];
                joined += piece.text_in(&text);
            }
            prop_assert_eq!(joined, text);
        }

        /// The parser finds the same documents if each except the first has a marker.
        #[test]
        fn each_document_means_alone_what_it_means_in_its_file(
            bodies in proptest::collection::vec("(# c\n)?[a-c]: [a-z0-9]{1,3}( # é)?\n(d: \\|\n  ---\n  x\n)?", 2..6),
            first in any::<bool>(),
            crlf in any::<bool>(),
        ) {
            let mut text = bodies.join("--- # mark\n");
            if first {
                text.insert_str(0, "# license\n---\n");
            }
            if crlf {
                text = text.replace('\n', "\r\n");
            }
            let file = model::diag::SourceMap::default().add("", "");
            let all = crate::yaml::read(file, &text);
            prop_assert_eq!(all.documents.len(), bodies.len());
            let pieces = split(&text);
            prop_assert_eq!(pieces.len(), bodies.len());
            for (piece, whole) in pieces.iter().zip(&all.documents) {
                let alone = crate::yaml::read(file, piece.text_in(&text));
                prop_assert_eq!(&alone.documents[0].value, &whole.value);
            }
        }
    }
}
