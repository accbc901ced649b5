//! The stages of an apply.

use super::types::Reason;

/// The stages of an apply. All calls of a stage may run at the same time.
///
/// The order keeps what is allowed within before ∪ after: denies come before the allows they restrict, and go after
/// the allows they restricted have gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// What changes no access: empty policies, new names.
    Prepare,
    /// Denies that are added.
    AddDenies,
    /// Denies that are exchanged before any allow changes.
    SwapDenies,
    /// Allows that are added.
    AddAllows,
    /// Allows that are exchanged.
    SwapAllows,
    /// Allows that go.
    RemoveAllows,
    /// Denies that are exchanged after all allows have changed.
    SwapDeniesLast,
    /// Denies that go.
    RemoveDenies,
    /// Policies that can only be made once something else is gone.
    RebuildPolicies,
    /// Denies that can only be added once something else is gone.
    RebuildDenies,
    /// Allows that can only be added once something else is gone.
    RebuildAllows,
}

impl Stage {
    /// Why calls of this stage wait for those of all stages before it.
    pub(super) fn reason(self) -> Reason {
        match self {
            Self::Prepare | Self::AddDenies | Self::SwapDenies | Self::AddAllows => Reason::DeniesFirst,
            Self::SwapAllows | Self::RemoveAllows => Reason::AllowsFirst,
            Self::SwapDeniesLast | Self::RemoveDenies => Reason::ClosesFirst,
            Self::RebuildPolicies | Self::RebuildDenies | Self::RebuildAllows => Reason::FreesRoom,
        }
    }
}
