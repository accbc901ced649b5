//! The manifests of a target, as rules see them.

use std::collections::HashMap;

use crate::service::invalid::InvalidManifests;
use crate::workspace::NamedSource;
use git::{PackError, PackTree};
use manifest::config::Target;
use manifest::lock::{LockFile, VersionLock};
use manifest::pulumi::{
    DeclaredPolicies, GroupPackSpec, PolicyPackManifest, PulumiPolicyGroupManifest,
};
use manifest::{Document, Manifest};
use model::diag::{DocumentId, Path, Place};

/// The input of the check of one target.
#[derive(Debug, Clone, Copy)]
pub struct PackInput<'a> {
    pub target: &'a Target,
    /// The manifests of the target.
    pub documents: &'a [&'a Document],
    pub sources: &'a HashMap<DocumentId, NamedSource>,
    /// Empty without a lock file.
    pub lock: &'a LockFile,
    /// The manifests that are not valid.
    pub invalid: InvalidManifests<'a>,
}

#[derive(Debug)]
pub(super) struct PackView<'a> {
    pub(super) document: DocumentId,
    pub(super) manifest: &'a PolicyPackManifest,
    /// `None` only if the caller did not read sources.
    pub(super) source: Option<&'a NamedSource>,
    /// The tag of the desired version; `None` if it depends on a source that cannot be read.
    pub(super) tag: Option<String>,
    /// The lock file's entry for that tag.
    pub(super) locked: Option<&'a VersionLock>,
    /// Whether the lock file would contain an entry that exists.
    pub(super) knows_lock: bool,
}

#[derive(Debug)]
pub(super) struct PulumiGroupView<'a> {
    pub(super) document: DocumentId,
    pub(super) manifest: &'a PulumiPolicyGroupManifest,
}

#[derive(Debug)]
pub(super) struct PulumiRuleContext<'a> {
    pub(super) target: &'a Target,
    pub(super) documents: Vec<&'a Document>,
    pub(super) packs: Vec<PackView<'a>>,
    pub(super) groups: Vec<PulumiGroupView<'a>>,
    pub(super) lock: &'a LockFile,
    pub(super) invalid: InvalidManifests<'a>,
    names: HashMap<&'a str, usize>,
}

impl<'a> PulumiRuleContext<'a> {
    pub(super) fn new(input: &PackInput<'a>) -> Self {
        let PackInput {
            target,
            documents,
            sources: _,
            lock,
            invalid,
        } = *input;
        let documents = invalid.with_valid(documents);
        let mut packs = Vec::new();
        let mut groups = Vec::new();
        for document in &documents {
            match &document.manifest {
                Manifest::PolicyPack(manifest) => {
                    packs.push(PackView::new(document.id, manifest, input));
                }
                Manifest::PolicyGroup(manifest) => groups.push(PulumiGroupView {
                    document: document.id,
                    manifest,
                }),
                Manifest::Policy(_)
                | Manifest::ResourceList(_)
                | Manifest::PolicyTest(_)
                | Manifest::ChainloopPolicy(_)
                | Manifest::ChainloopGroup(_) => {}
            }
        }
        let mut names = HashMap::with_capacity(packs.len());
        for (index, pack) in packs.iter().enumerate() {
            names
                .entry(pack.manifest.metadata.name.as_str())
                .or_insert(index);
        }
        Self {
            target,
            documents,
            packs,
            groups,
            lock,
            invalid,
            names,
        }
    }

    /// The pack of this name, or the first one if the name is used twice.
    pub(super) fn pack(&self, name: &str) -> Option<&PackView<'a>> {
        self.names
            .get(name)
            .and_then(|index| self.packs.get(*index))
    }

    /// Whether a pack of this name may be declared in a part of the manifests that cannot be read.
    pub(super) fn may_declare_more_packs(&self) -> bool {
        let name = Path::root().key("metadata").key("name");
        self.invalid.unreadable
            || self
                .packs
                .iter()
                .any(|pack| self.invalid.replaces(pack.document, &name))
    }

    pub(super) fn pack_names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.names.keys().copied()
    }
}

