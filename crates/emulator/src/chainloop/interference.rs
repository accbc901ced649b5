//! Changes by another client between two requests.

use super::app::ChainloopApp;
use super::change::ChainloopInterference;
use super::document::{DocumentOwner, StoredDocument, StoredDocumentKind, StoredDocumentVersion};
use super::refusal::ChainloopRefusal;
use super::store::ChainloopRecords;
use crate::fault::ObjectChoice;
use crate::other_writer::free_name;
use crate::service::PathNames;

/// The name of policies that another client adds.
const NEW_NAME: &str = "another-writer";

/// Makes a change. Returns false if there was nothing to change. `about` contains the path
/// parameters of the request.
pub(super) fn interfere(
    app: &ChainloopApp,
    about: &PathNames,
    change: &ChainloopInterference,
) -> Result<bool, ChainloopRefusal> {
    let meant = about.get("name").map(String::as_str);
    app.store.write(|records| {
        match change {
            ChainloopInterference::AddPolicy(which) => return add(records, which),
            ChainloopInterference::ChangePolicy(which) => {
                let Some(policy) = find(records, StoredDocumentKind::Policy, which, meant)? else {
                    return Ok(false);
                };
                annotate(records, &policy)?;
            }
            ChainloopInterference::ChangeGroup(which) => {
                let Some(group) = find(records, StoredDocumentKind::Group, which, meant)? else {
                    return Ok(false);
                };
                annotate(records, &group)?;
            }
            ChainloopInterference::RestorePolicy(which) => {
                let Some(policy) = find(records, StoredDocumentKind::Policy, which, meant)? else {
                    return Ok(false);
                };
                let mut versions = records.versions(&policy)?;
                versions.pop();
                let Some(before) = versions.pop() else {
                    return Ok(false);
                };
                records.add_version(&policy, &StoredDocumentVersion::now(before.body))?;
            }
            ChainloopInterference::DeletePolicy(which) => {
                let Some(policy) = find(records, StoredDocumentKind::Policy, which, meant)? else {
                    return Ok(false);
                };
                records.delete(&policy)?;
            }
        }
        Ok(true)
    })
}

/// A document of one of the caller's organizations: the one in the request's path if it matches,
/// otherwise the oldest.
fn find(
    records: &ChainloopRecords<'_>,
    kind: StoredDocumentKind,
    which: &ObjectChoice,
    meant: Option<&str>,
) -> Result<Option<StoredDocument>, ChainloopRefusal> {
    let own = own(records)?;
    let mut documents = records.documents(kind)?;
    documents.retain(|document| own.contains(&document.owner) && which.matches(&document.name));
    let place = documents
        .iter()
        .position(|document| Some(document.name.as_str()) == meant)
        .unwrap_or_default();
    Ok(documents.into_iter().nth(place))
}

fn own(records: &ChainloopRecords<'_>) -> Result<Vec<DocumentOwner>, ChainloopRefusal> {
    let own = records
        .organizations()?
        .into_iter()
        .filter(|organization| !organization.is_foreign);
    Ok(own
        .map(|organization| DocumentOwner::Organization(organization.name))
        .collect())
}

/// Adds a version that differs in a comment.
fn annotate(
    records: &ChainloopRecords<'_>,
    document: &StoredDocument,
) -> Result<(), ChainloopRefusal> {
    let versions = records.versions(document)?;
    let mut body = versions
        .last()
        .map(|version| version.body.clone())
        .unwrap_or_default();
    if !body.ends_with(b"\n") {
        body.push(b'\n');
    }
    body.extend_from_slice(format!("# changed by another client, {}\n", versions.len()).as_bytes());
    Ok(records.add_version(document, &StoredDocumentVersion::now(body))?)
}

fn add(records: &ChainloopRecords<'_>, which: &ObjectChoice) -> Result<bool, ChainloopRefusal> {
    let Some(owner) = own(records)?.into_iter().next() else {
        return Ok(false);
    };
    let taken = records.documents(StoredDocumentKind::Policy)?;
    let is_taken = |name: &str| {
        taken
            .iter()
            .any(|document| document.owner == owner && document.name == name)
    };
    let name = match which {
        ObjectChoice::Named(name) => name.clone(),
        ObjectChoice::Any => free_name(NEW_NAME, '-', is_taken),
    };
    if is_taken(&name) {
        return Ok(false);
    }
    let text = format!(
        "apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata:\n  name: {name}\nspec:\n  policies:\n    - kind: SARIF\n      \
         embedded: |\n        package main\n\n        result := {{\"skipped\": true, \"violations\": [], \"skip_reason\": \"\"}}\n"
    );
    let document = records.add_document(StoredDocumentKind::Policy, owner, &name)?;
    records.add_version(&document, &StoredDocumentVersion::now(text.into_bytes()))?;
    Ok(true)
}
