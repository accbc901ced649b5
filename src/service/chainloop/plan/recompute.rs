//! Computes what the calls of a plan do to the live state: for saved plans, for drift, and to
//! verify the server after a run.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::difference::{fields, parsed, state};
use super::draft::{counts, document_call, resource};
use crate::plan::replay::{Mismatch, ReplayError};
use crate::plan::{
    Change, ChangeKind, DocumentState, DocumentStatus, FieldChange, LastChange, PlanNote,
    PlannedCall, ResourceKind, SourceRef, TargetDrift, TargetPlan, ValueChange,
};
use model::chainloop::{
    ChainloopLiveState, ChainloopOperation, DocumentKind, LiveDocument, PolicyName, SentDocument,
    VersionReference,
};
use model::digest::Digest;

/// The known documents of an organization after some calls.
///
/// # Errors
/// A call does not fit the live state.
pub fn documents_replayed(
    live: &ChainloopLiveState,
    calls: &[PlannedCall],
    organization: &str,
) -> Result<ChainloopLiveState, ReplayError> {
    let mut state = live.clone();
    for call in calls {
        let operation = call
            .send
            .chainloop()
            .ok_or(ReplayError::OtherService { call: call.id.0 })?;
        let there = found(&state, operation, organization).map_err(|why| refused(call, why))?;
        let SentDocument {
            name,
            digest,
            bytes,
        } = operation.document();
        let mut versions = there
            .map(|there| there.versions.clone())
            .unwrap_or_default();
        // A server that lists no versions at least has the current one.
        versions.extend(there.map(|there| VersionReference {
            digest: there.digest.clone(),
            created_at: None,
        }));
        versions.insert(
            0,
            VersionReference {
                digest: digest.clone(),
                created_at: None,
            },
        );
        let made = LiveDocument {
            kind: DocumentKind::Policy,
            name: name.clone(),
            bytes: bytes.clone(),
            digest: digest.clone(),
            latest: true,
            builtin: false,
            organization: Some(organization.to_owned()),
            versions,
            inputs_schema: None,
        };
        state
            .documents
            .insert((DocumentKind::Policy, name.clone()), Some(made));
    }
    Ok(state)
}

fn refused(call: &PlannedCall, why: &str) -> ReplayError {
    ReplayError::Refused {
        call: call.id.0,
        why: why.to_owned(),
    }
}

/// The document that a write replaces, or why the write is not possible.
fn found<'s>(
    live: &'s ChainloopLiveState,
    operation: &ChainloopOperation,
    organization: &str,
) -> Result<Option<&'s LiveDocument>, &'static str> {
    let there = live.document(DocumentKind::Policy, &operation.document().name);
    match (operation, there) {
        (_, None) => Err("the policy was not requested"),
        (_, Some(Some(there))) if there.builtin => Err("the policy is builtin"),
        (_, Some(Some(there))) if !there.is_of(organization) => {
            Err("the policy belongs to another organization")
        }
        (ChainloopOperation::CreatePolicy { .. }, Some(Some(_))) => Err("the policy exists"),
        (ChainloopOperation::UpdatePolicy { .. }, Some(None)) => Err("the policy does not exist"),
        (
            ChainloopOperation::CreatePolicy { .. } | ChainloopOperation::UpdatePolicy { .. },
            Some(there),
        ) => Ok(there),
    }
}

/// The same plan with its changes, notes, counts and document states computed from its calls and
/// the live state. Held changes are taken from the file, because they have no effect.
///
/// # Errors
/// A call does not fit the live state.
pub fn recomputed_documents(
    plan: &TargetPlan,
    live: &ChainloopLiveState,
) -> Result<TargetPlan, ReplayError> {
    let organization = plan.target.organization.as_str();
    documents_replayed(live, &plan.calls, organization)?;
    let places = places(plan);
    let mut recomputed = plan.clone();
    recomputed.changes.clear();
    recomputed
        .notes
        .retain(|note| !matches!(note, PlanNote::GoesBack { .. }));
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
            inlined: inlined(plan, resource, &document.name),
            fields: Vec::new(),
        };
        let differing = fields(
            there.map(|there| (&there.bytes, &there.digest)),
            Some((&document.bytes, &document.digest)),
        );
        let drafted = document_call(document.clone(), there, &status, differing);
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

/// Where a plan says that documents are declared. This is taken from the file, because it only
/// affects which line is shown.
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

/// The files that a document contains, as a plan says. As with places, this only affects what is
/// shown.
fn inlined(plan: &TargetPlan, resource: ResourceKind, name: &PolicyName) -> Vec<String> {
    let mut documents = plan.documents.iter();
    documents
        .find(|status| status.resource == resource && status.name == name.as_str())
        .map(|status| status.inlined.clone())
        .unwrap_or_default()
}

