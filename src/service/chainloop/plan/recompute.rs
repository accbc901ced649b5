//! What the calls of a plan do to what is live: for a plan that was saved, for drift, and to hold what was written to it.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::difference::{fields, parsed};
use super::state::state;
use super::{counts, draft, resource};
use crate::plan::{
    Call, Change, ChangeKind, DocumentState, DocumentStatus, FieldChange, Note, ResourceKind,
    Since, SourceRef, TargetDrift, TargetPlan, ValueChange,
};
use crate::plan::{Mismatch, ReplayError};
use model::chainloop::{
    DocumentKind, LiveDocument, LiveState, Operation, PolicyName, VersionReference,
};
use model::digest::Digest;

/// What the server holds after some calls of an organization, of what is known of it.
///
/// # Errors
/// A call does not fit what is live.
pub fn documents_replayed(
    live: &LiveState,
    calls: &[Call],
    organization: &str,
) -> Result<LiveState, ReplayError> {
    let mut state = live.clone();
    for call in calls {
        let operation = call
            .send
            .chainloop()
            .ok_or(ReplayError::Foreign { call: call.id.0 })?;
        let there = found(&state, operation, organization).map_err(|why| refused(call, why))?;
        let document = operation.document();
        let mut versions = there
            .map(|there| there.versions.clone())
            .unwrap_or_default();
        // A server that tells of no versions tells of the one that it has.
        versions.extend(there.map(|there| VersionReference {
            digest: there.digest.clone(),
            created_at: None,
        }));
        versions.insert(
            0,
            VersionReference {
                digest: document.digest.clone(),
                created_at: None,
            },
        );
        let made = LiveDocument {
            kind: DocumentKind::Policy,
            name: document.name.clone(),
            bytes: document.bytes.clone(),
            digest: document.digest.clone(),
            latest: true,
            builtin: false,
            organization: Some(organization.to_owned()),
            versions,
            inputs_schema: None,
        };
        state
            .documents
            .insert((DocumentKind::Policy, document.name.clone()), Some(made));
    }
    Ok(state)
}

fn refused(call: &Call, why: &str) -> ReplayError {
    ReplayError::Refused {
        call: call.id.0,
        why: why.to_owned(),
    }
}

/// What a write finds; or why it must not be made.
fn found<'s>(
    live: &'s LiveState,
    operation: &Operation,
    organization: &str,
) -> Result<Option<&'s LiveDocument>, &'static str> {
    let there = live.document(DocumentKind::Policy, &operation.document().name);
    match (operation, there) {
        (_, None) => Err("the policy was not asked for"),
        (_, Some(Some(there))) if there.builtin => Err("the policy is builtin"),
        (_, Some(Some(there))) if !there.is_of(organization) => {
            Err("the policy is of another organization")
        }
        (Operation::CreatePolicy { .. }, Some(Some(_))) => Err("the policy exists"),
        (Operation::UpdatePolicy { .. }, Some(None)) => Err("the policy does not exist"),
        (Operation::CreatePolicy { .. } | Operation::UpdatePolicy { .. }, Some(there)) => Ok(there),
    }
}

/// The same plan with its changes, its notes, its counts and how its documents compare made from its calls and from what is
/// live. What it holds back is believed: nothing is done about it.
///
/// # Errors
/// A call does not fit what is live.
pub fn recomputed_documents(
    plan: &TargetPlan,
    live: &LiveState,
) -> Result<TargetPlan, ReplayError> {
    let organization = plan.target.organization.as_str();
    documents_replayed(live, &plan.calls, organization)?;
    let places = places(plan);
    let mut recomputed = plan.clone();
    recomputed.changes.clear();
    recomputed
        .notes
        .retain(|note| !matches!(note, Note::GoesBack { .. }));
    let mut written = BTreeMap::new();
    for operation in plan.calls.iter().filter_map(|call| call.send.chainloop()) {
        let document = operation.document();
        let there = live
            .document(DocumentKind::Policy, &document.name)
            .flatten();
        let resource = resource(DocumentKind::Policy);
        let status = DocumentStatus {
            resource,
            name: document.name.to_string(),
            state: state(&document.bytes, &document.digest, there, organization),
            digest: document.digest.clone(),
            live: there.map(|there| there.digest.clone()),
            live_since: there
                .and_then(LiveDocument::created_at)
                .map(|time| time.to_string()),
            source: places
                .get(&(resource, document.name.as_str()))
                .map(|source| SourceRef::clone(source)),
            fields: Vec::new(),
        };
        let differing = fields(
            there.map(|there| (&there.bytes, &there.digest)),
            Some((&document.bytes, &document.digest)),
        );
        let drafted = draft(document.clone(), there, &status, differing);
        recomputed.changes.push(drafted.change);
        recomputed.notes.extend(drafted.note);
        written.insert(document.name.to_string(), status);
    }
    recomputed.documents.retain(|status| {
        status.resource != ResourceKind::PolicyDocument || !written.contains_key(&status.name)
    });
    recomputed.documents.extend(written.into_values());
    recomputed
        .documents
        .sort_by(|a, b| (a.resource, &a.name).cmp(&(b.resource, &b.name)));
    recomputed.notes.sort();
    recomputed.live = counts(live);
    Ok(recomputed)
}

