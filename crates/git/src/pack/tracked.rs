//! Reads sources from a commit or the index.

use camino::Utf8Path;
use git2::{Oid, Repository, Tree};

use super::collect::{self, EntryKind, FolderEntry, PackFiles};
use super::rules::PackRules;
use super::tree::{FileContent, PackError, PackTree};
use crate::limits::SourceLimits;
use crate::problem::FileProblemKind;
use crate::walk::{self, FOLDER, KIND, LINK, MAX_LINK, SUBMODULE, blob, unreadable};

/// Mode of executable files (git: `cache.h`).
const EXECUTABLE: i32 = 0o100_755;

/// The source at a path of a commit or the index.
pub(crate) struct TrackedSource<'r> {
    pub(crate) repository: &'r Repository,
    /// The tree of the whole repository.
    pub(crate) root: Oid,
    /// The path of the source from the root, links resolved.
    pub(crate) path: Vec<String>,
    /// The tree of the source.
    pub(crate) tree: Oid,
}

/// Reads the files that an archive of a source contains.
pub(crate) fn read(
    source: &TrackedSource<'_>,
    rules: PackRules,
    limits: SourceLimits,
) -> Result<PackTree, PackError> {
    collect::read(source, rules, limits)
}

fn entry_kind(mode: i32) -> EntryKind {
    match mode & KIND {
        FOLDER => EntryKind::Folder,
        LINK => EntryKind::Link,
        SUBMODULE => EntryKind::Submodule,
        _ => EntryKind::File,
    }
}

impl<'r> TrackedSource<'r> {
    fn tree(&self, id: Oid) -> Result<Tree<'r>, FileProblemKind> {
        self.repository
            .find_tree(id)
            .map_err(|error| unreadable(&error))
    }

    /// The id and mode of what is at a path.
    fn find(&self, path: &Utf8Path) -> Result<(Oid, i32), FileProblemKind> {
        let mut found = (self.tree, FOLDER);
        for part in path.components() {
            if found.1 & KIND != FOLDER {
                return Err(FileProblemKind::Missing);
            }
            let tree = self.tree(found.0)?;
            let entry = tree.get_name_bytes(part.as_str().as_bytes());
            let entry = entry.ok_or(FileProblemKind::Missing)?;
            found = (entry.id(), entry.filemode_raw());
        }
        Ok(found)
    }
}

impl PackFiles for TrackedSource<'_> {
    fn entries(
        &self,
        folder: &Utf8Path,
        limit: usize,
    ) -> Result<Vec<FolderEntry>, FileProblemKind> {
        let (id, _) = self.find(folder)?;
        let tree = self.tree(id)?;
        let entry = |entry: git2::TreeEntry<'_>| FolderEntry {
            name: std::str::from_utf8(entry.name_bytes())
                .map(str::to_owned)
                .map_err(|_| String::from_utf8_lossy(entry.name_bytes()).into_owned()),
            kind: entry_kind(entry.filemode_raw()),
        };
        Ok(tree.iter().take(limit).map(entry).collect())
    }

    fn file(&self, path: &Utf8Path, limit: usize) -> Result<FileContent, FileProblemKind> {
        let (id, mode) = self.find(path)?;
        if entry_kind(mode) != EntryKind::File {
            return Err(FileProblemKind::Special);
        }
        Ok(FileContent {
            bytes: blob(self.repository, id, limit)?,
            executable: mode == EXECUTABLE,
        })
    }

    fn link(&self, path: &Utf8Path) -> Result<String, FileProblemKind> {
        let (id, _) = self.find(path)?;
        let target = blob(self.repository, id, MAX_LINK)?;
        String::from_utf8(target).map_err(|_| FileProblemKind::Name)
    }

    fn kind(&self, path: &Utf8Path) -> Result<EntryKind, FileProblemKind> {
        self.find(path).map(|(_, mode)| entry_kind(mode))
    }

    fn ignore_files_above(&self, limit: usize) -> Result<Vec<(String, String)>, FileProblemKind> {
        let mut found = Vec::new();
        for depth in 0..self.path.len() {
            let (above, below) = self.path.split_at(depth);
            let path: Vec<String> = above
                .iter()
                .cloned()
                .chain([".gitignore".to_owned()])
                .collect();
            let file = match walk::resolve(self.repository, self.root, &path) {
                Ok(file) => file.node,
                Err(FileProblemKind::Missing) => continue,
                Err(kind) => return Err(kind),
            };
            if let walk::TreeEntry::File(id) = file {
                let text = blob(self.repository, id, limit)?;
                let text = String::from_utf8_lossy(&text).into_owned();
                found.push((below.join("/"), text));
            }
        }
        Ok(found)
    }
}
