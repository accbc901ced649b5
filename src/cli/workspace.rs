//! The directory that a command works in: its configuration, its manifests, and what is wrong with them.

mod packs;
mod select;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use super::console::Console;
use super::error::{CommandError, CommandResult, FailureKind};
use super::reporter::DiagnosticReporter;
pub(super) use super::tree::RevisionArgs;
use super::tree::{EditedTree, PendingEdits, SourceTree, TreeVersion};
use crate::plan::{Commit, Fingerprint, tree_digest};
use crate::render::annotations::RepositoryPrefix;
use crate::service::check_config::{check_config, check_incomplete_config};
use crate::service::docker::check::CheckedTests;
use crate::service::invalid::InvalidManifests;
use crate::service::registry;
use crate::service::registry::{Checked, Manifests, ServerFacts};
use crate::workspace::{LoadedManifests, LoadedTarget};
use git::{Pipeline, Source};
use manifest::config;
use manifest::config::{Config, Target};
use manifest::{Document, InvalidValues, Manifest, parse_config, parse_incomplete_config};
use model::diag;
use model::diag::{Code, Diagnostic, DocumentId, FileId, Place, Severity, SourceMap};

/// The directory to work in, for commands that take it as an argument.
#[derive(Debug, Args)]
pub(super) struct WorkingDirectory {
    /// The directory of `polwarden.yaml`; the same as -C DIR.
    #[arg(value_name = "DIR")]
    path: Option<Utf8PathBuf>,
}

impl WorkingDirectory {
    /// Makes it the working directory of this process, unless it was left out.
    pub(super) fn enter(&self) -> anyhow::Result<()> {
        self.path.as_deref().map_or(Ok(()), super::change_directory)
    }
}

/// Which targets a command is for.
#[derive(Debug, Default, Args)]
pub(super) struct TargetSelection {
    /// Only this target of `polwarden.yaml`; may be given more than once.
    #[arg(long = "target", value_name = "NAME")]
    targets: Vec<String>,
}

impl TargetSelection {
    /// The targets as they are given; none where all are meant.
    pub(super) fn names(&self) -> &[String] {
        &self.targets
    }
}

/// The configuration and the manifests of a directory.
pub(super) struct Workspace {
    sources: SourceMap,
    config: Config,
    document: DocumentId,
    stand: TreeVersion,
    loaded: LoadedManifests,
    /// Positions in the configuration.
    selected: Vec<usize>,
    prefix: RepositoryPrefix,
}

/// Why the configuration cannot be used. Like [`CommandError`], it does not implement `std::error::Error`: `?` in a
/// function that returns `anyhow::Result` would discard the diagnostics.
pub(super) enum OpenWorkspaceError {
    /// It is invalid.
    Invalid(Box<InvalidConfiguration>),
    /// It is missing or cannot be read, the revision does not exist, or a selected target does not.
    Unreadable(anyhow::Error),
}

