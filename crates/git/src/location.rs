//! Finds the git repository of a folder.
//!
//! A pull request can add files with any name except `.git`: git itself refuses to check that name
//! out. So only an entry with this name leads to a repository. A folder that merely looks like a
//! bare repository (`HEAD`, `objects` and `refs`) may be part of the change, and everything in it
//! would be chosen by its author: configuration, objects, branches and signers.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use git2::{Config, ErrorCode, Repository, RepositoryOpenFlags};

use crate::environment;
use crate::environment::text;
use crate::find::{IndexLimits, RevisionError, bounded_index};
use crate::read::read_paths;

/// The name of the only entry that leads to a repository.
pub(crate) const ENTRY: &str = ".git";

/// The bare repository of `--git-dir`.
static BARE_REPOSITORY: OnceLock<PathBuf> = OnceLock::new();

/// Reads all revisions from this bare repository, regardless of the folder. Like the working
/// directory, the choice applies to the whole process and is made once.
///
/// # Errors
/// The path is missing, or another repository was chosen before.
pub fn use_bare_repository(path: &Path) -> io::Result<()> {
    let path = path.canonicalize()?;
    BARE_REPOSITORY
        .set(path)
        .map_err(|_| io::Error::other("a bare repository is chosen already"))
}

/// Whether [`use_bare_repository`] was called.
pub fn uses_bare_repository() -> bool {
    BARE_REPOSITORY.get().is_some()
}

/// The top of the work tree around a folder: the nearest parent, or the folder itself, with an
/// entry `.git`. It does not matter whether the repository can be opened.
pub fn top(directory: &Path) -> Option<PathBuf> {
    let directory = directory.canonicalize().ok()?;
    directory
        .ancestors()
        .find(|folder| folder.join(ENTRY).symlink_metadata().is_ok())
        .map(Path::to_owned)
}

/// Whether a path below the top of a work tree is part of git's own files. A pull request can add a
/// link to them, and they may contain credentials.
pub(crate) fn is_internal(boundary: &Path, path: &Path) -> bool {
    // The names that file systems without upper and lower case, or with short names, treat as one.
    let is_entry = |name: &OsStr| {
        name.to_str().is_some_and(|name| {
            name.eq_ignore_ascii_case(ENTRY) || name.eq_ignore_ascii_case("git~1")
        })
    };
    path.strip_prefix(boundary)
        .is_ok_and(|inside| inside.iter().any(is_entry))
}

/// Opens the repository of a folder: the one of `--git-dir`, or the one of the work tree around it,
/// or the folder itself if it is a bare repository outside of any work tree.
pub(crate) fn open(directory: &Path) -> Result<Repository, RevisionError> {
    if let Some(bare) = BARE_REPOSITORY.get() {
        return open_bare(bare, RepositoryOpenFlags::BARE);
    }
    match top(directory) {
        Some(top) => open_work_tree(&top),
        None => open_bare_folder(directory),
    }
}

/// Opens the repository of a work tree by its top.
pub(crate) fn open_work_tree(top: &Path) -> Result<Repository, RevisionError> {
    let entry = top.join(ENTRY);
    let git_dir = git_dir(top, &entry)?;
    check_support(&git_dir)?;
    let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT;
    let nothing: [&OsStr; 0] = [];
    let repository = match Repository::open_ext(&git_dir, flags, nothing) {
        Err(error) if error.code() == ErrorCode::Owner => open_trusted(top, &git_dir)?,
        opened => opened.map_err(|source| unusable(&entry, &source))?,
    };
    if !is_bare(&repository) {
        check_work_tree(&repository, top)?;
        repository
            .set_workdir(top, false)
            .map_err(|source| unusable(&entry, &source))?;
    }
    check_sources(&repository, top)?;
    Ok(repository)
}

/// Whether the configuration excludes a work tree.
fn is_bare(repository: &Repository) -> bool {
    let configured = repository
        .config()
        .and_then(|config| config.get_bool("core.bare"));
    // Git ignores the key in a linked work tree: it is that of the main repository.
    configured.unwrap_or(false) && !is_linked(repository)
}

/// Whether this is a linked work tree (`git worktree add`).
fn is_linked(repository: &Repository) -> bool {
    repository.path().join("commondir").exists()
}

