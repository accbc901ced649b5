//! Recorded requests of sandboxes: reading records, aggregating them, and replaying them against policies.
//!
//! A record says what a sandbox attempted and what was decided (contract: docker/AUDIT). It names no rule, no
//! policy and no team. `read` parses all known forms of records, `aggregate` counts equal ones, `file` defines
//! the format in which the counts are stored, and `replay` compares the decisions of two sets of policies
//! about them.
//!
//! Records are hostile: a compromised sandbox chooses what it attempts. Lines, files and the number of
//! different requests are bounded, and a record that is not understood is counted, never guessed.

mod aggregate;
mod file;
mod kind;
mod line;
mod principal;
mod read;
mod replay;
mod skipped;

pub use aggregate::{Aggregator, TooManyRequests};
pub use file::{
    FORMAT_VERSION, TrafficFileError, TrafficHeader, TrafficLine, TrafficReader, TrafficRow,
    write_traffic,
};
pub use kind::{RecordedDecision, TrafficKind, UnknownKind};
pub use principal::{KEY_BYTES, NameForm, PrincipalKey};
pub use read::{ReadError, RecordReader};
pub use replay::{
    AffectedRequest, PrincipalTeams, Replay, ReplayEffect, ReplayOutcome, ReplayQuestion,
    ReplaySkip, SkippedAttempts,
};
pub use skipped::{SkipCounts, SkipReason};
