//! Manifests of the work tree.
//!
//! The files may come from a pull request. Nothing outside of the repository is read, all reads are
//! limited, and only regular files are opened.

use std::collections::HashSet;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use camino::{Utf8Component, Utf8Path};
use git2::ErrorCode;
use thiserror::Error;

use crate::find::{self, RevisionError};
use crate::git::HeadCommit;
use crate::limits::ReadBudget;
use crate::line_endings::LineEndings;
use crate::location;
use crate::pack::{self, PackError, PackRules, PackTree};
use crate::problem::{FileProblem, FileProblemKind, Listing, MAX_DEPTH, MAX_HIDDEN, is_manifest};
use crate::read::{read_bounded, text, unreadable};
use crate::read_log::{LockedPack, NameForm, ReadLog};
use crate::revision::Revision;
use crate::source::{Source, normalize};

/// The directory of a configuration in its work tree.
#[derive(Debug)]
pub struct WorkTree {
    /// The directory of the configuration, with symbolic links resolved.
    root: PathBuf,
    /// The limit of all reads: the work tree of the git repository, or `root` itself.
    boundary: PathBuf,
    /// Whether `boundary` is the top of a git work tree.
    is_repository: bool,
    /// Opened for the first file or pack that needs it.
    endings: OnceLock<Option<Mutex<LineEndings>>>,
    log: Mutex<ReadLog>,
    budget: ReadBudget,
}

/// The directory of the configuration cannot be opened.
#[derive(Debug, Error)]
pub enum WorkTreeError {
    /// The directory is missing or not accessible.
    #[error("the directory `{path}` cannot be opened; check the path that was given")]
    Directory {
        /// The directory as given.
        path: String,
        /// Error of the operating system.
        source: io::Error,
    },
}

impl WorkTree {
    /// Opens the directory that contains `polwarden.yaml`.
    ///
    /// # Errors
    /// The directory is missing or not accessible.
    pub fn open(directory: &Path) -> Result<Self, WorkTreeError> {
        let root = directory
            .canonicalize()
            .and_then(|root| fs::read_dir(&root).map(|_| root));
        let root = root.map_err(|source| WorkTreeError::Directory {
            path: directory.display().to_string(),
            source,
        })?;
        // The entry `.git` alone decides, so that the limit does not depend on whether the
        // repository can be opened.
        let top = location::top(&root);
        Ok(Self {
            is_repository: top.is_some(),
            boundary: top.unwrap_or_else(|| root.clone()),
            root,
            endings: OnceLock::new(),
            log: Mutex::default(),
            budget: ReadBudget::default(),
        })
    }

    /// The directory of the configuration, with symbolic links resolved.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the configuration from the root of the repository, with `/`. Empty at the root
    /// and outside of repositories.
    pub fn folder(&self) -> String {
        self.segments().join("/")
    }

    fn segments(&self) -> Vec<String> {
        let inside = self.root.strip_prefix(&self.boundary).ok();
        let inside = inside.map(|inside| inside.iter().map(|name| name.to_string_lossy().into()));
        inside.map(Iterator::collect).unwrap_or_default()
    }

    /// The commit that is checked out. It counts as dirty if it does not contain what was read until
    /// now. Files of packs that it does not contain must have a digest of `locked`. Returns `None` outside of repositories and before the first commit.
    ///
    /// # Errors
    /// The repository cannot be opened, or its commit cannot be read.
    pub fn head(&self, locked: &[LockedPack]) -> Result<Option<HeadCommit>, RevisionError> {
        if !self.is_repository {
            return Ok(None);
        }
        let repository = location::open_work_tree(&self.boundary)?;
        let unreadable = |source| find::incomplete(&repository, "HEAD", source);
        let head = match repository.head() {
            Ok(head) => head,
            Err(error) if error.code() == ErrorCode::UnbornBranch => return Ok(None),
            Err(source) => return Err(unreadable(source)),
        };
        let commit = head.peel_to_commit().map_err(unreadable)?;
        let branch = find::checked_out_branch(&repository);
        let mut found = HeadCommit::from_git(&commit, branch, false);
        let id = commit.id();
        drop(commit);
        drop(head);
        let folder = self.segments();
        let is_changed = crate::git::is_changed(&repository, &folder);
        found.dirty = match Revision::committed(repository, id, &folder) {
            Ok(committed) => {
                let composes_names =
                    |endings: MutexGuard<'_, LineEndings>| endings.composes_names();
                let names = match self.endings().is_some_and(composes_names) {
                    true => NameForm::Composed,
                    false => NameForm::Exact,
                };
                is_changed || self.log().difference(&committed, names, locked).is_some()
            }
            // The folder itself is not committed.
            Err(RevisionError::NoFolder { .. }) => true,
            Err(error) => return Err(error),
        };
        Ok(Some(found))
    }

