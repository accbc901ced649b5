//! Sorts diagnostics, and selects those to show to people: all errors, and the first few warnings
//! of each code.

use std::collections::{BTreeMap, BTreeSet};

use model::diag::{Code, Diagnostic, FileId, Path, Place, Severity, SourceMap, TextRange};

/// Maximum number of warnings of one code. Errors must be corrected one by one, but a few warnings
/// of one kind explain the rest, and thousands of them would hide all others.
pub const SHOWN_WARNINGS: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiagnosticAmount {
    All,
    /// All errors, and [`SHOWN_WARNINGS`] warnings of each code.
    Few,
}

/// Warnings of one code that are not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HiddenWarnings {
    pub(super) code: Code,
    pub(super) findings: usize,
    pub(super) files: usize,
}

/// The selected diagnostics in their original order, and what is omitted.
pub(super) fn select<'a>(
    sources: &SourceMap,
    findings: &'a [Diagnostic],
    amount: DiagnosticAmount,
) -> (Vec<&'a Diagnostic>, Vec<HiddenWarnings>) {
    let all = || findings.iter().collect();
    if amount == DiagnosticAmount::All {
        return (all(), Vec::new());
    }
    let mut warnings: BTreeMap<Code, Vec<usize>> = BTreeMap::new();
    for (position, finding) in findings.iter().enumerate() {
        if finding.severity() == Severity::Warning {
            warnings.entry(finding.code).or_default().push(position);
        }
    }
    let mut hidden = BTreeSet::new();
    let mut more = Vec::new();
    for (code, mut positions) in warnings {
        if positions.len() <= SHOWN_WARNINGS {
            continue;
        }
        // Computing lines and columns needs the text of the file; the path to a node gives nearly
        // the same order.
        positions.select_nth_unstable_by(SHOWN_WARNINGS, |one, other| {
            rank(sources, &findings[*one])
                .cmp(&rank(sources, &findings[*other]))
                .then(one.cmp(other))
        });
        let left_out = &positions[SHOWN_WARNINGS..];
        let files: BTreeSet<FileId> = left_out
            .iter()
            .filter_map(|position| file(&findings[*position]))
            .collect();
        more.push(HiddenWarnings {
            code,
            findings: left_out.len(),
            files: files.len(),
        });
        hidden.extend(left_out.iter().copied());
    }
    let shown = findings
        .iter()
        .enumerate()
        .filter(|(position, _)| !hidden.contains(position));
    (shown.map(|(_, finding)| finding).collect(), more)
}

fn file(finding: &Diagnostic) -> Option<FileId> {
    finding.labels.first().map(|label| label.place.file())
}

/// The file's name, the document, and the position in it.
fn rank<'a>(
    sources: &'a SourceMap,
    finding: &'a Diagnostic,
) -> Option<(&'a str, u32, Option<&'a Path>, usize)> {
    let place = &finding.labels.first()?.place;
    let name = sources.file(place.file()).name();
    Some(match place {
        Place::File(_) => (name, 0, None, 0),
        Place::Bytes { file: _, range } => (name, 0, None, range.start),
        Place::Node {
            document,
            path,
            part: _,
        } => (name, document.index, Some(path), 0),
        Place::Text {
            document,
            path,
            range,
        } => (name, document.index, Some(path), range.start),
    })
}

/// The diagnostics by file, line and column, without duplicates, each with its primary location.
pub(super) fn sorted<'a>(
    sources: &SourceMap,
    diagnostics: impl IntoIterator<Item = &'a Diagnostic>,
) -> Vec<(&'a Diagnostic, TextRange)> {
    let mut found: Vec<_> = diagnostics
        .into_iter()
        .filter_map(|diagnostic| {
            let place = &diagnostic.labels.first()?.place;
            let location = sources.resolve(place);
            let key = (
                sources.file(place.file()).name(),
                location.line,
                location.column,
                diagnostic.code,
            );
            Some((key, diagnostic, location))
        })
        .collect();
    found.sort_by_key(|(key, ..)| *key);
    found.dedup_by(|(_, a, _), (_, b, _)| a == b);
    found
        .into_iter()
        .map(|(_, diagnostic, location)| (diagnostic, location))
        .collect()
}
