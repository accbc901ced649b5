//! What was read from a work tree, and whether a commit contains the same.
//!
//! Git's own status is not enough: it trusts flags and file times of the index, and both can
//! hide a change. Here the bytes that were read are hashed, and each read is repeated on the commit.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use camino::{Utf8Path, Utf8PathBuf};
use git2::{ObjectType, Oid};
use model::digest::FileDigest;

use crate::pack::PackRules;
use crate::problem::{FileProblemKind, Listing};
use crate::revision::Revision;
use crate::source::Source as _;

/// The path of a source with the digests of its files that were locked. A path may occur several
/// times, for several packs with the same source.
pub type LockedPack = (Utf8PathBuf, BTreeMap<String, FileDigest>);

/// What was read of a policy pack.
#[derive(Debug, PartialEq)]
struct PackRead {
    rules: PackRules,
    files: BTreeMap<String, FileDigest>,
}

/// All reads, by paths relative to the configuration.
#[derive(Debug, Default)]
pub(crate) struct ReadLog {
    /// Files of each list.
    lists: BTreeMap<Utf8PathBuf, Vec<Utf8PathBuf>>,
    /// Blob ids of the bytes. `None` for a file that does not exist.
    files: BTreeMap<Utf8PathBuf, Option<Oid>>,
    /// Files of each policy pack.
    packs: BTreeMap<Utf8PathBuf, PackRead>,
    /// A path that was read twice with different results.
    unstable: Option<Utf8PathBuf>,
}

impl ReadLog {
    pub(crate) fn list(&mut self, path: &Utf8Path, listing: &Listing) {
        let is_new = note(&mut self.lists, path, listing.files.clone());
        self.note_unstable(is_new, path);
    }

    pub(crate) fn file(&mut self, path: &Utf8Path, bytes: &[u8]) {
        // Hashing fails only for a kind that is not that of an object.
        let id = Oid::hash_object(ObjectType::Blob, bytes).unwrap_or(Oid::ZERO_SHA1);
        let is_new = note(&mut self.files, path, Some(id));
        self.note_unstable(is_new, path);
    }

    pub(crate) fn missing(&mut self, path: &Utf8Path) {
        let is_new = note(&mut self.files, path, None);
        self.note_unstable(is_new, path);
    }

    pub(crate) fn pack(
        &mut self,
        path: &Utf8Path,
        rules: PackRules,
        files: BTreeMap<String, FileDigest>,
    ) {
        let is_new = note(&mut self.packs, path, PackRead { rules, files });
        self.note_unstable(is_new, path);
    }

    fn note_unstable(&mut self, is_stable: bool, path: &Utf8Path) {
        if !is_stable {
            self.unstable.get_or_insert_with(|| path.to_owned());
        }
    }

    /// A path at which the commit contains something other than what was read.
    pub(crate) fn difference(
        &self,
        commit: &Revision,
        locked: &[LockedPack],
    ) -> Option<Utf8PathBuf> {
        let files = self.files.iter().filter(|(path, id)| {
            let committed = match commit.blob_id(path) {
                Ok(id) => Some(id),
                Err(FileProblemKind::Missing) => None,
                Err(_) => return true,
            };
            committed != **id
        });
        let packs = self.packs.iter().filter(|(path, read)| {
            commit.pack(path, read.rules).map_or(true, |tree| {
                !is_committed(path, read, &tree.files(), locked)
            })
        });
        // Both lists are sorted.
        let lists = self.lists.iter().filter(|(path, files)| {
            commit
                .list(path)
                .map_or(true, |listing| listing.files != **files)
        });
        let lists = lists.map(|(path, _)| path);
        let files = files.map(|(path, _)| path);
        let packs = packs.map(|(path, _)| path);
        self.unstable
            .iter()
            .chain(files)
            .chain(packs)
            .chain(lists)
            .next()
            .cloned()
    }
}

/// Whether a pack is that of a commit, with no other files than those that are locked. A build may
/// write files that git ignores and `package.json` names. The lock file is compared with the commit
/// like any other file.
fn is_committed(
    path: &Utf8Path,
    read: &PackRead,
    committed: &BTreeMap<String, FileDigest>,
    locked: &[LockedPack],
) -> bool {
    let is_missing = |file: &String| !read.files.contains_key(file);
    if committed.keys().any(is_missing) {
        return false;
    }
    let is_locked = |file: &String, digest: &FileDigest| {
        let mut packs = locked.iter().filter(|(source, _)| source == path);
        packs.any(|(_, files)| files.get(file) == Some(digest))
    };
    read.files
        .iter()
        .all(|(file, digest)| match committed.get(file) {
            Some(committed) => committed == digest,
            None => is_locked(file, digest),
        })
}

/// Adds a result. Returns whether an earlier result for the same path was the same.
fn note<T: PartialEq>(all: &mut BTreeMap<Utf8PathBuf, T>, path: &Utf8Path, result: T) -> bool {
    match all.entry(path.to_owned()) {
        Entry::Vacant(vacant) => {
            vacant.insert(result);
            true
        }
        Entry::Occupied(found) => *found.get() == result,
    }
}
