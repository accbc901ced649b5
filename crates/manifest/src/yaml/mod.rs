//! Text → documents, as JSON values. JSON is YAML, so this reads both.
//!
//! One parser (saphyr-parser, all of YAML 1.2) gives the values here and the spans in `diag`, so that no text can mean
//! one thing to the check and another to the reader of its findings.

mod full;
mod scalar;
mod syntax;
#[cfg(test)]
mod tests;

use serde_json::Value;

use model::diag::{Code, Diagnostic, FileId, Place};

/// The largest manifest that is read, in bytes. The largest policy that the service takes
/// is 400 KiB (409,600 bytes) at most.
pub const MAX_BYTES: usize = 1 << 20;

/// How deep collections may nest; manifests need six levels.
const MAX_DEPTH: usize = 64;

/// How much aliases may add to a file, in bytes of text, a node counting as 16 ("billion laughs").
const MAX_EXPANSION: usize = 1 << 20;

/// Whether an unquoted scalar is a text, not a number, a truth value or nothing (YAML 1.2, section 10.3.2).
pub(crate) fn is_plain_text(text: &str) -> bool {
    scalar::is_text(text)
}

/// One document that is not empty.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RawDocument {
    /// The position in the file, empty documents counted.
    pub(super) index: u32,
    /// The content.
    pub(super) value: Value,
}

/// What a text holds, with the findings of syntax.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) documents: Vec<RawDocument>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// How many documents there are, empty ones counted.
    pub(super) count: u32,
}

/// Reads all documents of a text. What stands before a syntax error is still there.
pub(super) fn read(file: FileId, text: &str) -> Raw {
    read_up_to(file, text, MAX_BYTES)
}

/// Like [`read`], for files that may be larger.
pub(super) fn read_up_to(file: FileId, text: &str, limit: usize) -> Raw {
    if text.len() > limit {
        let message = format!(
            "the file has {} bytes; at most {limit} are read",
            text.len()
        );
        let finding = Diagnostic::new(Code::YamlLimit, message, Place::File(file));
        return Raw {
            diagnostics: vec![finding.help("split it into several files")],
            ..Raw::default()
        };
    }
    full::read(file, text)
}
