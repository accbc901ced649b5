//! Policy packs and policy groups of Pulumi Cloud.
//!
//! A pack is a row of versions that never change: a difference is closed by publishing another version and having groups
//! use it. What is live is less than what was published: the service keeps source, readme, tags and metadata to itself,
//! so a pack's source is known by the digest in `polwarden.lock` or in the version's tag.

mod call;
mod desired;
mod group;
mod live;
mod pack;
mod word;

pub use super::digest::{ArchiveDigest, DigestError, FileDigest, SourceDigest};
pub use call::{GroupChange, NewGroup, NewVersion, Operation, OperationKind, VersionRef};
pub use desired::{DesiredGroup, DesiredGroupPack, DesiredPack, LockedSource, PackSource};
pub use group::{EntityType, GroupConfig, Mode, PolicySelector, StackReference};
pub use live::{
    LiveGroup, LiveGroupBody, LiveGroupPack, LivePack, LivePackPolicy, LiveState, LiveVersion,
    VersionDetail, VersionNumber,
};
pub use pack::{ConfigSchema, EnforcementLevel, Framework, PackPolicy, Severity};
pub use word::{ALL, GroupName, LATEST, LONGEST_WORD, PackName, PolicyName, VersionTag, WordError};
