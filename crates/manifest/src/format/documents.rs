//! Splits a text into documents. Each is formatted separately or kept byte for byte.

use std::collections::BTreeMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser};

use super::{lex, order, parse, print, shape};
use model::diag::line_index::LineIndex;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Formats all supported documents. Returns `None` if the text as a whole is not supported.
pub(super) fn format(text: &str) -> Option<String> {
    let (mark, body) = match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(body) => (&text[..BYTE_ORDER_MARK.len_utf8()], body),
        None => ("", text),
    };
    // Another byte order mark would be a token, and the parser treats NUL as the end of the text.
    if body.contains([BYTE_ORDER_MARK, '\0']) {
        return None;
    }
    let crlf = body
        .find('\n')
        .is_some_and(|newline| body[..newline].ends_with('\r'));
    let mut formatted = mark.to_owned();
    for range in split(body)? {
        let document = &body[range];
        match format_document(&unix_lines(document)) {
            Some(text) if crlf => formatted.push_str(&text.replace('\n', "\r\n")),
            Some(text) => formatted.push_str(&text),
            None => formatted.push_str(document),
        }
    }
    Some(formatted)
}

/// The ranges of the documents, each from its `---` to the next. Together they cover the whole
/// text.
fn split(text: &str) -> Option<Vec<Range<usize>>> {
    let lines = LineIndex::of(text);
    let mut parser = Parser::new_from_str(text);
    let mut starts = vec![0];
    let mut first = true;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.ok()?;
        if let Event::DocumentStart(explicit) = event {
            match lines.offset(&span.start) {
                start if explicit => starts.push(start),
                _ if first => {}
                // A document without `---` follows a `...`.
                _ => return None,
            }
            first = false;
        }
    }
    starts.dedup();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    Some(
        starts
            .iter()
            .copied()
            .zip(ends)
            .map(|(start, end)| start..end)
            .collect(),
    )
}

/// YAML 1.2 treats CR, LF and CR LF as equal (section 5.4), also in scalars. The last line gets a
/// line ending too.
fn unix_lines(text: &str) -> String {
    let mut lines = text.replace("\r\n", "\n").replace('\r', "\n");
    if !lines.is_empty() && !lines.ends_with('\n') {
        lines.push('\n');
    }
    lines
}

/// Formats one document. Returns `None` if it is not supported or of another kind.
fn format_document(text: &str) -> Option<String> {
    let (marker, body) = marker(text)?;
    let tokens = lex::tokens(body).ok()?;
    let mut document = parse::document(tokens).ok()?;
    let shape = shape::find(document.text_of("apiVersion")?, document.text_of("kind")?)?;
    order::document(&mut document, shape);
    Some(format!("{marker}{}", print::document(&document)))
}

/// The number of occurrences of each comment in supported documents, and the text of all other
/// documents.
pub(super) fn comments(text: &str) -> BTreeMap<String, usize> {
    let body = text.trim_start_matches(BYTE_ORDER_MARK);
    let mut counts = BTreeMap::new();
    for range in split(body).unwrap_or_default() {
        let document = unix_lines(&body[range]);
        let comments = marker(&document).and_then(|(marker, body)| {
            let mut comments = lex::tokens(body).ok()?.into_comments();
            comments.extend(marker.trim().strip_prefix("--- ").map(str::to_owned));
            Some(comments)
        });
        for comment in comments.unwrap_or_else(|| vec![document]) {
            *counts.entry(comment).or_default() += 1;
        }
    }
    counts
}

/// The formatted line of `---` and the text after it. Content on that line is not supported.
fn marker(text: &str) -> Option<(String, &str)> {
    let Some(rest) = text.strip_prefix("---") else {
        return Some((String::new(), text));
    };
    let (line, body) = rest.split_once('\n').unwrap_or((rest, ""));
    match line.trim() {
        "" => Some(("---\n".to_owned(), body)),
        comment if comment.starts_with('#') => Some((format!("--- {comment}\n"), body)),
        _ => None,
    }
}
