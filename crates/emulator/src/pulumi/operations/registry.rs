//! The registry: packs of all publishers that the caller can see.

use std::collections::HashSet;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::packs::{remove_pack, remove_version};
use super::publish::{add_version, finish};
use crate::pulumi::app::PulumiApp;
use crate::pulumi::check::name::LATEST;
use crate::pulumi::check::pack::NewPackFields;
use crate::pulumi::lookup::{
    complete, find_pack, find_version, newest, readable_policies, require_membership,
};
use crate::pulumi::objects::{
    PackPolicyLevel, PublishedContent, PulumiOrganization, StoredPack, StoredPackVersion,
    VersionStatus,
};
use crate::pulumi::refusal::PulumiRefusal;
use crate::pulumi::store::PulumiRecords;

/// The packs to list (schema `ListPolicyPacksRequest`, `access`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PackFilter {
    /// Published by others and added to the organization.
    Added,
    /// Published by others, public, and not added.
    Available,
    /// Published by the organization and added to it.
    Enabled,
    /// Published by the organization.
    Private,
}

impl PackFilter {
    /// The access with this name.
    pub(crate) fn parse(text: &str) -> Result<Self, PulumiRefusal> {
        serde_json::from_value(json!(text))
            .map_err(|_| PulumiRefusal::bad_request("Policy pack access is not valid"))
    }
}

/// The fields of schema `ListPolicyPacksRequest`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListPacksFields {
    access: Option<String>,
    ids: Option<HashSet<String>>,
    org_login: Option<String>,
}

/// The position of a page, encoded in the opaque `continuationToken`.
#[derive(Debug, Serialize, Deserialize)]
struct PackPageCursor {
    /// The query of the list.
    q: String,
    /// The `place` of the last item on the previous page.
    p: i64,
}

/// The path parameters of a pack in the registry.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PackAddress {
    source: String,
    publisher: String,
    pack: String,
}

/// The caller's permissions for a pack.
fn access_level(
    records: &PulumiRecords<'_>,
    pack: &StoredPack,
) -> Result<Option<&'static str>, PulumiRefusal> {
    let ours: Vec<PulumiOrganization> = records
        .organizations()?
        .into_iter()
        .filter(|organization| !organization.is_foreign)
        .collect();
    let mut is_ours = ours
        .iter()
        .any(|organization| organization.name == pack.publisher);
    for organization in &ours {
        is_ours |= records.additions(&organization.name)?.contains(pack);
    }
    Ok(if is_ours {
        Some("full")
    } else if pack.is_public {
        Some("view-only")
    } else {
        None
    })
}

/// Schema `RegistryPolicyPack`.
fn entry(pack: &StoredPack, version: &StoredPackVersion, access_level: &str) -> Value {
    let levels: &[PackPolicyLevel] = if access_level == "full" {
        &PackPolicyLevel::ALL
    } else {
        &[]
    };
    json!({
        "id": pack.id,
        "source": pack.source,
        "publisher": pack.publisher,
        "name": pack.name,
        "version": version.tag,
        "displayName": version.content.display_name,
        "accessLevel": access_level,
        "enforcementLevels": levels,
    })
}

/// `ListPolicyPacks`: the packs that one organization owns. Without a token, only public ones.
pub(crate) fn list(
    app: &PulumiApp,
    is_known: bool,
    org: Option<&str>,
    access: Option<&str>,
    token: Option<&str>,
) -> Result<Value, PulumiRefusal> {
    let access = access.map(PackFilter::parse).transpose()?;
    let org = org.ok_or_else(|| PulumiRefusal::bad_request("orgLogin is required"))?;
    app.store.read(|records| {
        let packs = match access {
            Some(access) => accessible(records, org, access)?,
            None => records.packs()?,
        };
        let packs = packs
            .into_iter()
            .filter(|pack| pack.publisher == org)
            .collect();
        page_of_packs(
            app,
            records,
            is_known,
            packs,
            &format!("get {org} {access:?}"),
            token,
        )
    })
}

