//! What a rollback leaves as it is, at any provider.

use super::object::ObjectDifference;
use crate::plan::ResourceKind;

/// Something that a rollback leaves as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldUndo {
    /// What stands by itself: a policy, a pack or a group.
    pub resource: ResourceKind,
    pub name: String,
    /// The part of it, a rule for example, if one is concerned.
    pub part: Option<String>,
    pub why: HeldUndoReason,
}

/// Why a rollback leaves something as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldUndoReason {
    /// Another writer changed it since. `planned` is what the run left, `found` what is live.
    ChangedSince(Box<ObjectDifference>),
    /// Something else has its name now.
    NameTaken,
    /// It holds something that this version cannot write.
    NotUnderstood(String),
    /// What became of the run's call is unknown.
    Unknown,
    /// The run published it: deleted, its tag would never be free again.
    Published,
    /// The run deleted a version of it, which cannot come back.
    Retired,
    /// The run made it, and the service documents no way to delete it.
    NoDelete,
}
