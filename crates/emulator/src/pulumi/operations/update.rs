//! `UpdatePolicyGroup` and `BatchUpdatePolicyGroup`.
//!
//! A request can contain several operations. Whole lists come first, then additions, then removals,
//! then the new name. In a batch, this is the order of all operations of all its members (the
//! contract: "grouped by type (adds, removes)").

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::groups::{check_group_name, find};
use super::{find_pack, find_version, newest, organization};
use crate::pulumi::app::App;
use crate::pulumi::check::config;
use crate::pulumi::check::name::LATEST;
use crate::pulumi::objects::{Applied, EntityType, Group, Stack, StackReference, Status, Version};
use crate::pulumi::refusal::Refusal;
use crate::pulumi::store::Records;

/// The fields of schema `UpdatePolicyGroupRequest`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UpdateFields {
    new_name: Option<String>,
    add_stack: Option<StackReference>,
    remove_stack: Option<StackReference>,
    add_policy_pack: Option<PackFields>,
    remove_policy_pack: Option<PackFields>,
    add_insights_account: Option<AccountFields>,
    remove_insights_account: Option<AccountFields>,
    stacks: Option<Vec<StackReference>>,
    policy_packs: Option<Vec<PackFields>>,
    insights_accounts: Option<Vec<String>>,
    agent_pool_id: Option<String>,
}

/// The fields of schema `AppPolicyPackMetadata`; all but the name are optional.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PackFields {
    name: String,
    /// Ignored: the pack has its own.
    #[serde(rename = "displayName")]
    _display_name: Option<String>,
    version: Option<i64>,
    version_tag: Option<String>,
    config: Option<Map<String, Value>>,
    environments: Option<Vec<String>>,
}

/// Schemas `AppInsightsAccountReference` and `InsightsAccount`. Only the name matters.
#[derive(Debug, Clone, Deserialize)]
struct AccountFields {
    name: String,
}

/// The operations of a request in the order of execution.
#[derive(Debug)]
enum Step {
    Stacks(Vec<StackReference>),
    Accounts(Vec<String>),
    Packs(Vec<PackFields>),
    AgentPool(String),
    AddStack(StackReference),
    AddAccount(String),
    AddPack(PackFields),
    RemoveStack(StackReference),
    RemoveAccount(String),
    RemovePack(PackFields),
    Rename(String),
}

impl Step {
    fn rank(&self) -> u8 {
        match self {
            Self::Stacks(_) | Self::Accounts(_) | Self::Packs(_) | Self::AgentPool(_) => 0,
            Self::AddStack(_) | Self::AddAccount(_) | Self::AddPack(_) => 1,
            Self::RemoveStack(_) | Self::RemoveAccount(_) | Self::RemovePack(_) => 2,
            Self::Rename(_) => 3,
        }
    }
}

fn steps(fields: UpdateFields) -> Result<Vec<Step>, Refusal> {
    let UpdateFields {
        new_name,
        add_stack,
        remove_stack,
        add_policy_pack,
        remove_policy_pack,
        add_insights_account,
        remove_insights_account,
        stacks,
        policy_packs,
        insights_accounts,
        agent_pool_id,
    } = fields;
    let steps: Vec<Step> = [
        stacks.map(Step::Stacks),
        insights_accounts.map(Step::Accounts),
        policy_packs.map(Step::Packs),
        agent_pool_id.map(Step::AgentPool),
        add_stack.map(Step::AddStack),
        add_insights_account.map(|account| Step::AddAccount(account.name)),
        add_policy_pack.map(Step::AddPack),
        remove_stack.map(Step::RemoveStack),
        remove_insights_account.map(|account| Step::RemoveAccount(account.name)),
        remove_policy_pack.map(Step::RemovePack),
        new_name.map(Step::Rename),
    ]
    .into_iter()
    .flatten()
    .collect();
    if steps.is_empty() {
        Err(Refusal::bad_request("the request changes nothing"))
    } else {
        Ok(steps)
    }
}

