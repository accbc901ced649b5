//! Renders diagnostics for people ([`human`]) and for machines ([`Report`]).

mod few;
mod human;
mod json;
#[cfg(test)]
mod tests;

pub use few::{Amount, SHOWN_WARNINGS};
pub use human::human;
pub use json::{FORMAT_VERSION, Report, ReportLabel, ReportedDiagnostic};

use model::diag::{Diagnostic, Location, SourceMap};

/// The diagnostics by file, line and column, without duplicates, each with its primary location.
fn sorted<'a>(
    sources: &SourceMap,
    diagnostics: impl IntoIterator<Item = &'a Diagnostic>,
) -> Vec<(&'a Diagnostic, Location)> {
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
