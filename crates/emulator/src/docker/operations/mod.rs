//! The eight operations. Each is one transaction.

pub(super) mod policies;
pub(super) mod rules;

use super::app::DockerApp;
use super::objects::{StoredPolicy, StoredRule};
use super::refusal::DockerRefusal;
use super::store::DockerRecords;

pub(super) fn require_organization(
    app: &DockerApp,
    records: &DockerRecords<'_>,
    organization: &str,
) -> Result<(), DockerRefusal> {
    if records.has_organization(organization)? {
        Ok(())
    } else {
        Err(DockerRefusal::unknown_organization(app.profile))
    }
}

/// A policy and its rules.
fn load(
    app: &DockerApp,
    records: &DockerRecords<'_>,
    organization: &str,
    id: &str,
) -> Result<(StoredPolicy, Vec<StoredRule>), DockerRefusal> {
    require_organization(app, records, organization)?;
    let policy = records
        .policy(organization, id)?
        .ok_or_else(|| DockerRefusal::not_found("policy"))?;
    let rules = records.rules(&policy.id)?;
    Ok((policy, rules))
}
