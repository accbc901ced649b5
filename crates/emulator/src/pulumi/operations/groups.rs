//! Policy groups: list, read, create and delete.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{accounts_of, organization, stacks_of};
use crate::pulumi::app::App;
use crate::pulumi::check::name::check_name;
use crate::pulumi::objects::{Applied, EntityType, Group, Mode};
use crate::pulumi::refusal::Refusal;
use crate::pulumi::store::Records;

/// The segment that replaces a group's name in the path of `GetPolicyGroupMetadata`.
const METADATA: &str = "metadata";

/// The fields of schema `NewPolicyGroupRequest`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewGroupFields {
    name: String,
    entity_type: EntityType,
    mode: Option<Mode>,
    agent_pool_id: Option<String>,
}

pub(super) fn find(records: &Records<'_>, org: &str, name: &str) -> Result<Group, Refusal> {
    records
        .group(org, name)?
        .ok_or_else(|| Refusal::not_found("Policy Group"))
}

/// Schema `AppPolicyGroupSummary`.
pub(super) fn summary(records: &Records<'_>, group: &Group) -> Result<Value, Refusal> {
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
pub(crate) fn list(app: &App, org: &str) -> Result<Value, Refusal> {
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
fn metadata(applied: &Applied) -> Value {
    let Applied {
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
pub(crate) fn get(app: &App, org: &str, name: &str) -> Result<Value, Refusal> {
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
pub(crate) fn create(app: &App, org: &str, fields: NewGroupFields) -> Result<(), Refusal> {
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
            return Err(Refusal::conflict(format!(
                "Policy Group {name:?} already exists"
            )));
        }
        let mut group = Group::new(org, &name, entity_type, mode);
        group.body.agent_pool = agent_pool_id.filter(|pool| !pool.is_empty());
        records.add_group(group)?;
        Ok(())
    })
}

/// Checks a group's name. A name that would make its path ambiguous is refused.
pub(super) fn check_group_name(attribute: &str, name: &str) -> Result<(), Refusal> {
    check_name("PolicyGroup", attribute, name)?;
    if name == METADATA {
        return Err(Refusal::invalid(
            "PolicyGroup",
            attribute,
            "`metadata` is a reserved word",
        ));
    }
    Ok(())
}

/// `DeletePolicyGroup`.
pub(crate) fn delete(app: &App, org: &str, name: &str) -> Result<(), Refusal> {
    app.store.write(|records| {
        organization(records, org)?;
        let group = find(records, org, name)?;
        if group.body.is_default {
            return Err(Refusal::bad_request(
                "Cannot delete the default Policy Group",
            ));
        }
        Ok(records.delete_group(&group)?)
    })
}

/// `GetPolicyGroupMetadata`: the numbers of stacks and accounts in groups, and of their resources.
pub(crate) fn counts(app: &App, org: &str) -> Result<Value, Refusal> {
    app.store.read(|records| {
        organization(records, org)?;
        let groups = records.groups(org)?;
        let stacks = records.stacks(org)?;
        let accounts = records.accounts(org)?;
        let stacks_in = |mode: Option<Mode>| -> Result<(usize, i64), Refusal> {
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
        let audit = stacks_in(Some(Mode::Audit))?;
        let preventative = stacks_in(Some(Mode::Preventative))?;
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