/// Where a plan says that documents are declared. Only this is believed of a file.
fn places(plan: &TargetPlan) -> BTreeMap<(ResourceKind, &str), &SourceRef> {
    let all = plan.changes.iter().map(|change| {
        (
            (change.resource, change.name.as_str()),
            change.source.as_ref(),
        )
    });
    all.filter_map(|(key, source)| Some((key, source?)))
        .collect()
}

/// What somebody else did at the server, given the plan that would make the server equal to the manifests again: each
/// difference the other way round, those that are held included.
///
/// # Errors
/// The plan was made for another state.
pub fn documents_drift(plan: &TargetPlan, live: &LiveState) -> Result<TargetDrift, ReplayError> {
    documents_replayed(live, &plan.calls, &plan.target.organization)?;
    let held = plan
        .documents
        .iter()
        .filter_map(DocumentStatus::held_change);
    let mut changes: Vec<Change> = plan
        .changes
        .iter()
        .cloned()
        .chain(held)
        .map(turned)
        .collect();
    changes.sort_by(|a, b| (a.resource, &a.name).cmp(&(b.resource, &b.name)));
    let differs = |status: &&DocumentStatus| status.state != DocumentState::InSync;
    let since = plan.documents.iter().filter(differs).filter_map(|status| {
        let updated_at = status.live_since.clone()?;
        Some(Since {
            name: status.name.clone(),
            id: status.live.as_ref()?.to_string(),
            updated_at,
        })
    });
    // What is gone has no bytes to take over, and what is somebody else's is not ours to write.
    let adoptable = plan.documents.iter().filter(|status| match status.state {
        DocumentState::FormatOnly
        | DocumentState::MeaningDiffers
        | DocumentState::Behind { .. } => true,
        DocumentState::InSync | DocumentState::Missing | DocumentState::OwnedElsewhere { .. } => {
            false
        }
    });
    let adopt = TargetDrift::adopting(&plan.target, adoptable.map(|status| status.name.as_str()));
    let undo = ["polwarden", "apply", "--target", &plan.target.name]
        .map(str::to_owned)
        .to_vec();
    Ok(TargetDrift {
        adopt,
        undo: if plan.calls.is_empty() {
            Vec::new()
        } else {
            undo
        },
        target: plan.target.clone(),
        since: since.collect(),
        enforcement: Vec::new(),
        documents: plan
            .documents
            .iter()
            .map(|status| DocumentStatus {
                fields: Vec::new(),
                ..status.clone()
            })
            .collect(),
        changes,
        access: None,
        held: plan.held.clone(),
        unmanaged: Vec::new(),
    })
}

/// A change seen from the other side.
fn turned(change: Change) -> Change {
    let Change {
        kind,
        resource,
        name,
        id,
        source,
        fields,
        children,
    } = change;
    let kind = match kind {
        ChangeKind::Create => ChangeKind::Delete,
        ChangeKind::Delete => ChangeKind::Create,
        ChangeKind::Update => ChangeKind::Update,
        ChangeKind::Within => ChangeKind::Within,
    };
    let fields = fields.into_iter().map(|FieldChange { field, value }| {
        let value = match value {
            ValueChange::Scalar { before, after } => ValueChange::Scalar {
                before: after,
                after: before,
            },
            ValueChange::Set {
                added,
                removed,
                kept,
            } => ValueChange::Set {
                added: removed,
                removed: added,
                kept,
            },
            ValueChange::Text { before, after } => ValueChange::Text {
                before: after,
                after: before,
            },
        };
        FieldChange { field, value }
    });
    let fields = fields.collect();
    let children = children.into_iter().map(turned).collect();
    Change {
        kind,
        resource,
        name,
        id,
        source,
        fields,
        children,
    }
}