/// `ListPolicyPacks_post`: the packs of one organization, or of all organizations of the caller.
pub(crate) fn query(
    app: &PulumiApp,
    is_known: bool,
    fields: &ListPacksFields,
    token: Option<&str>,
) -> Result<Value, PulumiRefusal> {
    let ListPacksFields {
        access,
        ids,
        org_login,
    } = fields;
    let access = access
        .as_deref()
        .map_or(Ok(PackFilter::Enabled), PackFilter::parse)?;
    app.store.read(|records| {
        let organizations = records
            .organizations()?
            .into_iter()
            .filter(|each| !each.is_foreign);
        let organizations =
            organizations.filter(|each| org_login.as_ref().is_none_or(|name| *name == each.name));
        let mut packs: Vec<StoredPack> = Vec::new();
        for organization in organizations {
            for pack in accessible(records, &organization.name, access)? {
                if !packs.contains(&pack) && ids.as_ref().is_none_or(|ids| ids.contains(&pack.id)) {
                    packs.push(pack);
                }
            }
        }
        packs.sort_by_key(|pack| pack.place);
        page_of_packs(
            app,
            records,
            is_known,
            packs,
            &format!("post {org_login:?} {access:?}"),
            token,
        )
    })
}

/// The packs with this access in an organization.
fn accessible(
    records: &PulumiRecords<'_>,
    org: &str,
    access: PackFilter,
) -> Result<Vec<StoredPack>, PulumiRefusal> {
    let packs = records.packs()?;
    let added = records.additions(org)?;
    let fits = |pack: &StoredPack| match access {
        PackFilter::Added => added.contains(pack),
        PackFilter::Available => pack.publisher != org && pack.is_public && !added.contains(pack),
        PackFilter::Enabled => pack.publisher == org && pack.is_added,
        PackFilter::Private => pack.publisher == org,
    };
    Ok(packs.into_iter().filter(fits).collect())
}

fn page_of_packs(
    app: &PulumiApp,
    records: &PulumiRecords<'_>,
    is_known: bool,
    packs: Vec<StoredPack>,
    what: &str,
    token: Option<&str>,
) -> Result<Value, PulumiRefusal> {
    let mut entries = Vec::new();
    for pack in packs.iter().filter(|pack| is_known || pack.is_public) {
        let level = if is_known {
            access_level(records, pack)?
        } else {
            Some("view-only")
        };
        if let (Some(level), Some(version)) = (level, newest(records.versions(pack)?)) {
            entries.push((pack.place, entry(pack, &version, level)));
        }
    }
    page(app, entries, what, token)
}

/// Schema `ListPolicyPacksResponse`: the page of the token, otherwise the first.
fn page(
    app: &PulumiApp,
    entries: Vec<(i64, Value)>,
    what: &str,
    token: Option<&str>,
) -> Result<Value, PulumiRefusal> {
    let after = match token {
        None => 0,
        Some(token) => {
            let decoded = BASE64URL_NOPAD.decode(token.as_bytes()).ok();
            let cursor: Option<PackPageCursor> =
                decoded.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            match cursor {
                Some(PackPageCursor { q, p }) if q == what => p,
                _ => return Err(PulumiRefusal::bad_request("invalid continuation token")),
            }
        }
    };
    let mut entries: Vec<_> = entries
        .into_iter()
        .filter(|(place, _)| *place > after)
        .collect();
    let more = entries.len() > app.page_size;
    entries.truncate(app.page_size);
    let last = entries.last().map(|(place, _)| *place).filter(|_| more);
    let mut answer =
        json!({"policyPacks": entries.into_iter().map(|(_, entry)| entry).collect::<Vec<_>>()});
    if let Some(p) = last {
        let cursor = json!(PackPageCursor {
            q: what.to_owned(),
            p
        })
        .to_string();
        answer["continuationToken"] = json!(BASE64URL_NOPAD.encode(cursor.as_bytes()));
    }
    Ok(answer)
}

/// A pack that the caller can see, and the caller's permissions.
fn visible_pack(
    records: &PulumiRecords<'_>,
    address: &PackAddress,
) -> Result<(StoredPack, &'static str), PulumiRefusal> {
    let PackAddress {
        source,
        publisher,
        pack,
    } = address;
    let missing = || PulumiRefusal::not_found("Policy pack");
    let pack = records
        .pack(publisher, pack)?
        .filter(|pack| pack.source == *source)
        .ok_or_else(missing)?;
    let level = access_level(records, &pack)?.ok_or_else(missing)?;
    Ok((pack, level))
}

/// A pack that the caller may publish to.
fn writable(
    records: &PulumiRecords<'_>,
    address: &PackAddress,
) -> Result<StoredPack, PulumiRefusal> {
    let (pack, _) = visible_pack(records, address)?;
    match require_membership(records, &pack.publisher) {
        Ok(_) => Ok(pack),
        Err(_) => Err(PulumiRefusal::forbidden(
            "the permission RegistryPublish is missing",
        )),
    }
}

