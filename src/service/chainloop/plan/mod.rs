//! Plans one Chainloop target: writes each document whose bytes differ.
//!
//! A write replaces a whole policy, and no policy depends on another one, so the calls do not wait
//! for each other.

mod difference;
mod draft;
mod recompute;

use std::collections::BTreeMap;

use crate::plan::{
    CallId, DocumentState, DocumentStatus, HeldChange, HeldReason, PlannedCall, PlannedOperation,
    SourceRef, TargetInfo, TargetPlan,
};
use model::chainloop::{
    ChainloopLiveState, DesiredDocument, DocumentKind, LiveDocument, PolicyName, SentDocument,
};
use model::diag::Place;

pub use draft::document_fingerprint;
pub use recompute::{
    DocumentPlanViolation, audit_documents, documents_drift, documents_replayed,
    recomputed_documents, verify_documents,
};

use difference::{fields, state};
use draft::{DocumentDraft, counts, document_call, resource};

/// The input of a plan.
pub struct DocumentPlanRequest<'a> {
    pub target: TargetInfo,
    /// The checked documents.
    pub documents: &'a [DesiredDocument],
    /// The live documents. A document that was not requested is not part of the plan.
    pub live: &'a ChainloopLiveState,
    /// Whether the target sets `writes: true`.
    pub writes: bool,
    pub locate: &'a dyn Fn(&Place) -> SourceRef,
}

/// Plans one target. The result does not depend on the order of the desired documents.
pub fn plan_documents(request: &DocumentPlanRequest<'_>) -> TargetPlan {
    let mut wanted: BTreeMap<(DocumentKind, &PolicyName), &DesiredDocument> = BTreeMap::new();
    for document in request.documents {
        // Duplicate names are reported by the check.
        wanted
            .entry((document.kind, &document.name))
            .or_insert(document);
    }
    let mut planner = DocumentPlanner {
        request,
        drafts: Vec::new(),
        held: Vec::new(),
        documents: Vec::new(),
    };
    for ((kind, name), desired) in wanted {
        if let Some(live) = request.live.document(kind, name) {
            planner.document(desired, live);
        }
    }
    planner.finish()
}

struct DocumentPlanner<'a> {
    request: &'a DocumentPlanRequest<'a>,
    drafts: Vec<DocumentDraft>,
    held: Vec<HeldChange>,
    documents: Vec<DocumentStatus>,
}

impl DocumentPlanner<'_> {
    fn document(&mut self, desired: &DesiredDocument, live: Option<&LiveDocument>) {
        let DesiredDocument {
            kind,
            name,
            bytes,
            digest,
            inlined,
            local: _,
            references: _,
            document: _,
        } = desired;
        let state = state(bytes, digest, live, &self.request.target.organization);
        let source = (self.request.locate)(&desired.place());
        let fields = if live.is_some_and(|live| live.digest == *digest) {
            Vec::new()
        } else {
            fields(
                live.map(|live| (&live.bytes, &live.digest)),
                Some((bytes, digest)),
            )
        };
        let mut status = DocumentStatus {
            resource: resource(*kind),
            name: name.to_string(),
            state,
            digest: digest.clone(),
            live: live.map(|live| live.digest.clone()),
            live_since: live
                .and_then(LiveDocument::created_at)
                .map(|time| time.to_string()),
            source: Some(source),
            inlined: inlined.clone(),
            fields: Vec::new(),
        };
        if let Some((reason, at)) = self.reason(desired, &status.state) {
            let source = at
                .map(|place| (self.request.locate)(&place))
                .or_else(|| status.source.clone());
            status.fields = fields;
            let resource = status.resource;
            let name = status.name.clone();
            self.held.push(HeldChange {
                resource,
                name,
                part: None,
                source,
                reason,
            });
        } else if status.state != DocumentState::InSync {
            let document = SentDocument {
                name: name.clone(),
                digest: digest.clone(),
                bytes: bytes.clone(),
            };
            self.drafts
                .push(document_call(document, live, &status, fields));
        }
        self.documents.push(status);
    }

    /// Why a document that differs is held, and where it is declared.
    fn reason(
        &self,
        desired: &DesiredDocument,
        state: &DocumentState,
    ) -> Option<(HeldReason, Option<Place>)> {
        match state {
            DocumentState::InSync => return None,
            DocumentState::OwnedElsewhere { builtin, owner } => {
                return Some((
                    HeldReason::OwnedElsewhere {
                        builtin: *builtin,
                        owner: owner.clone(),
                    },
                    None,
                ));
            }
            DocumentState::FormatOnly
            | DocumentState::MeaningDiffers
            | DocumentState::Missing
            | DocumentState::Behind { .. } => {}
        }
        if desired.kind == DocumentKind::PolicyGroup {
            return Some((HeldReason::NoWrite, None));
        }
        if let Some(first) = desired.local.first() {
            let references = desired
                .local
                .iter()
                .map(|local| local.text.clone())
                .collect();
            return Some((
                HeldReason::LocalReferences { references },
                Some(desired.at(&first.path)),
            ));
        }
        (!self.request.writes).then_some((HeldReason::WritesOff, None))
    }

    fn finish(self) -> TargetPlan {
        let Self {
            request,
            drafts,
            held,
            documents,
        } = self;
        let mut calls = Vec::new();
        let mut changes = Vec::new();
        let mut notes = Vec::new();
        let mut before = Vec::new();
        for (number, draft) in (1..).zip(drafts) {
            let DocumentDraft {
                send,
                change,
                note,
                before: was,
            } = draft;
            let name = send.document().name.to_string();
            let send = PlannedOperation::Chainloop(send);
            calls.push(PlannedCall {
                id: CallId(number),
                after: Vec::new(),
                name,
                part: None,
                why: None,
                send,
            });
            changes.push(change);
            notes.extend(note);
            before.extend(was);
        }
        TargetPlan {
            target: request.target.clone(),
            changes,
            access: None,
            enforcement: Vec::new(),
            documents,
            gates: Vec::new(),
            calls,
            held,
            unmanaged: Vec::new(),
            guarded: Vec::new(),
            notes,
            before,
            live: counts(request.live),
            requires: None,
        }
    }
}