/// `UpdatePolicyGroup` with one request, `BatchUpdatePolicyGroup` with several, in one transaction.
pub(crate) fn update(
    app: &App,
    org: &str,
    name: &str,
    requests: Vec<UpdateFields>,
) -> Result<(), Refusal> {
    let mut open = Vec::new();
    for request in requests {
        open.extend(steps(request)?);
    }
    open.sort_by_key(Step::rank);
    app.store.write(|records| {
        organization(records, org)?;
        let mut group = find(records, org, name)?;
        for step in open {
            take(app, records, &mut group, step)?;
        }
        Ok(records.update_group(&group)?)
    })
}

fn take(app: &App, records: &Records<'_>, group: &mut Group, step: Step) -> Result<(), Refusal> {
    match step {
        Step::Stacks(stacks) => {
            group.body.stacks.clear();
            stacks
                .into_iter()
                .try_for_each(|stack| add_stack(app, records, group, stack))
        }
        Step::Accounts(accounts) => {
            group.body.accounts.clear();
            accounts
                .into_iter()
                .try_for_each(|account| add_account(records, group, account))
        }
        Step::Packs(packs) => replace_packs(records, group, packs),
        Step::AgentPool(pool) => {
            group.body.agent_pool = Some(pool).filter(|pool| !pool.is_empty());
            Ok(())
        }
        Step::AddStack(stack) => add_stack(app, records, group, stack),
        Step::AddAccount(account) => add_account(records, group, account),
        Step::AddPack(pack) => add_pack(records, group, pack),
        Step::RemoveStack(stack) => {
            check_members(group, EntityType::Stacks, "removeStack")?;
            remove(&mut group.body.stacks, &stack, "Stack")
        }
        Step::RemoveAccount(account) => {
            check_members(group, EntityType::Accounts, "removeInsightsAccount")?;
            remove(&mut group.body.accounts, &account, "Account")
        }
        Step::RemovePack(pack) => remove_pack(records, group, &pack),
        Step::Rename(name) => rename(records, group, name),
    }
}

/// Members must have the group's type. Members of a built-in group follow from the other groups.
fn check_members(group: &Group, entity_type: EntityType, attribute: &str) -> Result<(), Refusal> {
    if group.body.entity_type != entity_type {
        return Err(Refusal::invalid(
            "PolicyGroup",
            attribute,
            "the group applies to another type of entity",
        ));
    }
    if group.body.is_default {
        let message =
            "a default Policy Group has what is in no other group, and cannot be given members";
        return Err(Refusal::invalid("PolicyGroup", attribute, message));
    }
    Ok(())
}

fn add_stack(
    app: &App,
    records: &Records<'_>,
    group: &mut Group,
    stack: StackReference,
) -> Result<(), Refusal> {
    check_members(group, EntityType::Stacks, "addStack")?;
    if records
        .stacks(&group.organization)?
        .iter()
        .all(|known| known.reference != stack)
    {
        if !app.any_stack {
            return Err(Refusal::not_found("Stack"));
        }
        records.add_stack(
            &group.organization,
            &Stack {
                reference: stack.clone(),
                resources: 0,
            },
        )?;
    }
    add(&mut group.body.stacks, stack);
    Ok(())
}

fn add_account(records: &Records<'_>, group: &mut Group, account: String) -> Result<(), Refusal> {
    check_members(group, EntityType::Accounts, "addInsightsAccount")?;
    if records
        .accounts(&group.organization)?
        .iter()
        .all(|known| known.name != account)
    {
        return Err(Refusal::not_found("Account"));
    }
    add(&mut group.body.accounts, account);
    Ok(())
}

/// Skips items that are already in the list.
fn add<T: PartialEq>(members: &mut Vec<T>, member: T) {
    if !members.contains(&member) {
        members.push(member);
    }
}

fn remove<T: PartialEq>(members: &mut Vec<T>, member: &T, what: &str) -> Result<(), Refusal> {
    let place = members
        .iter()
        .position(|found| found == member)
        .ok_or_else(|| Refusal::not_found(what))?;
    members.remove(place);
    Ok(())
}

