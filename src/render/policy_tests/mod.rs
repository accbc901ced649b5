//! The report of policy tests, and its formats.

mod coverage;
mod human;
mod junit;
mod report;

pub use coverage::{CoverageReport, CoverageShare, UncoveredResource, UncoveredRule};
pub(super) use human::{decision_case, got};
pub use human::{human, summary};
pub use junit::junit;
pub use report::{FORMAT_VERSION, TargetReport, TestReport, TestResult, TestedState, json};
pub(super) use report::{said, who};
