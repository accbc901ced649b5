//! What a workspace knows about policy packs, and about documents.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Workspace;
use crate::plan::TargetPlan;
use crate::service::chainloop::check::{
    CheckedDocuments, DocumentInput, InputsSchemas, check_documents,
};
use crate::service::pulumi::check::{CheckedPacks, PackInput, check_packs};
use git::{PackEntry, PackTree};
use manifest::config::Target;
use manifest::lock::Lock;
use model::digest::{ArchiveDigest, SourceDigest};
use model::pulumi::Operation;

/// The sources of policy packs, from which archives are made when they are needed.
pub(crate) struct Archives {
    trees: Vec<PackTree>,
}

impl Archives {
    /// The archives that a plan uploads. One that cannot be made again from what was read is left out, and its upload is
    /// refused then.
    pub(crate) fn of(
        &self,
        target: &Target,
        plan: &TargetPlan,
    ) -> BTreeMap<ArchiveDigest, Arc<[u8]>> {
        if target.pulumi().is_none() {
            return BTreeMap::new();
        }
        let wanted: Vec<(&SourceDigest, &ArchiveDigest)> = plan
            .calls
            .iter()
            .filter_map(|call| match call.send.pulumi()? {
                Operation::PutArchive {
                    source, archive, ..
                } => Some((source, archive)),
                Operation::CreatePackVersion { .. }
                | Operation::CompletePackVersion { .. }
                | Operation::DeletePackVersion { .. }
                | Operation::DeletePack { .. }
                | Operation::CreateGroup { .. }
                | Operation::UpdateGroup { .. }
                | Operation::DeleteGroup { .. } => None,
            })
            .collect();
        let mut found = BTreeMap::new();
        for tree in &self.trees {
            let digest = tree.digest();
            if let Some((_, archive)) = wanted.iter().find(|(source, _)| **source == digest)
                && let Ok(made) = tree.archive()
                && made.digest() == **archive
            {
                found.insert(ArchiveDigest::clone(archive), Arc::from(made.into_bytes()));
            }
        }
        found
    }
}

impl Workspace {
    /// Checks the documents of a target, with what its server says about the inputs of policies.
    pub(crate) fn check_documents(
        &self,
        target: &Target,
        schemas: &InputsSchemas,
    ) -> CheckedDocuments {
        check_documents(&DocumentInput {
            target,
            documents: &self.documents(target),
            schemas,
        })
    }

    /// The sources of all policy packs.
    pub(crate) fn archives(&self) -> Archives {
        let sources = self
            .loaded
            .targets
            .iter()
            .flat_map(|target| target.pack_sources.values());
        Archives {
            trees: sources
                .filter_map(|source| source.tree.as_ref().as_ref().ok().cloned())
                .collect(),
        }
    }

    /// What the lock file says.
    pub(crate) fn lock(&self) -> &Lock {
        &self.loaded.lock
    }

    /// Checks the packs and groups of a target against another lock than that of the file.
    pub(crate) fn check_packs(&self, target: &Target, lock: &Lock) -> CheckedPacks {
        let documents = self.documents(target);
        let none = HashMap::new();
        let sources = self
            .loaded(target)
            .map_or(&none, |loaded| &loaded.pack_sources);
        check_packs(&PackInput {
            target,
            documents: &documents,
            sources,
            lock,
        })
    }

    /// The names and bytes of the files that the sources of policy packs hold; of a link, where it leads.
    pub(super) fn pack_files(&self) -> BTreeMap<String, Vec<u8>> {
        let sources = self
            .loaded
            .targets
            .iter()
            .flat_map(|target| target.pack_sources.values());
        let trees =
            sources.filter_map(|source| Some((&source.path, source.tree.as_ref().as_ref().ok()?)));
        let files = trees.flat_map(|(folder, tree)| {
            tree.entries().iter().map(move |(path, entry)| {
                let bytes = match entry {
                    PackEntry::File {
                        bytes,
                        executable: _,
                    } => bytes.to_vec(),
                    PackEntry::Link { target } => target.clone().into_bytes(),
                };
                (folder.join(path).into_string(), bytes)
            })
        });
        files.collect()
    }
}
