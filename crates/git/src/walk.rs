//! Walks the trees of a repository: resolves paths with symbolic links, and lists manifests.

use std::collections::{HashSet, VecDeque};

use camino::Utf8Path;
use git2::{ErrorCode, Oid, Repository};

use crate::limits::SourceLimits;
use crate::problem::{FileProblem, FileProblemKind, Listing, MAX_DEPTH, MAX_HIDDEN, is_manifest};

/// Maximum number of symbolic links in one path, as on Linux.
const MAX_LINKS: usize = 40;
/// Maximum length of a symbolic link's target, as on Linux.
pub(crate) const MAX_LINK: usize = 4096;

/// Kinds of tree entries by mode (git: `cache.h`, `S_IFMT`).
pub(crate) const KIND: i32 = 0o170_000;
pub(crate) const FOLDER: i32 = 0o040_000;
pub(crate) const LINK: i32 = 0o120_000;
pub(crate) const SUBMODULE: i32 = 0o160_000;

/// The object at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TreeEntry {
    File(Oid),
    Folder(Oid),
    Submodule,
}

/// The object at a path, with its path from the root of the repository, links resolved.
#[derive(Debug)]
pub(crate) struct ResolvedPath {
    pub(crate) path: Vec<String>,
    pub(crate) node: TreeEntry,
}

/// Converts an error of libgit2.
pub(crate) fn unreadable(error: &git2::Error) -> FileProblemKind {
    match error.code() {
        ErrorCode::NotFound => FileProblemKind::NotFetched,
        _ => FileProblemKind::Unreadable(error.message().to_owned()),
    }
}

/// Reads a file after checking its size.
pub(crate) fn blob(
    repository: &Repository,
    id: Oid,
    limit: usize,
) -> Result<Vec<u8>, FileProblemKind> {
    let objects = repository.odb().map_err(|error| unreadable(&error))?;
    let (size, _) = objects
        .read_header(id)
        .map_err(|error| unreadable(&error))?;
    if size > limit {
        return Err(FileProblemKind::TooLarge(limit));
    }
    let blob = repository
        .find_blob(id)
        .map_err(|error| unreadable(&error))?;
    Ok(blob.content().to_vec())
}

/// Resolves a path from the root of the repository. Symbolic links must stay inside.
pub(crate) fn resolve(
    repository: &Repository,
    root: Oid,
    path: &[String],
) -> Result<ResolvedPath, FileProblemKind> {
    let mut left: VecDeque<String> = path.iter().cloned().collect();
    let mut folders: Vec<(String, Oid)> = Vec::new();
    let mut links = 0;
    while let Some(name) = left.pop_front() {
        match name.as_str() {
            "" | "." => continue,
            ".." => {
                folders.pop().ok_or(FileProblemKind::SymlinkOutside)?;
                continue;
            }
            _ => {}
        }
        let tree = folders.last().map_or(root, |(_, tree)| *tree);
        let tree = repository
            .find_tree(tree)
            .map_err(|error| unreadable(&error))?;
        let entry = tree
            .get_name_bytes(name.as_bytes())
            .ok_or(FileProblemKind::Missing)?;
        let node = match entry.filemode_raw() & KIND {
            FOLDER => {
                folders.push((name, entry.id()));
                continue;
            }
            LINK => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(FileProblemKind::Loop);
                }
                for part in target(repository, entry.id())?.into_iter().rev() {
                    left.push_front(part);
                }
                continue;
            }
            SUBMODULE => TreeEntry::Submodule,
            _ => TreeEntry::File(entry.id()),
        };
        if left.iter().any(|name| !matches!(name.as_str(), "" | ".")) {
            return Err(if node == TreeEntry::Submodule {
                FileProblemKind::Submodule
            } else {
                FileProblemKind::Missing
            });
        }
        let path = folders
            .into_iter()
            .map(|(name, _)| name)
            .chain([name])
            .collect();
        return Ok(ResolvedPath { path, node });
    }
    let node = TreeEntry::Folder(folders.last().map_or(root, |(_, tree)| *tree));
    Ok(ResolvedPath {
        path: folders.into_iter().map(|(name, _)| name).collect(),
        node,
    })
}

/// The segments of a symbolic link's target.
fn target(repository: &Repository, link: Oid) -> Result<Vec<String>, FileProblemKind> {
    let bytes = blob(repository, link, MAX_LINK)?;
    let target = String::from_utf8(bytes).map_err(|_| FileProblemKind::Name)?;
    if target.starts_with(['/', '\\']) || target.as_bytes().get(1) == Some(&b':') {
        return Err(FileProblemKind::SymlinkOutside);
    }
    Ok(target.split('/').map(str::to_owned).collect())
}

/// Lists the manifests below a folder.
pub(crate) fn list(
    repository: &Repository,
    root: Oid,
    path: Vec<String>,
    tree: Oid,
    shown: &Utf8Path,
    limits: SourceLimits,
) -> Result<Listing, FileProblemKind> {
    let mut walk = Walk {
        repository,
        root,
        limits,
        seen: HashSet::new(),
        entries: 0,
        hidden: 0,
        listing: Listing::default(),
    };
    walk.folder(tree, shown, &mut vec![path])?;
    let mut listing = walk.listing;
    listing.files.sort_unstable();
    listing.skipped.sort_unstable();
    Ok(listing)
}

