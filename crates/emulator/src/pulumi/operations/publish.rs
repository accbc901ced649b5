//! Publishing: create, upload, complete.

use serde_json::{Map, Value, json};

use super::archives::REQUIRED_HEADERS;
use super::{find_version, organization};
use crate::pulumi::app::App;
use crate::pulumi::check::name::check_name;
use crate::pulumi::check::pack::PackFields;
use crate::pulumi::objects::{Content, Pack, Status, Version, ticket};
use crate::pulumi::refusal::Refusal;
use crate::pulumi::store::Records;
use crate::random;

/// `CreatePolicyPack`: adds an incomplete version and answers where to upload its archive.
pub(crate) fn create(app: &App, org: &str, mut fields: PackFields) -> Result<Value, Refusal> {
    app.store.write(|records| {
        organization(records, org)?;
        let missing = || Refusal::invalid("PolicyPack", "name", "is required");
        let name = fields.name.take().ok_or_else(missing)?;
        check_name("PolicyPack", "name", &name)?;
        let tag = fields.version_tag.take();
        let content = fields.into_content(tag.as_deref())?;
        let pack = match records.pack(org, &name)? {
            Some(pack) => pack,
            None => records.add_pack(Pack {
                place: 0,
                id: random::uuid()?,
                source: "private".to_owned(),
                publisher: org.to_owned(),
                name,
                is_public: false,
                is_added: true,
            })?,
        };
        begin(app, records, &pack, tag, content)
    })
}

/// Adds the next version of a pack.
pub(super) fn begin(
    app: &App,
    records: &Records<'_>,
    pack: &Pack,
    tag: Option<String>,
    content: Content,
) -> Result<Value, Refusal> {
    let versions = records.versions(pack)?;
    let number = versions.last().map_or(0, |version| version.number) + 1;
    let tag = tag.unwrap_or_else(|| number.to_string());
    // Tags of deleted versions stay reserved.
    if versions.iter().any(|version| version.tag == tag) {
        let name = &pack.name;
        return Err(Refusal::bad_request(format!(
            "Policy Pack {name:?} version {tag:?} has already been published"
        )));
    }
    let before = versions
        .iter()
        .rev()
        .filter(|version| version.status == Status::Complete);
    let before = before
        .filter_map(|version| version.content.runtime.as_ref())
        .next();
    if let (Some(before), Some(now)) = (before, &content.runtime)
        && before != now
    {
        let message = format!(
            "the pack was published with {before:?}, and its runtime cannot change to {now:?}"
        );
        return Err(Refusal::invalid("PolicyPack", "runtime", message));
    }
    let version = Version {
        number,
        tag,
        status: Status::Incomplete,
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
pub(crate) fn complete(app: &App, org: &str, name: &str, wanted: &str) -> Result<(), Refusal> {
    app.store.write(|records| {
        organization(records, org)?;
        let pack = records
            .pack(org, name)?
            .ok_or_else(|| Refusal::not_found("Policy Pack"))?;
        finish(records, &pack, wanted)
    })
}

/// Marks an incomplete version as complete.
pub(super) fn finish(records: &Records<'_>, pack: &Pack, wanted: &str) -> Result<(), Refusal> {
    let version = find_version(records, pack, wanted)?;
    match (version.status, &version.digest) {
        (Status::Incomplete, Some(_)) => {
            Ok(records.set_status(pack, &version, Status::Complete)?)
        }
        (Status::Incomplete, None) => {
            Err(Refusal::bad_request("Policy Pack has not been uploaded"))
        }
        (Status::Complete | Status::Deleted, _) => {
            Err(Refusal::bad_request("Policy Pack is already complete"))
        }
    }
}
