//! Reads what a write is about.

use std::sync::{Mutex, PoisonError};

use super::ledger::Ledger;
use crate::service::docker::client::Reader;
use http::ApiError;
use model::docker::{LivePolicy, Operation, PolicyId};

/// The policy that a write is about as it is now, or nothing if the whole list holds none: for a creation the one of
/// its name that this run has not seen before, else the one of its id.
///
/// # Errors
/// Any failed read: then nothing can be said.
pub(super) async fn read_back(
    send: &Operation<PolicyId>,
    ledger: &Mutex<Ledger>,
    reader: &Reader,
) -> Result<Option<LivePolicy>, ApiError> {
    let seen = |id: &PolicyId| {
        ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .has_seen(id)
    };
    match send {
        Operation::CreatePolicy { policy } => {
            let name = policy.name.as_str();
            reader
                .find_policy(|summary| summary.name == name && !seen(&summary.id))
                .await
        }
        Operation::UpdatePolicy { id, .. }
        | Operation::DeletePolicy { id }
        | Operation::CreateRule { policy: id, .. }
        | Operation::UpdateRule { policy: id, .. }
        | Operation::DeleteRule { policy: id, .. } => {
            reader.find_policy(|summary| summary.id == *id).await
        }
    }
}
