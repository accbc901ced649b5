//! The eight operations. Each is one transaction.

pub(super) mod policies;
pub(super) mod rules;

use super::app::App;
use super::objects::{Policy, Rule};
use super::refusal::Refusal;
use super::store::Records;

pub(super) fn require_organization(
    app: &App,
    records: &Records<'_>,
    organization: &str,
) -> Result<(), Refusal> {
    if records.has_organization(organization)? {
        Ok(())
    } else {
        Err(Refusal::unknown_organization(app.profile))
    }
}

/// A policy and its rules.
fn load(
    app: &App,
    records: &Records<'_>,
    organization: &str,
    id: &str,
) -> Result<(Policy, Vec<Rule>), Refusal> {
    require_organization(app, records, organization)?;
    let policy = records
        .policy(organization, id)?
        .ok_or_else(|| Refusal::not_found("policy"))?;
    let rules = records.rules(&policy.id)?;
    Ok((policy, rules))
}