impl From<anyhow::Error> for OpenWorkspaceError {
    fn from(error: anyhow::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// An invalid configuration: diagnostics with the text that they point into.
#[derive(Debug)]
pub(super) struct InvalidConfiguration {
    pub(super) sources: SourceMap,
    /// At least one is an error.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The path of the configuration's directory in the repository.
    pub(super) prefix: RepositoryPrefix,
}

impl InvalidConfiguration {
    /// Hands the diagnostics over to a reporter.
    pub(super) fn tell(self, reporter: &DiagnosticReporter) {
        reporter.tell(&self.sources, self.diagnostics);
    }
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
        let selected = select::positions(&config, selection)?;
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

    /// The chosen targets, in the order of the configuration.
    pub(super) fn targets(&self) -> Vec<&Target> {
        chosen(&self.config, &self.selected)
    }

    /// Reads the manifests.
    pub(super) fn load(self) -> Workspace {
        self.load_edited(&PendingEdits::default())
    }

    /// Reads the manifests as they would be with some files written.
    pub(super) fn load_edited(self, edits: &PendingEdits) -> Workspace {
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
        Workspace {
            sources,
            config,
            document,
            stand: tree.stand(),
            loaded,
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
    /// only. `diagnostics` are those of the configuration. Nothing if there is no such target.
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
        let mut selected = select::positions(&config, selection).ok()?;
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
        workspace
            .loaded
            .diagnostics
            .retain(|finding| !is_no_manifests_yet(finding));
        workspace.report(Vec::new(), console)?;
        Ok(workspace)
    }

    /// The chosen targets, in the order of the configuration.
    pub(super) fn targets(&self) -> Vec<&Target> {
        chosen(&self.config, &self.selected)
    }

    /// The texts of all files.
    pub(super) fn sources(&self) -> &SourceMap {
        &self.sources
    }

    /// How many manifest files were read.
    pub(super) fn files(&self) -> usize {
        self.loaded.files
    }

    /// The findings of files, syntax and schema.
    pub(super) fn findings(&self) -> &[Diagnostic] {
        &self.loaded.diagnostics
    }

    /// The findings of all chosen targets together, from one check of each.
    pub(super) fn target_diagnostics(&self, findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let targets: Vec<_> = self
            .targets()
            .into_iter()
            .filter_map(|target| self.loaded(target))
            .collect();
        merge_target_diagnostics(findings, &targets)
    }

    /// Checks what the manifests of a target mean.
    pub(super) fn check(&self, target: &Target, facts: &ServerFacts) -> Checked {
        let Some(loaded) = self.loaded(target) else {
            return Checked::default();
        };
        let documents = self.documents(target);
        registry::check(&self.manifests(target, loaded, &documents), facts)
    }

    fn manifests<'a>(
        &'a self,
        target: &'a Target,
        loaded: &'a LoadedTarget,
        documents: &'a [&'a Document],
    ) -> Manifests<'a> {
        Manifests {
            target,
            documents,
            cedar_files: &loaded.cedar_files,
            pack_sources: &loaded.pack_sources,
            lock: &self.loaded.lock,
            invalid: self.invalid(loaded),
        }
    }

    fn invalid<'a>(&'a self, loaded: &'a LoadedTarget) -> InvalidManifests<'a> {
        InvalidManifests {
            incomplete: &loaded.incomplete,
            unreadable: loaded.unreadable,
            lock: self.loaded.lock_is_invalid,
        }
    }

    /// What the rules of a target most likely do not mean.
    pub(super) fn lint(&self, target: &Target, checked: &Checked) -> Vec<Diagnostic> {
        crate::service::docker::check::lint(&self.documents(target), &checked.desired.policies)
    }

    /// Checks what the policy tests of a target ask.
    pub(super) fn check_tests(&self, target: &Target, facts: &ServerFacts) -> CheckedTests {
        let Some(loaded) = self.loaded(target) else {
            return CheckedTests::default();
        };
        let documents = self.documents(target);
        registry::check_tests(&self.manifests(target, loaded, &documents), facts)
    }

    /// Policy tests that no target runs. All targets are looked at, whichever are chosen.
    pub(super) fn check_test_targets(&self) -> Vec<Diagnostic> {
        let targets: Vec<_> = self
            .config
            .targets
            .iter()
            .map(|target| (target, self.all_documents(target)))
            .collect();
        let mut findings = crate::service::docker::check::check_test_targets(&targets);
        for loaded in &self.loaded.targets {
            self.invalid(loaded).remove_consequences(&mut findings);
        }
        findings
    }

    /// Whether a policy test of a target names a team that only the server can confirm.
    pub(super) fn tests_need_server_teams(&self, target: &Target) -> bool {
        crate::service::docker::check::tests_need_server_teams(target, &self.all_documents(target))
    }

    /// The manifests of a target.
    pub(super) fn documents(&self, target: &Target) -> Vec<&Document> {
        self.loaded(target)
            .into_iter()
            .flat_map(|loaded| &loaded.documents)
            .map(Arc::as_ref)
            .collect()
    }

    /// The manifests of a target with those that have schema errors, for checks only.
    fn all_documents(&self, target: &Target) -> Vec<&Document> {
        let Some(loaded) = self.loaded(target) else {
            return Vec::new();
        };
        self.invalid(loaded).with_valid(&self.documents(target))
    }

    /// Whether a manifest of a target names a team that only the server can confirm.
    pub(super) fn needs_server_teams(&self, target: &Target) -> bool {
        crate::service::docker::check::needs_server_teams(target, &self.all_documents(target))
    }

    /// Whether a file has an error, as [`open_for_import`](Self::open_for_import) counts them.
    pub(super) fn has_errors_for_import(&self) -> bool {
        self.loaded
            .diagnostics
            .iter()
            .any(|finding| is_error(finding) && !is_no_manifests_yet(finding))
    }