/// Compares two states, byte by byte; what was not asked for does not count.
pub fn verify_documents(expected: &LiveState, actual: &LiveState) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for ((kind, name), expected) in &expected.documents {
        let Some(actual) = actual.document(*kind, name) else {
            continue;
        };
        let what = match (expected, actual) {
            (Some(_), None) => "it should exist and does not",
            (None, Some(_)) => "it exists and should not",
            (Some(expected), Some(actual)) if expected.bytes != actual.bytes => {
                "its bytes are not those that should be there"
            }
            (Some(expected), Some(actual))
                if (actual.builtin, &actual.organization)
                    != (expected.builtin, &expected.organization) =>
            {
                "it belongs to somebody else"
            }
            (Some(expected), Some(actual)) if has_unknown_version(expected, actual) => {
                "another writer wrote a version of it meanwhile, which is not the latest one any more"
            }
            (Some(_), Some(_)) | (None, None) => continue,
        };
        found.push(Mismatch {
            resource: resource(*kind),
            name: name.to_string(),
            what: what.to_owned(),
        });
    }
    found
}

/// Whether there is a version that nobody knew of: no write can say which version it replaces, so that this tells of one
/// that was written over.
fn has_unknown_version(expected: &LiveDocument, actual: &LiveDocument) -> bool {
    let known = |digest: &Digest| {
        *digest == expected.digest
            || expected
                .versions
                .iter()
                .any(|version| version.digest == *digest)
    };
    !actual.versions.iter().all(|version| known(&version.digest))
}

/// What a plan of documents promises and a plan from a file breaks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DocumentBreach {
    /// It does not fit what is live.
    #[error(transparent)]
    Unfit(#[from] ReplayError),
    /// The bytes are not those of the digest.
    #[error("call {call}: the bytes have the digest {computed}, not {said}")]
    Digest {
        /// The call's number.
        call: u32,
        /// The digest that the call names.
        said: String,
        /// That of the bytes.
        computed: String,
    },
    /// The document is another one than the call says.
    #[error("call {call}: the document is not the policy `{name}`")]
    Name {
        /// The call's number.
        call: u32,
        /// The name that the call says.
        name: String,
    },
    /// The call has a number out of order, waits for another, or is about a part: no call of a document does.
    #[error("call {call} is not one of a plan of documents")]
    Odd {
        /// The call's number.
        call: u32,
    },
    /// A policy is written twice.
    #[error("call {call} writes the policy `{name}` again")]
    Twice {
        /// The call's number.
        call: u32,
        /// The policy.
        name: String,
    },
}

/// Tries to prove a plan wrong: every call must write a policy of the organization, once, with the bytes of its digest,
/// under the name that stands in them.
pub fn audit_documents(plan: &TargetPlan, live: &LiveState) -> Vec<DocumentBreach> {
    let mut breaches = Vec::new();
    if let Err(error) = documents_replayed(live, &plan.calls, &plan.target.organization) {
        breaches.push(error.into());
    }
    let mut seen: BTreeSet<&PolicyName> = BTreeSet::new();
    for (call, wanted) in plan.calls.iter().zip(1..) {
        if call.id.0 != wanted || !call.after.is_empty() || call.part.is_some() {
            breaches.push(DocumentBreach::Odd { call: call.id.0 });
        }
        let Some(document) = call.send.chainloop().map(Operation::document) else {
            continue;
        };
        let number = call.id.0;
        let name = document.name.to_string();
        let computed = document.bytes.digest();
        if computed != document.digest {
            let said = document.digest.to_string();
            let computed = computed.to_string();
            breaches.push(DocumentBreach::Digest {
                call: number,
                said,
                computed,
            });
        }
        let says = |field: &str| -> Option<String> {
            let documents = parsed(&document.bytes)?;
            let [only] = documents.as_slice() else {
                return None;
            };
            Some(only.pointer(field)?.as_str()?.to_owned())
        };
        let is_named =
            says("/metadata/name").is_some_and(|found| found == name) && call.name == name;
        if !is_named || says("/kind").is_none_or(|kind| kind != DocumentKind::Policy.as_str()) {
            breaches.push(DocumentBreach::Name {
                call: number,
                name: name.clone(),
            });
        }
        if !seen.insert(&document.name) {
            breaches.push(DocumentBreach::Twice { call: number, name });
        }
    }
    breaches
}
