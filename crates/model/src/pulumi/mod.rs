//! Policy packs and policy groups of Pulumi Cloud.
//!
//! The versions of a pack are immutable: a difference is closed by publishing another version and
//! switching groups to it. The live state is incomplete, because the service does not return source,
//! readme, tags and metadata. A pack's source is identified by the digest in `polwarden.lock` or in
//! the version's tag.

mod call;
mod desired;
mod group;
mod live;
mod name;
mod pack;

pub use super::digest::{ArchiveDigest, DigestError, FileDigest, SourceDigest};
pub use call::{GroupChange, NewGroup, NewVersion, PulumiOperation, PulumiOperationKind};
pub use desired::{DesiredGroup, DesiredGroupPack, DesiredPack, LockedSource, PackSource};
pub use group::{EntityType, GroupConfig, Mode, PolicySelector, StackReference};
pub use live::{
    LiveGroup, LiveGroupBody, LiveGroupPack, LivePack, LivePackPolicy, LiveVersion,
    PulumiLiveState, VersionDetail,
};
pub use name::{
    ALL, GroupName, PackName, PolicyName, PulumiNameError, VersionNumber, VersionRef, VersionTag,
};
pub use pack::{ConfigSchema, EnforcementLevel, Framework, PackPolicy, PolicySeverity};
