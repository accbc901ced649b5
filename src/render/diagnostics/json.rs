//! Diagnostics as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use super::limit::sorted;
use crate::render::text::{neutral, neutral_hosts};
use model::diag::{Diagnostic, Label, Place, Severity, SourceMap};

/// Incremented by incompatible changes.
pub const FORMAT_VERSION: u32 = 1;

/// All diagnostics of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Report")]
#[serde(rename_all = "camelCase")]
pub struct DiagnosticsReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Number of errors.
    pub errors: usize,
    /// Number of warnings.
    pub warnings: usize,
    /// The diagnostics, sorted by file, line and column.
    pub diagnostics: Vec<ReportedDiagnostic>,
}

/// One diagnostic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportedDiagnostic {
    /// The code, such as `duplicate-key`.
    pub code: &'static str,
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// One sentence without a period.
    pub message: String,
    /// The next step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The places; the first is the primary one.
    pub labels: Vec<ReportLabel>,
    /// The change that `help` proposes, if it proposes a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<ReportSuggestion>,
}

/// A change of a file that removes a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportSuggestion {
    /// The text to replace.
    pub place: ReportLabel,
    /// The new text.
    pub replacement: String,
    /// Whether it is a guess ("did you mean"), which changes the meaning. Otherwise the meaning stays.
    pub guess: bool,
}

/// A place, with lines and columns counted from 1, columns in characters; the end is just after the place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportLabel {
    /// The file, as displayed.
    pub file: String,
    /// The line of the first character.
    pub line: u32,
    /// The column of the first character.
    pub column: u32,
    /// The line of the end.
    pub end_line: u32,
    /// The column of the end.
    pub end_column: u32,
    /// The label of the place.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
}

impl DiagnosticsReport {
    /// Computes lines and columns, and neutralizes all text.
    pub fn new(sources: &SourceMap, diagnostics: &[Diagnostic]) -> Self {
        let diagnostics: Vec<_> = sorted(sources, diagnostics)
            .into_iter()
            .map(|(finding, _)| reported(sources, finding))
            .collect();
        let count = |wanted: Severity| {
            let findings = diagnostics.iter();
            findings
                .filter(|finding| finding.severity == severity(wanted))
                .count()
        };
        Self {
            format_version: FORMAT_VERSION,
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            diagnostics,
        }
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn reported(sources: &SourceMap, finding: &Diagnostic) -> ReportedDiagnostic {
    let Diagnostic {
        code,
        message,
        labels,
        help,
        suggestion,
    } = finding;
    let suggestion = suggestion.as_ref().and_then(|suggestion| {
        let edit = sources.edit(suggestion)?;
        let place = Place::Bytes {
            file: suggestion.place.file(),
            range: edit.range,
        };
        Some(ReportSuggestion {
            place: label(sources, &place, ""),
            // It must be applied as it is. JSON escapes all control characters.
            replacement: edit.text,
            guess: suggestion.replacement.is_guess(),
        })
    });
    ReportedDiagnostic {
        code: code.as_str(),
        severity: severity(code.severity()),
        message: neutral_hosts(message).into_owned(),
        help: help.as_deref().map(|help| neutral(help).into_owned()),
        labels: labels
            .iter()
            .map(|Label { place, text }| label(sources, place, text))
            .collect(),
        suggestion,
    }
}

fn label(sources: &SourceMap, place: &Place, text: &str) -> ReportLabel {
    let location = sources.resolve(place);
    ReportLabel {
        file: neutral(sources.file(place.file()).name()).into_owned(),
        line: location.line,
        column: location.column,
        end_line: location.end_line,
        end_column: location.end_column,
        text: neutral(text).into_owned(),
    }
}