impl<'a> PackView<'a> {
    fn new(document: DocumentId, manifest: &'a PolicyPackManifest, input: &PackInput<'a>) -> Self {
        let PackInput {
            target,
            documents: _,
            sources,
            lock,
            invalid,
        } = *input;
        let source = sources.get(&document);
        let tag = match source {
            Some(source) => source.tag(manifest),
            None => {
                let spec = &manifest.spec;
                let is_written = spec.version_tag_suffix.is_none();
                is_written.then(|| spec.version_tag.clone())
            }
        };
        let locked = tag
            .as_deref()
            .and_then(|tag| lock.version(&target.name, &manifest.metadata.name, tag));
        let metadata = Path::root().key("metadata");
        let suffix = Path::root().key("spec").key("versionTagSuffix");
        let knows_lock = !invalid.lock
            && !invalid.replaces(document, &metadata.key("name"))
            && !invalid.replaces(document, &suffix);
        Self {
            document,
            manifest,
            source,
            tag,
            locked,
            knows_lock,
        }
    }

    pub(super) fn tree(&self) -> Option<&'a PackTree> {
        self.source
            .and_then(|source| source.tree.as_ref().as_ref().ok())
    }

    /// A locked file that a commit does not contain, with what was locked.
    pub(super) fn uncommitted(&self) -> Option<(&'a str, &'a VersionLock)> {
        let locked = self.locked?;
        Some((self.source?.uncommitted(locked)?, locked))
    }

    /// The policies that the pack declares: those of the lock file, or else those of an up-to-date
    /// `polwarden-metadata.json`.
    pub(super) fn declared(&self) -> Option<DeclaredPolicies> {
        let tree = self.tree()?;
        let is_incomplete = self.uncommitted().is_some();
        let locked = self.locked;
        let locked = locked.filter(|locked| is_incomplete || locked.source == tree.digest());
        if let Some(policies) = locked.and_then(|locked| locked.policies.clone()) {
            return Some(policies);
        }
        let metadata = self.source?.build_metadata().ok()?;
        Some(metadata.policies)
    }

    pub(super) fn source_error(&self) -> Option<&'a PackError> {
        self.source
            .and_then(|source| source.tree.as_ref().as_ref().err())
    }

    pub(super) fn name_place(&self) -> Place {
        name_place(self.document)
    }

    pub(super) fn field(&self, field: &str) -> Place {
        Place::value(self.document, Path::root().key("spec").key(field))
    }

    pub(super) fn policy_path(index: usize) -> Path {
        Path::root().key("spec").key("policies").index(index)
    }

    pub(super) fn policy_field(&self, index: usize, field: &str) -> Place {
        Place::value(self.document, Self::policy_path(index).key(field))
    }
}

impl<'a> PulumiGroupView<'a> {
    pub(super) fn name_place(&self) -> Place {
        name_place(self.document)
    }

    pub(super) fn alias_place(&self, index: usize) -> Place {
        Place::value(
            self.document,
            Path::root().key("metadata").key("aliases").index(index),
        )
    }

    /// The packs with their positions.
    pub(super) fn packs(&self) -> impl Iterator<Item = (usize, &'a GroupPackSpec)> + use<'a> {
        self.manifest.spec.policy_packs.iter().flatten().enumerate()
    }

    pub(super) fn pack_path(index: usize) -> Path {
        Path::root().key("spec").key("policyPacks").index(index)
    }

    pub(super) fn pack_field(&self, index: usize, field: &str) -> Place {
        Place::value(self.document, Self::pack_path(index).key(field))
    }
}

pub(super) fn name_place(document: DocumentId) -> Place {
    Place::value(document, Path::root().key("metadata").key("name"))
}
