//! The operations. Each is one transaction.

pub(super) mod archives;
pub(super) mod groups;
pub(super) mod members;
pub(super) mod packs;
pub(super) mod publish;
pub(super) mod registry;
pub(super) mod update;

use serde_json::{Map, Value};

use super::check::name::LATEST;
use super::objects::{EntityType, Group, Organization, Pack, StackReference, Status, Version};
use super::refusal::Refusal;
use super::store::Records;

/// Refuses an organization that does not exist or does not have the caller as a member.
fn belonging(records: &Records<'_>, name: &str) -> Result<Organization, Refusal> {
    let found = records
        .organization(name)?
        .filter(|organization| !organization.is_foreign);
    found.ok_or_else(|| Refusal::not_found("Organization"))
}

/// Also refuses an organization without the feature.
fn organization(records: &Records<'_>, name: &str) -> Result<Organization, Refusal> {
    let found = belonging(records, name)?;
    if found.policy_as_code {
        Ok(found)
    } else {
        Err(Refusal::bad_request("Policy as code feature not enabled"))
    }
}

/// The pack with this name in an organization, and whether the organization publishes it. Own packs
/// take precedence over added ones.
pub(super) fn find_pack(
    records: &Records<'_>,
    organization: &str,
    name: &str,
) -> Result<(Pack, bool), Refusal> {
    if let Some(pack) = records.pack(organization, name)? {
        return Ok((pack, true));
    }
    let added = records
        .additions(organization)?
        .into_iter()
        .find(|pack| pack.name == name);
    added
        .map(|pack| (pack, false))
        .ok_or_else(|| Refusal::not_found("Policy Pack"))
}

/// The newest complete version.
pub(super) fn newest(versions: Vec<Version>) -> Option<Version> {
    versions
        .into_iter()
        .rfind(|version| version.status == Status::Complete)
}

/// The complete versions of a pack, oldest first.
fn complete(records: &Records<'_>, pack: &Pack) -> Result<Vec<Version>, Refusal> {
    let mut versions = records.versions(pack)?;
    versions.retain(|version| version.status == Status::Complete);
    Ok(versions)
}

/// The version with this tag, otherwise with this number. It may be incomplete.
fn find_version(records: &Records<'_>, pack: &Pack, wanted: &str) -> Result<Version, Refusal> {
    let mut versions = records.versions(pack)?;
    versions.retain(|version| version.status != Status::Deleted);
    let by_tag = versions.iter().position(|version| version.tag == wanted);
    let by_number = || {
        versions
            .iter()
            .position(|version| version.number.to_string() == wanted)
    };
    match by_tag.or_else(by_number) {
        Some(place) => Ok(versions.swap_remove(place)),
        None => Err(Refusal::not_found("Policy Pack")),
    }
}

/// Like `find_version`, but `latest` selects the newest complete version.
fn read_version(records: &Records<'_>, pack: &Pack, wanted: &str) -> Result<Version, Refusal> {
    if wanted == LATEST {
        newest(records.versions(pack)?).ok_or_else(|| Refusal::not_found("Policy Pack"))
    } else {
        find_version(records, pack, wanted)
    }
}

/// The policies of a version. A config schema without `type` can be published, but not read.
fn readable(version: &Version) -> Result<&[Map<String, Value>], Refusal> {
    let is_broken = |policy: &Map<String, Value>| {
        policy
            .get("configSchema")
            .is_some_and(|schema| schema.get("type").is_none())
    };
    let policies = &version.content.policies;
    if policies.iter().any(is_broken) {
        Err(Refusal::unreadable())
    } else {
        Ok(policies)
    }
}

/// The stacks of a group. The built-in group contains those that no other group has.
fn stacks_of(records: &Records<'_>, group: &Group) -> Result<Vec<StackReference>, Refusal> {
    if !group.body.is_default {
        return Ok(group.body.stacks.clone());
    }
    if group.body.entity_type == EntityType::Accounts {
        return Ok(Vec::new());
    }
    let taken: Vec<_> = records
        .groups(&group.organization)?
        .into_iter()
        .flat_map(|group| group.body.stacks)
        .collect();
    let all = records
        .stacks(&group.organization)?
        .into_iter()
        .map(|stack| stack.reference);
    Ok(all.filter(|stack| !taken.contains(stack)).collect())
}

/// The accounts of a group. The built-in group contains those that no other group has.
fn accounts_of(records: &Records<'_>, group: &Group) -> Result<Vec<String>, Refusal> {
    if !group.body.is_default {
        return Ok(group.body.accounts.clone());
    }
    if group.body.entity_type == EntityType::Stacks {
        return Ok(Vec::new());
    }
    let taken: Vec<_> = records
        .groups(&group.organization)?
        .into_iter()
        .flat_map(|group| group.body.accounts)
        .collect();
    let all = records
        .accounts(&group.organization)?
        .into_iter()
        .map(|account| account.name);
    Ok(all.filter(|account| !taken.contains(account)).collect())
}
