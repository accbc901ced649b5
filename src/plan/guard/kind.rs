//! The kinds of guards.

use crate::plan::GuardedKind;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Guard {
    /// More deleted rules than `maxDeletes`.
    Deletes,
    /// More updated rules than `maxUpdates`.
    Updates,
    /// Unmanaged policies that are deleted.
    Prune,
    /// Policies whose scope widens to the whole organization.
    ScopeWidens,
    /// Policies that lose their last deny rule.
    LastDeny,
    /// Protected policies that are deleted or lose all their rules.
    Protected,
    /// Policy packs that are removed from policy groups.
    PackRemoved,
    /// Rules that allow every host or every path.
    AllHosts,
    /// Cedar policies that change and are not analyzed, where a gate depends on them.
    Mcp,
    /// Policies with content that this version does not understand, where the plan changes them or a
    /// gate depends on them.
    NotAnalyzed,
}

impl Guard {
    pub const ALL: &'static [Self] = &[
        Self::Deletes,
        Self::Updates,
        Self::Prune,
        Self::ScopeWidens,
        Self::LastDeny,
        Self::Protected,
        Self::PackRemoved,
        Self::AllHosts,
        Self::Mcp,
        Self::NotAnalyzed,
    ];

    /// The name in an acknowledgement.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deletes => "deletes",
            Self::Updates => "updates",
            Self::Prune => "prune",
            Self::ScopeWidens => "scope-widens",
            Self::LastDeny => "last-deny",
            Self::Protected => "protected",
            Self::PackRemoved => "pack-removed",
            Self::AllHosts => "all-hosts",
            Self::Mcp => "mcp",
            Self::NotAnalyzed => "not-analyzed",
        }
    }
}

impl From<GuardedKind> for Guard {
    fn from(kind: GuardedKind) -> Self {
        match kind {
            GuardedKind::Prune => Self::Prune,
            GuardedKind::ScopeWidens => Self::ScopeWidens,
            GuardedKind::LastDeny => Self::LastDeny,
            GuardedKind::Protected => Self::Protected,
            GuardedKind::PackRemoved => Self::PackRemoved,
            GuardedKind::AllHosts => Self::AllHosts,
        }
    }
}
