//! The packs of an organization: list, read and delete.

use serde_json::{Map, Value, json};

use crate::pulumi::app::PulumiApp;
use crate::pulumi::lookup::{
    complete, find_pack, find_version, organization, read_version, readable_policies,
};
use crate::pulumi::objects::{StoredPack, StoredPackVersion, VersionStatus};
use crate::pulumi::refusal::PulumiRefusal;
use crate::pulumi::store::PulumiRecords;

/// `ListPolicyPacks_orgs`: own and added packs, with their complete versions.
pub(crate) fn list(app: &PulumiApp, org: &str, name: Option<&str>) -> Result<Value, PulumiRefusal> {
    app.store.read(|records| {
        organization(records, org)?;
        let mut packs: Vec<StoredPack> = records
            .packs()?
            .into_iter()
            .filter(|pack| pack.publisher == org)
            .collect();
        packs.extend(records.additions(org)?);
        let mut listed = Vec::new();
        for pack in packs
            .iter()
            .filter(|pack| name.is_none_or(|name| pack.name == name))
        {
            let versions = complete(records, pack)?;
            let Some(newest) = versions.last() else {
                continue;
            };
            listed.push(json!({
                "name": pack.name,
                "displayName": newest.content.display_name,
                "versions": versions.iter().map(|version| version.number).collect::<Vec<_>>(),
                "versionTags": versions.iter().map(|version| &version.tag).collect::<Vec<_>>(),
            }));
        }
        Ok(json!({"policyPacks": listed}))
    })
}

/// A version that can be shown.
fn shown(
    records: &PulumiRecords<'_>,
    org: &str,
    name: &str,
    wanted: &str,
) -> Result<(StoredPack, StoredPackVersion), PulumiRefusal> {
    organization(records, org)?;
    let (pack, _) = find_pack(records, org, name)?;
    let version = read_version(records, &pack, wanted)?;
    match version.status {
        VersionStatus::Complete => Ok((pack, version)),
        VersionStatus::Incomplete | VersionStatus::Deleted => Err(PulumiRefusal::bad_request(
            "Cannot get incomplete Policy Pack",
        )),
    }
}

/// `GetPolicyPack`.
pub(crate) fn get(
    app: &PulumiApp,
    org: &str,
    name: &str,
    wanted: &str,
) -> Result<Value, PulumiRefusal> {
    app.store.read(|records| {
        let (pack, version) = shown(records, org, name, wanted)?;
        let mut answer = version.content.other.clone();
        let known = json!({
            "name": pack.name,
            "displayName": version.content.display_name,
            "version": version.number,
            "versionTag": version.tag,
            "policies": readable_policies(&version)?,
            "applied": records.is_applied(&pack, &version)?,
        });
        answer.extend(known.as_object().cloned().unwrap_or_default());
        Ok(Value::Object(answer))
    })
}

/// `GetPolicyPackConfigSchema`: the schemas by policy name.
pub(crate) fn config_schema(
    app: &PulumiApp,
    org: &str,
    name: &str,
    wanted: &str,
) -> Result<Value, PulumiRefusal> {
    app.store.read(|records| {
        let (_, version) = shown(records, org, name, wanted)?;
        let mut schemas = Map::new();
        for policy in readable_policies(&version)? {
            if let (Some(Value::String(name)), Some(schema)) =
                (policy.get("name"), policy.get("configSchema"))
            {
                schemas.insert(name.clone(), schema.clone());
            }
        }
        Ok(json!({"configSchema": schemas}))
    })
}

/// `DeletePolicyPackVersion`.
pub(crate) fn delete_version(
    app: &PulumiApp,
    org: &str,
    name: &str,
    wanted: &str,
) -> Result<(), PulumiRefusal> {
    app.store.write(|records| {
        organization(records, org)?;
        let pack = find_own_pack(records, org, name)?;
        let version = find_version(records, &pack, wanted)?;
        remove_version(records, &pack, &version)
    })
}

/// `DeletePolicyPack_orgs_policypacks`.
pub(crate) fn delete(app: &PulumiApp, org: &str, name: &str) -> Result<(), PulumiRefusal> {
    app.store.write(|records| {
        organization(records, org)?;
        let pack = find_own_pack(records, org, name)?;
        remove_pack(records, &pack)
    })
}

fn find_own_pack(
    records: &PulumiRecords<'_>,
    org: &str,
    name: &str,
) -> Result<StoredPack, PulumiRefusal> {
    let (pack, is_own) = find_pack(records, org, name)?;
    if is_own {
        Ok(pack)
    } else {
        Err(PulumiRefusal::bad_request(
            "Cannot delete external policy packs",
        ))
    }
}

/// Deletes a version that no group enables.
pub(super) fn remove_version(
    records: &PulumiRecords<'_>,
    pack: &StoredPack,
    version: &StoredPackVersion,
) -> Result<(), PulumiRefusal> {
    if records.is_applied(pack, version)? {
        return Err(PulumiRefusal::conflict(
            "Cannot delete a Policy Pack that is applied to Policy Groups",
        ));
    }
    Ok(records.set_status(pack, version, VersionStatus::Deleted)?)
}

/// Deletes a pack that no group enables.
pub(super) fn remove_pack(
    records: &PulumiRecords<'_>,
    pack: &StoredPack,
) -> Result<(), PulumiRefusal> {
    let mut versions = records.versions(pack)?;
    versions.retain(|version| version.status != VersionStatus::Deleted);
    if versions.is_empty() {
        return Err(PulumiRefusal::not_found("Policy Pack"));
    }
    for version in &versions {
        if records.is_applied(pack, version)? {
            return Err(PulumiRefusal::bad_request(
                "Cannot delete an enabled Policy Pack",
            ));
        }
        records.set_status(pack, version, VersionStatus::Deleted)?;
    }
    Ok(())
}
