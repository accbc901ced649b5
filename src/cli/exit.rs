//! Exit codes: the same for every command and output format.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// No changes, or all changes were applied.
    Done,
    /// An error occurred.
    Error,
    /// Changes are pending (only with `--detailed-exitcode`).
    Pending,
    /// The manifests are invalid.
    Invalid,
    /// A policy test or access gate failed.
    Failed,
    /// A safety guard refused.
    Refused,
    /// The plan no longer matches the live state.
    Stale,
    /// Some calls were applied, others were not.
    Partial,
    /// The server differs from the manifests of the revision.
    Drift,
}

impl Exit {
    /// The number that the shell sees.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::Pending => 2,
            Self::Invalid => 3,
            Self::Failed => 4,
            Self::Refused => 5,
            Self::Stale => 6,
            Self::Partial => 7,
            Self::Drift => 8,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The table for `--help`.
pub(super) const HELP: &str = "\
Exit codes:
  0  nothing to do, or done
  1  error
  2  changes pending (with --detailed-exitcode)
  3  manifests invalid
  4  a policy test or access gate failed
  5  a safety guard refused
  6  the plan is stale
  7  applied in part
  8  drift";
