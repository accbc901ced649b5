//! The place of a statement of a Cedar policy: in the file that the policy names, or in the manifest.

use camino::Utf8Path;

use super::workspace::Workspace;
use crate::plan::SourceRef;
use crate::workspace::without_parents;
use access::CedarStatement;
use manifest::Manifest;
use manifest::config::Target;
use model::diag::{Path, Place};

/// The file and the line of a statement; nothing for one that was read from the server.
pub(super) fn locate(
    workspace: &Workspace,
    target: &Target,
    statement: &CedarStatement<'_>,
) -> Option<SourceRef> {
    let id = statement.document?;
    let documents = workspace.documents(target);
    let Manifest::Policy(policy) = &documents
        .iter()
        .find(|document| document.id == id)?
        .manifest
    else {
        return None;
    };
    let spec = policy.spec.cedar.as_ref()?;
    let manifest = workspace.sources().file(id.file);
    match (&spec.text, &spec.file) {
        (Some(text), _) => {
            let place = Place::value(id, Path::root().key("spec").key("cedar").key("text"));
            let begin = SourceRef::locate(workspace.sources(), &place);
            let line = line_in(manifest.text(), begin.line, text, statement.line);
            Some(SourceRef {
                line: line.unwrap_or(begin.line),
                ..begin
            })
        }
        (None, Some(file)) => {
            let folder = Utf8Path::new(manifest.name())
                .parent()
                .unwrap_or(Utf8Path::new(""));
            Some(SourceRef {
                file: without_parents(&folder.join(file)).into_string(),
                line: statement.line,
            })
        }
        (None, None) => None,
    }
}

/// The line of a manifest that contains a line of a text in it. A literal block keeps its lines, and begins, as far as
/// its place shows, with the first line that is not empty. Returns `None` if the lines are not kept.
fn line_in(manifest: &str, begin: u32, text: &str, line: u32) -> Option<u32> {
    let wanted = text
        .lines()
        .nth(usize::try_from(line.checked_sub(1)?).ok()?)?;
    let empty = text
        .lines()
        .take_while(|line| line.trim().is_empty())
        .count();
    let found = (begin + line - 1).checked_sub(u32::try_from(empty).ok()?)?;
    let there = manifest
        .lines()
        .nth(usize::try_from(found.checked_sub(1)?).ok()?)?;
    (there.trim() == wanted.trim()).then_some(found)
}
