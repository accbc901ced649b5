//! References in manifests, written anew with the version that they stand for. Nothing else of a file changes.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::cli::fmt::replace;
use crate::cli::workspace::Workspace;
use crate::render::text::count_of;
use crate::service::chainloop::lock::Pins;
use git::WorkTree;
use manifest::config::Target;
use manifest::lock::{LockFile, pin_key};
use manifest::parse;
use model::chainloop::{DesiredDocument, Reference};
use model::diag::{FileId, Severity, SourceMap};

/// One reference that is written anew.
#[derive(Debug)]
struct ReferenceEdit {
    range: std::ops::Range<usize>,
    text: String,
}

/// The references of all targets that are written anew, by file.
#[derive(Debug, Default)]
pub(super) struct ReferenceRewrite {
    edits: BTreeMap<FileId, Vec<ReferenceEdit>>,
}

impl ReferenceRewrite {
    /// Takes the references of one target, and moves their pins to the keys that they have afterwards.
    ///
    /// # Errors
    /// A reference is not written so that its text can be replaced.
    pub(super) fn take(
        &mut self,
        workspace: &Workspace,
        target: &Target,
        documents: &[DesiredDocument],
        pins: &Pins,
        lock: &mut LockFile,
    ) -> anyhow::Result<()> {
        let Some(versions) = pins.versions.get(&target.name) else {
            return Ok(());
        };
        for document in documents {
            for one in &document.references {
                let Some(digest) = versions.get(&one.reference) else {
                    continue;
                };
                let pinned = one.reference.pinned(digest);
                if pinned == one.reference {
                    continue;
                }
                self.edit(workspace.sources(), document, one, &pinned)?;
                if let Some(entry) = lock.targets.get_mut(&target.name)
                    && let Some(pin) = entry.policies.get(&pin_key(&one.reference)).cloned()
                {
                    entry.policies.insert(pin_key(&pinned), pin);
                }
            }
        }
        let Some(entry) = lock.targets.get_mut(&target.name) else {
            return Ok(());
        };
        for (reference, digest) in versions {
            if reference.pinned(digest) != *reference {
                entry.policies.remove(&pin_key(reference));
            }
        }
        Ok(())
    }

    fn edit(
        &mut self,
        sources: &SourceMap,
        document: &DesiredDocument,
        one: &model::chainloop::ReferenceUse,
        pinned: &Reference,
    ) -> anyhow::Result<()> {
        let file = document.document.file;
        let location = sources.resolve(&document.at(&one.path));
        let written = sources
            .file(file)
            .text()
            .get(location.range.clone())
            .unwrap_or_default();
        let old = one.reference.to_string();
        let text = if written == old {
            pinned.to_string()
        } else if written == format!("\"{old}\"") || written == format!("'{old}'") {
            let quote = &written[..1];
            format!("{quote}{pinned}{quote}")
        } else {
            bail!(
                "{}:{}: `{old}` is not written on one line as it is, so that it cannot be replaced; write it out",
                sources.file(file).name(),
                location.line
            );
        };
        let edits = self.edits.entry(file).or_default();
        // A file of two targets is written once.
        match edits.iter().find(|edit| edit.range == location.range) {
            None => edits.push(ReferenceEdit {
                range: location.range,
                text,
            }),
            Some(edit) if edit.text == text => {}
            Some(_) => bail!(
                "{}:{}: `{old}` stands for different versions in two targets; give each its own file",
                sources.file(file).name(),
                location.line
            ),
        }
        Ok(())
    }

    /// Writes the files; tells how many references were written anew in each.
    ///
    /// # Errors
    /// A file has changed meanwhile or cannot be written; those before it are.
    pub(super) fn write(self, workspace: &Workspace) -> anyhow::Result<Vec<String>> {
        let mut texts = Vec::new();
        for (file, mut edits) in self.edits {
            let source = workspace.sources().file(file);
            let name = source.name();
            let before = source.text();
            let mut after = before.to_string();
            edits.sort_by_key(|edit| std::cmp::Reverse(edit.range.start));
            for edit in &edits {
                after.replace_range(edit.range.clone(), &edit.text);
            }
            let findings = parse(SourceMap::default().add(name, ""), &after).diagnostics;
            if findings
                .iter()
                .any(|finding| finding.severity() == Severity::Error)
            {
                bail!(
                    "writing the references of `{name}` anew would break it, which is a defect; nothing was written"
                );
            }
            texts.push((name, std::sync::Arc::clone(before), after, edits.len()));
        }
        let tree = WorkTree::open(Path::new("."))?;
        let mut told = Vec::new();
        for (name, before, after, count) in texts {
            replace(&tree, name.into(), &before, &after)
                .with_context(|| format!("cannot write `{name}`"))?;
            told.push(format!(
                "updated {} in {name}",
                count_of(count, "reference")
            ));
        }
        Ok(told)
    }
}
