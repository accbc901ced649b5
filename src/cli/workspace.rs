//! The directory that a command works in: its configuration, its manifests, and what is wrong with them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::complete;
use super::console::Console;
use super::directory;
use super::error::{
    CommandError, CommandResult, FailureKind, InvalidConfiguration, OpenWorkspaceError,
};
use super::reporter::DiagnosticReporter;
pub(super) use super::tree::RevisionArgs;
use super::tree::{EditedTree, SourceTree, TreeVersion};
use crate::plan::{Commit, Fingerprint, tree_digest};
use crate::render::annotations::RepositoryPrefix;
use crate::service::check_config::{check_config, check_incomplete_config};
use crate::service::diagnostics::is_error;
use crate::service::registry;
use crate::service::registry::{Checked, CheckedTests, Manifests, ServerFacts};
use crate::workspace::{LoadedTarget, ManifestSet, PendingEdits};
use git::{LockedPack, PackTree, Pipeline, RevisionError, Source};
use manifest::config;
use manifest::config::{Config, Target};
use manifest::lock::LockFile;
use manifest::{Document, InvalidValues, Manifest, parse_config, parse_incomplete_config};
use model::diag;
use model::diag::{Code, Diagnostic, DocumentId, Place, SourceMap, did_you_mean};

/// The directory to work in, for commands that take it as an argument.
#[derive(Debug, Args)]
pub(super) struct WorkingDirectory {
    /// Directory to work in (same as -C DIR).
    #[arg(value_name = "DIR")]
    path: Option<Utf8PathBuf>,
}

impl WorkingDirectory {
    pub(super) fn new(path: Option<Utf8PathBuf>) -> Self {
        Self { path }
    }

    /// Makes it the working directory of this process, unless it was left out, and enters the
    /// directory of the configuration.
    pub(super) fn enter(&self) -> anyhow::Result<()> {
        if let Some(path) = &self.path {
            directory::change(path)?;
        }
        directory::enter_project()
    }
}

/// The files that a command is limited to, or the directory to work in.
#[derive(Debug, Args)]
pub(super) struct PathArgs {
    /// Files and folders to report on.
    ///
    /// Everything else is still read. A single folder with a `polwarden.yaml`, or outside of the project, is the directory
    /// to work in, as with -C DIR.
    #[arg(value_name = "PATH")]
    paths: Vec<Utf8PathBuf>,
}

impl PathArgs {
    /// Enters the directory of the configuration. Returns the files and folders that are reported, relative to it; none
    /// for all.
    ///
    /// # Errors
    /// The directory cannot be entered, or a path is outside of it.
    pub(super) fn enter(&self) -> anyhow::Result<PathFilter> {
        if let [path] = self.paths.as_slice()
            && path.is_dir()
            && (path.join(config::FILE_NAME).exists() || !directory::is_in_project(path)?)
        {
            directory::change(path)?;
            directory::enter_project()?;
            return Ok(PathFilter::default());
        }
        directory::enter_project()?;
        let mut paths = Vec::new();
        for path in &self.paths {
            let inside = directory::argument(path);
            let inside = match inside.strip_prefix(current_directory()?) {
                Ok(inside) => inside.to_owned(),
                Err(_) => inside,
            };
            match git::normalize(&inside) {
                Some(inside) if !inside.starts_with("..") => paths.push(inside),
                _ => bail!(
                    "`{path}` is not below the directory of {}; go there, or name it with -C DIR",
                    config::FILE_NAME
                ),
            }
        }
        Ok(PathFilter { paths })
    }
}

fn current_directory() -> anyhow::Result<Utf8PathBuf> {
    let folder = std::env::current_dir().context("cannot determine the current directory")?;
    Utf8PathBuf::from_path_buf(folder).map_err(|folder| {
        anyhow::anyhow!(
            "the path of the current directory is not UTF-8: {}",
            folder.display()
        )
    })
}