fn replace_packs(
    records: &Records<'_>,
    group: &mut Group,
    packs: Vec<PackFields>,
) -> Result<(), Refusal> {
    let mut names = HashSet::new();
    if let Some(twice) = packs.iter().find(|pack| !names.insert(pack.name.clone())) {
        return Err(Refusal::invalid(
            "PolicyGroup",
            "policyPacks",
            format!("`{}` is there twice", twice.name),
        ));
    }
    for applied in records.applied(group)? {
        records.unapply(group, &applied.pack)?;
    }
    packs
        .into_iter()
        .try_for_each(|pack| add_pack(records, group, pack))
}

/// Adds a pack to the group, or changes the version and configuration of an existing one.
fn add_pack(records: &Records<'_>, group: &Group, fields: PackFields) -> Result<(), Refusal> {
    let (pack, is_own) = find_pack(records, &group.organization, &fields.name)?;
    if is_own && !pack.is_added {
        return Err(Refusal::not_found("Policy Pack"));
    }
    let version = match wanted(&fields)? {
        Some(wanted) => find_version(records, &pack, &wanted)?,
        None => {
            newest(records.versions(&pack)?).ok_or_else(|| Refusal::not_found("Policy Pack"))?
        }
    };
    if version.status != Status::Complete {
        return Err(Refusal::bad_request("Cannot add incomplete Policy Pack"));
    }
    check_number(&fields, &version)?;
    let PackFields {
        name: _,
        _display_name: _,
        version: _,
        version_tag: _,
        config,
        environments,
    } = fields;
    let config = config.unwrap_or_default();
    config::check(&version.content.policies, &config)?;
    let applied = Applied {
        pack,
        version,
        config,
        environments: environments.unwrap_or_default(),
    };
    Ok(records.apply(group, &applied)?)
}

/// The selected version, by its tag, otherwise by its number; none selects the newest.
fn wanted(fields: &PackFields) -> Result<Option<String>, Refusal> {
    match (&fields.version_tag, fields.version) {
        (Some(tag), _) if tag.is_empty() => Err(Refusal::invalid(
            "PolicyGroup",
            "addPolicyPack.versionTag",
            "must not be empty",
        )),
        (Some(tag), None) if tag == LATEST => Ok(None),
        (Some(tag), _) => Ok(Some(tag.clone())),
        (None, number) => Ok(number.map(|number| number.to_string())),
    }
}

fn check_number(fields: &PackFields, version: &Version) -> Result<(), Refusal> {
    match fields.version {
        Some(number) if number != version.number => {
            let message = format!("{number} is not the version {}", version.tag);
            Err(Refusal::invalid(
                "PolicyGroup",
                "addPolicyPack.version",
                message,
            ))
        }
        Some(_) | None => Ok(()),
    }
}

/// Removes a pack from the group. If the request names another version than the group's, the answer
/// is 404.
fn remove_pack(records: &Records<'_>, group: &Group, fields: &PackFields) -> Result<(), Refusal> {
    let fits = |applied: &Applied| {
        applied.pack.name == fields.name
            && fields
                .version_tag
                .as_ref()
                .is_none_or(|tag| *tag == applied.version.tag)
            && fields
                .version
                .is_none_or(|number| number == applied.version.number)
    };
    let found = records.applied(group)?.into_iter().find(fits);
    let found = found.ok_or_else(|| Refusal::not_found("Policy Pack"))?;
    Ok(records.unapply(group, &found.pack)?)
}

fn rename(records: &Records<'_>, group: &mut Group, name: String) -> Result<(), Refusal> {
    if group.body.is_default {
        return Err(Refusal::bad_request(
            "Cannot rename the default Policy Group",
        ));
    }
    check_group_name("newName", &name)?;
    if records
        .group(&group.organization, &name)?
        .is_some_and(|found| found.place != group.place)
    {
        return Err(Refusal::bad_request(format!(
            "Policy Group {name:?} already exists"
        )));
    }
    group.name = name;
    Ok(())
}
