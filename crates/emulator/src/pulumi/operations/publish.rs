//! Publishing: create, upload, complete.

use serde_json::{Map, Value, json};

use super::archives::REQUIRED_HEADERS;
use crate::pulumi::app::PulumiApp;
use crate::pulumi::check::name::check_name;
use crate::pulumi::check::pack::NewPackFields;
use crate::pulumi::lookup::{find_version, organization};
use crate::pulumi::objects::{
    PublishedContent, StoredPack, StoredPackVersion, VersionStatus, ticket,
};
use crate::pulumi::refusal::PulumiRefusal;
use crate::pulumi::store::PulumiRecords;
use crate::random;

/// `CreatePolicyPack`: adds an incomplete version and answers where to upload its archive.
pub(crate) fn create(
    app: &PulumiApp,
    org: &str,
    mut fields: NewPackFields,
) -> Result<Value, PulumiRefusal> {
    app.store.write(|records| {
        organization(records, org)?;
        let missing = || PulumiRefusal::invalid("PolicyPack", "name", "is required");
        let name = fields.name.take().ok_or_else(missing)?;
        check_name("PolicyPack", "name", &name)?;
        let tag = fields.version_tag.take();
        let content = fields.into_content(tag.as_deref())?;
        let pack = match records.pack(org, &name)? {
            Some(pack) => pack,
            None => records.add_pack(StoredPack {
                place: 0,
                id: random::uuid()?,
                source: "private".to_owned(),
                publisher: org.to_owned(),
                name,
                is_public: false,
                is_added: true,
            })?,
        };
        add_version(app, records, &pack, tag, content)
    })
}

/// Adds the next version of a pack.
pub(super) fn add_version(
    app: &PulumiApp,
    records: &PulumiRecords<'_>,
    pack: &StoredPack,
    tag: Option<String>,
    content: PublishedContent,
) -> Result<Value, PulumiRefusal> {
    let versions = records.versions(pack)?;
    let number = versions.last().map_or(0, |version| version.number) + 1;
    let tag = tag.unwrap_or_else(|| number.to_string());
    // Tags of deleted versions stay reserved.
    if versions.iter().any(|version| version.tag == tag) {
        let name = &pack.name;
        return Err(PulumiRefusal::bad_request(format!(
            "Policy Pack {name:?} version {tag:?} has already been published"
        )));
    }
    let before = versions
        .iter()
        .rev()
        .filter(|version| version.status == VersionStatus::Complete);
    let before = before
        .filter_map(|version| version.content.runtime.as_ref())
        .next();
    if let (Some(before), Some(now)) = (before, &content.runtime)
        && before != now
    {
        let message = format!(
            "the pack was published with {before:?}, and its runtime cannot change to {now:?}"
        );
        return Err(PulumiRefusal::invalid("PolicyPack", "runtime", message));
    }
    let version = StoredPackVersion {
        number,
        tag,
        status: VersionStatus::Incomplete,
        content,
        ticket: ticket()?,
        digest: None,
    };
    records.add_version(pack, &version)?;
    Ok(json!({
        "version": version.number,
        "uploadURI": app.archive_url(&version.ticket),
        "requiredHeaders": Map::from_iter(REQUIRED_HEADERS.map(|(name, value)| (name.to_owned(), json!(value)))),
    }))
}

/// `CompletePolicyPack`.
pub(crate) fn complete(
    app: &PulumiApp,
    org: &str,
    name: &str,
    wanted: &str,
) -> Result<(), PulumiRefusal> {
    app.store.write(|records| {
        organization(records, org)?;
        let pack = records
            .pack(org, name)?
            .ok_or_else(|| PulumiRefusal::not_found("Policy Pack"))?;
        finish(records, &pack, wanted)
    })
}

/// Marks an incomplete version as complete.
pub(super) fn finish(
    records: &PulumiRecords<'_>,
    pack: &StoredPack,
    wanted: &str,
) -> Result<(), PulumiRefusal> {
    let version = find_version(records, pack, wanted)?;
    match (version.status, &version.digest) {
        (VersionStatus::Incomplete, Some(_)) => {
            Ok(records.set_status(pack, &version, VersionStatus::Complete)?)
        }
        (VersionStatus::Incomplete, None) => Err(PulumiRefusal::bad_request(
            "Policy Pack has not been uploaded",
        )),
        (VersionStatus::Complete | VersionStatus::Deleted, _) => Err(PulumiRefusal::bad_request(
            "Policy Pack is already complete",
        )),
    }
}
