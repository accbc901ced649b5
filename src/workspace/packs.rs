//! The sources of policy packs, and the lock file.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use rayon::prelude::*;

use git::{FileProblemKind, Source, normalize};
use git::{PROJECT_FILE, PackError, PackRules, PackTree};
use manifest::lock::{LOCK_FILE, LockFile, MAX_BYTES, VersionLock};
use manifest::pulumi::{BuildMetadata, METADATA_FILE, PolicyPackManifest, TagSuffix};
use manifest::{Document, Manifest, parse_lock};
use model::diag::{Diagnostic, DocumentId, Place, SourceMap};
use model::digest::FileDigest;
use serde_json::Value;

/// The source that a pack's manifest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSource {
    /// Relative to the directory of the configuration.
    pub path: Utf8PathBuf,
    pub tree: Arc<Result<PackTree, PackError>>,
    /// The text of `polwarden-metadata.json`, which need not be part of the archive.
    pub metadata: Arc<Result<Arc<str>, FileProblemKind>>,
    /// Whether the source was read with files that are not committed.
    pub has_uncommitted_files: bool,
}

impl NamedSource {
    /// A locked file that the source does not contain because it was read from a commit or the index,
    /// such as build output that git ignores. All other files are as they were locked.
    pub fn uncommitted<'l>(&self, locked: &'l VersionLock) -> Option<&'l str> {
        let tree = self.tree.as_ref().as_ref().ok()?;
        let files = tree.files();
        let is_locked =
            |(path, digest): (&String, &FileDigest)| locked.files.get(path) == Some(digest);
        if self.has_uncommitted_files || !files.iter().all(is_locked) {
            return None;
        }
        let missing = locked.files.keys().find(|path| !files.contains_key(*path));
        missing.map(String::as_str)
    }

    /// What the build of the pack says that it declares.
    ///
    /// # Errors
    /// The file is missing, invalid, or was written for another source; the reason is a clause.
    pub fn build_metadata(&self) -> Result<BuildMetadata, String> {
        let text = self.metadata.as_ref().as_ref();
        let text = text.map_err(|kind| format!("`{METADATA_FILE}` cannot be used: {kind}"))?;
        let metadata = BuildMetadata::parse(text)
            .map_err(|why| format!("invalid `{METADATA_FILE}`: {why}"))?;
        let tree = self.tree.as_ref().as_ref();
        let tree = tree.map_err(ToString::to_string)?;
        let files = tree.entries().iter();
        let differs = files
            .filter(|(path, _)| *path != METADATA_FILE)
            .find(|(path, entry)| {
                let own = FileDigest::of(&entry.bytes);
                metadata.files.get(*path) != Some(&own)
            });
        match differs {
            Some((path, _)) => Err(format!(
                "`{METADATA_FILE}` was written for another source: `{path}` differs"
            )),
            None => Ok(metadata),
        }
    }

    /// The tag of the version that a manifest declares; `None` if it depends on a source that cannot be
    /// read.
    pub fn tag(&self, manifest: &PolicyPackManifest) -> Option<String> {
        let written = &manifest.spec.version_tag;
        match manifest.spec.version_tag_suffix {
            TagSuffix::None => Some(written.clone()),
            TagSuffix::SourceDigest => {
                let tree = self.tree.as_ref().as_ref().ok()?;
                Some(format!("{written}-{}", tree.digest().short()))
            }
        }
    }
}

/// Maximum size of a project file in bytes.
const MAX_PROJECT_BYTES: usize = 1 << 20;
/// Maximum size of `polwarden-metadata.json` in bytes. It contains a line for each file.
const MAX_METADATA_BYTES: usize = 4 << 20;

