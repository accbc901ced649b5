//! Looks up stored objects as requests name them.

use serde_json::{Map, Value};

use super::check::name::LATEST;
use super::objects::{
    GroupEntityType, PulumiOrganization, StackIdentity, StoredGroup, StoredPack, StoredPackVersion,
    VersionStatus,
};
use super::refusal::PulumiRefusal;
use super::store::PulumiRecords;

/// Refuses an organization that does not exist or does not have the caller as a member.
pub(super) fn require_membership(
    records: &PulumiRecords<'_>,
    name: &str,
) -> Result<PulumiOrganization, PulumiRefusal> {
    let found = records
        .organization(name)?
        .filter(|organization| !organization.is_foreign);
    found.ok_or_else(|| PulumiRefusal::not_found("Organization"))
}

/// Also refuses an organization without the feature.
pub(super) fn organization(
    records: &PulumiRecords<'_>,
    name: &str,
) -> Result<PulumiOrganization, PulumiRefusal> {
    let found = require_membership(records, name)?;
    if found.policy_as_code {
        Ok(found)
    } else {
        Err(PulumiRefusal::bad_request(
            "Policy as code feature not enabled",
        ))
    }
}

/// The pack with this name in an organization, and whether the organization publishes it. Own packs
/// take precedence over added ones.
pub(super) fn find_pack(
    records: &PulumiRecords<'_>,
    organization: &str,
    name: &str,
) -> Result<(StoredPack, bool), PulumiRefusal> {
    if let Some(pack) = records.pack(organization, name)? {
        return Ok((pack, true));
    }
    let added = records
        .additions(organization)?
        .into_iter()
        .find(|pack| pack.name == name);
    added
        .map(|pack| (pack, false))
        .ok_or_else(|| PulumiRefusal::not_found("Policy Pack"))
}

/// The newest complete version.
pub(super) fn newest(versions: Vec<StoredPackVersion>) -> Option<StoredPackVersion> {
    versions
        .into_iter()
        .rfind(|version| version.status == VersionStatus::Complete)
}

/// The complete versions of a pack, oldest first.
pub(super) fn complete(
    records: &PulumiRecords<'_>,
    pack: &StoredPack,
) -> Result<Vec<StoredPackVersion>, PulumiRefusal> {
    let mut versions = records.versions(pack)?;
    versions.retain(|version| version.status == VersionStatus::Complete);
    Ok(versions)
}

/// The version with this tag, otherwise with this number. It may be incomplete.
pub(super) fn find_version(
    records: &PulumiRecords<'_>,
    pack: &StoredPack,
    wanted: &str,
) -> Result<StoredPackVersion, PulumiRefusal> {
    let mut versions = records.versions(pack)?;
    versions.retain(|version| version.status != VersionStatus::Deleted);
    let by_tag = versions.iter().position(|version| version.tag == wanted);
    let by_number = || {
        versions
            .iter()
            .position(|version| version.number.to_string() == wanted)
    };
    match by_tag.or_else(by_number) {
        Some(place) => Ok(versions.swap_remove(place)),
        None => Err(PulumiRefusal::not_found("Policy Pack")),
    }
}

/// Like `find_version`, but `latest` selects the newest complete version.
pub(super) fn read_version(
    records: &PulumiRecords<'_>,
    pack: &StoredPack,
    wanted: &str,
) -> Result<StoredPackVersion, PulumiRefusal> {
    if wanted == LATEST {
        newest(records.versions(pack)?).ok_or_else(|| PulumiRefusal::not_found("Policy Pack"))
    } else {
        find_version(records, pack, wanted)
    }
}

/// The policies of a version. A config schema without `type` can be published, but not read.
pub(super) fn readable_policies(
    version: &StoredPackVersion,
) -> Result<&[Map<String, Value>], PulumiRefusal> {
    let is_broken = |policy: &Map<String, Value>| {
        policy
            .get("configSchema")
            .is_some_and(|schema| schema.get("type").is_none())
    };
    let policies = &version.content.policies;
    if policies.iter().any(is_broken) {
        Err(PulumiRefusal::unreadable())
    } else {
        Ok(policies)
    }
}

/// The stacks of a group. The built-in group contains those that no other group has.
pub(super) fn stacks_of(
    records: &PulumiRecords<'_>,
    group: &StoredGroup,
) -> Result<Vec<StackIdentity>, PulumiRefusal> {
    if !group.body.is_default {
        return Ok(group.body.stacks.clone());
    }
    if group.body.entity_type == GroupEntityType::Accounts {
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
pub(super) fn accounts_of(
    records: &PulumiRecords<'_>,
    group: &StoredGroup,
) -> Result<Vec<String>, PulumiRefusal> {
    if !group.body.is_default {
        return Ok(group.body.accounts.clone());
    }
    if group.body.entity_type == GroupEntityType::Stacks {
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
