//! What a workspace knows about policy packs.

use std::collections::{BTreeMap, HashMap};

use super::Workspace;
use crate::check::{CheckedPacks, PackInput, check_packs};
use crate::manifest::config::Target;
use crate::manifest::lock::Lock;
use crate::repo::PackEntry;

impl Workspace {
    /// What the lock file says.
    pub(in crate::cli) fn lock(&self) -> &Lock {
        &self.loaded.lock
    }

    /// Checks the packs and groups of a target against another lock than that of the file.
    pub(in crate::cli) fn check_packs(&self, target: &Target, lock: &Lock) -> CheckedPacks {
        let (documents, none) = (self.documents(target), HashMap::new());
        let sources = self.loaded(target).map_or(&none, |loaded| &loaded.pack_sources);
        check_packs(&PackInput { target, documents: &documents, sources, lock })
    }

    /// The names and bytes of the files that the sources of policy packs hold; of a link, where it leads.
    pub(super) fn pack_files(&self) -> BTreeMap<String, Vec<u8>> {
        let sources = self.loaded.targets.iter().flat_map(|target| target.pack_sources.values());
        let trees = sources.filter_map(|source| Some((&source.path, source.tree.as_ref().as_ref().ok()?)));
        let files = trees.flat_map(|(folder, tree)| {
            tree.entries().iter().map(move |(path, entry)| {
                let bytes = match entry {
                    PackEntry::File { bytes, executable: _ } => bytes.to_vec(),
                    PackEntry::Link { target } => target.clone().into_bytes(),
                };
                (folder.join(path).into_string(), bytes)
            })
        });
        files.collect()
    }
}
