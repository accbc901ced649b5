//! What was read from a work tree, and whether a commit contains the same.
//!
//! Git's own status is not enough: it trusts flags and file times of the index, and both can
//! hide a change. Here the bytes that were read are hashed, and each read is repeated on the commit.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use git2::{ObjectType, Oid};
use model::digest::FileDigest;
use unicode_normalization::UnicodeNormalization;

use crate::pack::{PackError, PackRules};
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
    files: BTreeMap<Utf8PathBuf, ReadFile>,
    /// Files of each policy pack.
    packs: BTreeMap<Utf8PathBuf, PackRead>,
    /// A path that was read twice with different results.
    unstable: Option<Utf8PathBuf>,
}

/// What was read at a path.
#[derive(Debug)]
enum ReadFile {
    Missing,
    /// The text is shared with the caller. It is hashed only if a commit is compared.
    Text(Arc<str>),
    /// The blob id of bytes that were not read as text.
    Bytes(Oid),
}

impl ReadFile {
    fn blob_id(&self) -> Option<Oid> {
        match self {
            Self::Missing => None,
            Self::Text(text) => Some(blob_id(text.as_bytes())),
            Self::Bytes(id) => Some(*id),
        }
    }
}

impl PartialEq for ReadFile {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one == other,
            // The same file may be read as text and as bytes.
            (Self::Missing | Self::Text(_) | Self::Bytes(_), _) => {
                self.blob_id() == other.blob_id()
            }
        }
    }
}

fn blob_id(bytes: &[u8]) -> Oid {
    // Hashing fails only for a kind that is not that of an object.
    Oid::hash_object(ObjectType::Blob, bytes).unwrap_or(Oid::ZERO_SHA1)
}

impl ReadLog {
    pub(crate) fn list(&mut self, path: &Utf8Path, listing: &Listing) {
        let is_new = note(&mut self.lists, path, listing.files.clone());
        self.note_unstable(is_new, path);
    }

    pub(crate) fn text(&mut self, path: &Utf8Path, text: &Arc<str>) {
        let is_new = note(&mut self.files, path, ReadFile::Text(Arc::clone(text)));
        self.note_unstable(is_new, path);
    }

    pub(crate) fn bytes(&mut self, path: &Utf8Path, bytes: &[u8]) {
        let is_new = note(&mut self.files, path, ReadFile::Bytes(blob_id(bytes)));
        self.note_unstable(is_new, path);
    }

    pub(crate) fn missing(&mut self, path: &Utf8Path) {
        let is_new = note(&mut self.files, path, ReadFile::Missing);
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
        names: NameForm,
        locked: &[LockedPack],
    ) -> Option<Utf8PathBuf> {
        let files = self.files.iter().filter(|(path, read)| {
            let committed = match names.find(path, |path| commit.blob_id(path)) {
                Ok(id) => Some(id),
                Err(FileProblemKind::Missing) => None,
                Err(_) => return true,
            };
            committed != read.blob_id()
        });
        let packs = self.packs.iter().filter(|(path, read)| {
            let missing =
                |error: &PackError| matches!(error, PackError::Directory(FileProblemKind::Missing));
            let tree = match commit.pack(path, read.rules) {
                Err(error) if missing(&error) => commit.pack(&names.path(path), read.rules),
                tree => tree,
            };
            let named = |files: &BTreeMap<String, FileDigest>| -> BTreeMap<String, FileDigest> {
                let files = files.iter();
                files
                    .map(|(name, file)| (names.text(name), file.clone()))
                    .collect()
            };
            tree.map_or(true, |tree| {
                !is_committed(path, &named(&read.files), &named(&tree.files()), locked)
            })
        });
        let lists = self.lists.iter().filter(|(path, files)| {
            let named = |files: &[Utf8PathBuf]| -> Vec<Utf8PathBuf> {
                let mut files: Vec<_> = files.iter().map(|path| names.path(path)).collect();
                files.sort_unstable();
                files
            };
            let listing = names.find(path, |path| commit.list(path));
            listing.map_or(true, |listing| named(&listing.files) != named(files))
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

/// How names on the disk are compared with names of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameForm {
    /// Byte by byte.
    Exact,
    /// In composed form (NFC). Some file systems decompose names, and git composes them again
    /// (`core.precomposeUnicode`).
    Composed,
}

impl NameForm {
    fn text(self, name: &str) -> String {
        match self {
            Self::Composed if !name.is_ascii() => name.nfc().collect(),
            Self::Composed | Self::Exact => name.to_owned(),
        }
    }

    fn path(self, path: &Utf8Path) -> Utf8PathBuf {
        self.text(path.as_str()).into()
    }

    /// Looks a path up as it is, then in its composed form.
    fn find<T>(
        self,
        path: &Utf8Path,
        find: impl Fn(&Utf8Path) -> Result<T, FileProblemKind>,
    ) -> Result<T, FileProblemKind> {
        match find(path) {
            Err(FileProblemKind::Missing) if self == Self::Composed => find(&self.path(path)),
            found => found,
        }
    }
}

/// Whether a pack is that of a commit, with no other files than those that are locked. A build may
/// write files that git ignores and `package.json` names. The lock file is compared with the commit
/// like any other file.
fn is_committed(
    path: &Utf8Path,
    files: &BTreeMap<String, FileDigest>,
    committed: &BTreeMap<String, FileDigest>,
    locked: &[LockedPack],
) -> bool {
    let is_missing = |file: &String| !files.contains_key(file);
    if committed.keys().any(is_missing) {
        return false;
    }
    let is_locked = |file: &String, digest: &FileDigest| {
        let mut packs = locked.iter().filter(|(source, _)| source == path);
        packs.any(|(_, locked)| locked.get(file) == Some(digest))
    };
    files
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
