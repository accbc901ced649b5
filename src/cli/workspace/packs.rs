//! What a workspace knows about the sources of policy packs.

use std::collections::BTreeMap;

use super::Workspace;
use git::{PackEntry, PackTree};
use manifest::lock::LockFile;

impl Workspace {
    /// The sources of all policy packs, as they were read.
    pub(crate) fn pack_trees(&self) -> Vec<PackTree> {
        let sources = self
            .manifests
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
        &self.manifests.loaded.lock
    }

    /// The names and bytes of the files that the sources of policy packs hold; of a link, where it leads.
    pub(super) fn pack_files(&self) -> BTreeMap<String, Vec<u8>> {
        let sources = self
            .manifests
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