/// The folder that an entry `.git` stands for.
fn git_dir(top: &Path, entry: &Path) -> Result<PathBuf, RevisionError> {
    let failed = |error: io::Error| invalid(entry, &error.to_string());
    let kind = entry.symlink_metadata().map_err(failed)?.file_type();
    if kind.is_dir() {
        return entry.canonicalize().map_err(failed);
    }
    let target = if kind.is_symlink() && entry.is_dir() {
        entry.canonicalize().map_err(failed)?
    } else if entry.is_file() {
        let text = read_paths(entry).map_err(failed)?;
        let path = text
            .strip_prefix("gitdir:")
            .map(str::trim)
            .filter(|path| !path.is_empty())
            .ok_or_else(|| invalid(entry, "expected a line `gitdir: PATH`"))?;
        top.join(path)
            .canonicalize()
            .map_err(|error| invalid(entry, &format!("cannot open `{path}`: {error}")))?
    } else {
        return Err(invalid(entry, "expected a folder or a file"));
    };
    let around = self::top(&target).filter(|around| !is_internal(around, &target));
    let is_in_change = |around: PathBuf| around == top || tracks(&around, &target).unwrap_or(true);
    if around.is_some_and(is_in_change) {
        return Err(invalid(
            entry,
            "it points to a folder of a work tree, whose files may come from a change",
        ));
    }
    Ok(target)
}

/// Whether a repository tracks a path or something below it. `top` is the top of its work tree.
fn tracks(top: &Path, path: &Path) -> Result<bool, RevisionError> {
    let file = open_work_tree(top)?.path().join("index");
    let index = bounded_index(&file, IndexLimits::DEFAULT);
    let index = index.map_err(|source| unusable(&top.join(ENTRY), &source))?;
    let Some(inside) = path.strip_prefix(top).ok().and_then(Path::to_str) else {
        return Ok(true);
    };
    let inside = inside.replace('\\', "/").into_bytes();
    Ok(index.iter().any(|found| {
        let begin = found.path.get(..inside.len());
        let rest = found.path.get(inside.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(&inside))
            && matches!(rest, None | Some(b'/'))
    }))
}

/// The top of the work tree whose repository contains the one of a folder as a submodule, or tracks
/// its files. A change to it can replace the inner repository with all of its branches.
pub fn superproject(directory: &Path) -> Option<PathBuf> {
    let inner = top(directory)?;
    let outer = top(inner.parent()?)?;
    tracks(&outer, &inner).unwrap_or(true).then_some(outer)
}

/// Opens a repository of another user, if the environment declares it safe. libgit2 reads
/// `safe.directory` from configuration files, but not from these variables.
fn open_trusted(top: &Path, git_dir: &Path) -> Result<Repository, RevisionError> {
    let safe = safe_directories();
    if !is_safe(&safe, top) && !is_safe(&safe, git_dir) {
        return Err(RevisionError::Owner {
            path: top.display().to_string(),
        });
    }
    Repository::open_bare(git_dir).map_err(|source| unusable(git_dir, &source))
}

/// The values of `safe.directory` from the environment. Git accepts it from the system, the user and the
/// command line, but not from the repository itself.
fn safe_directories() -> Vec<String> {
    const KEY: &str = "safe.directory";
    let mut found = environment::file_values(KEY);
    found.extend(environment::values(KEY));
    found
}

/// Whether values of `safe.directory` include a path. An empty value discards those before it.
fn is_safe(values: &[String], path: &Path) -> bool {
    let values = values
        .rsplit(|value| value.is_empty())
        .next()
        .unwrap_or_default();
    values.iter().any(|value| {
        let below = value.strip_suffix("/*");
        value == "*"
            || Path::new(value) == path
            || below.is_some_and(|parent| path != Path::new(parent) && path.starts_with(parent))
    })
}

/// Checks that the work tree of the repository is the folder in which its entry was found.
fn check_work_tree(repository: &Repository, top: &Path) -> Result<(), RevisionError> {
    let git_dir = repository.path();
    let named = if is_linked(repository) {
        let text = read_paths(&git_dir.join("gitdir")).unwrap_or_default();
        let entry = git_dir.join(text.trim());
        // A work tree that was moved names a folder that does not exist any more.
        entry.exists().then(|| entry.parent().map(Path::to_owned))
    } else {
        let configured = repository
            .config()
            .and_then(|config| config.get_string("core.worktree"));
        configured.ok().map(|path| Some(git_dir.join(path)))
    };
    let Some(named) = named.flatten() else {
        return Ok(());
    };
    if named.canonicalize().is_ok_and(|named| named == top) {
        return Ok(());
    }
    Err(invalid(
        &top.join(ENTRY),
        &format!("its work tree is `{}`", named.display()),
    ))
}