/// Files and folders relative to the configuration; none for all.
#[derive(Debug, Default)]
pub(super) struct PathFilter {
    paths: Vec<Utf8PathBuf>,
}

impl PathFilter {
    /// Whether nothing is left out.
    pub(super) fn is_everything(&self) -> bool {
        self.paths.is_empty()
    }

    /// Whether a file is named, or is below a folder that is.
    pub(super) fn contains(&self, file: &str) -> bool {
        let file = Utf8Path::new(file);
        self.paths.is_empty() || self.paths.iter().any(|path| file.starts_with(path))
    }

    /// The paths that contain none of these files.
    pub(super) fn without_files<'f>(&self, files: impl Iterator<Item = &'f str>) -> Vec<&Utf8Path> {
        let files: Vec<&str> = files.collect();
        let unused = self.paths.iter().filter(|path| {
            !files
                .iter()
                .any(|file| Utf8Path::new(file).starts_with(path))
        });
        unused.map(Utf8PathBuf::as_path).collect()
    }
}

/// Which targets a command is for.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Input")]
pub(super) struct TargetSelection {
    /// Select a target of `polwarden.yaml` (repeatable; default: all).
    #[arg(long = "target", value_name = "NAME", add = ArgValueCandidates::new(complete::targets))]
    targets: Vec<String>,
}

impl TargetSelection {
    /// The targets as they are given; none where all are meant.
    pub(super) fn names(&self) -> &[String] {
        &self.targets
    }
}

/// The configuration and the manifests of a directory, and where they were read.
pub(super) struct Workspace {
    manifests: ManifestSet,
    stand: TreeVersion,
    /// Positions in the configuration.
    selected: Vec<usize>,
    prefix: RepositoryPrefix,
}

/// The configuration of a directory whose manifests are not read yet: enough to know which servers to ask.
pub(super) struct Project {
    tree: SourceTree,
    sources: SourceMap,
    config: Config,
    document: DocumentId,
    findings: Vec<Diagnostic>,
    /// Positions in the configuration.
    selected: Vec<usize>,
    prefix: RepositoryPrefix,
}

impl Project {
    /// Reads the configuration of the work tree, of a revision, or of what is staged.
    ///
    /// # Errors
    /// The configuration is missing or invalid, the revision does not exist, or a selected target does not.
    pub(super) fn open(
        selection: &TargetSelection,
        at: &RevisionArgs,
    ) -> Result<Self, OpenWorkspaceError> {
        let tree = SourceTree::open(at)?;
        let prefix = tree.prefix();
        let text = tree.read(config::FILE_NAME.into(), manifest::MAX_BYTES);
        let text = text.with_context(|| format!("cannot read {}", config::FILE_NAME))?;
        let mut sources = SourceMap::default();
        let file = sources.add(config::FILE_NAME, Arc::clone(&text));
        let invalid = |sources, diagnostics, prefix| {
            OpenWorkspaceError::Invalid(Box::new(InvalidConfiguration {
                sources,
                diagnostics,
                prefix,
            }))
        };
        let (config, document) = match parse_config(file, &text) {
            Ok(config) => config,
            Err(mut diagnostics) => {
                if let Some(incomplete) = parse_incomplete_config(file, &text) {
                    diagnostics.extend(check_incomplete_config(&incomplete));
                }
                return Err(invalid(sources, diagnostics, prefix));
            }
        };
        let selected = positions(&config, selection)?;
        let findings = check_config(&config, document);
        if findings.iter().any(is_error) {
            return Err(invalid(sources, findings, prefix));
        }
        Ok(Self {
            tree,
            sources,
            config,
            document,
            findings,
            selected,
            prefix,
        })
    }

    /// Where the files are, from the top of the repository.
    pub(super) fn prefix(&self) -> &RepositoryPrefix {
        &self.prefix
    }

    /// The configuration.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// The text of the configuration, and its document.
    pub(super) fn source(&self) -> (&SourceMap, DocumentId) {
        (&self.sources, self.document)
    }

