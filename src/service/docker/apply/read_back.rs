//! Reads what a write is about.

use std::sync::{Mutex, PoisonError};

use super::ledger::Ledger;
use crate::service::docker::client::DockerReader;
use http::ApiError;
use model::docker::{DockerOperation, LivePolicy, PolicyId};

/// The policy that a write is about as it is now, or nothing if the whole list holds none: for a creation the one of
/// its name that this run has not seen before, else the one of its id.
///
/// # Errors
/// Any failed read: then nothing can be said.
pub(super) async fn read_back(
    send: &DockerOperation<PolicyId>,
    ledger: &Mutex<Ledger>,
    reader: &DockerReader,
) -> Result<Option<LivePolicy>, ApiError> {
    let seen = |id: &PolicyId| {
        ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .has_seen(id)
    };
    match send {
        DockerOperation::CreatePolicy { policy } => {
            let name = policy.name.as_str();
            reader
                .find_policy(|summary| summary.name == name && !seen(&summary.id))
                .await
        }
        DockerOperation::UpdatePolicy { id, .. }
        | DockerOperation::DeletePolicy { id }
        | DockerOperation::CreateRule { policy: id, .. }
        | DockerOperation::UpdateRule { policy: id, .. }
        | DockerOperation::DeleteRule { policy: id, .. } => {
            reader.find_policy(|summary| summary.id == *id).await
        }
    }
}
