//! Packs and groups as the repository wants them: checked, their sources read, their tags known.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;

use super::{
    EntityType, GroupConfig, GroupName, Mode, NewVersion, PackName, StackReference, VersionTag,
};
use crate::diag::{DocumentId, Path, Place};
use crate::digest::{ArchiveDigest, FileDigest, SourceDigest};

/// Where a pack's source is and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackSource {
    /// The directory, from that of `polwarden.yaml`.
    pub path: Utf8PathBuf,
    /// What it is.
    pub digest: SourceDigest,
    /// Its files and links, by their paths in the directory.
    pub files: BTreeMap<String, FileDigest>,
    /// The archive that is uploaded.
    pub archive: ArchiveDigest,
    /// How many bytes the archive has.
    pub archive_bytes: u64,
}

/// What `polwarden.lock` says about the source of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedSource {
    /// What the source was when the tag was locked.
    pub digest: SourceDigest,
    /// Its files and links.
    pub files: BTreeMap<String, FileDigest>,
}

/// A pack as the repository wants it: the version that shall be published and the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredPack {
    /// What is sent to create the version: its name, tag, policies and all else. Its `metadata` is empty: what is known
    /// about the commit is put there by whoever plans.
    pub version: NewVersion,
    /// Where the source is.
    pub source: PackSource,
    /// What the lock file knows about the versions of this pack, by their tags.
    pub locked: BTreeMap<VersionTag, LockedSource>,
    /// The document that declares it.
    pub document: DocumentId,
}

impl DesiredPack {
    /// The name.
    pub fn name(&self) -> &PackName {
        &self.version.name
    }

    /// The tag of the wanted version.
    pub fn tag(&self) -> &VersionTag {
        &self.version.version_tag
    }

    /// Where the pack is declared.
    pub fn place(&self) -> Place {
        Place::value(self.document, Path::root().key("metadata").key("name"))
    }

    /// Where a field of `spec` is.
    pub fn field(&self, field: &str) -> Place {
        Place::value(self.document, Path::root().key("spec").key(field))
    }

    /// Where the tag is.
    pub fn tag_place(&self) -> Place {
        self.field("versionTag")
    }

    /// Where one of its policies is; `index` counts `version.policies`.
    pub fn policy_place(&self, index: usize) -> Place {
        Place::value(
            self.document,
            Path::root().key("spec").key("policies").index(index),
        )
    }
}

/// A pack that a group shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredGroupPack {
    /// The pack.
    pub pack: PackName,
    /// The version: as written, or else that of the pack's manifest.
    pub tag: VersionTag,
    /// Its configuration; not managed if it is not said.
    pub config: Option<GroupConfig>,
    /// Its position in `spec.policyPacks`, for messages.
    pub index: usize,
}

/// A group as the repository wants it. What is none is not managed; what is empty shall be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredGroup {
    /// The name, unique in the organization.
    pub name: GroupName,
    /// Names that it had before.
    pub aliases: Vec<GroupName>,
    /// What it is about. A live group of another type cannot become this one.
    pub entity_type: EntityType,
    /// What it does about violations; the type's usual mode where it is created without one.
    pub mode: Option<Mode>,
    /// Its stacks.
    pub stacks: Option<BTreeSet<StackReference>>,
    /// Its packs, each once.
    pub policy_packs: Option<Vec<DesiredGroupPack>>,
    /// The document that declares it.
    pub document: DocumentId,
}

impl DesiredGroup {
    /// Where the group is declared.
    pub fn place(&self) -> Place {
        Place::value(self.document, Path::root().key("metadata").key("name"))
    }

    /// Where a field of `spec` is.
    pub fn field(&self, field: &str) -> Place {
        Place::value(self.document, Path::root().key("spec").key(field))
    }

    /// Where one of its packs is.
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