/// `ListPolicyPackVersionsForRegistry`: the complete versions, oldest first.
pub(crate) fn versions(
    app: &PulumiApp,
    address: &PackAddress,
    token: Option<&str>,
) -> Result<Value, PulumiRefusal> {
    app.store.read(|records| {
        let (pack, level) = visible_pack(records, address)?;
        let versions = complete(records, &pack)?;
        if versions.is_empty() {
            return Err(PulumiRefusal::not_found("Policy pack"));
        }
        let entries = versions
            .iter()
            .map(|version| (version.number, entry(&pack, version, level)))
            .collect();
        page(app, entries, &format!("versions {}", pack.id), token)
    })
}

/// The complete version with this tag or number; by default the newest.
fn wanted_version(
    records: &PulumiRecords<'_>,
    pack: &StoredPack,
    wanted: &str,
) -> Result<StoredPackVersion, PulumiRefusal> {
    let found = if wanted == LATEST {
        newest(records.versions(pack)?)
    } else {
        find_version(records, pack, wanted)
            .ok()
            .filter(|version| version.status == VersionStatus::Complete)
    };
    found.ok_or_else(|| PulumiRefusal::not_found("Policy Pack"))
}

/// `GetPolicyPackVersionForRegistry`: with its policies.
pub(crate) fn get(
    app: &PulumiApp,
    address: &PackAddress,
    wanted: &str,
) -> Result<Value, PulumiRefusal> {
    app.store.read(|records| {
        let (pack, level) = visible_pack(records, address)?;
        let version = wanted_version(records, &pack, wanted)?;
        Ok(json!({"policyPack": entry(&pack, &version, level), "policies": readable_policies(&version)?}))
    })
}

/// `GetOrgRegistryPolicyPack`: without policies. By default, the newest version.
pub(crate) fn get_of_organization(
    app: &PulumiApp,
    org: &str,
    name: &str,
    tag: Option<&str>,
) -> Result<Value, PulumiRefusal> {
    app.store.read(|records| {
        require_membership(records, org)?;
        let (pack, _) = find_pack(records, org, name)?;
        let version = wanted_version(records, &pack, tag.unwrap_or(LATEST))?;
        Ok(json!({"policyPack": entry(&pack, &version, "full")}))
    })
}

/// `PostPublishPolicyPackVersionForRegistry`. The contract defines no body. Without a body, the
/// next version gets the policies of the newest one; with a body, it has the form of
/// `CreatePolicyPack`.
pub(crate) fn publish(
    app: &PulumiApp,
    address: &PackAddress,
    fields: Option<NewPackFields>,
) -> Result<Value, PulumiRefusal> {
    app.store.write(|records| {
        let pack = writable(records, address)?;
        let before = records.versions(&pack)?;
        if before
            .iter()
            .all(|version| version.status == VersionStatus::Deleted)
        {
            return Err(PulumiRefusal::not_found("Policy pack"));
        }
        let Some(mut fields) = fields else {
            let content: Option<PublishedContent> = newest(before).map(|version| version.content);
            let content = content.ok_or_else(|| PulumiRefusal::not_found("Policy pack"))?;
            return add_version(app, records, &pack, None, content);
        };
        if fields.name.take().is_some_and(|name| name != pack.name) {
            return Err(PulumiRefusal::invalid(
                "PolicyPack",
                "name",
                "is not the name in the path",
            ));
        }
        let tag = fields.version_tag.take();
        let content = fields.into_content(tag.as_deref())?;
        add_version(app, records, &pack, tag, content)
    })
}

/// `PostPublishPolicyPackVersionCompleteForRegistry`.
pub(crate) fn finish_version(
    app: &PulumiApp,
    address: &PackAddress,
    wanted: &str,
) -> Result<(), PulumiRefusal> {
    app.store
        .write(|records| finish(records, &writable(records, address)?, wanted))
}

/// `DeleteRegistryPolicyPackVersion`.
pub(crate) fn delete_version(
    app: &PulumiApp,
    address: &PackAddress,
    wanted: &str,
) -> Result<(), PulumiRefusal> {
    app.store.write(|records| {
        let pack = writable(records, address)?;
        let version = find_version(records, &pack, wanted)?;
        remove_version(records, &pack, &version)
    })
}

/// `DeletePolicyPack`.
pub(crate) fn delete(app: &PulumiApp, address: &PackAddress) -> Result<(), PulumiRefusal> {
    app.store
        .write(|records| remove_pack(records, &writable(records, address)?))
}
