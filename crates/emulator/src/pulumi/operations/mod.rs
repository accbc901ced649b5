//! The operations. Each is one transaction.

pub(super) mod archives;
pub(super) mod groups;
pub(super) mod members;
pub(super) mod packs;
pub(super) mod publish;
pub(super) mod registry;
pub(super) mod update;
