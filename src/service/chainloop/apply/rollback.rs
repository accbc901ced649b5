//! What a run's journal and the live state together want, so that the policies that the run wrote are as before.
//!
//! Nothing is replayed: the result is what is desired, from which a fresh plan is made. It writes the earlier bytes as a
//! newer version; what the run made stays, as the service documents no way to delete it.

use std::collections::BTreeMap;

use crate::plan::{ResourceKind, SentOperation};
use crate::run::journal::{CallResult, RunCall, TargetHistory};
use crate::run::{HeldUndo, HeldUndoReason};
use crate::run::{LiveObject, ObjectDifference};
use model::chainloop::{
    ChainloopLiveState, DesiredDocument, DocumentKind, LiveDocument, PolicyName, SentDocument,
};
use model::diag::DocumentId;

/// What is desired of the policies that a run wrote.
#[derive(Debug, Clone, Default)]
pub struct DocumentUndo {
    /// The policies, with the bytes that they had.
    pub desired: Vec<DesiredDocument>,
    /// What stays as it is, and why.
    pub held: Vec<HeldUndo>,
}

/// What was there before a run, as its journal has it.
pub(super) fn before(target: &TargetHistory) -> ChainloopLiveState {
    let documents = target.before.iter().filter_map(|object| match object {
        LiveObject::Document(document) => Some((**document).clone()),
        LiveObject::Policy(_)
        | LiveObject::Rule(_)
        | LiveObject::Pack(_)
        | LiveObject::Group(_) => None,
    });
    let documents =
        documents.map(|document| ((document.kind, document.name.clone()), Some(document)));
    ChainloopLiveState {
        documents: documents.collect(),
    }
}

/// What a run was about, to be asked for.
pub fn documents_touched(target: &TargetHistory) -> Vec<(DocumentKind, PolicyName)> {
    let names = target
        .calls
        .iter()
        .filter_map(|made| match &made.intent.send {
            SentOperation::Chainloop(operation) => {
                Some((DocumentKind::Policy, operation.document().name.clone()))
            }
            SentOperation::Docker(_) | SentOperation::Pulumi(_) => None,
        });
    names.collect()
}

/// Compares the state after a run with the live state, and returns the desired state in which the policies that the
/// run wrote are as before it. With `overwrite`, later changes of other clients are undone too.
pub fn undo_documents(
    target: &TargetHistory,
    live: &ChainloopLiveState,
    document: DocumentId,
    overwrite: bool,
) -> DocumentUndo {
    let before = before(target);
    let mut undo = DocumentUndo::default();
    let mut left: BTreeMap<&PolicyName, &SentDocument> = BTreeMap::new();
    for made in &target.calls {
        let SentOperation::Chainloop(operation) = &made.intent.send else {
            continue;
        };
        let sent = operation.document();
        if made.state_after().is_some() {
            left.insert(&sent.name, sent);
        } else if is_unknown(made) {
            undo.add_held(&sent.name, HeldUndoReason::Unknown);
        }
    }
    for (name, left) in left {
        let of = |state: &ChainloopLiveState| {
            state
                .document(DocumentKind::Policy, name)
                .flatten()
                .cloned()
        };
        let was = of(&before);
        let is = of(live);
        let Some(was) = was else {
            undo.add_held(name, HeldUndoReason::NoDelete);
            continue;
        };
        let SentDocument {
            name: _,
            digest: left_digest,
            bytes: left_bytes,
        } = left;
        if is.as_ref().is_none_or(|is| is.digest != *left_digest) && !overwrite {
            let object = |document: LiveDocument| LiveObject::Document(Box::new(document));
            let mut sent = was;
            sent.digest = left_digest.clone();
            sent.bytes = left_bytes.clone();
            let planned = Some(object(sent));
            let difference = ObjectDifference {
                planned,
                found: is.map(object),
            };
            undo.add_held(name, HeldUndoReason::ChangedSince(Box::new(difference)));
            continue;
        }
        let LiveDocument {
            kind,
            name,
            bytes,
            digest,
            latest: _,
            builtin: _,
            organization: _,
            versions: _,
            inputs_schema: _,
        } = was;
        let local = Vec::new();
        let references = Vec::new();
        undo.desired.push(DesiredDocument {
            kind,
            name,
            bytes,
            digest,
            inlined: Vec::new(),
            local,
            references,
            document,
        });
    }
    undo
}

impl DocumentUndo {
    fn add_held(&mut self, name: &PolicyName, why: HeldUndoReason) {
        let resource = ResourceKind::PolicyDocument;
        self.held.push(HeldUndo {
            resource,
            name: name.to_string(),
            part: None,
            why,
        });
    }
}

fn is_unknown(made: &RunCall) -> bool {
    made.answer
        .as_ref()
        .is_none_or(|answer| matches!(answer.result, CallResult::Unknown))
}