    fn log(&self) -> MutexGuard<'_, ReadLog> {
        // Each entry is added as a whole, so a thread that panicked left nothing inconsistent.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The conversion of line endings, if the repository can be opened.
    fn endings(&self) -> Option<MutexGuard<'_, LineEndings>> {
        let endings = self.endings.get_or_init(|| {
            let top = self.is_repository.then_some(&self.boundary)?;
            LineEndings::of(top).map(Mutex::new)
        });
        let endings = endings.as_ref()?;
        Some(endings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a file is a link of the commit that was checked out as a file.
    fn is_plain_link(&self, path: &Path) -> bool {
        self.endings()
            .is_some_and(|endings| endings.is_plain_link(path))
    }

    /// Checks that a path with links resolved is inside of the repository and none of git's files.
    fn check_inside(&self, real: &Path) -> Result<(), FileProblemKind> {
        if real.starts_with(&self.boundary) && !location::is_internal(&self.boundary, real) {
            Ok(())
        } else {
            Err(FileProblemKind::SymlinkOutside)
        }
    }

    /// The absolute path of a file or folder, with symbolic links resolved. `path` is relative to
    /// the configuration.
    ///
    /// # Errors
    /// The path is missing or leaves the repository.
    pub fn real_path(&self, path: &Utf8Path) -> Result<PathBuf, FileProblemKind> {
        self.locate(path).map(|(real, _)| real)
    }

    /// The absolute path and metadata for a path relative to the configuration.
    fn locate(&self, path: &Utf8Path) -> Result<(PathBuf, Metadata), FileProblemKind> {
        let relative = normalize(path).ok_or(FileProblemKind::Outside)?;
        let mut lexical = self.root.clone();
        for component in relative.components() {
            match component {
                Utf8Component::ParentDir => {
                    lexical.pop();
                }
                other => lexical.push(other.as_str()),
            }
        }
        if !lexical.starts_with(&self.boundary) || location::is_internal(&self.boundary, &lexical) {
            return Err(FileProblemKind::Outside);
        }
        let real = lexical.canonicalize().map_err(|error| {
            // A link to a folder that was checked out as a file.
            let mut parents = lexical.ancestors().skip(1);
            match parents.any(|parent| parent.is_file() && self.is_plain_link(parent)) {
                true => FileProblemKind::PlainLink,
                false => unreadable(&error),
            }
        })?;
        self.check_inside(&real)?;
        let metadata = fs::metadata(&real).map_err(|error| unreadable(&error))?;
        if metadata.is_file() && self.is_plain_link(&real) {
            return Err(FileProblemKind::PlainLink);
        }
        Ok((real, metadata))
    }
}

/// Maximum number of entries of a folder that is only inspected: build output may have far more.
const MAX_INSPECTED: usize = 20_000;

impl WorkTree {
    fn find(&self, path: &Utf8Path, max_entries: usize) -> Result<Listing, FileProblemKind> {
        let (real, metadata) = self.locate(path)?;
        let shown = normalize(path).ok_or(FileProblemKind::Outside)?;
        if metadata.is_file() {
            return Ok(Listing {
                files: vec![shown],
                problems: Vec::new(),
                skipped: Vec::new(),
            });
        }
        if !metadata.is_dir() {
            return Err(FileProblemKind::Special);
        }
        let mut walk = WorkTreeWalk {
            tree: self,
            seen: HashSet::new(),
            max_entries,
            entries: 0,
            hidden: 0,
            listing: Listing::default(),
        };
        walk.folder(&real, &shown, &mut vec![real.clone()])?;
        let mut listing = walk.listing;
        listing.files.sort_unstable();
        listing.skipped.sort_unstable();
        Ok(listing)
    }

