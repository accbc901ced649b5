//! Which files git tracks.

use std::collections::BTreeSet;
use std::path::Path;

use git2::{ObjectType, Repository, Tree, TreeWalkMode, TreeWalkResult};

use crate::find::{IndexLimits, RevisionError, bounded_index};
use crate::location;

/// Maximum number of files and folders of a commit whose paths are listed. More than any repository
/// has; small objects can expand to an endless tree.
const MAX_COMMITTED: usize = 2_000_000;

/// The tracked files of the repository around a folder.
#[derive(Debug, Default)]
pub struct TrackedFiles {
    /// The folder from the root of the repository, in lower case, with a final `/` unless empty.
    folder: String,
    /// Paths from the root of the repository, in lower case: some file systems do not distinguish.
    paths: BTreeSet<Vec<u8>>,
}

impl TrackedFiles {
    /// Reads the index of the repository around a folder. Without a repository, nothing is tracked.
    ///
    /// # Errors
    /// The repository cannot be opened, or neither its index nor its commit can be read.
    pub fn around(directory: &Path) -> Result<Self, RevisionError> {
        let Some(top) = location::top(directory) else {
            return Ok(Self::default());
        };
        let repository = location::open_work_tree(&top)?;
        let folder = crate::find::folder(&repository, directory)?;
        let paths = paths(&repository)
            .map_err(|source| crate::find::incomplete(&repository, "HEAD", source))?;
        Ok(Self {
            folder: folder
                .iter()
                .map(|part| format!("{part}/"))
                .collect::<String>(),
            paths,
        }
        .in_lower_case())
    }

    fn in_lower_case(self) -> Self {
        let Self { folder, paths } = self;
        Self {
            folder: folder.to_ascii_lowercase(),
            paths: paths.iter().map(|path| path.to_ascii_lowercase()).collect(),
        }
    }

    /// Whether a file, or a folder above it (as a link or a submodule), is tracked. `path` is
    /// relative to the folder, with `/`.
    pub fn contains(&self, path: &str) -> bool {
        let path = format!("{}{path}", self.folder).to_ascii_lowercase();
        let ends = path
            .match_indices('/')
            .map(|(at, _)| at)
            .chain([path.len()]);
        ends.into_iter()
            .any(|end| self.paths.contains(&path.as_bytes()[..end]))
    }
}

/// The paths of the index; or of the commit, if libgit2 cannot read the index (split or sparse).
pub(crate) fn paths(repository: &Repository) -> Result<BTreeSet<Vec<u8>>, git2::Error> {
    let path = repository.path().join("index");
    if let Ok(index) = bounded_index(&path, IndexLimits::DEFAULT) {
        return Ok(index.iter().map(|entry| entry.path).collect());
    }
    committed_paths(&repository.head()?.peel_to_tree()?, MAX_COMMITTED)
}

/// The paths of all files of a tree with at most this number of files and folders.
fn committed_paths(tree: &Tree<'_>, limit: usize) -> Result<BTreeSet<Vec<u8>>, git2::Error> {
    let mut found = BTreeSet::new();
    let mut entries = 0;
    let walked = tree.walk(TreeWalkMode::PreOrder, |parent, entry| {
        entries += 1;
        if entries > limit {
            return TreeWalkResult::Abort;
        }
        if entry.kind() == Some(ObjectType::Blob) {
            found.insert([parent.as_bytes(), entry.name_bytes()].concat());
        }
        TreeWalkResult::Ok
    });
    if entries > limit {
        let message = format!("the commit contains more than {limit} files and folders");
        return Err(git2::Error::from_str(&message));
    }
    walked.map(|()| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_through_a_commit_has_a_limited_number_of_entries() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        let mut id = repository.treebuilder(None).unwrap().write().unwrap();
        for _ in 0..40 {
            let mut builder = repository.treebuilder(None).unwrap();
            for name in ["a", "b"] {
                builder.insert(name, id, 0o040_000).unwrap();
            }
            id = builder.write().unwrap();
        }
        let tree = repository.find_tree(id).unwrap();
        let error = committed_paths(&tree, 1000).unwrap_err();
        assert_eq!(
            error.message(),
            "the commit contains more than 1000 files and folders"
        );
    }
}
