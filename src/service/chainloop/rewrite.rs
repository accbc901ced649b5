//! Adds versions to references in manifests. The rest of a file does not change.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lock::{PinnedTarget, Pins};
use manifest::lock::{LockFile, pin_key};
use manifest::parse;
use model::chainloop::{DesiredDocument, Reference, ReferenceUse};
use model::diag::{FileId, Severity, SourceMap};

/// Why references cannot be replaced. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RewriteError(String);

/// A file with its text before and after.
#[derive(Debug)]
pub struct RewrittenFile {
    pub name: String,
    pub before: Arc<str>,
    pub after: String,
    /// The number of references that changed.
    pub references: usize,
}

/// One rewritten reference.
#[derive(Debug)]
struct ReferenceEdit {
    range: std::ops::Range<usize>,
    text: String,
}

/// The rewritten references of all targets, by file.
#[derive(Debug, Default)]
pub struct ReferenceRewrite {
    edits: BTreeMap<FileId, Vec<ReferenceEdit>>,
}

impl ReferenceRewrite {
    /// Takes the references of one target, and moves their pins to the keys that they have afterwards.
    ///
    /// # Errors
    /// A reference is not written so that its text can be replaced.
    pub fn take(
        &mut self,
        sources: &SourceMap,
        pinned: &PinnedTarget<'_>,
        pins: &Pins,
        lock: &mut LockFile,
    ) -> Result<(), RewriteError> {
        let PinnedTarget { target, documents } = pinned;
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
                self.edit(sources, document, one, &pinned)?;
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
        one: &ReferenceUse,
        pinned: &Reference,
    ) -> Result<(), RewriteError> {
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
            return Err(RewriteError(format!(
                "{}:{}: `{old}` is not written on one line, so it cannot be replaced; write it on one line",
                sources.file(file).name(),
                location.line
            )));
        };
        let edits = self.edits.entry(file).or_default();
        // A file of two targets is written once.
        match edits.iter().find(|edit| edit.range == location.range) {
            None => edits.push(ReferenceEdit {
                range: location.range,
                text,
            }),
            Some(edit) if edit.text == text => {}
            Some(_) => {
                return Err(RewriteError(format!(
                    "{}:{}: `{old}` stands for different versions in two targets; give each its own file",
                    sources.file(file).name(),
                    location.line
                )));
            }
        }
        Ok(())
    }

    /// The files with their new texts.
    ///
    /// # Errors
    /// A file would be invalid.
    pub fn files(self, sources: &SourceMap) -> Result<Vec<RewrittenFile>, RewriteError> {
        let mut files = Vec::new();
        for (file, mut edits) in self.edits {
            let source = sources.file(file);
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
                return Err(RewriteError(format!(
                    "rewriting the references of `{name}` would break it, which is a bug; nothing was written"
                )));
            }
            files.push(RewrittenFile {
                name: name.to_owned(),
                before: Arc::clone(before),
                after,
                references: edits.len(),
            });
        }
        Ok(files)
    }
}
