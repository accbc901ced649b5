//! `plan --watch`: notices that a manifest, the configuration or a file with Cedar text has changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::error::OpenWorkspaceError;
use super::tree::RevisionArgs;
use super::workspace::{Project, TargetSelection, Workspace};
use crate::plan::{Fingerprint, tree_digest};

/// Editors write a file in several steps: changes are taken together until none has come for this long.
const QUIET: Duration = Duration::from_millis(100);

/// Watches what plans of the work tree are made from.
pub(super) struct PlanWatcher {
    watcher: RecommendedWatcher,
    events: UnboundedReceiver<notify::Result<Event>>,
    seen: Option<Fingerprint>,
}

impl PlanWatcher {
    /// Begins; what is to be watched is found out by [`change`](Self::change).
    ///
    /// # Errors
    /// The operating system does not report changes of files.
    pub(super) fn start() -> anyhow::Result<Self> {
        let (sender, events) = unbounded_channel();
        let watcher = notify::recommended_watcher(move |event| {
            // The receiver is closed: the command ends.
            let _ = sender.send(event);
        });
        let watcher = watcher.context("the operating system does not report changes of files")?;
        Ok(Self {
            watcher,
            events,
            seen: None,
        })
    }

    /// Waits until what plans are made from differs from when this returned last; the first time, not at all.
    ///
    /// # Errors
    /// The operating system stopped reporting changes of files.
    pub(super) async fn change(&mut self, selection: &TargetSelection) -> anyhow::Result<()> {
        loop {
            // What is to be watched may change with the configuration; it is watched before it is read.
            let now = self.scan(selection)?;
            if self.seen.as_ref() != Some(&now) {
                self.seen = Some(now);
                return Ok(());
            }
            self.event().await?;
        }
    }

    /// Waits for a change to some file that is watched, and for silence after it.
    async fn event(&mut self) -> anyhow::Result<()> {
        loop {
            let event = self
                .events
                .recv()
                .await
                .context("the operating system stopped reporting changes of files")?;
            let event = event.context("the operating system stopped reporting changes of files")?;
            // Reading a file, as this process does too, does not change it.
            if !matches!(event.kind, EventKind::Access(_)) {
                break;
            }
        }
        while let Ok(Some(_)) = tokio::time::timeout(QUIET, self.events.recv()).await {}
        Ok(())
    }

    /// The digest of all inputs of a plan. They are watched from now on.
    fn scan(&mut self, selection: &TargetSelection) -> anyhow::Result<Fingerprint> {
        // Added on every scan, because a folder may have been deleted and created again.
        self.add(Path::new("."), RecursiveMode::NonRecursive)?;
        let project = match Project::open(selection, &RevisionArgs::default()) {
            Ok(project) => project,
            // The plan reports the errors.
            Err(OpenWorkspaceError::Invalid(invalid)) => {
                let files = invalid.sources.files();
                return Ok(tree_digest(
                    files.map(|(_, file)| (file.name(), file.text().as_bytes())),
                ));
            }
            Err(OpenWorkspaceError::Unreadable(error)) => {
                return Ok(tree_digest([("", error.to_string().as_bytes())]));
            }
        };
        let folders: Vec<String> = project
            .targets()
            .iter()
            .flat_map(|target| target.paths.clone())
            .collect();
        for folder in folders {
            self.add(Path::new(&folder), RecursiveMode::Recursive)?;
        }
        let workspace = project.load();
        let (texts, folders) = cedar(&workspace);
        for folder in folders {
            self.add(&folder, RecursiveMode::NonRecursive)?;
        }
        let files = workspace
            .sources()
            .files()
            .map(|(_, file)| (file.name(), file.text().as_bytes()));
        Ok(tree_digest(
            files.chain(texts.iter().map(|text| ("", text.as_bytes()))),
        ))
    }

    /// Watches a folder, or the folder of a file; of one that is not there yet, the nearest one that is.
    fn add(&mut self, path: &Path, mode: RecursiveMode) -> anyhow::Result<()> {
        let (path, mode) = if path.is_dir() {
            (path, mode)
        } else {
            (nearest_folder(path), RecursiveMode::NonRecursive)
        };
        self.watcher
            .watch(path, mode)
            .with_context(|| format!("cannot watch `{}`", path.display()))
    }
}

/// The nearest folder above a path that is there.
fn nearest_folder(path: &Path) -> &Path {
    let mut folders = path
        .ancestors()
        .skip(1)
        .filter(|folder| !folder.as_os_str().is_empty());
    folders
        .find(|folder| folder.is_dir())
        .unwrap_or(Path::new("."))
}

/// The Cedar texts of files, and the folders that they are in.
fn cedar(workspace: &Workspace) -> (Vec<String>, BTreeSet<PathBuf>) {
    let mut texts = Vec::new();
    let mut folders = BTreeSet::new();
    for (file, text) in workspace.cedar_files() {
        folders.insert(nearest_folder(file.as_std_path()).to_owned());
        texts.push(text);
    }
    (texts, folders)
}
