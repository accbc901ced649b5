//! Trees of a repository: paths through them, with symbolic links, and the manifests below a folder.

use std::collections::{HashSet, VecDeque};

use camino::Utf8Path;
use git2::{ErrorCode, Oid, Repository};

use crate::source::{Listing, MAX_DEPTH, Problem, ProblemKind, is_manifest};

/// How many symbolic links one path may lead through, as on Linux.
const MAX_LINKS: usize = 40;
/// The longest target of a symbolic link, as on Linux.
pub(crate) const MAX_LINK: usize = 4096;
/// How many entries of folders one listing looks at: ten objects that name each other ten times hold more names than
/// any disk.
const MAX_ENTRIES: usize = 200_000;

/// The kinds of entries of a tree, by their mode (git: `cache.h`, `S_IFMT`).
pub(crate) const KIND: i32 = 0o170_000;
pub(crate) const FOLDER: i32 = 0o040_000;
pub(crate) const LINK: i32 = 0o120_000;
pub(crate) const SUBMODULE: i32 = 0o160_000;

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    File(Oid),
    Folder(Oid),
    Submodule,
}

/// What is there, and its path from the top of the repository with links resolved.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: Vec<String>,
    pub(super) node: Node,
}

/// What git says when an object cannot be had.
pub(crate) fn unreadable(error: &git2::Error) -> ProblemKind {
    let why = match error.code() {
        ErrorCode::NotFound => {
            "its content is not in this clone; run `git fetch`, or clone without a filter"
                .to_owned()
        }
        _ => error.message().to_owned(),
    };
    ProblemKind::Unreadable(why)
}

/// The bytes of a file; refused by its size before it is read.
pub(crate) fn blob(repository: &Repository, id: Oid, limit: usize) -> Result<Vec<u8>, ProblemKind> {
    let objects = repository.odb().map_err(|error| unreadable(&error))?;
    let (size, _) = objects
        .read_header(id)
        .map_err(|error| unreadable(&error))?;
    if size > limit {
        return Err(ProblemKind::TooLarge(limit));
    }
    let blob = repository
        .find_blob(id)
        .map_err(|error| unreadable(&error))?;
    Ok(blob.content().to_vec())
}

/// Follows a path from the top of the repository, through symbolic links that stay inside it.
pub(super) fn resolve(
    repository: &Repository,
    root: Oid,
    path: &[String],
) -> Result<Found, ProblemKind> {
    let mut left: VecDeque<String> = path.iter().cloned().collect();
    let mut folders: Vec<(String, Oid)> = Vec::new();
    let mut links = 0;
    while let Some(name) = left.pop_front() {
        match name.as_str() {
            "" | "." => continue,
            ".." => {
                folders.pop().ok_or(ProblemKind::SymlinkOutside)?;
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
            .ok_or(ProblemKind::Missing)?;
        let node = match entry.filemode_raw() & KIND {
            FOLDER => {
                folders.push((name, entry.id()));
                continue;
            }
            LINK => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(ProblemKind::Loop);
                }
                for part in target(repository, entry.id())?.into_iter().rev() {
                    left.push_front(part);
                }
                continue;
            }
            SUBMODULE => Node::Submodule,
            _ => Node::File(entry.id()),
        };
        if left.iter().any(|name| !matches!(name.as_str(), "" | ".")) {
            return Err(if node == Node::Submodule {
                ProblemKind::Submodule
            } else {
                ProblemKind::Missing
            });
        }
        let path = folders
            .into_iter()
            .map(|(name, _)| name)
            .chain([name])
            .collect();
        return Ok(Found { path, node });
    }
    let node = Node::Folder(folders.last().map_or(root, |(_, tree)| *tree));
    Ok(Found {
        path: folders.into_iter().map(|(name, _)| name).collect(),
        node,
    })
}

/// Where a symbolic link leads to, part by part.
fn target(repository: &Repository, link: Oid) -> Result<Vec<String>, ProblemKind> {
    let bytes = blob(repository, link, MAX_LINK)?;
    let target = String::from_utf8(bytes).map_err(|_| ProblemKind::Name)?;
    if target.starts_with(['/', '\\']) || target.as_bytes().get(1) == Some(&b':') {
        return Err(ProblemKind::SymlinkOutside);
    }
    Ok(target.split('/').map(str::to_owned).collect())
}

/// The manifests below a folder.
pub(super) fn list(
    repository: &Repository,
    root: Oid,
    path: Vec<String>,
    tree: Oid,
    shown: &Utf8Path,
) -> Result<Listing, ProblemKind> {
    let mut walk = Walk {
        repository,
        root,
        seen: HashSet::new(),
        entries: 0,
        listing: Listing::default(),
    };
    walk.folder(tree, shown, &mut vec![path])?;
    let mut listing = walk.listing;
    listing.files.sort_unstable();
    Ok(listing)
}

/// A walk through a folder. Each file and folder counts once, however many links lead to it.
struct Walk<'a> {
    repository: &'a Repository,
    root: Oid,
    seen: HashSet<Vec<String>>,
    entries: usize,
    listing: Listing,
}

impl Walk<'_> {
    /// Lists one folder; `parents` ends with it and holds the folders above it, links resolved.
    fn folder(
        &mut self,
        tree: Oid,
        shown: &Utf8Path,
        parents: &mut Vec<Vec<String>>,
    ) -> Result<(), ProblemKind> {
        let tree = self
            .repository
            .find_tree(tree)
            .map_err(|error| unreadable(&error))?;
        let here = parents.last().cloned().unwrap_or_default();
        for entry in &tree {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(ProblemKind::Unreadable(format!(
                    "it holds more than {MAX_ENTRIES} files and folders"
                )));
            }
            let Ok(name) = std::str::from_utf8(entry.name_bytes()) else {
                let path = shown.join(String::from_utf8_lossy(entry.name_bytes()).as_ref());
                self.listing.problems.push(Problem {
                    path,
                    kind: ProblemKind::Name,
                });
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let path = shown.join(name);
            let real: Vec<String> = here.iter().cloned().chain([name.to_owned()]).collect();
            let found = match entry.filemode_raw() & KIND {
                FOLDER => Ok(Found {
                    path: real,
                    node: Node::Folder(entry.id()),
                }),
                LINK => resolve(self.repository, self.root, &real),
                SUBMODULE => Ok(Found {
                    path: real,
                    node: Node::Submodule,
                }),
                _ => Ok(Found {
                    path: real,
                    node: Node::File(entry.id()),
                }),
            };
            if let Err(kind) = found.and_then(|found| self.entry(found, &path, parents)) {
                if self.entries > MAX_ENTRIES {
                    return Err(kind);
                }
                self.listing.problems.push(Problem { path, kind });
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        found: Found,
        shown: &Utf8Path,
        parents: &mut Vec<Vec<String>>,
    ) -> Result<(), ProblemKind> {
        let Found { path, node } = found;
        match node {
            Node::Submodule => Err(ProblemKind::Submodule),
            Node::Folder(_) if parents.contains(&path) => Err(ProblemKind::Loop),
            Node::Folder(_) if parents.len() >= MAX_DEPTH => Err(ProblemKind::too_deep()),
            Node::Folder(tree) => {
                if !self.seen.insert(path.clone()) {
                    return Ok(());
                }
                parents.push(path);
                let result = self.folder(tree, shown, parents);
                parents.pop();
                result
            }
            Node::File(_) => {
                if is_manifest(shown) && self.seen.insert(path) {
                    self.listing.files.push(shown.to_owned());
                }
                Ok(())
            }
        }
    }
}
