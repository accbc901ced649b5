//! Renders diagnostics for people ([`human`]) and for machines ([`DiagnosticsReport`]).

mod human;
mod json;
mod limit;
#[cfg(test)]
mod tests;

pub use human::{explain_hint, human};
pub use json::{DiagnosticsReport, FORMAT_VERSION, ReportLabel, ReportedDiagnostic};
pub use limit::{DiagnosticAmount, SHOWN_WARNINGS};
