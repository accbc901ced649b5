//! The groups and packs that apply to a stack or an account.

use serde_json::{Value, json};

use super::groups::summary;
use crate::pulumi::app::PulumiApp;
use crate::pulumi::lookup::{accounts_of, organization, stacks_of};
use crate::pulumi::objects::{AppliedPack, GroupMode, StackIdentity, StoredGroup};
use crate::pulumi::refusal::PulumiRefusal;
use crate::pulumi::store::PulumiRecords;

/// The groups that contain a stack.
fn groups_of_stack(
    records: &PulumiRecords<'_>,
    org: &str,
    stack: &StackIdentity,
) -> Result<Vec<StoredGroup>, PulumiRefusal> {
    organization(records, org)?;
    if records
        .stacks(org)?
        .iter()
        .all(|known| known.reference != *stack)
    {
        return Err(PulumiRefusal::not_found("Stack"));
    }
    let mut holding = Vec::new();
    for group in records.groups(org)? {
        if stacks_of(records, &group)?.contains(stack) {
            holding.push(group);
        }
    }
    Ok(holding)
}

/// `GetStackPolicyGroups`.
pub(crate) fn groups_with_stack(
    app: &PulumiApp,
    org: &str,
    stack: &StackIdentity,
) -> Result<Value, PulumiRefusal> {
    app.store.read(|records| {
        let groups = groups_of_stack(records, org, stack)?;
        let summaries = groups
            .iter()
            .map(|group| summary(records, group))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(json!({"policyGroups": summaries}))
    })
}

/// `GetStackPolicyPacks`.
pub(crate) fn packs_of_stack(
    app: &PulumiApp,
    org: &str,
    stack: &StackIdentity,
    mode: Option<&str>,
) -> Result<Value, PulumiRefusal> {
    let wrong = |_| PulumiRefusal::bad_request("Invalid mode parameter value");
    let mode: Option<GroupMode> = mode
        .map(|mode| serde_json::from_value(json!(mode)).map_err(wrong))
        .transpose()?;
    app.store.read(|records| {
        let mut groups = groups_of_stack(records, org, stack)?;
        groups.retain(|group| mode.is_none_or(|mode| mode == group.body.mode));
        Ok(json!({"requiredPolicies": required(app, records, &groups)?}))
    })
}

/// `ListPolicyPacksForAccount`. There is only one page, so every token is invalid.
pub(crate) fn packs_of_account(
    app: &PulumiApp,
    org: &str,
    account: &str,
    token: Option<&str>,
) -> Result<Value, PulumiRefusal> {
    if token.is_some_and(|token| !token.is_empty()) {
        return Err(PulumiRefusal::bad_request("invalid continuation token"));
    }
    app.store.read(|records| {
        organization(records, org)?;
        if records
            .accounts(org)?
            .iter()
            .all(|known| known.name != account)
        {
            return Err(PulumiRefusal::not_found("Account"));
        }
        let mut holding = Vec::new();
        for group in records.groups(org)? {
            if accounts_of(records, &group)?
                .iter()
                .any(|held| held == account)
            {
                holding.push(group);
            }
        }
        Ok(json!({"packs": required(app, records, &holding)?}))
    })
}

/// The packs of the groups, without duplicates of version and configuration (schema
/// `AppRequiredPolicy`).
fn required(
    app: &PulumiApp,
    records: &PulumiRecords<'_>,
    groups: &[StoredGroup],
) -> Result<Vec<Value>, PulumiRefusal> {
    let mut required = Vec::new();
    for group in groups {
        for AppliedPack {
            pack,
            version,
            config,
            environments,
        } in records.applied(group)?
        {
            let mut policy = json!({
                "name": pack.name,
                "displayName": version.content.display_name,
                "version": version.number,
                "versionTag": version.tag,
            });
            if version.digest.is_some() {
                policy["packLocation"] = json!(app.archive_url(&version.ticket));
            }
            if !config.is_empty() {
                policy["config"] = json!(config);
            }
            if !environments.is_empty() {
                policy["environments"] = json!(environments);
            }
            if !required.contains(&policy) {
                required.push(policy);
            }
        }
    }
    Ok(required)
}
