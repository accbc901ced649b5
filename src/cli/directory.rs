//! The directory that a command works in.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};

use manifest::config::FILE_NAME;

/// Where the command was started: the working directory after `-C` and `DIR`.
static START: OnceLock<PathBuf> = OnceLock::new();
/// The path from the directory of `polwarden.yaml` to the one in which the command was started.
static OFFSET: OnceLock<Utf8PathBuf> = OnceLock::new();

/// The arguments `-C` and `DIR` together, as they were given.
static ENTERED: Mutex<Option<Utf8PathBuf>> = Mutex::new(None);

/// Makes a directory the working directory of this process.
///
/// # Errors
/// It cannot be entered, or a link in a repository leads out of the repository: a change could
/// choose what is read.
pub(super) fn change(directory: &Utf8Path) -> anyhow::Result<()> {
    for part in directory.ancestors().filter(|part| part.is_symlink()) {
        let parent = part.parent().filter(|parent| !parent.as_str().is_empty());
        let Some(top) = git::top(parent.unwrap_or(Utf8Path::new(".")).as_std_path()) else {
            continue;
        };
        let target = part
            .canonicalize()
            .with_context(|| format!("cannot work in `{directory}`"))?;
        if !target.starts_with(&top) {
            bail!(
                "cannot work in `{directory}`: the symbolic link `{part}` points outside of the repository"
            );
        }
    }
    std::env::set_current_dir(directory)
        .with_context(|| format!("cannot work in `{directory}`"))?;
    let mut entered = ENTERED.lock().unwrap_or_else(PoisonError::into_inner);
    *entered = Some(match entered.take() {
        Some(before) => before.join(directory),
        None => directory.to_owned(),
    });
    Ok(())
}

/// The directory that the arguments name, relative to the shell's, for commands in messages.
pub(super) fn entered() -> Option<Utf8PathBuf> {
    let entered = ENTERED.lock().unwrap_or_else(PoisonError::into_inner);
    entered.clone()
}

/// Makes the directory of `polwarden.yaml` the working directory: the current one, or else its
/// nearest parent that contains the file. The search ends at the top of the git work tree, because a
/// configuration above it is not part of what was reviewed. Without a repository, only the current
/// directory counts.
///
/// # Errors
/// The current directory cannot be determined or left.
pub(super) fn enter_project() -> anyhow::Result<()> {
    let start = std::env::current_dir().context("cannot determine the current directory")?;
    let start = start.canonicalize().unwrap_or(start);
    if let Some(project) = project_of(&start).filter(|project| *project != start) {
        std::env::set_current_dir(&project)
            .with_context(|| format!("cannot work in `{}`", project.display()))?;
        let offset = start
            .strip_prefix(&project)
            .ok()
            .and_then(Utf8Path::from_path);
        // It was set at most once before, for the same directory.
        let _ = OFFSET.set(offset.unwrap_or(Utf8Path::new("")).to_owned());
    }
    let _ = START.set(start);
    Ok(())
}

/// The directory of the configuration that counts in a directory, if there is one.
fn project_of(start: &Path) -> Option<PathBuf> {
    // A broken link counts: reading it fails, and no other configuration takes its place.
    let has_config = |folder: &&Path| folder.join(FILE_NAME).symlink_metadata().is_ok();
    // With `--git-dir`, the configuration is in that repository.
    let top = (!git::uses_bare_repository())
        .then(|| git::top(start))
        .flatten();
    let Some(top) = top else {
        return Some(start.to_owned()).filter(|start| has_config(&start.as_path()));
    };
    let inside = start
        .ancestors()
        .take_while(|folder| folder.starts_with(&top));
    inside.into_iter().find(has_config).map(Path::to_owned)
}

/// Whether a folder is inside the project that the current directory belongs to.
///
/// # Errors
/// The current directory cannot be determined.
pub(super) fn is_in_project(folder: &Utf8Path) -> anyhow::Result<bool> {
    let start = std::env::current_dir().context("cannot determine the current directory")?;
    let start = start.canonicalize().unwrap_or(start);
    let Some(project) = project_of(&start) else {
        return Ok(false);
    };
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.into());
    Ok(folder.starts_with(project))
}

/// Where the command was started. Revisions are searched for a configuration from here, so that a
/// change cannot choose which configuration of the base revision counts.
pub(super) fn start() -> &'static Path {
    START.get().map_or(Path::new("."), PathBuf::as_path)
}

/// A path of an argument, which is relative to where the command was started, as one that is
/// relative to the working directory.
pub(super) fn argument(path: &Utf8Path) -> Utf8PathBuf {
    OFFSET
        .get()
        .map_or_else(|| path.to_owned(), |offset| offset.join(path))
}
