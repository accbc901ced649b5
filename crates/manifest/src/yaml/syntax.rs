//! Readable messages for syntax errors.

use std::ops::Range;

use model::diag::{Code, Diagnostic, FileId, Place, Replacement};

/// Maximum depth of nested collections. Manifests need six levels.
pub(super) const MAX_DEPTH: usize = 64;

/// The diagnostic for an error of the parser at byte `at`.
pub(super) fn explain(file: FileId, text: &str, at: usize, info: &str) -> Diagnostic {
    if info.contains("recursion limit") {
        // The parser's own limit for brackets, which it reaches first because it looks ahead.
        let message = format!("collections nest deeper than {MAX_DEPTH} levels");
        let place = Place::Bytes {
            file,
            range: token(text, at),
        };
        return Diagnostic::new(Code::YamlLimit, message, place)
            .help("look for brackets that are not closed");
    }
    let (range, message, help) = words(text, at, info);
    let proposes_quotes = help.ends_with(&quoted(&text[range.clone()]));
    let finding =
        Diagnostic::new(Code::YamlSyntax, message, Place::Bytes { file, range }).help(help);
    if proposes_quotes {
        finding.suggest(Replacement::Quoted)
    } else {
        finding
    }
}

/// A text in double quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Moves a diagnostic by the length of the text before the parsed part.
pub(super) fn shift_diagnostic(mut finding: Diagnostic, by: usize) -> Diagnostic {
    let labels = finding.labels.iter_mut().map(|label| &mut label.place);
    let suggested = finding.suggestion.iter_mut().map(|it| &mut it.place);
    for place in labels.chain(suggested) {
        if let Place::Bytes { range, .. } = place {
            *range = range.start + by..range.end + by;
        }
    }
    finding
}

fn words(text: &str, at: usize, info: &str) -> (Range<usize>, String, String) {
    let token = token(text, at);
    let shown = &text[token.clone()];
    let has = |part: &str| info.contains(part);
    if has("tab") {
        return (
            tab_near(text, at).unwrap_or(token),
            "YAML does not allow tabs for indentation".to_owned(),
            "indent with spaces".to_owned(),
        );
    }
    if has("unknown anchor") {
        let message = format!("YAML alias `{shown}` refers to an unknown anchor");
        return (
            token,
            message,
            format!(
                "a string that begins with `*` needs quotes: {}",
                quoted(shown)
            ),
        );
    }
    if has("illegal placement of ':'") {
        let message = "a key inside a list that is not closed".to_owned();
        return (
            token,
            message,
            "look above for a `[` or `{` without its closing bracket".to_owned(),
        );
    }
    if has("mapping values are not allowed") {
        let help = "quote the string if it contains `: `; otherwise check the indentation of this line and of the line above";
        return (token, "unexpected `:`".to_owned(), help.to_owned());
    }
    if has("expect ':'") || has("expected ':'") {
        let line = line_before(text, at);
        return (
            line,
            "expected `key: value`".to_owned(),
            "write a colon and a space after the key".to_owned(),
        );
    }
    if has("unexpected character") || has("cannot start any token") {
        let message = format!(
            "a string without quotes cannot begin with `{}`",
            shown.chars().next().unwrap_or(' ')
        );
        return (token, message, format!("quote it: {}", quoted(shown)));
    }
    if has("escape") {
        let help = "write `\\\\` for a backslash, or use single quotes, where a backslash is an ordinary character";
        return (token, "unknown escape sequence".to_owned(), help.to_owned());
    }
    if has("quoted scalar") {
        let help = "add the closing quote; escape a quote inside with a backslash, or use the other kind of quotes";
        return (
            token,
            "a quoted string is not closed, or continues without indentation".to_owned(),
            help.to_owned(),
        );
    }
    if has("did not find expected key") || has("indentation") || has("expected '-' indicator") {
        let help = "entries of one mapping or list begin in the same column";
        return (token, "invalid indentation".to_owned(), help.to_owned());
    }
    if has("',' or ']'")
        || has("',' or '}'")
        || has("bracket")
        || has("flow")
        || has("node content")
    {
        let help = "look for a missing or extra comma or closing bracket";
        return (
            token,
            "invalid list in `[ ]` or mapping in `{ }`".to_owned(),
            help.to_owned(),
        );
    }
    (
        token,
        format!("invalid YAML: {info}"),
        "compare this line with the lines above it".to_owned(),
    )
}

/// The word that starts at a byte, or one character.
fn token(text: &str, at: usize) -> Range<usize> {
    let at = if text.is_char_boundary(at) {
        at
    } else {
        text.len()
    };
    let rest = &text[at..];
    let end = rest
        .find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}'))
        .unwrap_or(rest.len());
    let first = rest
        .chars()
        .next()
        .filter(|c| *c != '\n' && *c != '\r')
        .map_or(0, char::len_utf8);
    at..at + end.max(first)
}

/// The last tab before a byte on its line, or else the next tab.
fn tab_near(text: &str, at: usize) -> Option<Range<usize>> {
    let before = text.get(..at)?;
    let line = before.rfind('\n').map_or(0, |newline| newline + 1);
    let tab = before[line..].rfind('\t').map(|offset| line + offset);
    let tab = tab.or_else(|| text[at..].find('\t').map(|offset| at + offset))?;
    Some(tab..tab + 1)
}

/// The content of the last nonempty line before the line of a byte.
fn line_before(text: &str, at: usize) -> Range<usize> {
    let before = text.get(..at).unwrap_or(text);
    let before = before
        .rfind('\n')
        .map_or(before, |newline| &before[..newline])
        .trim_end();
    let line = before.rfind('\n').map_or(0, |newline| newline + 1);
    let content = before[line..].trim_start();
    before.len() - content.len()..before.len()
}