    /// The chosen targets, in the order of the configuration.
    pub(super) fn targets(&self) -> Vec<&Target> {
        chosen(&self.config, &self.selected)
    }

    /// Reads the manifests.
    pub(super) fn load(self) -> Workspace {
        self.load_edited(&PendingEdits::default())
    }

    /// Reads the manifests, and reports manifests in folders that no target reads.
    pub(super) fn load_to_validate(self) -> Workspace {
        self.load_with(&PendingEdits::default(), crate::workspace::outside_paths)
    }

    /// Reads the manifests as they would be with some files written.
    pub(super) fn load_edited(self, edits: &PendingEdits) -> Workspace {
        self.load_with(edits, |_, _, _| Vec::new())
    }

    /// Reads the manifests. `inspect` finds what else is to be reported about the files.
    fn load_with(
        self,
        edits: &PendingEdits,
        inspect: impl FnOnce(&SourceTree, &Config, &mut SourceMap) -> Vec<Diagnostic>,
    ) -> Workspace {
        let Self {
            tree,
            mut sources,
            config,
            document,
            findings,
            selected,
            prefix,
        } = self;
        let mut loaded = crate::workspace::load(
            &EditedTree { tree: &tree, edits },
            &config,
            document,
            &mut sources,
        );
        loaded.diagnostics.extend(findings);
        let inspected = inspect(&tree, &config, &mut sources);
        loaded.diagnostics.extend(inspected);
        Workspace {
            manifests: ManifestSet {
                sources,
                config,
                document,
                loaded,
            },
            stand: tree.into_version(),
            selected,
            prefix,
        }
    }
}

fn chosen<'a>(config: &'a Config, selected: &[usize]) -> Vec<&'a Target> {
    selected
        .iter()
        .filter_map(|index| config.targets.get(*index))
        .collect()
}

impl Workspace {
    /// Reads the configuration and the manifests of the work tree, of a revision, or of what is staged.
    ///
    /// # Errors
    /// As for [`Project::open`]. Invalid manifests are not an error here; see [`findings`](Self::findings).
    pub(super) fn open(
        selection: &TargetSelection,
        at: &RevisionArgs,
    ) -> Result<Self, OpenWorkspaceError> {
        Ok(Project::open(selection, at)?.load())
    }

    /// The manifests of the targets that an invalid configuration declares without errors, for checks
    /// only. `diagnostics` are those of the configuration. `None` if the target does not exist.
    pub(super) fn open_valid_targets(
        selection: &TargetSelection,
        at: &RevisionArgs,
        diagnostics: Vec<Diagnostic>,
    ) -> Option<Self> {
        let tree = SourceTree::open(at).ok()?;
        let prefix = tree.prefix();
        let text = tree
            .read(config::FILE_NAME.into(), manifest::MAX_BYTES)
            .ok()?;
        let mut sources = SourceMap::default();
        let file = sources.add(config::FILE_NAME, Arc::clone(&text));
        let (mut config, document, invalid) = match parse_config(file, &text) {
            Ok((config, document)) => (config, document, InvalidValues::default()),
            Err(_) => {
                let incomplete = parse_incomplete_config(file, &text)?;
                (incomplete.config, incomplete.id, incomplete.invalid)
            }
        };
        let mut selected = positions(&config, selection).ok()?;
        for (index, target) in config.targets.iter_mut().enumerate() {
            let path = diag::Path::root().key("targets").index(index);
            let is_blamed = diagnostics
                .iter()
                .filter(|diagnostic| is_error(diagnostic))
                .flat_map(|diagnostic| &diagnostic.labels)
                .any(|label| is_in(&label.place, document, &path));
            if is_blamed || invalid.affect(&path) {
                target.paths.clear();
                selected.retain(|position| *position != index);
            }
        }
        if selected.is_empty() {
            return None;
        }
        let project = Project {
            tree,
            sources,
            config,
            document,
            findings: diagnostics,
            selected,
            prefix,
        };
        Some(project.load())
    }

