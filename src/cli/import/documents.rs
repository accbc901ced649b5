//! `polwarden import --only` at Chainloop: documents as they are live, byte for byte.
//!
//! The service has no list, so documents are named. Nothing is written before it is known to be right: the manifests are
//! read as they would be; what was named has the live bytes then, and everything else the bytes that it had.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};
use camino::Utf8PathBuf;

use super::{ImportArgs, adopt};
use crate::cli::connect::Session;
use crate::cli::console::Console;
use crate::cli::planning;
use crate::cli::tree::PendingEdits;
use crate::cli::workspace::{Workspace, is_error};
use crate::render::plan::target_heading;
use crate::render::text::neutral;
use crate::service::registry::ServerFacts;
use manifest::chainloop::split;
use manifest::config::Target;
use model::chainloop::{ChainloopLiveState, DocumentBytes, DocumentKind, LiveDocument, PolicyName};
use model::diag::DocumentId;

const KINDS: [DocumentKind; 2] = [DocumentKind::Policy, DocumentKind::PolicyGroup];

/// What is declared, by kind and name.
type DeclaredDocuments = BTreeMap<(DocumentKind, String), (DocumentId, DocumentBytes)>;

/// A run at targets of Chainloop alone.
pub(super) struct DocumentImport<'a> {
    pub(super) import: &'a ImportArgs,
    pub(super) console: Console,
}

/// Where a document goes, and what the whole file is then.
struct ImportDestination {
    path: Utf8PathBuf,
    text: String,
    is_new: bool,
}

