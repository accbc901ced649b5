//! Desired packs and groups: checked, with sources read and tags known.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;

use super::{
    EntityType, GroupConfig, GroupName, Mode, NewVersion, PackName, StackReference, VersionTag,
};
use crate::diag::{DocumentId, Path, Place};
use crate::digest::{ArchiveDigest, FileDigest, SourceDigest};

/// The source of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackSource {
    /// The directory, relative to that of `polwarden.yaml`.
    pub path: Utf8PathBuf,
    pub digest: SourceDigest,
    /// Files and links by their paths in the directory.
    pub files: BTreeMap<String, FileDigest>,
    /// A file that the commit does not contain, which was read instead of the work tree. The archive is
    /// incomplete then, and the version cannot be published.
    pub uncommitted: Option<String>,
    /// The archive to upload.
    pub archive: ArchiveDigest,
    /// The size of the archive in bytes.
    pub archive_bytes: u64,
}

/// The source of a version in `polwarden.lock`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedSource {
    /// The digest of the source when the tag was locked.
    pub digest: SourceDigest,
    /// Files and links by path.
    pub files: BTreeMap<String, FileDigest>,
}

/// A desired pack: the version to publish, which is the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredPack {
    /// The request that creates the version. Its `metadata` is empty; the planner adds the commit.
    pub version: NewVersion,
    pub source: PackSource,
    /// The locked sources of versions of this pack by tag.
    pub locked: BTreeMap<VersionTag, LockedSource>,
    pub document: DocumentId,
}

impl DesiredPack {
    pub fn name(&self) -> &PackName {
        &self.version.name
    }

    /// The tag of the desired version.
    pub fn tag(&self) -> &VersionTag {
        &self.version.version_tag
    }

    pub fn place(&self) -> Place {
        Place::value(self.document, Path::root().key("metadata").key("name"))
    }

    /// The place of a field of `spec`.
    pub fn field(&self, field: &str) -> Place {
        Place::value(self.document, Path::root().key("spec").key(field))
    }

    pub fn tag_place(&self) -> Place {
        self.field("versionTag")
    }

    /// The place of a policy; `index` is that of `version.policies`.
    pub fn policy_place(&self, index: usize) -> Place {
        Place::value(
            self.document,
            Path::root().key("spec").key("policies").index(index),
        )
    }
}

/// A desired pack of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredGroupPack {
    pub pack: PackName,
    /// The version as written, or else that of the pack's manifest.
    pub tag: VersionTag,
    /// The configuration; unmanaged if `None`.
    pub config: Option<GroupConfig>,
    /// The environments in order; unmanaged if `None`.
    pub environments: Option<Vec<String>>,
    /// Index in `spec.policyPacks`, for messages.
    pub index: usize,
}

/// A desired group. `None` means unmanaged, an empty value means empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredGroup {
    /// The name, unique in the organization.
    pub name: GroupName,
    /// Former names.
    pub aliases: Vec<GroupName>,
    /// The type of the group. It cannot be changed for a live group.
    pub entity_type: EntityType,
    /// The mode for violations. A group created without one gets the default of its type.
    pub mode: Option<Mode>,
    pub stacks: Option<BTreeSet<StackReference>>,
    /// The names of the Insights accounts.
    pub accounts: Option<BTreeSet<String>>,
    /// The id of the agent pool; the hosted pool if empty.
    pub agent_pool: Option<String>,
    /// The packs, without duplicates.
    pub policy_packs: Option<Vec<DesiredGroupPack>>,
    pub document: DocumentId,
}

impl DesiredGroup {
    pub fn place(&self) -> Place {
        Place::value(self.document, Path::root().key("metadata").key("name"))
    }

    /// The place of a field of `spec`.
    pub fn field(&self, field: &str) -> Place {
        Place::value(self.document, Path::root().key("spec").key(field))
    }

    pub fn pack_place(&self, pack: &DesiredGroupPack) -> Place {
        Place::value(
            self.document,
            Path::root()
                .key("spec")
                .key("policyPacks")
                .index(pack.index),
        )
    }
}
