//! What a workspace knows about policy packs, and about documents.

use std::collections::{BTreeMap, HashMap};

use super::Workspace;
use crate::service::chainloop::check::{
    CheckedDocuments, DocumentInput, InputsSchemas, check_documents,
};
use crate::service::invalid::InvalidManifests;
use crate::service::pulumi::check::{CheckedPacks, PackInput, check_packs};
use git::{PackEntry, PackTree};
use manifest::config::Target;
use manifest::lock::LockFile;

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
            invalid: InvalidManifests::default(),
        })
    }

    /// The sources of all policy packs, as they were read.
    pub(crate) fn pack_trees(&self) -> Vec<PackTree> {
        let sources = self
            .loaded
            .targets
            .iter()
            .flat_map(|target| target.pack_sources.values());
        sources
            .filter_map(|source| source.tree.as_ref().as_ref().ok().cloned())
            .collect()
    }

    /// What the lock file says.
    pub(crate) fn lock(&self) -> &LockFile {
        &self.loaded.lock
    }

    /// Checks the packs and groups of a target against another lock than that of the file.
    pub(crate) fn check_packs(&self, target: &Target, lock: &LockFile) -> CheckedPacks {
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
            invalid: InvalidManifests::default(),
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
