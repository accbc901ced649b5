//! The wire format: JSON of the service → documents of the model.
//!
//! Names of fields come in `snake_case` and in `camelCase`, and a field with its usual value may be left out. Digest,
//! bytes, owner and `builtin` are never guessed: without them nobody could say what is there, and whose it is.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use serde_json::Value;

use http::ErrorKind;
use http::json::{At, DecodeError, Object, mismatch};
use model::chainloop::{
    DocumentBytes, DocumentKind, InputsSchema, LiveDocument, PolicyName, VersionReference,
};
use model::digest::Digest;

/// Base 64 as services write bytes in JSON: with padding or without.
const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);

/// A field in either spelling; null is nothing.
fn field<'v>(object: &Object<'v>, snake: &str, camel: &str) -> Option<&'v Value> {
    object.present(snake).or_else(|| object.present(camel))
}

/// Reads the answer about a document. `asked` is the version that was asked for, if one was.
pub(super) fn document(
    answer: &Value,
    kind: DocumentKind,
    name: &PolicyName,
    asked: Option<&Digest>,
) -> Result<LiveDocument, ErrorKind> {
    let object = Object::new(answer, At::ROOT)?;
    check_name(&object, kind, name)?;
    let said = digest(object.get("digest"), At::ROOT.key("digest"))?;
    let bytes = body(&object)?;
    let computed = bytes.digest();
    if computed != said {
        return Err(ErrorKind::WrongDigest {
            said: said.to_string(),
            computed: computed.to_string(),
        });
    }
    if let Some(asked) = asked.filter(|asked| **asked != computed) {
        let expected = format!("the version that was asked for, {asked}");
        return Err(DecodeError {
            at: "$.digest".to_owned(),
            expected,
        }
        .into());
    }
    let (builtin, organization) = owner(&object)?;
    let latest = match object.present("latest") {
        None => asked.is_none(),
        Some(Value::Bool(false)) if asked.is_none() => {
            return Err(object
                .mismatch("latest", "true, as no version was asked for")
                .into());
        }
        Some(value) => value
            .as_bool()
            .ok_or_else(|| object.mismatch("latest", "true or false"))?,
    };
    let inputs_schema = match field(&object, "inputs_json_schema", "inputsJsonSchema") {
        None => None,
        Some(value) => {
            let wrong = |_| DecodeError {
                at: "$.inputs_json_schema".to_owned(),
                expected: "a JSON Schema inside a text".to_owned(),
            };
            InputsSchema::parse(value.as_str().ok_or_else(|| wrong(String::new()))?)
                .map_err(wrong)?
        }
    };
    let versions = versions(&object)?;
    let name = name.clone();
    Ok(LiveDocument {
        kind,
        name,
        bytes,
        digest: computed,
        latest,
        builtin,
        organization,
        versions,
        inputs_schema,
    })
}

/// What the server says to have answered with must be what was asked for.
fn check_name(
    object: &Object<'_>,
    kind: DocumentKind,
    name: &PolicyName,
) -> Result<(), DecodeError> {
    let said = match kind {
        DocumentKind::Policy => {
            let policy = object.present("policy").or_else(|| object.present("data"));
            policy.and_then(|policy| policy.pointer("/metadata/name"))
        }
        DocumentKind::PolicyGroup => {
            let group = object.present("group").or_else(|| object.present("data"));
            group.and_then(|group| {
                group
                    .get("name")
                    .or_else(|| group.pointer("/metadata/name"))
            })
        }
    };
    match said.and_then(Value::as_str) {
        Some(said) if !said.is_empty() && said != name.as_str() => {
            let at = format!(
                "$.{}.metadata.name",
                if kind == DocumentKind::Policy {
                    "policy"
                } else {
                    "group"
                }
            );
            Err(DecodeError {
                at,
                expected: "the name that was asked for".to_owned(),
            })
        }
        Some(_) | None => Ok(()),
    }
}

fn digest(value: Option<&Value>, at: At<'_>) -> Result<Digest, DecodeError> {
    let read = value
        .and_then(Value::as_str)
        .and_then(|text| Digest::try_from(text.to_owned()).ok());
    read.ok_or_else(|| mismatch(at, "`sha256:` and 64 hexadecimal digits", value))
}

/// The bytes of the document (contract: `raw {format, body}`), whichever format they are in.
fn body(object: &Object<'_>) -> Result<DocumentBytes, DecodeError> {
    let at = At::ROOT.key("raw");
    let raw = object
        .present("raw")
        .ok_or_else(|| object.mismatch("raw", "an object"))?;
    let raw = Object::new(raw, at)?;
    let text = raw.text("body")?;
    let bytes = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
    Ok(DocumentBytes::from(
        bytes.map_err(|_| raw.mismatch("body", "base64"))?,
    ))
}

/// Whether it is builtin, and else whose it is. Where neither is said, nobody can tell whether it may be written.
fn owner(object: &Object<'_>) -> Result<(bool, Option<String>), DecodeError> {
    let builtin = match object.present("builtin") {
        None => None,
        Some(value) => Some(
            value
                .as_bool()
                .ok_or_else(|| object.mismatch("builtin", "true or false"))?,
        ),
    };
    let organization = match field(object, "organization_name", "organizationName") {
        None => None,
        Some(value) => {
            let text = value
                .as_str()
                .ok_or_else(|| object.mismatch("organization_name", "a text"))?;
            Some(text.to_owned()).filter(|text| !text.is_empty())
        }
    };
    match (builtin, organization) {
        (Some(true), organization) => Ok((true, organization)),
        (Some(false) | None, Some(organization)) => Ok((false, Some(organization))),
        (Some(false) | None, None) => Err(object.mismatch("organization_name", "the owner's name")),
    }
}

fn versions(object: &Object<'_>) -> Result<Vec<VersionReference>, DecodeError> {
    let at = At::ROOT.key("version_references");
    let Some(value) = field(object, "version_references", "versionReferences") else {
        return Ok(Vec::new());
    };
    let list = value
        .as_array()
        .ok_or_else(|| mismatch(at, "a list", Some(value)))?;
    let version = |(index, value)| {
        let at = at.index(index);
        let version = Object::new(value, at)?;
        let created_at = match field(&version, "created_at", "createdAt") {
            None => None,
            Some(value) => {
                let time = value
                    .as_str()
                    .and_then(|text| text.parse::<Timestamp>().ok());
                Some(time.ok_or_else(|| mismatch(at.key("created_at"), "a moment", Some(value)))?)
            }
        };
        Ok(VersionReference {
            digest: digest(version.get("digest"), at.key("digest"))?,
            created_at,
        })
    };
    list.iter().enumerate().map(version).collect()
}
