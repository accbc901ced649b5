//! Packs and their versions.

use std::collections::{BTreeMap, HashSet};

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use http::Upload;
use http::json::{DecodeError, ROOT, decode, id, required};
use model::Opaque;
use model::pulumi::{LivePackPolicy, LiveVersion, PackPolicy, VersionDetail, VersionNumber};

/// A pack as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackSummary {
    /// The name, unique in the organization.
    pub name: String,
    /// The display name.
    pub display_name: String,
    /// Its complete versions with their tags, from the oldest to the newest.
    pub versions: Vec<(VersionNumber, String)>,
    /// Fields of it that this version does not know.
    pub unknown_fields: Map<String, Value>,
}

/// What createPackVersion answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedVersion {
    /// The number that the server gave the version.
    pub number: VersionNumber,
    /// Where the archive goes.
    pub upload: Upload,
}

/// Refuses a list that repeats a name.
pub(super) fn each_once<'v>(
    names: impl IntoIterator<Item = &'v str>,
    at: &str,
) -> Result<(), DecodeError> {
    let mut seen = HashSet::new();
    if names.into_iter().all(|name| seen.insert(name)) {
        return Ok(());
    }
    Err(DecodeError::new(at, "each name once"))
}

/// A list. `null` is an empty list, and a missing one is an error.
pub(super) fn list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PackAnswer {
    #[serde(deserialize_with = "list")]
    versions: Vec<u64>,
    #[serde(deserialize_with = "list")]
    version_tags: Vec<String>,
    #[serde(deserialize_with = "id")]
    name: String,
    display_name: String,
    #[serde(flatten)]
    unknown_fields: Map<String, Value>,
}