    /// The bytes of a file as git would store them.
    fn bytes(&self, path: &Utf8Path, limit: usize) -> Result<Vec<u8>, FileProblemKind> {
        self.budget.check()?;
        let (real, metadata) = self.locate(path)?;
        if !metadata.is_file() {
            return Err(FileProblemKind::Special);
        }
        let bytes = read_bounded(&real, &metadata, limit)?;
        self.budget.add(path, bytes.len())?;
        let may_differ = LineEndings::may_differ(&bytes);
        Ok(match may_differ.then(|| self.endings()) {
            Some(Some(endings)) => {
                endings.check_attributes(&real)?;
                endings.stored(&real, bytes)
            }
            Some(None) | None => bytes,
        })
    }
}

impl WorkTree {
    /// Names the conversion by git as the cause, if a file is not UTF-8 because of it.
    fn explain_encoding(&self, path: &Utf8Path, kind: FileProblemKind) -> FileProblemKind {
        let encoding = || {
            let (real, _) = self.locate(path).ok()?;
            self.endings()?.encoding(&real)
        };
        match kind {
            FileProblemKind::NotUtf8 { .. } => {
                encoding().map_or(kind, FileProblemKind::ConvertedEncoding)
            }
            kind => kind,
        }
    }
}

impl Source for WorkTree {
    fn list(&self, path: &Utf8Path) -> Result<Listing, FileProblemKind> {
        let listing = self.find(path, self.budget.limits().entries)?;
        self.log().list(path, &listing);
        Ok(listing)
    }

    fn inspect_folder(&self, path: &Utf8Path) -> Result<Listing, FileProblemKind> {
        self.find(path, MAX_INSPECTED)
    }

