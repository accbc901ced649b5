//! `UpdatePolicyGroup` and `BatchUpdatePolicyGroup`.
//!
//! A request can contain several operations. Whole lists come first, then additions, then removals,
//! then the new name. In a batch, this is the order of all operations of all its members (the
//! contract: "grouped by type (adds, removes)").

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::groups::{check_group_name, find};
use crate::pulumi::app::PulumiApp;
use crate::pulumi::check::config;
use crate::pulumi::check::name::LATEST;
use crate::pulumi::lookup::{find_pack, find_version, newest, organization};
use crate::pulumi::objects::{
    AppliedPack, GroupEntityType, StackIdentity, StoredAccount, StoredGroup, StoredPackVersion,
    StoredStack, VersionStatus,
};
use crate::pulumi::refusal::PulumiRefusal;
use crate::pulumi::store::PulumiRecords;

/// The fields of schema `UpdatePolicyGroupRequest`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UpdateGroupFields {
    new_name: Option<String>,
    add_stack: Option<StackIdentity>,
    remove_stack: Option<StackIdentity>,
    add_policy_pack: Option<GroupPackFields>,
    remove_policy_pack: Option<GroupPackFields>,
    add_insights_account: Option<AccountFields>,
    remove_insights_account: Option<AccountFields>,
    stacks: Option<Vec<StackIdentity>>,
    policy_packs: Option<Vec<GroupPackFields>>,
    insights_accounts: Option<Vec<String>>,
    agent_pool_id: Option<String>,
}

/// The fields of schema `AppPolicyPackMetadata`; all but the name are optional.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GroupPackFields {
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
enum GroupUpdate {
    Stacks(Vec<StackIdentity>),
    Accounts(Vec<String>),
    Packs(Vec<GroupPackFields>),
    AgentPool(String),
    AddStack(StackIdentity),
    AddAccount(String),
    AddPack(GroupPackFields),
    RemoveStack(StackIdentity),
    RemoveAccount(String),
    RemovePack(GroupPackFields),
    Rename(String),
}

impl GroupUpdate {
    fn rank(&self) -> u8 {
        match self {
            Self::Stacks(_) | Self::Accounts(_) | Self::Packs(_) | Self::AgentPool(_) => 0,
            Self::AddStack(_) | Self::AddAccount(_) | Self::AddPack(_) => 1,
            Self::RemoveStack(_) | Self::RemoveAccount(_) | Self::RemovePack(_) => 2,
            Self::Rename(_) => 3,
        }
    }
}

