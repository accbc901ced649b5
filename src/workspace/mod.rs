//! Finds, reads and parses the manifests of all targets, in parallel.

pub mod file;
mod inline;
mod packs;
pub mod state;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use rayon::prelude::*;

use git::{FileProblem, FileProblemKind, Listing, Source, normalize};
use manifest::config::{Config, Target};
use manifest::lock::LockFile;
use manifest::{Document, IncompleteDocument, MAX_BYTES, Manifest, ParsedFile};
use model::diag::{
    Code, Diagnostic, DocumentId, FileId, Path, Place, Severity, SourceMap, did_you_mean,
};

use inline::InlineFiles;
pub use inline::InlinedDocument;
pub use packs::{NamedSource, project_runtime};

#[derive(Debug)]
pub struct LoadedTarget {
    /// The index of the target in the configuration.
    pub index: usize,
    /// By path and position in the file. A file of two targets is read once and shared.
    pub documents: Vec<Arc<Document>>,
    /// The documents with schema errors, in the same order. They are only checked.
    pub incomplete: Vec<Arc<IncompleteDocument>>,
    /// Whether a file or document cannot be read at all, so that it may declare anything.
    pub unreadable: bool,
    /// The text of `spec.cedar.file` by document, for files that could be read.
    pub cedar_files: HashMap<DocumentId, CedarFile>,
    pub pack_sources: HashMap<DocumentId, NamedSource>,
    /// The documents that contain files of the repository, as they are written.
    pub inlined: HashMap<DocumentId, InlinedDocument>,
}

/// A file with Cedar text.
#[derive(Debug, Clone)]
pub struct CedarFile {
    pub file: FileId,
    pub text: Arc<str>,
}

/// The manifests of all targets, with the diagnostics so far.
#[derive(Debug)]
pub struct LoadedManifests {
    /// One per target, in the order of the configuration.
    pub targets: Vec<LoadedTarget>,
    /// Diagnostics of files, syntax and schema.
    pub diagnostics: Vec<Diagnostic>,
    /// The number of manifest files that were read.
    pub files: usize,
    /// The files that documents contain and that could be read.
    pub inlined: BTreeMap<Utf8PathBuf, Arc<[u8]>>,
    /// Empty without a lock file.
    pub lock: LockFile,
    /// Files below the paths of targets that are not read because of their names, sorted.
    pub skipped: Vec<Utf8PathBuf>,
    /// Whether the lock file is invalid, so that it may lock anything.
    pub lock_is_invalid: bool,
}

/// Texts that are not written yet, by their paths from the configuration.
pub type PendingEdits = BTreeMap<Utf8PathBuf, String>;

/// The configuration and the manifests of a directory.
#[derive(Debug)]
pub struct ManifestSet {
    /// The texts of all files.
    pub sources: SourceMap,
    pub config: Config,
    /// The document of the configuration.
    pub document: DocumentId,
    pub loaded: LoadedManifests,
}