    fn read(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, FileProblemKind> {
        match self.bytes(path, limit) {
            Ok(bytes) => match std::str::from_utf8(&bytes) {
                Ok(text) => {
                    let text = Arc::from(text);
                    self.log().text(path, &text);
                    Ok(text)
                }
                Err(_) => {
                    self.log().bytes(path, &bytes);
                    text(bytes).map_err(|kind| self.explain_encoding(path, kind))
                }
            },
            Err(FileProblemKind::Missing) => {
                self.log().missing(path);
                Err(FileProblemKind::Missing)
            }
            Err(kind) => Err(kind),
        }
    }

    fn read_bytes(&self, path: &Utf8Path, limit: usize) -> Result<Vec<u8>, FileProblemKind> {
        match self.bytes(path, limit) {
            Ok(bytes) => {
                self.log().bytes(path, &bytes);
                Ok(bytes)
            }
            Err(FileProblemKind::Missing) => {
                self.log().missing(path);
                Err(FileProblemKind::Missing)
            }
            Err(kind) => Err(kind),
        }
    }

    fn inspect(&self, path: &Utf8Path, limit: usize) -> Result<Arc<str>, FileProblemKind> {
        text(self.bytes(path, limit)?)
    }

    fn has_uncommitted_files(&self) -> bool {
        true
    }

    fn pack(&self, path: &Utf8Path, rules: PackRules) -> Result<PackTree, PackError> {
        self.budget.check().map_err(PackError::Directory)?;
        let (real, metadata) = self.locate(path).map_err(PackError::Directory)?;
        if !metadata.is_dir() {
            return Err(PackError::NoDirectory);
        }
        let endings = self.endings();
        let limits = self.budget.limits();
        let source = pack::work::WorkSource {
            directory: &real,
            boundary: &self.boundary,
            endings: endings.as_deref(),
        };
        let tree = pack::work::read(&source, rules, limits)?;
        let counted = self.budget.add(path, tree.size());
        counted.map_err(PackError::Directory)?;
        self.log().pack(path, rules, tree.files());
        Ok(tree)
    }
}

/// A walk through a folder. Each file and folder counts once, regardless of the links to it, so
/// that links cannot multiply the work.
struct WorkTreeWalk<'a> {
    tree: &'a WorkTree,
    seen: HashSet<PathBuf>,
    max_entries: usize,
    entries: usize,
    /// The number of entries of hidden folders.
    hidden: usize,
    listing: Listing,
}

impl WorkTreeWalk<'_> {
    /// Lists one folder. `parents` contains the folders above it and the folder itself, links
    /// resolved.
    fn folder(
        &mut self,
        real: &Path,
        shown: &Utf8Path,
        parents: &mut Vec<PathBuf>,
    ) -> Result<(), FileProblemKind> {
        let entries = fs::read_dir(real).map_err(|error| unreadable(&error))?;
        let limit = self.max_entries;
        // One entry more than allowed is enough to know.
        let mut entries = entries
            .take(limit.saturating_sub(self.entries).saturating_add(1))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unreadable(&error))?;
        self.entries += entries.len();
        if self.entries > limit {
            return Err(FileProblemKind::TooManyEntries(limit));
        }
        entries.sort_unstable_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                self.undecodable(&entry, shown, parents);
                if self.entries > limit {
                    return Err(FileProblemKind::TooManyEntries(limit));
                }
                continue;
            };
            let path = shown.join(name);
            if name.starts_with('.') {
                match entry.file_type() {
                    Ok(kind) if kind.is_file() => self.listing.skipped.push(path),
                    Ok(kind) if kind.is_dir() && name != ".git" => {
                        self.hidden_folder(&entry.path(), &path, parents.len());
                    }
                    Ok(_) | Err(_) => {}
                }
                continue;
            }
            let result = match entry.file_type() {
                Ok(kind) => self.entry(entry.path(), kind, &path, parents),
                Err(error) => Err(unreadable(&error)),
            };
            if let Err(kind) = result {
                if self.entries > limit {
                    return Err(kind);
                }
                self.listing.problems.push(FileProblem { path, kind });
            }
        }
        Ok(())
    }

    /// Lists the manifests in a hidden folder as skipped, so that a plan can tell where a manifest
    /// went. Links are not followed. What cannot be read is left out: nothing there is a manifest.
    fn hidden_folder(&mut self, real: &Path, shown: &Utf8Path, depth: usize) {
        if depth >= MAX_DEPTH {
            return;
        }
        for entry in fs::read_dir(real).into_iter().flatten().flatten() {
            self.hidden += 1;
            if self.hidden > MAX_HIDDEN {
                return;
            }
            let name = entry.file_name();
            let (Some(name), Ok(kind)) = (name.to_str(), entry.file_type()) else {
                continue;
            };
            let path = shown.join(name);
            if kind.is_dir() {
                self.hidden_folder(&entry.path(), &path, depth + 1);
            } else if kind.is_file() && is_manifest(&path) {
                self.listing.skipped.push(path);
            }
        }
    }

    /// Reports an entry whose name is not UTF-8 if it is a manifest or a folder that contains one.
    /// Other files of that kind do not concern any target.
    fn undecodable(&mut self, entry: &fs::DirEntry, shown: &Utf8Path, parents: &mut Vec<PathBuf>) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            return;
        }
        let path = shown.join(name.as_ref());
        let outer = std::mem::take(&mut self.listing);
        let result = match entry.file_type() {
            Ok(kind) => self.entry(entry.path(), kind, &path, parents),
            Err(error) => Err(unreadable(&error)),
        };
        let inner = std::mem::replace(&mut self.listing, outer);
        let matters = match result {
            // A link without a target has no content that could matter.
            Err(FileProblemKind::Missing) => is_manifest(&path),
            Err(_) => true,
            Ok(()) => !inner.files.is_empty() || !inner.problems.is_empty(),
        };
        if matters {
            self.listing.problems.push(FileProblem {
                path,
                kind: FileProblemKind::Name,
            });
        }
    }

    fn entry(
        &mut self,
        mut real: PathBuf,
        mut kind: FileType,
        shown: &Utf8Path,
        parents: &mut Vec<PathBuf>,
    ) -> Result<(), FileProblemKind> {
        if kind.is_symlink() {
            real = real
                .canonicalize()
                .map_err(|error| match unreadable(&error) {
                    // A link that points to itself.
                    FileProblemKind::Unreadable(_)
                        if error.kind() != io::ErrorKind::PermissionDenied =>
                    {
                        FileProblemKind::Loop
                    }
                    other => other,
                })?;
            self.tree.check_inside(&real)?;
            kind = fs::metadata(&real)
                .map_err(|error| unreadable(&error))?
                .file_type();
        }
        if kind.is_dir() {
            if parents.contains(&real) {
                return Err(FileProblemKind::Loop);
            }
            if parents.len() >= MAX_DEPTH {
                return Err(FileProblemKind::too_deep());
            }
            if !self.seen.insert(real.clone()) {
                return Ok(());
            }
            parents.push(real.clone());
            let result = self.folder(&real, shown, parents);
            parents.pop();
            return result;
        }
        if kind.is_file() && self.tree.is_plain_link(&real) {
            return Err(FileProblemKind::PlainLink);
        }
        if !is_manifest(shown) {
            if kind.is_file() {
                self.listing.skipped.push(shown.to_owned());
            }
            return Ok(());
        }
        if !kind.is_file() {
            return Err(FileProblemKind::Special);
        }
        if self.seen.insert(real) {
            self.listing.files.push(shown.to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
