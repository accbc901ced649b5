//! Reporting of diagnostics.

use std::cell::RefCell;
use std::collections::HashSet;

use super::console::Console;
use super::format::OutputSink;
use crate::render::annotations::{Annotation, PackDiagnostics};
use crate::render::diagnostics::{DiagnosticAmount, explain_hint, human};
use crate::service::diagnostics::is_error;
use model::diag::{Diagnostic, SourceMap};

/// The diagnostics that are shown on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ShownDiagnostics {
    All,
    /// If one of them is an error.
    WithErrors,
    Nothing,
}

/// Prints diagnostics to standard error unless an output format contains them, and collects them for these formats.
pub(super) struct DiagnosticReporter {
    console: Console,
    shows: ShownDiagnostics,
    keeps: bool,
    kept: RefCell<(Vec<Annotation>, Vec<String>)>,
}

impl DiagnosticReporter {
    /// For a command whose result goes where this sink says.
    pub(super) fn beside(sink: &OutputSink<'_>, console: Console) -> Self {
        let shows = if sink.format().includes_diagnostics() {
            ShownDiagnostics::Nothing
        } else {
            ShownDiagnostics::All
        };
        let keeps = sink.includes_diagnostics();
        Self {
            console,
            shows,
            keeps,
            kept: RefCell::default(),
        }
    }

    /// For a command whose only output is diagnostics.
    pub(super) fn for_diagnostics(console: Console) -> Self {
        Self {
            console,
            shows: ShownDiagnostics::All,
            keeps: false,
            kept: RefCell::default(),
        }
    }

    /// For a command that has shown the diagnostics of the same manifests before: repeats them only if there are errors.
    pub(super) fn of_errors(console: Console) -> Self {
        Self {
            console,
            shows: ShownDiagnostics::WithErrors,
            keeps: false,
            kept: RefCell::default(),
        }
    }

    /// Reports diagnostics. Returns whether any is an error.
    pub(super) fn report(&self, sources: &SourceMap, findings: Vec<Diagnostic>) -> bool {
        let findings = unique(findings);
        let errors = findings.iter().any(is_error);
        if self.keeps {
            let mut kept = self.kept.borrow_mut();
            kept.0.extend(
                findings
                    .iter()
                    .map(|finding| Annotation::of_file(sources, finding)),
            );
            kept.1.extend(file_names(sources));
        }
        if self.shows == ShownDiagnostics::All
            || (self.shows == ShownDiagnostics::WithErrors && errors)
        {
            self.show(sources, &findings, errors);
        }
        errors
    }

    /// All reported diagnostics.
    pub(super) fn diagnostics(self) -> PackDiagnostics {
        let (list, files) = self.kept.into_inner();
        PackDiagnostics::new(list, files)
    }

    fn show(&self, sources: &SourceMap, findings: &[Diagnostic], errors: bool) {
        let console = self.console;
        let text = human(
            sources,
            findings,
            DiagnosticAmount::Few,
            console.error_painter().is_colored(),
        );
        let text = text + &explain_hint(sources, findings);
        let text = text.trim_end();
        if text.is_empty() {
        } else if errors {
            console.warn(text);
            console.warn("");
        } else {
            console.status(text);
            console.status("");
        }
    }
}

/// The names of all files that were read.
pub(super) fn file_names(sources: &SourceMap) -> Vec<String> {
    sources
        .files()
        .map(|(_, file)| file.name().to_owned())
        .collect()
}

/// Removes duplicates of diagnostics, for example if two targets share a manifest.
pub(super) fn unique(mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut seen = HashSet::new();
    let first: Vec<bool> = findings
        .iter()
        .map(|finding| seen.insert(finding))
        .collect();
    let mut first = first.into_iter();
    findings.retain(|_| first.next().unwrap_or(true));
    findings
}