/// The runtime of a pack in the text of its `PulumiPolicy.yaml`: a string, or a mapping with a
/// `name`.
///
/// # Errors
/// The reason why there is none, as a clause.
pub fn project_runtime(text: &str) -> Result<String, String> {
    let project = manifest::plain_yaml(text)
        .map_err(|why| format!("`{PROJECT_FILE}` in it cannot be read: {why}"))?;
    let runtime = match project.get("runtime") {
        Some(Value::Object(options)) => options.get("name"),
        other => other,
    };
    match runtime {
        Some(Value::String(name)) if !name.is_empty() => Ok(name.clone()),
        Some(_) | None => Err(format!("missing `runtime` in its `{PROJECT_FILE}`")),
    }
}

/// The rules for the files of a source. Without a valid project file they make no difference, because
/// the source is refused then.
fn rules(source: &impl Source, path: &Utf8Path) -> PackRules {
    let project = source.inspect(&path.join(PROJECT_FILE), MAX_PROJECT_BYTES);
    let runtime = project.ok().and_then(|text| project_runtime(&text).ok());
    runtime.map_or(PackRules::default(), |runtime| {
        PackRules::of_runtime(&runtime)
    })
}

/// A source, which several packs can have.
struct SourceRead {
    tree: Arc<Result<PackTree, PackError>>,
    metadata: Arc<Result<Arc<str>, FileProblemKind>>,
}

/// Reads the source of each pack. A source of several packs is read once.
pub(super) fn sources(
    source: &impl Source,
    documents: &[&Document],
    sources: &SourceMap,
) -> HashMap<DocumentId, NamedSource> {
    let named: BTreeMap<DocumentId, Utf8PathBuf> = documents
        .iter()
        .filter_map(|document| {
            let Manifest::PolicyPack(pack) = &document.manifest else {
                return None;
            };
            let manifest = Utf8Path::new(sources.file(document.id.file).name());
            let path = manifest
                .parent()
                .unwrap_or(Utf8Path::new(""))
                .join(&pack.spec.source);
            Some((document.id, normalize(&path).unwrap_or(path)))
        })
        .collect();
    let mut paths: Vec<&Utf8PathBuf> = named.values().collect();
    paths.sort_unstable();
    paths.dedup();
    let read = paths.par_iter().map(|path| {
        let path = if path.as_str().is_empty() {
            Utf8Path::new(".")
        } else {
            path.as_path()
        };
        let metadata = source.inspect(&path.join(METADATA_FILE), MAX_METADATA_BYTES);
        SourceRead {
            tree: Arc::new(source.pack(path, rules(source, path))),
            metadata: Arc::new(metadata),
        }
    });
    let read: Vec<SourceRead> = read.collect();
    let read: HashMap<&Utf8PathBuf, SourceRead> = paths.iter().copied().zip(read).collect();
    named
        .iter()
        .filter_map(|(document, path)| {
            let SourceRead { tree, metadata } = read.get(path)?;
            Some((
                *document,
                NamedSource {
                    path: path.clone(),
                    tree: Arc::clone(tree),
                    metadata: Arc::clone(metadata),
                    has_uncommitted_files: source.has_uncommitted_files(),
                },
            ))
        })
        .collect()
}

/// Reads the lock file. Without one, nothing is locked.
pub(super) fn lock(
    source: &impl Source,
    sources: &mut SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
) -> LockFile {
    match source.read(Utf8Path::new(LOCK_FILE), MAX_BYTES) {
        Ok(text) => {
            let file = sources.add(LOCK_FILE, Arc::clone(&text));
            parse_lock(file, &text).unwrap_or_else(|findings| {
                diagnostics.extend(findings);
                LockFile::default()
            })
        }
        Err(FileProblemKind::Missing) => LockFile::default(),
        Err(kind) => {
            let file = sources.add(LOCK_FILE, "");
            let message = format!("`{LOCK_FILE}` cannot be used: {kind}");
            diagnostics
                .push(Diagnostic::new(kind.code(), message, Place::File(file)).help(kind.help()));
            LockFile::default()
        }
    }
}