/// A walk through a folder. Each file and folder counts once, regardless of the links to it.
struct Walk<'a> {
    repository: &'a Repository,
    root: Oid,
    limits: SourceLimits,
    seen: HashSet<Vec<String>>,
    entries: usize,
    /// The number of entries of hidden folders.
    hidden: usize,
    listing: Listing,
}

impl Walk<'_> {
    /// Lists one folder. `parents` contains the folders above it and the folder itself, links
    /// resolved.
    fn folder(
        &mut self,
        tree: Oid,
        shown: &Utf8Path,
        parents: &mut Vec<Vec<String>>,
    ) -> Result<(), FileProblemKind> {
        let tree = self
            .repository
            .find_tree(tree)
            .map_err(|error| unreadable(&error))?;
        let here = parents.last().cloned().unwrap_or_default();
        for entry in &tree {
            self.entries += 1;
            if self.entries > self.limits.entries {
                return Err(FileProblemKind::TooManyEntries(self.limits.entries));
            }
            let Ok(name) = std::str::from_utf8(entry.name_bytes()) else {
                self.undecodable(&entry, shown, parents)?;
                continue;
            };
            let path = shown.join(name);
            let kind = entry.filemode_raw() & KIND;
            if name.starts_with('.') {
                match kind {
                    FOLDER => self.hidden_folder(entry.id(), &path, parents.len()),
                    LINK | SUBMODULE => {}
                    _ => self.listing.skipped.push(path),
                }
                continue;
            }
            let real: Vec<String> = here.iter().cloned().chain([name.to_owned()]).collect();
            let found = match kind {
                FOLDER => Ok(ResolvedPath {
                    path: real,
                    node: TreeEntry::Folder(entry.id()),
                }),
                LINK => resolve(self.repository, self.root, &real),
                SUBMODULE => Ok(ResolvedPath {
                    path: real,
                    node: TreeEntry::Submodule,
                }),
                _ => Ok(ResolvedPath {
                    path: real,
                    node: TreeEntry::File(entry.id()),
                }),
            };
            if let Err(kind) = found.and_then(|found| self.entry(found, &path, parents)) {
                if self.entries > self.limits.entries {
                    return Err(kind);
                }
                self.listing.problems.push(FileProblem { path, kind });
            }
        }
        Ok(())
    }

    /// Lists the manifests in a hidden folder as skipped, so that a plan can tell where a manifest
    /// went. Links are not followed. What cannot be read is left out: nothing there is a manifest.
    fn hidden_folder(&mut self, tree: Oid, shown: &Utf8Path, depth: usize) {
        if depth >= MAX_DEPTH {
            return;
        }
        let Ok(tree) = self.repository.find_tree(tree) else {
            return;
        };
        for entry in &tree {
            self.hidden += 1;
            if self.hidden > MAX_HIDDEN {
                return;
            }
            let Ok(name) = std::str::from_utf8(entry.name_bytes()) else {
                continue;
            };
            let path = shown.join(name);
            match entry.filemode_raw() & KIND {
                FOLDER => self.hidden_folder(entry.id(), &path, depth + 1),
                LINK | SUBMODULE => {}
                _ if is_manifest(&path) => self.listing.skipped.push(path),
                _ => {}
            }
        }
    }

    /// Reports an entry whose name is not UTF-8 if it is a manifest or a folder that contains one.
    /// Other files of that kind do not concern any target.
    fn undecodable(
        &mut self,
        entry: &git2::TreeEntry<'_>,
        shown: &Utf8Path,
        parents: &mut Vec<Vec<String>>,
    ) -> Result<(), FileProblemKind> {
        let name = String::from_utf8_lossy(entry.name_bytes());
        let path = shown.join(name.as_ref());
        let matters = match entry.filemode_raw() & KIND {
            _ if name.starts_with('.') => false,
            FOLDER => {
                let outer = std::mem::take(&mut self.listing);
                let real = parents.last().into_iter().flatten().cloned();
                parents.push(real.chain([name.into_owned()]).collect());
                let result = if parents.len() > MAX_DEPTH {
                    Err(FileProblemKind::too_deep())
                } else {
                    self.folder(entry.id(), &path, parents)
                };
                parents.pop();
                let inner = std::mem::replace(&mut self.listing, outer);
                if self.entries > self.limits.entries {
                    return result;
                }
                result.is_err() || !inner.files.is_empty() || !inner.problems.is_empty()
            }
            _ => is_manifest(&path),
        };
        if matters {
            self.listing.problems.push(FileProblem {
                path,
                kind: FileProblemKind::Name,
            });
        }
        Ok(())
    }

    fn entry(
        &mut self,
        found: ResolvedPath,
        shown: &Utf8Path,
        parents: &mut Vec<Vec<String>>,
    ) -> Result<(), FileProblemKind> {
        let ResolvedPath { path, node } = found;
        match node {
            TreeEntry::Submodule => Err(FileProblemKind::Submodule),
            TreeEntry::Folder(_) if parents.contains(&path) => Err(FileProblemKind::Loop),
            TreeEntry::Folder(_) if parents.len() >= MAX_DEPTH => Err(FileProblemKind::too_deep()),
            TreeEntry::Folder(tree) => {
                if !self.seen.insert(path.clone()) {
                    return Ok(());
                }
                parents.push(path);
                let result = self.folder(tree, shown, parents);
                parents.pop();
                result
            }
            TreeEntry::File(_) => {
                if !is_manifest(shown) {
                    self.listing.skipped.push(shown.to_owned());
                } else if self.seen.insert(path) {
                    self.listing.files.push(shown.to_owned());
                }
                Ok(())
            }
        }
    }
}