impl ManifestSet {
    /// What was loaded for a target of the configuration.
    pub fn target(&self, target: &Target) -> Option<&LoadedTarget> {
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

    /// The manifests of a target.
    pub fn documents(&self, target: &Target) -> Vec<&Document> {
        self.target(target)
            .into_iter()
            .flat_map(|loaded| &loaded.documents)
            .map(Arc::as_ref)
            .collect()
    }

    /// Another target that reads a document of this file too.
    pub fn other_reader(&self, target: &Target, file: FileId) -> Option<&Target> {
        let readers = self
            .loaded
            .targets
            .iter()
            .filter(|loaded| loaded.documents.iter().any(|one| one.id.file == file));
        let mut readers = readers.filter_map(|loaded| self.config.targets.get(loaded.index));
        readers.find(|other| other.name != target.name)
    }

    /// Whether a file has an error, apart from folders that contain no manifests yet.
    pub fn has_errors_for_import(&self) -> bool {
        self.loaded.diagnostics.iter().any(|diagnostic| {
            diagnostic.severity() == Severity::Error && !is_no_manifests_yet(diagnostic)
        })
    }

    /// Drops the diagnostics of folders that contain no manifests yet.
    pub fn allow_no_manifests(&mut self) {
        self.loaded
            .diagnostics
            .retain(|diagnostic| !is_no_manifests_yet(diagnostic));
    }
}

/// Whether a finding says no more than that there are no manifests yet.
fn is_no_manifests_yet(finding: &Diagnostic) -> bool {
    matches!(finding.code, Code::NoManifests | Code::TargetPathInvalid)
}

/// Loads the manifests of all targets. What cannot be read becomes a diagnostic; the rest is
/// loaded.
///
/// Texts are added to `sources` in the order of their paths, so the same tree always gives the same
/// result.
pub fn load(
    source: &impl Source,
    config: &Config,
    document: DocumentId,
    sources: &mut SourceMap,
) -> LoadedManifests {
    let mut diagnostics = Vec::new();
    let Lists {
        targets: lists,
        skipped,
    } = list_targets(source, config, document, sources, &mut diagnostics);
    let mut paths: Vec<&Utf8PathBuf> = lists.iter().flat_map(|list| &list.paths).collect();
    paths.sort_unstable();
    paths.dedup();

    let texts: Vec<_> = paths
        .par_iter()
        .map(|path| source.read(path, MAX_BYTES))
        .collect();
    let mut files: Vec<(FileId, Arc<str>)> = Vec::with_capacity(paths.len());
    let mut ids = HashMap::with_capacity(paths.len());
    for (path, text) in paths.iter().zip(texts) {
        match text {
            Ok(text) => {
                let id = sources.add(path.as_str(), Arc::clone(&text));
                ids.insert(path.as_path(), files.len());
                files.push((id, text));
            }
            Err(kind) => diagnostics.push(unusable(
                &FileProblem {
                    path: (*path).clone(),
                    kind,
                },
                sources,
            )),
        }
    }
    let parsed: Vec<ParsedFile> = files
        .par_iter()
        .map(|(id, text)| manifest::parse(*id, text))
        .collect();
    let mut documents = Vec::with_capacity(parsed.len());
    let mut incomplete = Vec::with_capacity(parsed.len());
    let mut unreadable = Vec::with_capacity(parsed.len());
    for ((id, text), file) in files.iter().zip(parsed) {
        if file.is_empty {
            diagnostics.push(empty_file(*id, text));
        }
        documents.push(file.documents.into_iter().map(Arc::new).collect::<Vec<_>>());
        incomplete.push(
            file.incomplete
                .into_iter()
                .map(Arc::new)
                .collect::<Vec<_>>(),
        );
        unreadable.push(file.unreadable);
        diagnostics.extend(file.diagnostics);
    }
    let files = files.len();
    let mut cedar = CedarFiles {
        source,
        known: BTreeMap::new(),
    };
    let mut inline_files = InlineFiles::new(source);
    let targets = lists.iter().enumerate().map(|(index, list)| {
        let positions: Vec<Option<usize>> = list
            .paths
            .iter()
            .map(|path| ids.get(path.as_path()).copied())
            .collect();
        // A file without a position could not be read.
        let is_unreadable = |position: &Option<usize>| {
            position.is_none_or(|position| unreadable.get(position).copied().unwrap_or_default())
        };
        let unreadable = list.has_problems || positions.iter().any(is_unreadable);
        let documents = of_files(&documents, &positions);
        let incomplete = of_files(&incomplete, &positions);
        let both: Vec<&Document> = documents
            .iter()
            .map(Arc::as_ref)
            .chain(
                incomplete
                    .iter()
                    .filter(|it| names_files(it))
                    .map(|it| &it.document),
            )
            .collect();
        let cedar_files = cedar.of(&both, sources, &mut diagnostics);
        let pack_sources = packs::sources(source, &both, sources);
        let target = config.targets.get(index);
        let inlined = if target.is_some_and(Target::embeds_files) {
            inline_files.of(&documents, sources, &mut diagnostics)
        } else {
            HashMap::new()
        };
        LoadedTarget {
            index,
            documents,
            incomplete,
            unreadable,
            cedar_files,
            pack_sources,
            inlined,
        }
    });
    let targets = targets.collect();
    let is_locked = config.targets.iter().any(Target::is_locked);
    let before = diagnostics.len();
    let lock = if is_locked {
        packs::lock(source, sources, &mut diagnostics)
    } else {
        LockFile::default()
    };
    let lock_is_invalid = diagnostics.len() > before;
    LoadedManifests {
        targets,
        diagnostics,
        files,
        inlined: inline_files.into_files(),
        lock,
        skipped,
        lock_is_invalid,
    }
}

/// Reports manifests in folders that no target reads, such as `polices/a.yaml` next to `policies`.
/// Folders with a configuration of their own belong to another project. Chainloop's own documents
/// are not reported: other documents and tools may refer to them wherever they are.
///
/// Nothing is reported if the folder of the configuration is too large to be searched.
pub fn outside_paths(
    source: &impl Source,
    config: &Config,
    sources: &mut SourceMap,
) -> Vec<Diagnostic> {
    let Ok(Listing { files, skipped, .. }) = source.inspect_folder(Utf8Path::new(".")) else {
        return Vec::new();
    };
    let projects: Vec<&Utf8Path> = skipped
        .iter()
        .filter(|path| is_nested_config(path))
        .filter_map(|path| path.parent())
        .collect();
    let paths = config.targets.iter().flat_map(|target| &target.paths);
    let read: Vec<Utf8PathBuf> = paths
        .filter_map(|path| normalize(Utf8Path::new(path)))
        .collect();
    let outside: Vec<&Utf8PathBuf> = files
        .iter()
        .filter(|file| !read.iter().any(|path| file.starts_with(path)))
        .filter(|file| !projects.iter().any(|project| file.starts_with(project)))
        .collect();
    let contents: Vec<bool> = outside
        .par_iter()
        .map(|file| {
            let text = source.inspect(file, MAX_BYTES);
            text.is_ok_and(|text| manifest::contains_own_manifest(&text))
        })
        .collect();
    let misplaced = outside.iter().zip(contents).filter(|(_, is_one)| *is_one);
    misplaced
        .map(|(path, _)| outside_path(path, &read, sources))
        .collect()
}

fn outside_path(path: &Utf8Path, read: &[Utf8PathBuf], sources: &mut SourceMap) -> Diagnostic {
    let file = sources.add(path.as_str(), "");
    let folder = path.parent().unwrap_or(Utf8Path::new("")).as_str();
    let near = did_you_mean(read.iter().map(|path| path.as_str()), folder);
    let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    let folder = if folder.is_empty() {
        path.as_str()
    } else {
        folder
    };
    Diagnostic::new(
        Code::ManifestOutsidePaths,
        format!("`{path}` contains a manifest, but no target reads it"),
        Place::File(file),
    )
    .help(format!(
        "{near}move the file to a folder in `paths`, or add `{folder}` to `paths` of a target"
    ))
}

/// The documents of some files. A file without a position could not be read.
fn of_files<T>(all: &[Vec<Arc<T>>], positions: &[Option<usize>]) -> Vec<Arc<T>> {
    let files = positions.iter().flatten();
    files
        .filter_map(|position| all.get(*position))
        .flatten()
        .cloned()
        .collect()
}

/// Whether the names of files in an incomplete document are valid.
fn names_files(incomplete: &IncompleteDocument) -> bool {
    let spec = || Path::root().key("spec");
    !incomplete.invalid.replace(&spec().key("cedar").key("file"))
        && !incomplete.invalid.replace(&spec().key("source"))
}

/// The path without inner `..`, as diagnostics show it.
pub fn without_parents(path: &Utf8Path) -> Utf8PathBuf {
    let mut plain = Utf8PathBuf::new();
    for component in path.components() {
        match component {
            Utf8Component::ParentDir => {
                plain.pop();
            }
            Utf8Component::CurDir => {}
            Utf8Component::Prefix(_) | Utf8Component::RootDir | Utf8Component::Normal(_) => {
                plain.push(component)
            }
        }
    }
    plain
}

/// The manifest files of one target.
#[derive(Default)]
struct TargetFiles {
    /// Sorted and without duplicates.
    paths: Vec<Utf8PathBuf>,
    /// Whether there may be more of them.
    has_problems: bool,
}

/// The files below the paths of targets.
struct Lists {
    /// The manifest files of each target.
    targets: Vec<TargetFiles>,
    /// All files that are not manifests because of their names, sorted and without duplicates.
    skipped: Vec<Utf8PathBuf>,
}

fn list_targets(
    source: &impl Source,
    config: &Config,
    document: DocumentId,
    sources: &mut SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
) -> Lists {
    let mut reported: Vec<FileProblem> = Vec::new();
    let mut lists = Vec::with_capacity(config.targets.len());
    let mut skipped = Vec::new();
    for (target_index, target) in config.targets.iter().enumerate() {
        let mut list = TargetFiles::default();
        for (path_index, path) in target.paths.iter().enumerate() {
            let node = Path::root()
                .key("targets")
                .index(target_index)
                .key("paths")
                .index(path_index);
            let place = Place::value(document, node);
            match source.list(Utf8Path::new(path)) {
                Ok(listing) => {
                    if listing.files.is_empty() && listing.problems.is_empty() {
                        diagnostics.push(no_manifests(path, place));
                    }
                    list.paths.extend(listing.files);
                    list.has_problems |= !listing.problems.is_empty();
                    skipped.extend(listing.skipped);
                    for problem in listing.problems {
                        if !reported.contains(&problem) {
                            diagnostics.push(unusable(&problem, sources));
                            reported.push(problem);
                        }
                    }
                }
                Err(kind) => {
                    list.has_problems = true;
                    diagnostics.push(invalid_path(path, &kind, place));
                }
            }
        }
        list.paths.sort_unstable();
        list.paths.dedup();
        lists.push(list);
    }
    skipped.sort_unstable();
    skipped.dedup();
    let contents: Vec<SkippedContent> = skipped
        .par_iter()
        .map(|path| skipped_content(source, path))
        .collect();
    for (path, content) in skipped.iter().zip(contents) {
        match content {
            SkippedContent::Manifest => diagnostics.push(skipped_manifest(path, sources)),
            SkippedContent::Other if is_nested_config(path) => {
                diagnostics.push(nested_config(path, sources));
            }
            SkippedContent::Other => {}
        }
    }
    Lists {
        targets: lists,
        skipped,
    }
}

/// What a file contains that is not read because of its name.
enum SkippedContent {
    /// A manifest, which the name hides.
    Manifest,
    Other,
}

/// Files with other names than manifests are larger only by chance.
const MAX_SKIPPED_BYTES: usize = 64 * 1024;

fn skipped_content(source: &impl Source, path: &Utf8Path) -> SkippedContent {
    let name = path.file_name().unwrap_or_default().to_ascii_lowercase();
    let is_similar = ["yaml", "yml", "json"]
        .iter()
        .any(|extension| name.contains(extension));
    let limit = if is_similar {
        MAX_BYTES
    } else {
        MAX_SKIPPED_BYTES
    };
    // A file that is not text, or is not there anymore, is not a manifest.
    match source.inspect(path, limit) {
        Ok(text) if manifest::contains_manifest(&text) => SkippedContent::Manifest,
        Ok(_) | Err(_) => SkippedContent::Other,
    }
}

fn skipped_manifest(path: &Utf8Path, sources: &mut SourceMap) -> Diagnostic {
    let file = sources.add(path.as_str(), "");
    Diagnostic::new(
        Code::ManifestSkipped,
        format!("`{path}` contains a manifest, but files of this name are not read"),
        Place::File(file),
    )
    .help(format!(
        "rename it to end in `.yaml`, `.yml` or `.json`, without a dot at the start and not \
         `{}`; or move it out of the paths of targets",
        manifest::config::FILE_NAME
    ))
}

/// Whether a file has the name of the configuration but is not the one that was read.
fn is_nested_config(path: &Utf8Path) -> bool {
    path.file_name() == Some(manifest::config::FILE_NAME)
        && path != Utf8Path::new(manifest::config::FILE_NAME)
}

fn nested_config(path: &Utf8Path, sources: &mut SourceMap) -> Diagnostic {
    let file = sources.add(path.as_str(), "");
    Diagnostic::new(
        Code::ConfigNested,
        format!("`{path}` is not read: only the configuration in the working directory is"),
        Place::File(file),
    )
    .help("move its targets to that configuration, or move the file out of the paths of targets")
}

fn no_manifests(path: &str, place: Place) -> Diagnostic {
    Diagnostic::new(
        Code::NoManifests,
        format!("`{path}` holds no manifests"),
        place,
    )
    .help("manifests are files that end in `.yaml`, `.yml` or `.json`")
}

/// A file without any document is an error like a folder without files: with `unmanaged: prune`,
/// everything that it declared would be deleted.
fn empty_file(file: FileId, text: &str) -> Diagnostic {
    let text = text.trim_start_matches('\u{feff}');
    let message = if text.trim().is_empty() {
        "the file is empty"
    } else {
        "the file contains no manifest, only comments or empty documents"
    };
    Diagnostic::new(Code::NoManifests, message, Place::File(file))
        .help("add a manifest, or delete the file")
}

fn invalid_path(path: &str, kind: &FileProblemKind, place: Place) -> Diagnostic {
    let code = match kind {
        FileProblemKind::Missing | FileProblemKind::Outside => Code::TargetPathInvalid,
        other => other.code(),
    };
    Diagnostic::new(code, format!("`{path}` cannot be used: {kind}"), place).help(kind.help())
}

/// A diagnostic for a file without text.
fn unusable(problem: &FileProblem, sources: &mut SourceMap) -> Diagnostic {
    let file = sources.add(problem.path.as_str(), "");
    let message = format!("`{}` cannot be used: {}", problem.path, problem.kind);
    Diagnostic::new(problem.kind.code(), message, Place::File(file)).help(problem.kind.help())
}

/// Reads the files that Cedar policies name, each once.
struct CedarFiles<'a, S: Source> {
    source: &'a S,
    known: BTreeMap<Utf8PathBuf, Result<CedarFile, FileProblemKind>>,
}

