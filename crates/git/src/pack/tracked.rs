//! Reads sources from a commit or the index.

use camino::{Utf8Path, Utf8PathBuf};
use git2::{Oid, Repository};

use super::tree::{PackCollector, PackError, PackTree, entry_error};
use crate::limits::SourceLimits;
use crate::problem::{FileProblemKind, MAX_DEPTH};
use crate::walk::{FOLDER, KIND, LINK, MAX_LINK, SUBMODULE, blob, unreadable};

/// Mode of executable files (git: `cache.h`).
const EXECUTABLE: i32 = 0o100_755;

/// Reads all files below a tree.
pub(crate) fn read(
    repository: &Repository,
    tree: Oid,
    limits: SourceLimits,
) -> Result<PackTree, PackError> {
    let mut collected = PackCollector::new(limits);
    folder(repository, tree, Utf8Path::new(""), 0, &mut collected)?;
    collected.finish()
}

fn folder(
    repository: &Repository,
    tree: Oid,
    shown: &Utf8Path,
    depth: usize,
    collected: &mut PackCollector,
) -> Result<(), PackError> {
    let wrong = |path: &Utf8Path, kind| PackError::Entry {
        path: path.to_owned(),
        kind,
    };
    let tree = repository
        .find_tree(tree)
        .map_err(|error| PackError::Directory(unreadable(&error)))?;
    if depth >= MAX_DEPTH {
        return Err(wrong(shown, FileProblemKind::too_deep()));
    }
    for entry in &tree {
        collected.visit()?;
        let Ok(name) = std::str::from_utf8(entry.name_bytes()) else {
            let path = shown.join(String::from_utf8_lossy(entry.name_bytes()).as_ref());
            return Err(wrong(&path, FileProblemKind::Name));
        };
        let path: Utf8PathBuf = shown.join(name);
        match entry.filemode_raw() & KIND {
            FOLDER => folder(repository, entry.id(), &path, depth + 1, collected)?,
            SUBMODULE => return Err(wrong(&path, FileProblemKind::Submodule)),
            LINK => {
                let target = blob(repository, entry.id(), MAX_LINK)
                    .map_err(|kind| entry_error(&path, kind))?;
                let target =
                    String::from_utf8(target).map_err(|_| wrong(&path, FileProblemKind::Name))?;
                collected.link(&path, target)?;
            }
            _ => {
                let bytes = blob(repository, entry.id(), collected.remaining());
                let bytes = bytes.map_err(|kind| entry_error(&path, kind))?;
                collected.file(&path, bytes, entry.filemode_raw() == EXECUTABLE)?;
            }
        }
    }
    Ok(())
}
