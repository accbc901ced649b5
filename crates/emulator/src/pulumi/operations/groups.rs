//! Policy groups: list, read, create and delete.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::pulumi::app::PulumiApp;
use crate::pulumi::check::name::check_name;
use crate::pulumi::lookup::{accounts_of, organization, stacks_of};
use crate::pulumi::objects::{AppliedPack, GroupEntityType, GroupMode, StoredGroup};
use crate::pulumi::refusal::PulumiRefusal;
use crate::pulumi::store::PulumiRecords;

/// The segment that replaces a group's name in the path of `GetPolicyGroupMetadata`.
const METADATA: &str = "metadata";

/// The fields of schema `NewPolicyGroupRequest`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewGroupFields {
    name: String,
    entity_type: GroupEntityType,
    mode: Option<GroupMode>,
    agent_pool_id: Option<String>,
}

pub(super) fn find(
    records: &PulumiRecords<'_>,
    org: &str,
    name: &str,
) -> Result<StoredGroup, PulumiRefusal> {
    records
        .group(org, name)?
        .ok_or_else(|| PulumiRefusal::not_found("Policy Group"))
}

/// Schema `AppPolicyGroupSummary`.
pub(super) fn summary(
    records: &PulumiRecords<'_>,
    group: &StoredGroup,
) -> Result<Value, PulumiRefusal> {
    Ok(json!({
        "name": group.name,
        "isOrgDefault": group.body.is_default,
        "numStacks": stacks_of(records, group)?.len(),
        "numAccounts": accounts_of(records, group)?.len(),
        "entityType": group.body.entity_type,
        "mode": group.body.mode,
        "numEnabledPolicyPacks": records.applied(group)?.len(),
    }))
}

/// `ListPolicyGroups`.
pub(crate) fn list(app: &PulumiApp, org: &str) -> Result<Value, PulumiRefusal> {
    app.store.read(|records| {
        organization(records, org)?;
        let groups = records.groups(org)?;
        let summaries = groups
            .iter()
            .map(|group| summary(records, group))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(json!({"policyGroups": summaries}))
    })
}

/// Schema `AppPolicyPackMetadata`.
fn metadata(applied: &AppliedPack) -> Value {
    let AppliedPack {
        pack,
        version,
        config,
        environments,
    } = applied;
    let mut shown = json!({
        "name": pack.name,
        "displayName": version.content.display_name,
        "version": version.number,
        "versionTag": version.tag,
    });
    if !config.is_empty() {
        shown["config"] = json!(config);
    }
    if !environments.is_empty() {
        shown["environments"] = json!(environments);
    }
    shown
}

/// `GetPolicyGroup`.
pub(crate) fn get(app: &PulumiApp, org: &str, name: &str) -> Result<Value, PulumiRefusal> {
    app.store.read(|records| {
        organization(records, org)?;
        let group = find(records, org, name)?;
        let body = &group.body;
        let mut shown: Map<String, Value> = body.other.clone();
        let mut show = |member: &str, value: Value| shown.insert(member.to_owned(), value);
        show("name", json!(group.name));
        show("isOrgDefault", json!(body.is_default));
        show("entityType", json!(body.entity_type));
        show("mode", json!(body.mode));
        show("stacks", json!(stacks_of(records, &group)?));
        show("accounts", json!(accounts_of(records, &group)?));
        show(
            "appliedPolicyPacks",
            records.applied(&group)?.iter().map(metadata).collect(),
        );
        if let Some(pool) = &body.agent_pool {
            show("agentPoolId", json!(pool));
        }
        Ok(Value::Object(shown))
    })
}

/// `NewPolicyGroup`.
pub(crate) fn create(
    app: &PulumiApp,
    org: &str,
    fields: NewGroupFields,
) -> Result<(), PulumiRefusal> {
    let NewGroupFields {
        name,
        entity_type,
        mode,
        agent_pool_id,
    } = fields;
    app.store.write(|records| {
        organization(records, org)?;
        check_group_name("name", &name)?;
        if records.group(org, &name)?.is_some() {
            return Err(PulumiRefusal::conflict(format!(
                "Policy Group {name:?} already exists"
            )));
        }
        let mut group = StoredGroup::new(org, &name, entity_type, mode);
        group.body.agent_pool = agent_pool_id.filter(|pool| !pool.is_empty());
        records.add_group(group)?;
        Ok(())
    })
}

/// Checks a group's name. A name that would make its path ambiguous is refused.
pub(super) fn check_group_name(attribute: &str, name: &str) -> Result<(), PulumiRefusal> {
    check_name("PolicyGroup", attribute, name)?;
    if name == METADATA {
        return Err(PulumiRefusal::invalid(
            "PolicyGroup",
            attribute,
            "`metadata` is a reserved word",
        ));
    }
    Ok(())
}

/// `DeletePolicyGroup`.
pub(crate) fn delete(app: &PulumiApp, org: &str, name: &str) -> Result<(), PulumiRefusal> {
    app.store.write(|records| {
        organization(records, org)?;
        let group = find(records, org, name)?;
        if group.body.is_default {
            return Err(PulumiRefusal::bad_request(
                "Cannot delete the default Policy Group",
            ));
        }
        Ok(records.delete_group(&group)?)
    })
}

/// `GetPolicyGroupMetadata`: the numbers of stacks and accounts in groups, and of their resources.
pub(crate) fn counts(app: &PulumiApp, org: &str) -> Result<Value, PulumiRefusal> {
    app.store.read(|records| {
        organization(records, org)?;
        let groups = records.groups(org)?;
        let stacks = records.stacks(org)?;
        let accounts = records.accounts(org)?;
        let stacks_in = |mode: Option<GroupMode>| -> Result<(usize, i64), PulumiRefusal> {
            let mut held = Vec::new();
            for group in groups
                .iter()
                .filter(|group| mode.is_none_or(|mode| mode == group.body.mode))
            {
                held.extend(stacks_of(records, group)?);
            }
            let found = stacks
                .iter()
                .filter(|stack| held.contains(&stack.reference));
            Ok((
                found.clone().count(),
                found.map(|stack| stack.resources).sum(),
            ))
        };
        let mut held = Vec::new();
        for group in &groups {
            held.extend(accounts_of(records, group)?);
        }
        let protected = accounts
            .iter()
            .filter(|account| held.contains(&account.name));
        let any = stacks_in(None)?;
        let audit = stacks_in(Some(GroupMode::Audit))?;
        let preventative = stacks_in(Some(GroupMode::Preventative))?;
        Ok(json!({
            "ProtectedStacks": any.0,
            "ProtectedStackResources": any.1,
            "PreventativeStacks": preventative.0,
            "PreventativeStackResources": preventative.1,
            "AuditStacks": audit.0,
            "AuditStackResources": audit.1,
            "TotalStacks": stacks.len(),
            "TotalStackResources": stacks.iter().map(|stack| stack.resources).sum::<i64>(),
            "ProtectedAccounts": protected.clone().count(),
            "ProtectedAccountResources": protected.map(|account| account.resources).sum::<i64>(),
            "TotalAccounts": accounts.len(),
            "TotalAccountResources": accounts.iter().map(|account| account.resources).sum::<i64>(),
        }))
    })
}