    /// Like [`open`](Self::open), for a command that may find no manifests yet. All other errors of files are reported,
    /// because a manifest that cannot be read may declare what would be imported again.
    ///
    /// # Errors
    /// As for `open`; or a file has an error, which is shown.
    pub(super) fn open_for_import(
        selection: &TargetSelection,
        console: Console,
    ) -> CommandResult<Self> {
        let mut workspace = Self::open(selection, &RevisionArgs::default())?;
        workspace.manifests.allow_no_manifests();
        workspace.report(Vec::new(), console)?;
        Ok(workspace)
    }

    /// The chosen targets, in the order of the configuration.
    pub(super) fn targets(&self) -> Vec<&Target> {
        chosen(&self.manifests.config, &self.selected)
    }

    /// The texts of all files.
    pub(super) fn sources(&self) -> &SourceMap {
        &self.manifests.sources
    }

    /// How many manifest files were read.
    pub(super) fn files(&self) -> usize {
        self.manifests.loaded.files
    }

    /// The findings of files, syntax and schema.
    pub(super) fn findings(&self) -> &[Diagnostic] {
        &self.manifests.loaded.diagnostics
    }

    /// The findings of all chosen targets together, from one check of each.
    pub(super) fn target_diagnostics(&self, findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let targets: Vec<_> = self
            .targets()
            .into_iter()
            .filter_map(|target| self.manifests.target(target))
            .collect();
        merge_target_diagnostics(findings, &targets)
    }

    /// The manifests, without where they were read.
    pub(super) fn manifests(&self) -> &ManifestSet {
        &self.manifests
    }

    /// The manifests, for a caller that no longer needs where they were read.
    pub(super) fn into_manifests(self) -> ManifestSet {
        self.manifests
    }

    /// Checks what the manifests of a target mean.
    pub(super) fn check(&self, target: &Target, facts: &ServerFacts) -> Checked {
        registry::check_target(&self.manifests, target, facts)
    }

    /// What the rules of a target most likely do not mean.
    pub(super) fn lint(&self, target: &Target, checked: &Checked) -> Vec<Diagnostic> {
        registry::lint(&self.documents(target), &checked.desired.policies)
    }

    /// Checks what the policy tests of a target ask.
    pub(super) fn check_tests(&self, target: &Target, facts: &ServerFacts) -> CheckedTests {
        let documents = self.documents(target);
        match Manifests::of_target(&self.manifests, target, &documents) {
            Some(manifests) => registry::check_tests(&manifests, facts),
            None => CheckedTests::default(),
        }
    }

    /// Policy tests that no target runs. All targets are looked at, whichever are chosen.
    pub(super) fn check_test_targets(&self) -> Vec<Diagnostic> {
        registry::check_test_targets(&self.manifests)
    }

    /// Whether a policy test of a target names a team that only the server can confirm.
    pub(super) fn tests_need_server_teams(&self, target: &Target) -> bool {
        registry::tests_need_server_teams(&self.manifests, target)
    }

    /// The manifests of a target.
    pub(super) fn documents(&self, target: &Target) -> Vec<&Document> {
        self.manifests.documents(target)
    }

    /// Whether a manifest of a target names a team that only the server can confirm.
    pub(super) fn needs_server_teams(&self, target: &Target) -> bool {
        registry::needs_server_teams(&self.manifests, target)
    }

    /// Shows the diagnostics of loading and further ones on standard error.
    ///
    /// # Errors
    /// Any of them is an error.
    pub(super) fn report(&self, further: Vec<Diagnostic>, console: Console) -> CommandResult<()> {
        self.report_to(further, &DiagnosticReporter::for_diagnostics(console))
    }