impl<S: Source> CedarFiles<'_, S> {
    fn of(
        &mut self,
        documents: &[&Document],
        sources: &mut SourceMap,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> HashMap<DocumentId, CedarFile> {
        let mut texts = HashMap::new();
        for document in documents {
            let Manifest::Policy(policy) = &document.manifest else {
                continue;
            };
            let Some(file) = policy
                .spec
                .cedar
                .as_ref()
                .and_then(|cedar| cedar.file.as_deref())
            else {
                continue;
            };
            let manifest = Utf8Path::new(sources.file(document.id.file).name());
            let path = manifest.parent().unwrap_or(Utf8Path::new("")).join(file);
            let source = self.source;
            let read = self.known.entry(path).or_insert_with_key(|path| {
                let text = source.read(path, MAX_BYTES)?;
                let file = sources.add(without_parents(path), Arc::clone(&text));
                Ok(CedarFile { file, text })
            });
            match read {
                Ok(file) => {
                    texts.insert(document.id, file.clone());
                }
                Err(kind) => {
                    let node = Path::root().key("spec").key("cedar").key("file");
                    let finding = invalid_path(file, kind, Place::value(document.id, node));
                    // A document that belongs to two targets is reported once.
                    if !diagnostics.contains(&finding) {
                        diagnostics.push(finding);
                    }
                }
            }
        }
        texts
    }
}

#[cfg(test)]
mod tests;