/// The changes made outside of polwarden. `plan` is the plan that would restore the desired state;
/// its changes are reversed, including those that are held.
///
/// # Errors
/// The plan was made for another state.
pub fn documents_drift(
    plan: &TargetPlan,
    live: &ChainloopLiveState,
) -> Result<TargetDrift, ReplayError> {
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
        .map(inverted)
        .collect();
    changes.sort_by(|a, b| (a.resource, &a.name).cmp(&(b.resource, &b.name)));
    let differs = |status: &&DocumentStatus| status.state != DocumentState::InSync;
    let since = plan.documents.iter().filter(differs).filter_map(|status| {
        let updated_at = status.live_since.clone()?;
        Some(LastChange {
            name: status.name.clone(),
            id: status.live.as_ref()?.to_string(),
            updated_at,
        })
    });
    // A deleted document has no bytes to adopt, and a document of another organization cannot be
    // written.
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
        // The caller knows the manifests.
        managed: BTreeMap::new(),
        unlisted: true,
        gates: Vec::new(),
        unmanaged: Vec::new(),
    })
}

/// The reverse of a change.
fn inverted(change: Change) -> Change {
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
    let children = children.into_iter().map(inverted).collect();
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

/// Compares two states byte by byte. Documents that were not requested are ignored.
pub fn verify_documents(
    expected: &ChainloopLiveState,
    actual: &ChainloopLiveState,
) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for ((kind, name), expected) in &expected.documents {
        let Some(actual) = actual.document(*kind, name) else {
            continue;
        };
        let what = match (expected, actual) {
            (Some(_), None) => Some("it does not exist, but should"),
            (None, Some(_)) => Some("it exists, but should not"),
            (Some(expected), Some(actual)) => difference(expected, actual),
            (None, None) => None,
        };
        found.extend(what.map(|what| Mismatch {
            resource: resource(*kind),
            name: name.to_string(),
            what: what.to_owned(),
        }));
    }
    found
}

/// How a document differs from the expected one, as a clause.
fn difference(expected: &LiveDocument, actual: &LiveDocument) -> Option<&'static str> {
    let LiveDocument {
        kind: _,
        name: _,
        bytes,
        // Computed from the bytes.
        digest: _,
        latest: _,
        builtin,
        organization,
        versions: _,
        // Computed from the bytes by the service.
        inputs_schema: _,
    } = expected;
    if *bytes != actual.bytes {
        Some("its bytes differ from the expected bytes")
    } else if *builtin != actual.builtin || *organization != actual.organization {
        Some("it belongs to another organization")
    } else if has_unknown_version(expected, actual) {
        Some(
            "another client wrote a version of it in the meantime, which is no longer the latest one",
        )
    } else {
        None
    }
}

/// Whether there is an unexpected version. A write cannot name the version that it replaces, so
/// this shows that another client's version was overwritten.
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

/// A property of document plans that a plan from a file violates.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DocumentPlanViolation {
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The bytes do not have the digest of the call.
    #[error("call {call}: the bytes have the digest {computed}, not {said}")]
    Digest {
        call: u32,
        /// The digest in the call.
        said: String,
        /// The digest of the bytes.
        computed: String,
    },
    /// The document has another name than the call.
    #[error("call {call}: the document is not the policy `{name}`")]
    Name {
        call: u32,
        /// The name in the call.
        name: String,
    },
    /// The number is out of order, the call waits for another one, or it has a part. No call of a
    /// document does.
    #[error("call {call} is not valid in a plan of documents")]
    UnexpectedForm { call: u32 },
    /// A policy is written twice.
    #[error("call {call} writes the policy `{name}` again")]
    Duplicate { call: u32, name: String },
}

/// Checks a plan from a file: every call must write a policy of the organization, once, with the
/// bytes of its digest and under the name in these bytes.
pub fn audit_documents(plan: &TargetPlan, live: &ChainloopLiveState) -> Vec<DocumentPlanViolation> {
    let mut breaches = Vec::new();
    if let Err(error) = documents_replayed(live, &plan.calls, &plan.target.organization) {
        breaches.push(error.into());
    }
    let mut seen: BTreeSet<&PolicyName> = BTreeSet::new();
    for (call, wanted) in plan.calls.iter().zip(1..) {
        if call.id.0 != wanted || !call.after.is_empty() || call.part.is_some() {
            breaches.push(DocumentPlanViolation::UnexpectedForm { call: call.id.0 });
        }
        let Some(document) = call.send.chainloop().map(ChainloopOperation::document) else {
            continue;
        };
        let number = call.id.0;
        let name = document.name.to_string();
        let computed = document.bytes.digest();
        if computed != document.digest {
            let said = document.digest.to_string();
            let computed = computed.to_string();
            breaches.push(DocumentPlanViolation::Digest {
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
            breaches.push(DocumentPlanViolation::Name {
                call: number,
                name: name.clone(),
            });
        }
        if !seen.insert(&document.name) {
            breaches.push(DocumentPlanViolation::Duplicate { call: number, name });
        }
    }
    breaches
}
