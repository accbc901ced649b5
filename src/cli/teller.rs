//! Findings on their way to whoever reads them.

use std::cell::RefCell;

use super::console::Console;
use super::format::Sink;
use super::workspace::{is_error, unique};
use crate::render::diagnostics::{Amount, human};
use crate::render::findings::{Finding, Findings};
use model::diag::{Diagnostic, SourceMap};

/// Which findings are shown on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    All,
    /// If one of them is an error.
    WithErrors,
    Nothing,
}

/// Shows findings on standard error where no format holds them, and keeps them for the formats that do.
pub(super) struct Teller {
    console: Console,
    shows: Shown,
    keeps: bool,
    kept: RefCell<(Vec<Finding>, Vec<String>)>,
}

impl Teller {
    /// For a command whose result goes where this sink says.
    pub(super) fn beside(sink: &Sink<'_>, console: Console) -> Self {
        let shows = if sink.format.holds_findings() {
            Shown::Nothing
        } else {
            Shown::All
        };
        let keeps = sink.holds_findings();
        Self {
            console,
            shows,
            keeps,
            kept: RefCell::default(),
        }
    }

    /// For a command that shows findings and nothing else of them.
    pub(super) fn showing(console: Console) -> Self {
        Self {
            console,
            shows: Shown::All,
            keeps: false,
            kept: RefCell::default(),
        }
    }

    /// For a command that has shown the findings of the same manifests before: again only where there are errors.
    pub(super) fn of_errors(console: Console) -> Self {
        Self {
            console,
            shows: Shown::WithErrors,
            keeps: false,
            kept: RefCell::default(),
        }
    }

    /// Takes findings; tells whether any is an error.
    pub(super) fn tell(&self, sources: &SourceMap, findings: Vec<Diagnostic>) -> bool {
        let findings = unique(findings);
        let errors = findings.iter().any(is_error);
        if self.keeps {
            let mut kept = self.kept.borrow_mut();
            kept.0.extend(
                findings
                    .iter()
                    .map(|finding| Finding::of_file(sources, finding)),
            );
            kept.1.extend(file_names(sources));
        }
        if self.shows == Shown::All || (self.shows == Shown::WithErrors && errors) {
            self.show(sources, &findings, errors);
        }
        errors
    }

    /// All that was told.
    pub(super) fn findings(self) -> Findings {
        let (list, files) = self.kept.into_inner();
        Findings::new(list, files)
    }

    fn show(&self, sources: &SourceMap, findings: &[Diagnostic], errors: bool) {
        let console = self.console;
        let text = human(
            sources,
            findings,
            Amount::Few,
            console.error_painter().is_coloured(),
        );
        let text = text.trim_end();
        if text.is_empty() {
        } else if errors {
            console.warn(text);
            console.warn("");
        } else {
            console.say(text);
            console.say("");
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