fn steps(fields: UpdateGroupFields) -> Result<Vec<GroupUpdate>, PulumiRefusal> {
    let UpdateGroupFields {
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
    let steps: Vec<GroupUpdate> = [
        stacks.map(GroupUpdate::Stacks),
        insights_accounts.map(GroupUpdate::Accounts),
        policy_packs.map(GroupUpdate::Packs),
        agent_pool_id.map(GroupUpdate::AgentPool),
        add_stack.map(GroupUpdate::AddStack),
        add_insights_account.map(|account| GroupUpdate::AddAccount(account.name)),
        add_policy_pack.map(GroupUpdate::AddPack),
        remove_stack.map(GroupUpdate::RemoveStack),
        remove_insights_account.map(|account| GroupUpdate::RemoveAccount(account.name)),
        remove_policy_pack.map(GroupUpdate::RemovePack),
        new_name.map(GroupUpdate::Rename),
    ]
    .into_iter()
    .flatten()
    .collect();
    if steps.is_empty() {
        Err(PulumiRefusal::bad_request("the request changes nothing"))
    } else {
        Ok(steps)
    }
}

/// `UpdatePolicyGroup` with one request, `BatchUpdatePolicyGroup` with several, in one transaction.
pub(crate) fn update(
    app: &PulumiApp,
    org: &str,
    name: &str,
    requests: Vec<UpdateGroupFields>,
) -> Result<(), PulumiRefusal> {
    let mut open = Vec::new();
    for request in requests {
        open.extend(steps(request)?);
    }
    open.sort_by_key(GroupUpdate::rank);
    app.store.write(|records| {
        organization(records, org)?;
        let mut group = find(records, org, name)?;
        for step in open {
            apply_update(app, records, &mut group, step)?;
        }
        Ok(records.update_group(&group)?)
    })
}

fn apply_update(
    app: &PulumiApp,
    records: &PulumiRecords<'_>,
    group: &mut StoredGroup,
    step: GroupUpdate,
) -> Result<(), PulumiRefusal> {
    match step {
        GroupUpdate::Stacks(stacks) => {
            group.body.stacks.clear();
            stacks
                .into_iter()
                .try_for_each(|stack| add_stack(app, records, group, stack))
        }
        GroupUpdate::Accounts(accounts) => {
            group.body.accounts.clear();
            accounts
                .into_iter()
                .try_for_each(|account| add_account(app, records, group, account))
        }
        GroupUpdate::Packs(packs) => replace_packs(records, group, packs),
        GroupUpdate::AgentPool(pool) => {
            group.body.agent_pool = Some(pool).filter(|pool| !pool.is_empty());
            Ok(())
        }
        GroupUpdate::AddStack(stack) => add_stack(app, records, group, stack),
        GroupUpdate::AddAccount(account) => add_account(app, records, group, account),
        GroupUpdate::AddPack(pack) => add_pack(records, group, pack),
        GroupUpdate::RemoveStack(stack) => {
            check_members(group, GroupEntityType::Stacks, "removeStack")?;
            remove(&mut group.body.stacks, &stack, "Stack")
        }
        GroupUpdate::RemoveAccount(account) => {
            check_members(group, GroupEntityType::Accounts, "removeInsightsAccount")?;
            remove(&mut group.body.accounts, &account, "Account")
        }
        GroupUpdate::RemovePack(pack) => remove_pack(records, group, &pack),
        GroupUpdate::Rename(name) => rename(records, group, name),
    }
}

/// Members must have the group's type. Members of a built-in group follow from the other groups.
fn check_members(
    group: &StoredGroup,
    entity_type: GroupEntityType,
    attribute: &str,
) -> Result<(), PulumiRefusal> {
    if group.body.entity_type != entity_type {
        return Err(PulumiRefusal::invalid(
            "PolicyGroup",
            attribute,
            "the group applies to another type of entity",
        ));
    }
    if group.body.is_default {
        let message = "a default Policy Group contains the members of no other group; members cannot be added";
        return Err(PulumiRefusal::invalid("PolicyGroup", attribute, message));
    }
    Ok(())
}

fn add_stack(
    app: &PulumiApp,
    records: &PulumiRecords<'_>,
    group: &mut StoredGroup,
    stack: StackIdentity,
) -> Result<(), PulumiRefusal> {
    check_members(group, GroupEntityType::Stacks, "addStack")?;
    if records
        .stacks(&group.organization)?
        .iter()
        .all(|known| known.reference != stack)
    {
        if !app.any_stack {
            return Err(PulumiRefusal::not_found("Stack"));
        }
        records.add_stack(
            &group.organization,
            &StoredStack {
                reference: stack.clone(),
                resources: 0,
            },
        )?;
    }
    add(&mut group.body.stacks, stack);
    Ok(())
}

fn add_account(
    app: &PulumiApp,
    records: &PulumiRecords<'_>,
    group: &mut StoredGroup,
    account: String,
) -> Result<(), PulumiRefusal> {
    check_members(group, GroupEntityType::Accounts, "addInsightsAccount")?;
    if records
        .accounts(&group.organization)?
        .iter()
        .all(|known| known.name != account)
    {
        if !app.any_stack {
            return Err(PulumiRefusal::not_found("Account"));
        }
        records.add_account(
            &group.organization,
            &StoredAccount {
                name: account.clone(),
                resources: 0,
            },
        )?;
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

fn remove<T: PartialEq>(members: &mut Vec<T>, member: &T, what: &str) -> Result<(), PulumiRefusal> {
    let place = members
        .iter()
        .position(|found| found == member)
        .ok_or_else(|| PulumiRefusal::not_found(what))?;
    members.remove(place);
    Ok(())
}

fn replace_packs(
    records: &PulumiRecords<'_>,
    group: &mut StoredGroup,
    packs: Vec<GroupPackFields>,
) -> Result<(), PulumiRefusal> {
    let mut names = HashSet::new();
    if let Some(twice) = packs.iter().find(|pack| !names.insert(pack.name.clone())) {
        return Err(PulumiRefusal::invalid(
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
fn add_pack(
    records: &PulumiRecords<'_>,
    group: &StoredGroup,
    fields: GroupPackFields,
) -> Result<(), PulumiRefusal> {
    let (pack, is_own) = find_pack(records, &group.organization, &fields.name)?;
    if is_own && !pack.is_added {
        return Err(PulumiRefusal::not_found("Policy Pack"));
    }
    let version = match requested_version(&fields)? {
        Some(version) => find_version(records, &pack, &version)?,
        None => newest(records.versions(&pack)?)
            .ok_or_else(|| PulumiRefusal::not_found("Policy Pack"))?,
    };
    if version.status != VersionStatus::Complete {
        return Err(PulumiRefusal::bad_request(
            "Cannot add incomplete Policy Pack",
        ));
    }
    check_number(&fields, &version)?;
    let GroupPackFields {
        name: _,
        _display_name: _,
        version: _,
        version_tag: _,
        config,
        environments,
    } = fields;
    let config = config.unwrap_or_default();
    config::check(&version.content.policies, &config)?;
    let applied = AppliedPack {
        pack,
        version,
        config,
        environments: environments.unwrap_or_default(),
    };
    Ok(records.apply(group, &applied)?)
}

/// The selected version, by its tag, otherwise by its number; none selects the newest.
fn requested_version(fields: &GroupPackFields) -> Result<Option<String>, PulumiRefusal> {
    match (&fields.version_tag, fields.version) {
        (Some(tag), _) if tag.is_empty() => Err(PulumiRefusal::invalid(
            "PolicyGroup",
            "addPolicyPack.versionTag",
            "must not be empty",
        )),
        (Some(tag), None) if tag == LATEST => Ok(None),
        (Some(tag), _) => Ok(Some(tag.clone())),
        (None, number) => Ok(number.map(|number| number.to_string())),
    }
}

fn check_number(
    fields: &GroupPackFields,
    version: &StoredPackVersion,
) -> Result<(), PulumiRefusal> {
    match fields.version {
        Some(number) if number != version.number => {
            let message = format!("{number} is not the version {}", version.tag);
            Err(PulumiRefusal::invalid(
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
fn remove_pack(
    records: &PulumiRecords<'_>,
    group: &StoredGroup,
    fields: &GroupPackFields,
) -> Result<(), PulumiRefusal> {
    let fits = |applied: &AppliedPack| {
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
    let found = found.ok_or_else(|| PulumiRefusal::not_found("Policy Pack"))?;
    Ok(records.unapply(group, &found.pack)?)
}

fn rename(
    records: &PulumiRecords<'_>,
    group: &mut StoredGroup,
    name: String,
) -> Result<(), PulumiRefusal> {
    if group.body.is_default {
        return Err(PulumiRefusal::bad_request(
            "Cannot rename the default Policy Group",
        ));
    }
    check_group_name("newName", &name)?;
    if records
        .group(&group.organization, &name)?
        .is_some_and(|found| found.place != group.place)
    {
        return Err(PulumiRefusal::bad_request(format!(
            "Policy Group {name:?} already exists"
        )));
    }
    group.name = name;
    Ok(())
}