    /// Reports the diagnostics of loading and further ones.
    ///
    /// # Errors
    /// Any of them is an error.
    pub(super) fn report_to(
        &self,
        further: Vec<Diagnostic>,
        reporter: &DiagnosticReporter,
    ) -> CommandResult<()> {
        let mut findings = self.manifests.loaded.diagnostics.clone();
        findings.extend(further);
        if reporter.report(&self.manifests.sources, findings) {
            return Err(CommandError::reported(FailureKind::Invalid));
        }
        Ok(())
    }

    /// Where the files are, from the top of the repository.
    pub(super) fn prefix(&self) -> &RepositoryPrefix {
        &self.prefix
    }

    /// The digest of all files that were read.
    pub(super) fn tree_digest(&self) -> Fingerprint {
        let files = self.pack_files();
        let files = files.iter().map(|(name, bytes)| (name.as_str(), &**bytes));
        tree_digest(self.files_read().chain(files))
    }

    /// The names and bytes of all files that were read.
    fn files_read(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let read = self.manifests.sources.files();
        let read = read.map(|(_, file)| (file.name(), file.text().as_bytes()));
        let inlined = self.manifests.loaded.inlined.iter();
        read.chain(inlined.map(|(path, bytes)| (path.as_str(), &**bytes)))
    }

    /// The files with Cedar text that manifests of the chosen targets name, with their texts; empty where there is none.
    pub(super) fn cedar_files(&self) -> Vec<(Utf8PathBuf, String)> {
        let loaded = self
            .targets()
            .into_iter()
            .filter_map(|target| self.manifests.target(target));
        let named = loaded.flat_map(|loaded| {
            loaded.documents.iter().filter_map(|document| {
                let Manifest::Policy(policy) = &document.manifest else {
                    return None;
                };
                let file = policy.spec.cedar.as_ref()?.file.as_deref()?;
                let manifest = Utf8Path::new(self.manifests.sources.file(document.id.file).name());
                let text = loaded
                    .cedar_files
                    .get(&document.id)
                    .map(|file| file.text.to_string())
                    .unwrap_or_default();
                Some((
                    manifest.parent().unwrap_or(Utf8Path::new("")).join(file),
                    text,
                ))
            })
        });
        named.collect()
    }

    /// The configuration.
    pub(super) fn config(&self) -> (&Config, DocumentId) {
        (&self.manifests.config, self.manifests.document)
    }

    /// The commit that was read, or that the work tree is at.
    ///
    /// # Errors
    /// The repository of the work tree cannot be read.
    pub(super) fn commit(&self) -> Result<Option<Commit>, RevisionError> {
        let head = match &self.stand {
            // Everything that was read is compared with the commit.
            TreeVersion::Work(tree) => tree.head(&self.locked_packs())?,
            TreeVersion::Revision { head, .. } => head.clone(),
        };
        let pipeline = || Pipeline::from_variables(|name| std::env::var(name).ok());
        Ok(head.map(|head| Commit::new(head, pipeline())))
    }

    /// Whether the clone does not contain all files of the revision that was read.
    pub(super) fn is_incomplete(&self) -> bool {
        match &self.stand {
            TreeVersion::Work(_) => false,
            TreeVersion::Revision { is_incomplete, .. } => *is_incomplete,
        }
    }

    /// The files that the lock file lists for the versions that manifests declare.
    fn locked_packs(&self) -> Vec<LockedPack> {
        let lock = self.lock();
        let targets = self.manifests.loaded.targets.iter();
        let packs = targets.flat_map(|loaded| {
            let target = self.manifests.config.targets.get(loaded.index);
            loaded.documents.iter().filter_map(move |document| {
                let Manifest::PolicyPack(pack) = &document.manifest else {
                    return None;
                };
                let source = loaded.pack_sources.get(&document.id)?;
                let tag = source.tag(pack)?;
                let version = lock.version(&target?.name, &pack.metadata.name, &tag)?;
                Some((source.path.clone(), version.files.clone()))
            })
        });
        packs.collect()
    }