/// Checks that neither the repository's configuration nor its objects come from files of the work
/// tree, which a change could replace.
fn check_sources(repository: &Repository, top: &Path) -> Result<(), RevisionError> {
    /// Keys that decide what is read and what counts as committed.
    const KEYS: [&str; 8] = [
        "core.worktree",
        "core.bare",
        "core.autocrlf",
        "core.eol",
        "core.excludesfile",
        "core.attributesfile",
        "extensions.*",
        "include.path",
    ];
    let entry = top.join(ENTRY);
    let common = repository.commondir();
    let is_tracked = |path: &Path| {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        path.starts_with(top) && !is_internal(top, &path)
    };
    let objects = common.join("objects");
    let alternates = match read_paths(&objects.join("info/alternates")) {
        Ok(alternates) => alternates,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            let message = format!("`objects/info/alternates` cannot be read: {error}");
            return Err(invalid(&entry, &message));
        }
    };
    if alternates
        .lines()
        .any(|line| is_tracked(&objects.join(line)))
    {
        return Err(invalid(
            &entry,
            "`objects/info/alternates` names a folder of the work tree",
        ));
    }
    let Ok(config) = Config::open(&common.join("config")) else {
        return Ok(());
    };
    let mut includes_tracked = false;
    let mut decides = false;
    let Ok(mut entries) = config.entries(None) else {
        return Ok(());
    };
    while let Some(Ok(found)) = entries.next() {
        let name = found.name().unwrap_or_default().to_ascii_lowercase();
        let value = text(found).unwrap_or_default();
        if found.include_depth() == 0 && name.starts_with("include") && name.ends_with(".path") {
            let path = match value.strip_prefix("~/") {
                Some(below) => Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(below),
                None => common.join(&value),
            };
            includes_tracked |= is_tracked(&path);
        }
        decides |= found.include_depth() > 0
            && KEYS.iter().any(|key| match key.strip_suffix('*') {
                Some(section) => name.starts_with(section),
                None => name == *key,
            });
    }
    if includes_tracked && decides {
        return Err(invalid(
            &entry,
            "its configuration includes a file of the work tree that changes how files are read",
        ));
    }
    Ok(())
}

/// Opens a folder that is itself a bare repository. A folder with a configuration of polwarden is a
/// folder of manifests that looks like one.
fn open_bare_folder(directory: &Path) -> Result<Repository, RevisionError> {
    let directory = directory
        .canonicalize()
        .unwrap_or_else(|_| directory.to_owned());
    let looks_bare = ["HEAD", "objects", "refs"]
        .iter()
        .all(|name| directory.join(name).exists());
    let has_manifests = directory
        .join(model::CONFIG_FILE_NAME)
        .symlink_metadata()
        .is_ok();
    if !looks_bare || has_manifests {
        return Err(RevisionError::NoRepository {
            directory: directory.display().to_string(),
            asked: "the revision",
        });
    }
    open_bare(&directory, RepositoryOpenFlags::empty())
}

fn open_bare(git_dir: &Path, flags: RepositoryOpenFlags) -> Result<Repository, RevisionError> {
    check_support(git_dir)?;
    let flags = flags | RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT;
    let nothing: [&OsStr; 0] = [];
    let repository = match Repository::open_ext(git_dir, flags, nothing) {
        Err(error) if error.code() == ErrorCode::Owner => open_trusted(git_dir, git_dir)?,
        opened => opened.map_err(|source| unusable(git_dir, &source))?,
    };
    if !repository.is_bare() {
        return Err(invalid(
            git_dir,
            "it is not a bare repository; work in its work tree",
        ));
    }
    Ok(repository)
}

/// Reports formats that libgit2 cannot read by their names.
fn check_support(git_dir: &Path) -> Result<(), RevisionError> {
    let common = match read_paths(&git_dir.join("commondir")) {
        Ok(path) => git_dir.join(path.trim()),
        Err(_) => git_dir.to_owned(),
    };
    // A configuration that cannot be read is reported when the repository is opened.
    let config = Config::open(&common.join("config")).and_then(|mut config| config.snapshot());
    let Ok(config) = config else {
        return Ok(());
    };
    let is = |key: &str, value: &str| {
        config
            .get_str(key)
            .is_ok_and(|found| found.eq_ignore_ascii_case(value))
    };
    let feature = if is("extensions.objectformat", "sha256") {
        "SHA-256 object ids (extensions.objectFormat = sha256)"
    } else if is("extensions.refstorage", "reftable") {
        "the reftable format (extensions.refStorage = reftable)"
    } else {
        return Ok(());
    };
    Err(RevisionError::Unsupported {
        path: common.display().to_string(),
        feature,
    })
}

fn invalid(entry: &Path, reason: &str) -> RevisionError {
    RevisionError::InvalidRepository {
        path: entry.display().to_string(),
        reason: reason.to_owned(),
    }
}

fn unusable(entry: &Path, source: &git2::Error) -> RevisionError {
    invalid(entry, source.message())
}

#[cfg(test)]
mod tests;
