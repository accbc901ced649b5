//! What gates require.

/// The requirement of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GateKind {
    /// Every request that matches the pattern must be denied.
    Never,
    /// Every request that matches the pattern must be allowed.
    Always,
}
