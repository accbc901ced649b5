//! Decides, from what was read back, what became of a write, and whether one may still be made. Pure.

use crate::plan::ResourceKind;
use crate::run::StalePlan;
use crate::run::{LiveObject, ObjectDifference, StateAfterWrite, WriteOutcome};
use crate::service::chainloop::plan::document_fingerprint;
use model::chainloop::{ChainloopOperation, LiveDocument};

fn object(document: &LiveDocument) -> LiveObject {
    LiveObject::Document(Box::new(document.clone()))
}

fn difference(planned: Option<&LiveDocument>, found: Option<&LiveDocument>) -> ObjectDifference {
    ObjectDifference {
        planned: planned.map(object),
        found: found.map(object),
    }
}

fn is_same_content(planned: &LiveDocument, found: &LiveDocument) -> bool {
    document_fingerprint(planned) == document_fingerprint(found)
}

/// Decides the outcome of a write, given the state before it. The digest is sufficient: if the document has these
/// bytes, it does not matter which client wrote them.
pub(super) fn decide(
    send: &ChainloopOperation,
    organization: &str,
    planned: Option<&LiveDocument>,
    found: Option<&LiveDocument>,
) -> WriteOutcome {
    match (planned, found) {
        (_, Some(found)) if found.is_of(organization) && found.digest == send.document().digest => {
            WriteOutcome::Applied(StateAfterWrite::AsSent)
        }
        // The call was applied and another version was written after it, which the reading at the end of the run reports.
        (planned, Some(found))
            if found.is_of(organization)
                && has_version(Some(found), send)
                && !has_version(planned, send) =>
        {
            WriteOutcome::Applied(StateAfterWrite::AsSent)
        }
        (None, None) => WriteOutcome::NotApplied,
        (Some(planned), Some(found)) if is_same_content(planned, found) => WriteOutcome::NotApplied,
        (planned, found) => WriteOutcome::Conflict(difference(planned, found)),
    }
}

/// Whether what a write sends is a version of a document.
fn has_version(document: Option<&LiveDocument>, send: &ChainloopOperation) -> bool {
    let digest = &send.document().digest;
    document.is_some_and(|document| {
        document.digest == *digest
            || document
                .versions
                .iter()
                .any(|version| version.digest == *digest)
    })
}

/// Compares the live document just before a write with the one of the plan. Returns the live document if it differs.
pub(super) fn moved(
    send: &ChainloopOperation,
    planned: Option<&LiveDocument>,
    found: Option<&LiveDocument>,
) -> Option<(StalePlan, ObjectDifference)> {
    let name = || send.document().name.to_string();
    let stale = match (planned, found) {
        (None, None) => return None,
        (Some(planned), Some(found)) if is_same_content(planned, found) => return None,
        (None, Some(_)) => StalePlan::Exists(ResourceKind::PolicyDocument, name()),
        (Some(_), None) => StalePlan::Gone(ResourceKind::PolicyDocument, name()),
        (Some(_), Some(_)) => StalePlan::Changed(ResourceKind::PolicyDocument, name()),
    };
    Some((stale, difference(planned, found)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::chainloop::{
        DocumentBytes, DocumentKind, PolicyName, SentDocument, VersionReference,
    };

    fn bytes(text: &str) -> DocumentBytes {
        text.as_bytes().to_vec().into()
    }

    fn name() -> PolicyName {
        PolicyName::new("p").unwrap()
    }

    /// A policy with these versions, the latest one first.
    fn live(versions: &[&str]) -> LiveDocument {
        let digests = versions.iter().map(|text| bytes(text).digest());
        LiveDocument {
            kind: DocumentKind::Policy,
            name: name(),
            digest: bytes(versions[0]).digest(),
            bytes: bytes(versions[0]),
            latest: true,
            builtin: false,
            organization: Some("acme".to_owned()),
            versions: digests
                .map(|digest| VersionReference {
                    digest,
                    created_at: None,
                })
                .collect(),
            inputs_schema: None,
        }
    }

    #[test]
    fn what_became_of_a_write_is_seen_by_its_digest() {
        let sent = SentDocument {
            name: name(),
            digest: bytes("new").digest(),
            bytes: bytes("new"),
        };
        let send = ChainloopOperation::UpdatePolicy { document: sent };
        let old = live(&["old"]);
        let decided = |found: &LiveDocument| decide(&send, "acme", Some(&old), Some(found));
        assert!(matches!(
            decided(&live(&["new", "old"])),
            WriteOutcome::Applied(_)
        ));
        assert!(matches!(decided(&old), WriteOutcome::NotApplied));
        assert!(matches!(
            decided(&live(&["other", "old"])),
            WriteOutcome::Conflict(_)
        ));
        // The call was applied, and another client wrote right after it.
        assert!(matches!(
            decided(&live(&["other", "new", "old"])),
            WriteOutcome::Applied(_)
        ));
        // It was a version before, which says nothing.
        let planned = live(&["old", "new"]);
        let found = live(&["other", "old", "new"]);
        assert!(matches!(
            decide(&send, "acme", Some(&planned), Some(&found)),
            WriteOutcome::Conflict(_)
        ));
        assert!(matches!(
            decide(&send, "acme", None, None),
            WriteOutcome::NotApplied
        ));
    }
}