    /// Whether the source of a pack is not what the lock file lists for its version.
    pub(super) fn has_changed_pack(&self) -> bool {
        let locked = self.locked_packs();
        let mut sources = self
            .manifests
            .loaded
            .targets
            .iter()
            .flat_map(|target| target.pack_sources.values());
        sources.any(|source| {
            let files = source.tree.as_ref().as_ref().map(PackTree::files);
            let mut own = locked.iter().filter(|(path, _)| *path == source.path);
            own.any(|(_, locked)| files.as_ref().is_ok_and(|files| files != locked))
        })
    }

    /// The sources of all policy packs, as they were read.
    pub(super) fn pack_trees(&self) -> Vec<PackTree> {
        let sources = self
            .manifests
            .loaded
            .targets
            .iter()
            .flat_map(|target| target.pack_sources.values());
        sources
            .filter_map(|source| source.tree.as_ref().as_ref().ok().cloned())
            .collect()
    }

    /// What the lock file says.
    pub(super) fn lock(&self) -> &LockFile {
        &self.manifests.loaded.lock
    }

    /// The names and bytes of the files that the sources of policy packs contain.
    pub(super) fn pack_files(&self) -> BTreeMap<String, Vec<u8>> {
        let sources = self
            .manifests
            .loaded
            .targets
            .iter()
            .flat_map(|target| target.pack_sources.values());
        let trees =
            sources.filter_map(|source| Some((&source.path, source.tree.as_ref().as_ref().ok()?)));
        let files = trees.flat_map(|(folder, tree)| {
            tree.entries().iter().map(move |(path, entry)| {
                let bytes = entry.bytes.to_vec();
                (folder.join(path).into_string(), bytes)
            })
        });
        files.collect()
    }
}

/// Whether a place is the value at a path of a document, or a part of it.
fn is_in(place: &Place, document: DocumentId, path: &diag::Path) -> bool {
    match place {
        Place::Node {
            document: other,
            path: inner,
            part: _,
        }
        | Place::Text {
            document: other,
            path: inner,
            range: _,
        } => *other == document && inner.segments().starts_with(path.segments()),
        Place::File(_) | Place::Bytes { .. } => false,
    }
}

/// What is to be said of a manifest whose targets disagree: a list that one target leaves unused is used by another.
fn merge_target_diagnostics(
    mut findings: Vec<Diagnostic>,
    targets: &[&LoadedTarget],
) -> Vec<Diagnostic> {
    let holders = |finding: &Diagnostic| {
        let file = finding.labels.first().map(|label| label.place.file());
        targets
            .iter()
            .filter(|target| {
                let valid = target.documents.iter().map(|document| document.id);
                let incomplete = target.incomplete.iter().map(|it| it.document.id);
                valid.chain(incomplete).any(|id| Some(id.file) == file)
            })
            .count()
    };
    let mut unused: HashMap<Diagnostic, usize> = HashMap::new();
    for finding in findings
        .iter()
        .filter(|finding| finding.code == Code::ListUnused)
    {
        *unused.entry(finding.clone()).or_default() += 1;
    }
    findings.retain(|finding| {
        unused
            .get(finding)
            .is_none_or(|said| *said >= holders(finding))
    });
    findings
}

/// The positions of the chosen targets in the configuration.
///
/// # Errors
/// A selected target does not exist.
fn positions(config: &Config, selection: &TargetSelection) -> anyhow::Result<Vec<usize>> {
    if selection.targets.is_empty() {
        return Ok((0..config.targets.len()).collect());
    }
    let mut selected = Vec::new();
    for name in &selection.targets {
        match config
            .targets
            .iter()
            .position(|target| target.name == *name)
        {
            Some(position) => selected.push(position),
            None => {
                let names = || config.targets.iter().map(|target| target.name.as_str());
                let hint = did_you_mean(names(), name).map_or_else(
                    || format!("there are: {}", names().collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                bail!("{} has no target `{name}`; {hint}", config::FILE_NAME);
            }
        }
    }
    selected.sort_unstable();
    selected.dedup();
    Ok(selected)
}