/// Decodes the list of packs (contract: `AppListPolicyPacksResponse`).
pub(crate) fn packs(answer: &Value) -> Result<Vec<PackSummary>, DecodeError> {
    let at = "$.policyPacks";
    let packs: Option<Vec<PackAnswer>> = decode(required(answer, ROOT, "policyPacks")?, at)?;
    let packs = packs.unwrap_or_default();
    each_once(packs.iter().map(|pack| pack.name.as_str()), at)?;
    let summary = |(index, pack): (usize, PackAnswer)| {
        if pack.versions.len() != pack.version_tags.len() {
            let at = format!("{at}[{index}].versionTags");
            return Err(DecodeError::new(at, "a tag for each version, found a list"));
        }
        let numbers = pack.versions.into_iter().map(VersionNumber);
        let mut versions: Vec<_> = numbers.zip(pack.version_tags).collect();
        versions.sort_unstable();
        Ok(PackSummary {
            name: pack.name,
            display_name: pack.display_name,
            versions,
            unknown_fields: pack.unknown_fields,
        })
    };
    packs.into_iter().enumerate().map(summary).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PackVersionAnswer {
    policies: Vec<PackPolicyAnswer>,
    display_name: String,
    applied: bool,
    version: u64,
    version_tag: String,
    name: String,
    #[serde(flatten)]
    unknown_fields: Map<String, Value>,
}

/// Decodes a version (contract: `AppGetPolicyPackResponse`).
pub(crate) fn version(answer: &Value) -> Result<(String, LiveVersion), DecodeError> {
    let fields: PackVersionAnswer = decode(answer, ROOT)?;
    let raw = answer.get("policies").and_then(Value::as_array);
    let policies = fields.policies.into_iter().zip(raw.into_iter().flatten());
    let version = LiveVersion {
        number: VersionNumber(fields.version),
        tag: fields.version_tag,
        detail: Some(VersionDetail {
            display_name: fields.display_name,
            policies: policies.map(|(policy, raw)| policy.live(raw)).collect(),
            applied: fields.applied,
            unknown_fields: fields.unknown_fields,
        }),
    };
    Ok((fields.name, version))
}

/// The fields of `AppPolicy`, apart from its name.
const KNOWN: &[&str] = &[
    "displayName",
    "description",
    "enforcementLevel",
    "message",
    "configSchema",
    "severity",
    "framework",
    "tags",
    "remediationSteps",
    "url",
];

#[derive(Deserialize)]
struct PackPolicyAnswer {
    name: String,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl PackPolicyAnswer {
    /// The policy that was decoded from `raw`.
    fn live(self, raw: &Value) -> LivePackPolicy {
        let (mut known, unknown_fields): (Map<_, _>, Map<_, _>) = self
            .others
            .into_iter()
            .partition(|(key, _)| KNOWN.contains(&key.as_str()));
        // Some servers write fields that were never set as empty values.
        known.retain(|key, value| match value {
            Value::Null => false,
            Value::String(text) => {
                !text.is_empty() || matches!(&**key, "displayName" | "description" | "message")
            }
            Value::Object(map) => !map.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => true,
        });
        known.insert("name".to_owned(), Value::from(self.name.as_str()));
        let policy = decode(&Value::Object(known), ROOT).map_err(|error| Opaque {
            why: format!("cannot be read: {error}"),
            raw: raw.clone(),
        });
        LivePackPolicy {
            name: self.name,
            policy: policy.map(sorted),
            unknown_fields,
        }
    }
}

/// Lists whose order means nothing, in the order in which manifests give them.
fn sorted(mut policy: PackPolicy) -> PackPolicy {
    let tidy = |texts: &mut Vec<String>| {
        texts.sort_unstable();
        texts.dedup();
    };
    // A field that is added here is also listed in `KNOWN`, or it would count as unknown.
    let PackPolicy {
        name: _,
        display_name: _,
        description: _,
        enforcement_level: _,
        message: _,
        config_schema,
        severity: _,
        framework: _,
        tags,
        remediation_steps: _,
        url: _,
    } = &mut policy;
    tidy(tags);
    if let Some(schema) = config_schema {
        tidy(&mut schema.required);
    }
    policy
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreatedAnswer<'v> {
    version: u64,
    required_headers: Option<UploadHeaders>,
    #[serde(rename = "uploadURI")]
    upload_uri: &'v str,
}

/// A place in an error contains no name of a header, so the values are checked as a whole.
#[derive(Default)]
struct UploadHeaders(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for UploadHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let headers = Map::deserialize(deserializer)?.into_iter();
        let headers = headers.map(|(name, value)| match value {
            Value::String(value) => Ok((name, value)),
            _ => Err(D::Error::invalid_type(Unexpected::Map, &"strings by name")),
        });
        headers.collect::<Result<_, _>>().map(Self)
    }
}

/// Decodes what createPackVersion answers (contract: `AppCreatePolicyPackResponse`).
pub(crate) fn created(answer: &Value) -> Result<CreatedVersion, DecodeError> {
    let fields: CreatedAnswer<'_> = decode(answer, ROOT)?;
    let headers = fields.required_headers.unwrap_or_default();
    Ok(CreatedVersion {
        number: VersionNumber(fields.version),
        upload: Upload::new(fields.upload_uri.to_owned(), headers.0),
    })
}

/// A page of the registry.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PublishersPage {
    pub(crate) policy_packs: Vec<PublishedPack>,
    /// The token of the next page; none or an empty one on the last.
    pub(crate) continuation_token: Option<String>,
}

/// A pack of the registry.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct PublishedPack {
    pub(crate) name: String,
    pub(crate) publisher: String,
}

