//! Decides, from what was read back, what became of a write, and whether one may still be made. Pure.

use crate::apply::object::{Difference, Left, Object, Verdict};
use crate::apply::stale::Stale;
use crate::model::chainloop::{LiveDocument, Operation};
use crate::plan::{ResourceKind, document_fingerprint};

fn object(document: &LiveDocument) -> Object {
    Object::Document(Box::new(document.clone()))
}

fn difference(planned: Option<&LiveDocument>, found: Option<&LiveDocument>) -> Difference {
    Difference { planned: planned.map(object), found: found.map(object) }
}

fn same(planned: &LiveDocument, found: &LiveDocument) -> bool {
    document_fingerprint(planned) == document_fingerprint(found)
}

/// Decides what became of a write of an organization, given what should have been there before it. The digest says it all:
/// whoever wrote these very bytes, they are there.
pub(super) fn decide(
    send: &Operation,
    organization: &str,
    planned: Option<&LiveDocument>,
    found: Option<&LiveDocument>,
) -> Verdict {
    match (planned, found) {
        (_, Some(found)) if found.is_of(organization) && found.digest == send.document().digest => {
            Verdict::Applied(Left::AsSent)
        }
        (None, None) => Verdict::NotApplied,
        (Some(planned), Some(found)) if same(planned, found) => Verdict::NotApplied,
        (planned, found) => Verdict::Other(difference(planned, found)),
    }
}

/// Whether what is there just before a write is what the plan was made for; else what is there.
pub(super) fn moved(
    send: &Operation,
    planned: Option<&LiveDocument>,
    found: Option<&LiveDocument>,
) -> Option<(Stale, Difference)> {
    let name = || send.document().name.to_string();
    let stale = match (planned, found) {
        (None, None) => return None,
        (Some(planned), Some(found)) if same(planned, found) => return None,
        (None, Some(_)) => Stale::Exists(ResourceKind::PolicyDocument, name()),
        (Some(_), None) => Stale::Gone(ResourceKind::PolicyDocument, name()),
        (Some(_), Some(_)) => Stale::Changed(ResourceKind::PolicyDocument, name()),
    };
    Some((stale, difference(planned, found)))
}
