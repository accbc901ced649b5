//! The operations.

use data_encoding::BASE64;
use serde_json::Value;

use super::app::ChainloopApp;
use super::check;
use super::document::{
    DocumentOwner, StoredDocument, StoredDocumentKind, StoredDocumentVersion, fields,
};
use super::options::RawSchema;
use super::refusal::ChainloopRefusal;
use super::store::ChainloopRecords;
use super::view;

/// The parameters of a read.
#[derive(Debug, Clone, Default)]
pub(super) struct DocumentAddress {
    pub(super) name: String,
    /// The version's digest. If empty, the latest version.
    pub(super) digest: String,
    /// The owner. If empty, the first match in the order of `find`.
    pub(super) organization: String,
}

pub(super) fn get(
    app: &ChainloopApp,
    kind: StoredDocumentKind,
    asked: &DocumentAddress,
) -> Result<Value, ChainloopRefusal> {
    app.store.read(|records| {
        let missing = || ChainloopRefusal::not_found(kind.as_str());
        let document = find(records, kind, asked)?.ok_or_else(missing)?;
        let versions = records.versions(&document)?;
        let version = if asked.digest.is_empty() {
            versions.last()
        } else {
            versions
                .iter()
                .rev()
                .find(|version| version.digest == asked.digest)
        };
        let version = version.ok_or_else(missing)?;
        Ok(view::answer(&document, &versions, version, app.spelling))
    })
}

/// Finds a document: the organization's own, otherwise a built-in one. Without an organization, the
/// order is own, built-in, foreign.
fn find(
    records: &ChainloopRecords<'_>,
    kind: StoredDocumentKind,
    asked: &DocumentAddress,
) -> Result<Option<StoredDocument>, ChainloopRefusal> {
    let DocumentAddress {
        name,
        digest: _,
        organization,
    } = asked;
    let organizations = records.organizations()?;
    let builtin = [DocumentOwner::Builtin];
    let owners: Vec<DocumentOwner> = if organization.is_empty() {
        let of = |foreign: bool| {
            organizations
                .iter()
                .filter(move |each| each.is_foreign == foreign)
        };
        let owner = |each: &super::store::ChainloopOrganization| {
            DocumentOwner::Organization(each.name.clone())
        };
        of(false)
            .map(owner)
            .chain(builtin)
            .chain(of(true).map(owner))
            .collect()
    } else {
        if !organizations.iter().any(|each| each.name == *organization) {
            return Err(ChainloopRefusal::not_found("organization"));
        }
        std::iter::once(DocumentOwner::Organization(organization.clone()))
            .chain(builtin)
            .collect()
    };
    for owner in owners {
        if let Some(document) = records.document(kind, &owner, name)? {
            return Ok(Some(document));
        }
    }
    Ok(None)
}

/// The body of a write.
#[derive(Debug, Clone)]
pub(super) struct SubmittedDocument {
    pub(super) policy: Value,
    pub(super) raw_schema: String,
}

/// A validated write.
struct ParsedWrite {
    organization: String,
    name: String,
    body: Vec<u8>,
}

pub(super) fn create(app: &ChainloopApp, sent: &SubmittedDocument) -> Result<(), ChainloopRefusal> {
    app.store.write(|records| {
        let ParsedWrite {
            organization,
            name,
            body,
        } = understand(records, app.raw_schema, sent)?;
        let owner = DocumentOwner::Organization(organization);
        for taken in [&owner, &DocumentOwner::Builtin] {
            if records
                .document(StoredDocumentKind::Policy, taken, &name)?
                .is_some()
            {
                return Err(ChainloopRefusal::conflict(format!(
                    "policy {name} already exists"
                )));
            }
        }
        let document = records.add_document(StoredDocumentKind::Policy, owner, &name)?;
        Ok(records.add_version(&document, &StoredDocumentVersion::now(body))?)
    })
}

/// Adds a version of a policy. If the latest version has the same digest, nothing changes.
pub(super) fn update(app: &ChainloopApp, sent: &SubmittedDocument) -> Result<(), ChainloopRefusal> {
    app.store.write(|records| {
        let ParsedWrite {
            organization,
            name,
            body,
        } = understand(records, app.raw_schema, sent)?;
        let Some(document) = records.document(
            StoredDocumentKind::Policy,
            &DocumentOwner::Organization(organization),
            &name,
        )?
        else {
            return Err(
                match records.document(
                    StoredDocumentKind::Policy,
                    &DocumentOwner::Builtin,
                    &name,
                )? {
                    Some(_) => ChainloopRefusal::forbidden("builtin policies cannot be changed"),
                    None => ChainloopRefusal::not_found("policy"),
                },
            );
        };
        let version = StoredDocumentVersion::now(body);
        let is_latest = records
            .versions(&document)?
            .last()
            .is_some_and(|latest| latest.digest == version.digest);
        if is_latest {
            Ok(())
        } else {
            Ok(records.add_version(&document, &version)?)
        }
    })
}

/// Validates a write. The structured policy and the text must have the same name.
fn understand(
    records: &ChainloopRecords<'_>,
    encoding: RawSchema,
    sent: &SubmittedDocument,
) -> Result<ParsedWrite, ChainloopRefusal> {
    let SubmittedDocument { policy, raw_schema } = sent;
    let body = match encoding {
        RawSchema::Base64 => BASE64
            .decode(raw_schema.as_bytes())
            .map_err(|_| ChainloopRefusal::invalid("raw_schema: is not base64"))?,
        RawSchema::Text => raw_schema.clone().into_bytes(),
        RawSchema::Either => BASE64
            .decode(raw_schema.as_bytes())
            .unwrap_or_else(|_| raw_schema.clone().into_bytes()),
    };
    let (name, named) =
        check::policy(policy).map_err(|why| ChainloopRefusal::invalid(format!("policy: {why}")))?;
    let text = fields(&body)
        .ok_or_else(|| ChainloopRefusal::invalid("raw_schema: is not a YAML document"))?;
    let (raw_name, raw_named) = check::policy(&text)
        .map_err(|why| ChainloopRefusal::invalid(format!("raw_schema: {why}")))?;
    if raw_name != name {
        return Err(ChainloopRefusal::invalid(
            "raw_schema: has another name than the policy",
        ));
    }
    let mut own = records
        .organizations()?
        .into_iter()
        .filter(|organization| !organization.is_foreign);
    let organization = match named.or(raw_named) {
        Some(named) => own.find(|organization| organization.name == named),
        None => own.next(),
    };
    let organization = organization
        .ok_or_else(|| ChainloopRefusal::forbidden("the token is not one of that organization"))?;
    Ok(ParsedWrite {
        organization: organization.name,
        name,
        body,
    })
}
