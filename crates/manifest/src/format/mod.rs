//! Formats manifests: order of keys, sorted and deduplicated lists, indentation. Comments and
//! meaning are preserved.
//!
//! The formatter edits the text, guided by the parser's events, so quoting and comments stay as
//! written: text → `documents` → `lex` (tokens with the comments between them) → `parse` (a `tree`
//! that owns its comments) → `order` (with the tables in `shape`) → `print`. Documents with
//! unsupported syntax (anchors, tags, complex keys, flow style at the root, unknown kinds) are kept
//! byte for byte. Finally `verify` parses both texts, and a result with another meaning is
//! discarded.

mod documents;
mod lex;
mod order;
mod parse;
mod print;
mod shape;
#[cfg(test)]
mod tests;
mod tree;
mod verify;

use thiserror::Error;

use model::diag::{Code, Diagnostic, FileId, Place, SourceMap};

/// The text was not formatted.
#[derive(Debug, Error)]
pub enum FormatError {
    /// The text is not YAML or exceeds a limit.
    #[error("the text cannot be read: {}", .0.message)]
    Unreadable(UnreadableText),
    /// A bug in the formatter, detected before writing.
    #[error(
        "formatting would change {0}, which is a defect of polwarden; leave the file as it is and report it"
    )]
    ChangesMeaning(&'static str),
}

/// The diagnostic of a text that cannot be parsed.
#[derive(Debug)]
pub struct UnreadableText {
    message: String,
    finding: Diagnostic,
}

impl UnreadableText {
    /// The diagnostic, with its places in `file`.
    pub fn diagnostic(mut self, file: FileId) -> Diagnostic {
        for label in &mut self.finding.labels {
            label.place = match &label.place {
                Place::Bytes { range, .. } => Place::Bytes {
                    file,
                    range: range.clone(),
                },
                Place::File(_) | Place::Node { .. } | Place::Text { .. } => Place::File(file),
            };
        }
        self.finding
    }
}

/// Returns the canonical form of a text (see `docs/reference/fmt.md`).
///
/// Formatting is idempotent and keeps every comment. The manifests parsed from both texts are equal
/// except for the order and repetition in sets.
///
/// # Errors
/// The text is not YAML, exceeds a limit, or the result would have another meaning.
pub fn format(text: &str) -> Result<String, FormatError> {
    refuse_unreadable(text)?;
    let Some(formatted) = documents::format(text) else {
        return Ok(text.to_owned());
    };
    if formatted != text {
        verify::check_same_meaning(text, &formatted).map_err(FormatError::ChangesMeaning)?;
    }
    Ok(formatted)
}

/// Checks syntax and limits only. A document that does not match its schema can still be formatted.
fn refuse_unreadable(text: &str) -> Result<(), FormatError> {
    let file = SourceMap::default().add("", "");
    let findings = crate::yaml::read(file, text).diagnostics;
    match findings
        .into_iter()
        .find(|finding| matches!(finding.code, Code::YamlSyntax | Code::YamlLimit))
    {
        Some(finding) => Err(FormatError::Unreadable(UnreadableText {
            message: finding.message.clone(),
            finding,
        })),
        None => Ok(()),
    }
}