/// Decodes a page of the registry: the publisher of each pack, and the token of the next page (contract:
/// `ListPolicyPacksResponse`).
pub(crate) fn publishers(answer: &Value) -> Result<PublishersPage, DecodeError> {
    decode(answer, ROOT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::service::hostile;

    fn policy(value: &Value) -> Result<LivePackPolicy, DecodeError> {
        let fields: PackPolicyAnswer = decode(value, ROOT)?;
        Ok(fields.live(value))
    }

    #[test]
    fn a_list_that_does_not_decode_is_never_empty() {
        let pack =
            json!({"name": "p", "displayName": "P", "versions": [2, 1], "versionTags": ["b", "a"]});
        let read = packs(&json!({"policyPacks": [pack]})).unwrap();
        assert_eq!(
            read[0].versions,
            [
                (VersionNumber(1), "a".to_owned()),
                (VersionNumber(2), "b".to_owned())
            ]
        );
        assert_eq!(packs(&json!({"policyPacks": []})).unwrap(), []);
        for wrong in [
            json!({}),
            json!([]),
            json!(null),
            json!({"policyPacks": [7]}),
            json!({"policyPacks": [{"name": "p"}]}),
            json!({"policyPacks": [pack, pack]}),
            json!({"policyPacks": [{"name": "../p", "displayName": "", "versions": [], "versionTags": []}]}),
            json!({"policyPacks": [{"name": "p", "displayName": "", "versions": [1], "versionTags": []}]}),
            json!({"policyPacks": [{"name": "p", "displayName": "", "versions": ["1"], "versionTags": ["a"]}]}),
        ] {
            assert!(packs(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hostile_text_is_not_repeated_in_errors() {
        let pack = json!({"name": "p", "displayName": "P", "versions": [1], "versionTags": ["a"]});
        hostile::check(&json!({"policyPacks": [pack]}), packs);
        let policy = json!({"name": "a", "displayName": "A", "enforcementLevel": "mandatory"});
        hostile::check(
            &json!({"name": "p", "displayName": "P", "version": 1, "versionTag": "a", "policies": [policy], "applied": true}),
            version,
        );
        let headers = json!({"a": "b"});
        hostile::check(
            &json!({"version": 3, "uploadURI": "u", "requiredHeaders": headers}),
            |answer| created(answer).map(|created| created.number),
        );
        let pack = json!({"name": "p", "publisher": "o"});
        hostile::check(
            &json!({"policyPacks": [pack], "continuationToken": "t"}),
            publishers,
        );
    }

    #[test]
    fn what_is_not_understood_of_a_policy_is_kept() {
        let base = json!({"name": "a", "displayName": "A", "description": "", "enforcementLevel": "mandatory",
                          "message": "m", "severity": "", "framework": {}, "url": "", "tags": ["b", "a"], "new": 1});
        let read = policy(&base).unwrap();
        let known = read.policy.unwrap();
        assert_eq!(
            (known.severity, known.framework, known.url),
            (None, None, None)
        );
        assert_eq!(known.tags, ["a", "b"]);
        assert_eq!(read.unknown_fields, *json!({"new": 1}).as_object().unwrap());
        let mut strange = base.clone();
        strange["enforcementLevel"] = json!("paranoid");
        let read = policy(&strange).unwrap();
        let opaque = read.policy.unwrap_err();
        assert_eq!((read.name.as_str(), opaque.raw), ("a", strange));
        assert_eq!(
            opaque.why,
            "cannot be read: at $.enforcementLevel, expected one of disabled, advisory, mandatory, remediate"
        );
        assert!(policy(&json!({"displayName": "A"})).is_err());
    }

    #[test]
    fn an_answer_to_create_says_where_the_archive_goes() {
        let good = json!({"version": 3, "uploadURI": "https://files.example.com/x", "requiredHeaders": {"a": "b"}});
        assert_eq!(created(&good).unwrap().number, VersionNumber(3));
        for wrong in [
            json!({"version": 3}),
            json!({"version": -1, "uploadURI": "https://files.example.com/x"}),
            json!({"version": 3, "uploadURI": "u", "requiredHeaders": {"a": 1}}),
            json!({"version": 3, "uploadURI": "u", "requiredHeaders": []}),
        ] {
            assert!(created(&wrong).is_err(), "{wrong}");
        }
    }
}
