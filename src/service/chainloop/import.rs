//! `polwarden import --only` at Chainloop: documents as they are live, byte for byte.
//!
//! The service has no list, so documents are named. Nothing is written before it is known to be right: the manifests are
//! read as they would be; what was named has the live bytes then, and everything else the bytes that it had.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;

use super::client::ChainloopReader;
use crate::plan::TargetInfo;
use crate::render::plan::target_heading;
use crate::render::text::neutral;
use crate::service::diagnostics::{Checked, is_error};
use crate::service::import::{
    ImportContext as _, NamedImport, NamedImportError, PendingImport, is_readable_stem,
    target_context,
};
use crate::workspace::{ManifestSet, PendingEdits};
use manifest::chainloop::split;
use manifest::config::Target;
use model::chainloop::{ChainloopLiveState, DocumentBytes, DocumentKind, LiveDocument, PolicyName};
use model::diag::DocumentId;

const KINDS: [DocumentKind; 2] = [DocumentKind::Policy, DocumentKind::PolicyGroup];

/// The declared documents, by kind and name.
type DeclaredDocuments = BTreeMap<(DocumentKind, String), (DocumentId, DocumentBytes)>;

/// Checks the manifests of a target, without what only its server knows.
pub type CheckOffline = fn(&ManifestSet, &Target) -> Checked;

/// The named documents of one target, as its server has them.
#[derive(Debug)]
pub struct NamedDocuments<'a> {
    pub target: &'a Target,
    pub info: TargetInfo,
    pub live: ChainloopLiveState,
}

/// An import of documents by name.
struct DocumentImport<'a> {
    import: NamedImport<'a>,
    check: CheckOffline,
}

/// Where a document goes, and what the whole file is then.
struct ImportDestination {
    path: Utf8PathBuf,
    text: String,
    is_new: bool,
}

fn refused(why: impl Into<String>) -> NamedImportError {
    NamedImportError::Refused(why.into())
}

/// The names of documents.
///
/// # Errors
/// One of them is invalid.
pub fn names(import: NamedImport<'_>) -> Result<BTreeSet<PolicyName>, NamedImportError> {
    let name = |text: &String| {
        PolicyName::new(text.as_str())
            .with_context(|| format!("invalid policy name `{}`", neutral(text)))
    };
    import.names.iter().map(name).collect()
}

/// Reads the named documents of a target.
///
/// # Errors
/// The server does not answer as expected.
pub async fn read(
    reader: ChainloopReader,
    target: &Target,
    names: &BTreeSet<PolicyName>,
) -> Result<ChainloopLiveState, NamedImportError> {
    let wanted = names
        .iter()
        .flat_map(|name| KINDS.map(|kind| (kind, name.clone())));
    let live = reader.with_documents(wanted).live_state().await;
    live.with_context(|| target_context(target))
}