    /// Shows the diagnostics of loading and further ones on standard error.
    ///
    /// # Errors
    /// Any of them is an error.
    pub(super) fn report(&self, further: Vec<Diagnostic>, console: Console) -> CommandResult<()> {
        self.tell(further, &DiagnosticReporter::for_diagnostics(console))
    }

    /// Reports the diagnostics of loading and further ones.
    ///
    /// # Errors
    /// Any of them is an error.
    pub(super) fn tell(
        &self,
        further: Vec<Diagnostic>,
        reporter: &DiagnosticReporter,
    ) -> CommandResult<()> {
        let mut findings = self.loaded.diagnostics.clone();
        findings.extend(further);
        if reporter.tell(&self.sources, findings) {
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
        let manifests = self
            .sources
            .files()
            .map(|(_, file)| (file.name(), file.text().as_bytes()));
        manifests.chain(
            self.loaded
                .cedar
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_bytes())),
        )
    }

    /// The files with Cedar text that manifests of the chosen targets name, with their texts; empty where there is none.
    pub(super) fn cedar_files(&self) -> Vec<(Utf8PathBuf, String)> {
        let loaded = self
            .targets()
            .into_iter()
            .filter_map(|target| self.loaded(target));
        let named = loaded.flat_map(|loaded| {
            loaded.documents.iter().filter_map(|document| {
                let Manifest::Policy(policy) = &document.manifest else {
                    return None;
                };
                let file = policy.spec.cedar.as_ref()?.file.as_deref()?;
                let manifest = Utf8Path::new(self.sources.file(document.id.file).name());
                let text = loaded
                    .cedar_files
                    .get(&document.id)
                    .map(ToString::to_string)
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
        (&self.config, self.document)
    }

    /// The commit that was read, or that the work tree is at.
    pub(super) fn commit(&self) -> Option<Commit> {
        let head = match &self.stand {
            // It takes a look at every file, so that only whoever asks pays for it.
            TreeVersion::Work => {
                let packs = self.pack_files();
                let files = self
                    .files_read()
                    .map(|(name, _)| name)
                    .chain(packs.keys().map(String::as_str));
                git::head(Path::new("."), files)
            }
            TreeVersion::Revision(head) => head.clone(),
        };
        head.map(|head| {
            Commit::new(
                head,
                Pipeline::from_variables(|name| std::env::var(name).ok()),
            )
        })
    }

    /// Another target that reads a document of this file too.
    pub(super) fn other_reader(&self, target: &Target, file: FileId) -> Option<&Target> {
        let readers = self
            .loaded
            .targets
            .iter()
            .filter(|loaded| loaded.documents.iter().any(|one| one.id.file == file));
        let mut readers = readers.filter_map(|loaded| self.config.targets.get(loaded.index));
        readers.find(|other| other.name != target.name)
    }

    fn loaded(&self, target: &Target) -> Option<&LoadedTarget> {
        let position = self
            .config
            .targets
            .iter()
            .position(|other| other.name == target.name)?;
        self.loaded
            .targets
            .iter()
            .find(|loaded| loaded.index == position)
    }
}

/// Whether a place is the value at a path of a document, or a part of it.
fn is_in(place: &Place, document: DocumentId, path: &diag::Path) -> bool {
    match place {
        Place::Node {
            document: other,
            path: inner,
            part: _,
        } => *other == document && inner.segments().starts_with(path.segments()),
        Place::File(_) | Place::Bytes { .. } => false,
    }
}

/// Whether a finding says no more than that there are no manifests yet.
fn is_no_manifests_yet(finding: &Diagnostic) -> bool {
    matches!(finding.code, Code::NoManifests | Code::TargetPathInvalid)
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

/// The findings that are the same for two targets are one finding.
pub(super) fn unique(mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut seen = HashSet::new();
    let first: Vec<bool> = findings
        .iter()
        .map(|finding| seen.insert(finding))
        .collect();
    let mut first = first.into_iter();
    findings.retain(|_| first.next().unwrap_or(true));
    findings
}

/// Whether a finding stops a plan.
pub(super) fn is_error(finding: &Diagnostic) -> bool {
    finding.severity() == Severity::Error
}
