//! Renders diagnostics for people ([`human`]) and for machines ([`Report`]).

mod few;
mod human;
mod json;
#[cfg(test)]
mod tests;

pub use few::{Amount, SHOWN_WARNINGS};
pub use human::human;
pub use json::{FORMAT_VERSION, Report, ReportLabel, ReportedDiagnostic};
