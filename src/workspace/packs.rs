//! The sources of policy packs, and the lock file.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use rayon::prelude::*;

use git::{FileProblemKind, Source, normalize};
use git::{PackError, PackTree};
use manifest::lock::{LOCK_FILE, LockFile, MAX_BYTES};
use manifest::{Document, Manifest, parse_lock};
use model::diag::{Diagnostic, DocumentId, Place, SourceMap};

/// The source that a pack's manifest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSource {
    /// Relative to the directory of the configuration.
    pub path: Utf8PathBuf,
    pub tree: Arc<Result<PackTree, PackError>>,
}

/// Reads the source of each pack. A source of several packs is read once.
pub(super) fn sources(
    source: &impl Source,
    documents: &[Arc<Document>],
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
        Arc::new(source.pack(path))
    });
    let trees: Vec<Arc<Result<PackTree, PackError>>> = read.collect();
    let trees: HashMap<&Utf8PathBuf, Arc<Result<PackTree, PackError>>> =
        paths.iter().copied().zip(trees).collect();
    let of = |path: &Utf8PathBuf| trees.get(path).map(Arc::clone);
    named
        .iter()
        .filter_map(|(document, path)| {
            Some((
                *document,
                NamedSource {
                    path: path.clone(),
                    tree: of(path)?,
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
