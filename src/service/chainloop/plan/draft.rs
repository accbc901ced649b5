//! Drafts the calls that write documents, and counts and identifies documents as plans do.

use serde_json::json;

use crate::plan::{
    Change, ChangeKind, DocumentState, DocumentStatus, FieldChange, Fingerprint, LiveCounts,
    PlanNote, PlannedFingerprint, ResourceKind, document_id,
};
use model::chainloop::{
    ChainloopLiveState, ChainloopOperation, DocumentKind, LiveDocument, SentDocument,
};

pub(super) fn resource(kind: DocumentKind) -> ResourceKind {
    match kind {
        DocumentKind::Policy => ResourceKind::PolicyDocument,
        DocumentKind::PolicyGroup => ResourceKind::GroupDocument,
    }
}

pub(super) fn counts(live: &ChainloopLiveState) -> LiveCounts {
    let of = |kind: DocumentKind| {
        (
            resource(kind),
            live.found()
                .filter(|document| document.kind == kind)
                .count(),
        )
    };
    let [policies, groups] = [DocumentKind::Policy, DocumentKind::PolicyGroup].map(of);
    LiveCounts::new(
        [policies]
            .into_iter()
            .chain((groups.1 > 0).then_some(groups)),
    )
}

/// The digest of a live document: its bytes and its owner. The number of its versions is ignored.
pub fn document_fingerprint(document: &LiveDocument) -> Fingerprint {
    let LiveDocument {
        kind,
        name,
        bytes: _,
        digest,
        latest: _,
        builtin,
        organization,
        versions: _,
        inputs_schema: _,
    } = document;
    Fingerprint::of(json!([
        kind.as_str(),
        name.as_str(),
        digest.as_str(),
        builtin,
        organization
    ]))
}

/// A call with the change that it makes.
pub(super) struct DocumentDraft {
    pub(super) send: ChainloopOperation,
    pub(super) change: Change,
    pub(super) note: Option<PlanNote>,
    pub(super) before: Option<PlannedFingerprint>,
}

/// The call that writes a document, with its change.
pub(super) fn document_call(
    document: SentDocument,
    live: Option<&LiveDocument>,
    status: &DocumentStatus,
    fields: Vec<FieldChange>,
) -> DocumentDraft {
    let kind = DocumentKind::Policy;
    let name = document.name.clone();
    let id = document_id(kind, &name);
    let note = match &status.state {
        DocumentState::Behind { since } => Some(PlanNote::GoesBack {
            policy: status.name.clone(),
            digest: document.digest.to_string(),
            since: since.clone(),
        }),
        DocumentState::InSync
        | DocumentState::FormatOnly
        | DocumentState::MeaningDiffers
        | DocumentState::Missing
        | DocumentState::OwnedElsewhere { .. } => None,
    };
    let change = Change {
        kind: if live.is_some() {
            ChangeKind::Update
        } else {
            ChangeKind::Create
        },
        resource: resource(kind),
        name: status.name.clone(),
        id: live.map(|_| id.to_string()),
        source: status.source.clone(),
        fields,
        children: Vec::new(),
    };
    let before = live.map(|live| PlannedFingerprint {
        resource: resource(kind),
        id,
        name: status.name.clone(),
        fingerprint: document_fingerprint(live),
    });
    let send = match live {
        Some(_) => ChainloopOperation::UpdatePolicy { document },
        None => ChainloopOperation::CreatePolicy { document },
    };
    DocumentDraft {
        send,
        change,
        note,
        before,
    }
}
