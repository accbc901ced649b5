//! Canonical text of manifests: key order, sorted and de-duplicated lists, indentation. Comments and meaning stay.
//!
//! Works on the text, guided by the parser's events, so that quoting and comments are the author's:
//! text → `documents` → `lex` (tokens with the comments between them) → `parse` (a `tree` that owns its
//! comments) → `order` (by the tables in `shape`) → `print`. What a step does not fully understand (anchors,
//! tags, complex keys, documents in flow style, unknown kinds) is left byte for byte. At the end `verify` reads both
//! texts again, and a result that means anything else is thrown away.

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

use crate as manifest;
use model::diag::{Code, Diagnostic, FileId, Place, SourceMap};

/// Why a text was not formatted.
#[derive(Debug, Error)]
pub enum FormatError {
    /// The text is not YAML, or beyond the limits of what is read.
    #[error("the text cannot be read: {}", .0.message)]
    Unreadable(UnreadableText),
    /// A defect of the formatter, caught before any harm.
    #[error(
        "formatting would change {0}, which is a defect of polwarden; leave the file as it is and report it"
    )]
    Unfaithful(&'static str),
}

/// What keeps a text from being read.
#[derive(Debug)]
pub struct UnreadableText {
    message: String,
    finding: Diagnostic,
}

impl UnreadableText {
    /// The finding, with its places moved to `file`, which holds the text.
    pub fn diagnostic(mut self, file: FileId) -> Diagnostic {
        for label in &mut self.finding.labels {
            label.place = match &label.place {
                Place::Bytes { range, .. } => Place::Bytes {
                    file,
                    range: range.clone(),
                },
                Place::File(_) | Place::Node { .. } => Place::File(file),
            };
        }
        self.finding
    }
}

/// The canonical form of a file's text. `docs/fmt.md` describes it.
///
/// Formatting twice gives what formatting once gives; every comment stays; the manifests that are read from both
/// texts are the same but for the order and repetition of what is a set.
///
/// # Errors
/// The text is not YAML, or too large or too deep to be read; or the result would not mean the same.
pub fn format(text: &str) -> Result<String, FormatError> {
    refuse_unreadable(text)?;
    let Some(formatted) = documents::format(text) else {
        return Ok(text.to_owned());
    };
    if formatted != text {
        verify::same(text, &formatted).map_err(FormatError::Unfaithful)?;
    }
    Ok(formatted)
}

/// Errors of syntax and limits only: what the schema says of a document does not keep it from being formatted.
fn refuse_unreadable(text: &str) -> Result<(), FormatError> {
    let file = SourceMap::default().add("", "");
    let findings = manifest::parse(file, text).diagnostics;
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