impl DocumentImport<'_> {
    pub(super) async fn run(
        &self,
        workspace: &Workspace,
        targets: &[&Target],
        session: &Session,
    ) -> anyhow::Result<()> {
        let names = self.names()?;
        let mut states = Vec::new();
        for target in targets {
            let wanted = names
                .iter()
                .flat_map(|name| KINDS.map(|kind| (kind, name.clone())));
            let live = session
                .connections()
                .chainloop(target)?
                .reader(target)?
                .asking_for(wanted)
                .live_state()
                .await;
            states.push((*target, live.with_context(|| planning::of(target))?));
        }
        for name in &names {
            if !states
                .iter()
                .any(|(_, live)| live.found().any(|document| document.name == *name))
            {
                bail!(
                    "there is no policy or policy group `{name}` at the service. Nothing was written."
                );
            }
        }
        let mut edits = PendingEdits::default();
        let mut told = Vec::new();
        for (target, live) in &states {
            told.push(target_heading(&session.info(target)?));
            self.take(workspace, target, live, &mut edits, &mut told)
                .with_context(|| format!("{}: nothing was written", planning::of(target)))?;
        }
        adopt::write(&edits)?;
        for line in told {
            self.console.print(&format!("{line}\n"))?;
        }
        Ok(())
    }

    fn names(&self) -> anyhow::Result<BTreeSet<PolicyName>> {
        let name = |text: &String| {
            PolicyName::new(text)
                .with_context(|| format!("`{}` is no name of a policy", neutral(text)))
        };
        self.import.only.iter().map(name).collect()
    }

    /// Takes over what was found at one target.
    fn take(
        &self,
        workspace: &Workspace,
        target: &Target,
        live: &ChainloopLiveState,
        edits: &mut PendingEdits,
        told: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        for document in live.found() {
            let what = format!("{} \"{}\"", document.kind.words(), document.name);
            let is_own = document.is_of(&target.organization);
            let is_meant = |other: &LiveDocument| {
                other.name == document.name && other.is_of(&target.organization)
            };
            if !is_own && live.found().any(is_meant) {
                // A group may have the name of a policy; who has none of both is told why.
                continue;
            }
            if document.builtin {
                bail!(
                    "{what} is builtin: nobody can write it, so there is nothing to keep; `polwarden lock` pins it"
                );
            }
            if !is_own {
                let owner = document
                    .organization
                    .as_deref()
                    .unwrap_or("another organization");
                bail!(
                    "{what} is owned by {}, so this target cannot write it",
                    neutral(owner)
                );
            }
            let here = self.import.read_edited(edits)?;
            let before = declared(&here, target);
            let known = before.get(&(document.kind, document.name.as_str().to_owned()));
            if known.is_some_and(|(_, bytes)| *bytes == document.bytes) {
                told.push(format!(
                    "nothing to do: the manifest of {what} has the live bytes"
                ));
                continue;
            }
            let place = match known {
                Some((id, _)) => self.updated_file(workspace, &here, target, *id, document)?,
                None => self.new_file(target, document, edits)?,
            };
            let ImportDestination { path, text, is_new } = place;
            edits.insert(path.clone(), text);
            self.check_result(target, document, before, edits)?;
            let verb = if is_new { "wrote" } else { "updated" };
            told.push(format!(
                "{verb} {} ({what}, {})",
                neutral(path.as_str()),
                document.digest
            ));
        }
        Ok(())
    }

    /// The file that declares the document, with the live bytes in the place of its own.
    fn updated_file(
        &self,
        workspace: &Workspace,
        here: &Workspace,
        target: &Target,
        id: DocumentId,
        document: &LiveDocument,
    ) -> anyhow::Result<ImportDestination> {
        let file = here.sources().file(id.file);
        if let Some(other) = here
            .other_reader(target, id.file)
            .or_else(|| workspace.other_reader(target, id.file))
        {
            bail!(
                "`{}` is read for target `{}` too",
                neutral(file.name()),
                neutral(&other.name)
            );
        }
        let new = document_text(document)?;
        let mut text = file.text().to_string();
        let piece = usize::try_from(id.index)
            .ok()
            .and_then(|index| split(&text).into_iter().nth(index));
        let range = piece
            .map(|piece| piece.document)
            .context("the document cannot be told from the others of its file")?;
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
    ) -> anyhow::Result<ImportDestination> {
        let stem = match document.kind {
            DocumentKind::Policy => document.name.to_string(),
            DocumentKind::PolicyGroup => format!("group-{}", document.name),
        };
        let path = self.import.folder(target).join(format!("{stem}.yaml"));
        if edits.contains_key(&path) || (path.exists() && !self.import.force) {
            bail!(
                "`{path}` exists; move it away, choose another folder with --out, or add --force"
            );
        }
        Ok(ImportDestination {
            path,
            text: document_text(document)?.to_owned(),
            is_new: true,
        })
    }

    /// Holds the manifests, as they would be, to what was wanted.
    fn check_result(
        &self,
        target: &Target,
        document: &LiveDocument,
        mut before: DeclaredDocuments,
        edits: &PendingEdits,
    ) -> anyhow::Result<()> {
        let there = self.import.read_edited(edits)?;
        let found = there.check(target, &ServerFacts::offline()).diagnostics;
        // A folder that holds no manifests yet is no error where some are about to be written.
        if there.has_errors_for_import() || found.iter().any(is_error) {
            let first = there
                .findings()
                .iter()
                .chain(&found)
                .find(|finding| is_error(finding));
            let said = first
                .map(|finding| neutral(&finding.message).into_owned())
                .unwrap_or_default();
            bail!(
                "the manifest of \"{}\" would not be valid: {said}",
                document.name
            );
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
            bail!(
                "\"{}\" cannot stand in that file without changing a byte; move it to one of its own",
                document.name
            );
        }
        Ok(())
    }
}

fn document_text(document: &LiveDocument) -> anyhow::Result<&str> {
    document
        .bytes
        .text()
        .with_context(|| format!("\"{}\" is no UTF-8 at the service", document.name))
}

fn declared(workspace: &Workspace, target: &Target) -> DeclaredDocuments {
    let documents = workspace.documents(target).into_iter();
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
