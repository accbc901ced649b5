//! The wire format: JSON of the service → documents of the model.
//!
//! Names of fields come in `snake_case` and in `camelCase`, and a field with its usual value may be left out. Digest,
//! bytes, owner and `builtin` are never guessed: without them, the content and the owner would be unknown.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use http::ErrorKind;
use http::json::{DecodeError, ROOT, decode, present, text};
use model::chainloop::{
    DocumentBytes, DocumentKind, InputsSchema, LiveDocument, PolicyName, VersionReference,
};
use model::digest::Digest;

/// Base 64 as services write bytes in JSON: with padding or without.
const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);

/// The answer about a document. Where a field has two names, both are decoded, because serde refuses an alias next to
/// the name itself, and a null value of one of them must not hide the other.
#[derive(Deserialize)]
struct DocumentAnswer<'v> {
    #[serde(deserialize_with = "digest")]
    digest: Digest,
    raw: RawAnswer,
    builtin: Option<bool>,
    organization_name: Option<&'v str>,
    #[serde(rename = "organizationName")]
    organization_name_camel: Option<&'v str>,
    latest: Option<bool>,
    inputs_json_schema: Option<InputsSchemaText>,
    #[serde(rename = "inputsJsonSchema")]
    inputs_json_schema_camel: Option<InputsSchemaText>,
    version_references: Option<Vec<VersionReferenceAnswer>>,
    #[serde(rename = "versionReferences")]
    version_references_camel: Option<Vec<VersionReferenceAnswer>>,
}

/// The bytes of the document (contract: `raw {format, body}`), whichever format they are in.
#[derive(Deserialize)]
struct RawAnswer {
    #[serde(deserialize_with = "body")]
    body: DocumentBytes,
}

#[derive(Deserialize)]
struct VersionReferenceAnswer {
    #[serde(deserialize_with = "digest")]
    digest: Digest,
    created_at: Option<WireTimestamp>,
    #[serde(rename = "createdAt")]
    created_at_camel: Option<WireTimestamp>,
}

struct WireTimestamp(Timestamp);

impl<'de> Deserialize<'de> for WireTimestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "a moment", |text| text.parse().ok().map(Self))
    }
}

/// The schema, unless the text is empty.
struct InputsSchemaText(Option<InputsSchema>);

impl<'de> Deserialize<'de> for InputsSchemaText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "a JSON Schema inside a string", |text| {
            InputsSchema::parse(text).ok().map(Self)
        })
    }
}

fn digest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
    text(
        deserializer,
        "`sha256:` and 64 hexadecimal digits",
        |text| Digest::try_from(text.to_owned()).ok(),
    )
}

fn body<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DocumentBytes, D::Error> {
    text(deserializer, "base64", |text| {
        let bytes = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
        bytes.ok().map(DocumentBytes::from)
    })
}

/// Decodes the answer about a document. `asked` is the requested version, if one was.
pub(super) fn document(
    answer: &Value,
    kind: DocumentKind,
    name: &PolicyName,
    asked: Option<&Digest>,
) -> Result<LiveDocument, ErrorKind> {
    check_name(answer, kind, name)?;
    let fields: DocumentAnswer<'_> = decode(answer, ROOT)?;
    let bytes = fields.raw.body;
    let computed = bytes.digest();
    if computed != fields.digest {
        return Err(ErrorKind::WrongDigest {
            said: fields.digest.to_string(),
            computed: computed.to_string(),
        });
    }
    let refused = |at: &str, expected: &str| Err(DecodeError::new(at, expected).into());
    if let Some(asked) = asked.filter(|asked| **asked != computed) {
        let expected = format!("the requested version, {asked}");
        return refused("$.digest", &expected);
    }
    let builtin = fields.builtin.unwrap_or_default();
    let organization = fields.organization_name.or(fields.organization_name_camel);
    let organization = organization.filter(|name| !name.is_empty());
    // Without an owner, it is unknown whether the document may be written.
    if !builtin && organization.is_none() {
        return refused("$.organization_name", "the owner's name");
    }
    if fields.latest == Some(false) && asked.is_none() {
        return refused("$.latest", "true, because no version was requested");
    }
    let version = |version: VersionReferenceAnswer| VersionReference {
        digest: version.digest,
        created_at: version
            .created_at
            .or(version.created_at_camel)
            .map(|moment| moment.0),
    };
    let versions = fields
        .version_references
        .or(fields.version_references_camel);
    let inputs = fields
        .inputs_json_schema
        .or(fields.inputs_json_schema_camel);
    Ok(LiveDocument {
        kind,
        name: name.clone(),
        bytes,
        digest: computed,
        latest: fields.latest.unwrap_or(asked.is_none()),
        builtin,
        organization: organization.map(str::to_owned),
        versions: versions.into_iter().flatten().map(version).collect(),
        inputs_schema: inputs.and_then(|inputs| inputs.0),
    })
}

/// What the server says to have answered with must be what was asked for.
fn check_name(answer: &Value, kind: DocumentKind, name: &PolicyName) -> Result<(), DecodeError> {
    let data = |field| present(answer, field).or_else(|| present(answer, "data"));
    let (field, said) = match kind {
        DocumentKind::Policy => ("policy", data("policy")),
        DocumentKind::PolicyGroup => ("group", data("group")),
    };
    let said = said.and_then(|said| {
        let own_name = match kind {
            DocumentKind::Policy => None,
            DocumentKind::PolicyGroup => said.get("name"),
        };
        own_name.or_else(|| said.pointer("/metadata/name"))
    });
    match said.and_then(Value::as_str) {
        Some(said) if !said.is_empty() && said != name.as_str() => Err(DecodeError::new(
            format!("$.{field}.metadata.name"),
            "the requested name",
        )),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::service::hostile;

    #[test]
    fn hostile_text_is_not_repeated_in_errors() {
        let digest = Digest::of(b"x").to_string();
        let version = json!({"digest": digest, "created_at": "2026-01-01T00:00:00Z"});
        let data = json!({"name": "p", "metadata": {"name": "p"}});
        let name = PolicyName::new("p").unwrap();
        for kind in [DocumentKind::Policy, DocumentKind::PolicyGroup] {
            let answer = json!({
                "policy": data, "group": data, "digest": digest, "builtin": false, "latest": true,
                "raw": {"format": "FORMAT_YAML", "body": STANDARD.encode("x")},
                "organization_name": "acme", "version_references": [version],
                "inputs_json_schema": "{\"properties\":{}}",
            });
            hostile::check(&answer, |answer| document(answer, kind, &name, None));
        }
    }

    #[test]
    fn a_null_in_one_spelling_does_not_hide_the_other() {
        let digest = Digest::of(b"x").to_string();
        let answer = json!({
            "digest": digest, "raw": {"body": STANDARD.encode("x")},
            "organization_name": null, "organizationName": "acme",
            "version_references": null, "versionReferences": [{"digest": digest}],
        });
        let name = PolicyName::new("p").unwrap();
        let read = document(&answer, DocumentKind::Policy, &name, None).unwrap();
        assert_eq!(read.organization.as_deref(), Some("acme"));
        assert_eq!(read.versions.len(), 1);
    }
}