/// The edits that import the named documents of all targets.
///
/// # Errors
/// The server has no such document, or it cannot be written.
pub fn import(
    import: NamedImport<'_>,
    names: &BTreeSet<PolicyName>,
    states: &[NamedDocuments<'_>],
    check: CheckOffline,
) -> Result<PendingImport, NamedImportError> {
    for name in names {
        if !states
            .iter()
            .any(|state| state.live.found().any(|document| document.name == *name))
        {
            return Err(NamedImportError::Refused(format!(
                "unknown policy or policy group `{name}`. Nothing was written."
            )));
        }
    }
    let documents = DocumentImport { import, check };
    let mut pending = PendingImport::default();
    for NamedDocuments { target, info, live } in states {
        pending.lines.push(target_heading(info));
        documents
            .take(target, live, &mut pending)
            .with_context(|| format!("{}: nothing was written", target_context(target)))?;
    }
    Ok(pending)
}

impl DocumentImport<'_> {
    /// Takes over what was found at one target.
    fn take(
        &self,
        target: &Target,
        live: &ChainloopLiveState,
        pending: &mut PendingImport,
    ) -> Result<(), NamedImportError> {
        let PendingImport { edits, lines } = pending;
        for document in live.found() {
            let what = format!("{} \"{}\"", document.kind.words(), document.name);
            let is_own = document.is_of(&target.organization);
            let is_meant = |other: &LiveDocument| {
                other.name == document.name && other.is_of(&target.organization)
            };
            if !is_own && live.found().any(is_meant) {
                // A group may have the name of a policy. If neither exists, the reason is reported.
                continue;
            }
            if document.builtin {
                return Err(refused(format!(
                    "{what} is builtin and cannot be written, so it is not imported; `polwarden lock` pins it"
                )));
            }
            if !is_own {
                let owner = document
                    .organization
                    .as_deref()
                    .unwrap_or("another organization");
                return Err(refused(format!(
                    "{what} is owned by {}, so this target cannot write it",
                    neutral(owner)
                )));
            }
            let here = (self.import.reread)(edits)?;
            let before = declared(&here, target);
            let known = before.get(&(document.kind, document.name.as_str().to_owned()));
            let is_live = |(id, bytes): &(DocumentId, DocumentBytes)| {
                let loaded = here.target(target);
                let inlined = loaded.and_then(|loaded| loaded.inlined.get(id));
                inlined.map_or(bytes, |inlined| &inlined.bytes) == &document.bytes
            };
            if known.is_some_and(is_live) {
                lines.push(format!(
                    "no changes: the manifest of {what} has the live bytes"
                ));
                continue;
            }
            let place = match known {
                Some((id, _)) => self.updated_file(&here, target, *id, document)?,
                None => self.new_file(target, document, edits)?,
            };
            let ImportDestination { path, text, is_new } = place;
            edits.insert(path.clone(), text);
            self.check_result(target, document, before, edits)?;
            let verb = if is_new { "wrote" } else { "updated" };
            lines.push(format!(
                "{verb} {} ({what}, {})",
                neutral(path.as_str()),
                document.digest
            ));
        }
        Ok(())
    }

    /// The file that declares the document, with its bytes replaced by the live ones.
    fn updated_file(
        &self,
        here: &ManifestSet,
        target: &Target,
        id: DocumentId,
        document: &LiveDocument,
    ) -> Result<ImportDestination, NamedImportError> {
        let file = here.sources.file(id.file);
        if let Some(other) = here
            .other_reader(target, id.file)
            .or_else(|| self.import.manifests.other_reader(target, id.file))
        {
            return Err(refused(format!(
                "`{}` is read for target `{}` too",
                neutral(file.name()),
                neutral(&other.name)
            )));
        }
        let new = document_text(document)?;
        let mut text = file.text().to_string();
        let piece = usize::try_from(id.index)
            .ok()
            .and_then(|index| split(&text).into_iter().nth(index));
        let range = piece
            .map(|piece| piece.document)
            .context("cannot separate the document from the others of its file")?;
        text.replace_range(range, new);
        Ok(ImportDestination {
            path: file.name().into(),
            text,
            is_new: false,
        })
    }

    fn new_file(
        &self,
        target: &Target,
        document: &LiveDocument,
        edits: &PendingEdits,
    ) -> Result<ImportDestination, NamedImportError> {
        let stem = match document.kind {
            DocumentKind::Policy => document.name.to_string(),
            DocumentKind::PolicyGroup => format!("group-{}", document.name),
        };
        let stem = if is_readable_stem(&stem) {
            stem
        } else {
            format!("policy-{stem}")
        };
        let path = (self.import.folder)(target).join(format!("{stem}.yaml"));
        if edits.contains_key(&path) || (path.exists() && !self.import.force) {
            return Err(refused(format!(
                "`{path}` exists; move it, choose another folder with --out, or add --force"
            )));
        }
        Ok(ImportDestination {
            path,
            text: document_text(document)?.to_owned(),
            is_new: true,
        })
    }

    /// Checks that the edited manifests match the live documents.
    fn check_result(
        &self,
        target: &Target,
        document: &LiveDocument,
        mut before: DeclaredDocuments,
        edits: &PendingEdits,
    ) -> Result<(), NamedImportError> {
        let there = (self.import.reread)(edits)?;
        let found = (self.check)(&there, target).diagnostics;
        // A folder without manifests is accepted because the import writes some.
        if there.has_errors_for_import() || found.iter().any(is_error) {
            let first = there
                .loaded
                .diagnostics
                .iter()
                .chain(&found)
                .find(|finding| is_error(finding));
            let said = first
                .map(|finding| neutral(&finding.message).into_owned())
                .unwrap_or_default();
            return Err(refused(format!(
                "the manifest of \"{}\" would not be valid: {said}",
                document.name
            )));
        }
        let key = (document.kind, document.name.as_str().to_owned());
        let mut after = declared(&there, target);
        before.remove(&key);
        let is_live = after
            .remove(&key)
            .is_some_and(|(_, bytes)| bytes == document.bytes);
        let same = |one: &DeclaredDocuments| {
            one.iter()
                .map(|(key, (_, bytes))| (key.clone(), bytes.clone()))
                .collect::<Vec<_>>()
        };
        if !is_live || same(&before) != same(&after) {
            return Err(refused(format!(
                "\"{}\" cannot be written to that file without changing its bytes; move it to a separate file",
                document.name
            )));
        }
        Ok(())
    }
}

fn document_text(document: &LiveDocument) -> Result<&str, NamedImportError> {
    document
        .bytes
        .text()
        .with_context(|| format!("the live document \"{}\" is not UTF-8", document.name))
}

fn declared(manifests: &ManifestSet, target: &Target) -> DeclaredDocuments {
    let documents = manifests.documents(target).into_iter();
    let native =
        documents.filter_map(|document| Some((document.id, document.manifest.chainloop()?)));
    native
        .map(|(id, native)| {
            (
                (native.kind(), native.metadata().name.clone()),
                (id, native.bytes().clone()),
            )
        })
        .collect()
}
