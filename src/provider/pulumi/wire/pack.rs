//! Packs and their versions.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use crate::model::Opaque;
use crate::model::pulumi::{LivePackPolicy, LiveVersion, PackPolicy, VersionDetail, VersionNumber};
use crate::provider::http::Upload;
use crate::provider::json::{At, DecodeError, Object, mismatch};

/// A pack as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackSummary {
    /// The name, unique in the organization.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// Its complete versions with their tags, from the oldest to the newest.
    pub versions: Vec<(VersionNumber, String)>,
    /// Fields of it that this version does not know.
    pub unknown_fields: Map<String, Value>,
}

/// What createPackVersion answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The number that the server gave the version.
    pub number: VersionNumber,
    /// Where the archive goes.
    pub upload: Upload,
}

/// A list without a repetition of a name.
fn each_once<'v>(names: impl IntoIterator<Item = &'v str>, at: At<'_>) -> Result<(), DecodeError> {
    let mut seen = HashSet::new();
    match names.into_iter().find(|name| !seen.insert(*name)) {
        None => Ok(()),
        Some(_) => Err(DecodeError {
            at: at.to_string(),
            expected: "each name once".to_owned(),
        }),
    }
}

/// Reads the list of packs (contract: `AppListPolicyPacksResponse`).
pub(in crate::provider::pulumi) fn packs(answer: &Value) -> Result<Vec<PackSummary>, DecodeError> {
    let at = At::ROOT.key("policyPacks");
    let list = Object::new(answer, At::ROOT)?.list("policyPacks")?;
    let packs = list
        .iter()
        .enumerate()
        .map(|(index, value)| summary(value, at.index(index)));
    let packs: Vec<PackSummary> = packs.collect::<Result<_, _>>()?;
    each_once(packs.iter().map(|pack| pack.name.as_str()), at)?;
    Ok(packs)
}

fn summary(value: &Value, at: At<'_>) -> Result<PackSummary, DecodeError> {
    let object = Object::new(value, at)?;
    let numbers = object.list("versions")?;
    let tags = object.texts("versionTags")?;
    if numbers.len() != tags.len() {
        return Err(object.mismatch("versionTags", "a tag for each version"));
    }
    let list = at.key("versions");
    let versions = numbers
        .iter()
        .zip(tags)
        .enumerate()
        .map(|(index, (value, tag))| {
            Ok((
                number(value)
                    .ok_or_else(|| mismatch(list.index(index), "a number", Some(value)))?,
                tag.to_owned(),
            ))
        });
    let mut versions: Vec<(VersionNumber, String)> =
        versions.collect::<Result<_, DecodeError>>()?;
    versions.sort_unstable();
    Ok(PackSummary {
        name: object.id("name")?.to_owned(),
        display_name: object.text("displayName")?.to_owned(),
        versions,
        unknown_fields: object.others(&["name", "displayName", "versions", "versionTags"]),
    })
}

fn number(value: &Value) -> Option<VersionNumber> {
    value.as_u64().map(VersionNumber)
}

/// Reads a version (contract: `AppGetPolicyPackResponse`).
pub(in crate::provider::pulumi) fn version(
    answer: &Value,
) -> Result<(String, LiveVersion), DecodeError> {
    let object = Object::new(answer, At::ROOT)?;
    let list = At::ROOT.key("policies");
    let policies = object
        .list("policies")?
        .iter()
        .enumerate()
        .map(|(index, value)| policy(value, list.index(index)));
    let detail = VersionDetail {
        display_name: object.text("displayName")?.to_owned(),
        policies: policies.collect::<Result<_, _>>()?,
        applied: object
            .get("applied")
            .and_then(Value::as_bool)
            .ok_or_else(|| object.mismatch("applied", "true or false"))?,
        unknown_fields: object.others(&[
            "name",
            "displayName",
            "version",
            "versionTag",
            "policies",
            "applied",
        ]),
    };
    let number = object
        .get("version")
        .and_then(number)
        .ok_or_else(|| object.mismatch("version", "a number"))?;
    let version = LiveVersion {
        number,
        tag: object.text("versionTag")?.to_owned(),
        detail: Some(detail),
    };
    Ok((object.text("name")?.to_owned(), version))
}

/// The fields of `AppPolicy`.
const KNOWN: &[&str] = &[
    "name",
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

fn policy(value: &Value, at: At<'_>) -> Result<LivePackPolicy, DecodeError> {
    let object = Object::new(value, at)?;
    let unknown_fields = object.others(KNOWN);
    let name = object.text("name")?.to_owned();
    let known = KNOWN
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), object.present(key)?.clone())));
    // What is empty is not there: some servers write what was never set so.
    let is_set = |(key, value): &(String, Value)| match value {
        Value::String(text) => {
            !text.is_empty() || matches!(key.as_str(), "displayName" | "description" | "message")
        }
        Value::Object(map) => !map.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => true,
    };
    let known: Map<String, Value> = known.filter(is_set).collect();
    let policy =
        serde_json::from_value::<PackPolicy>(Value::Object(known)).map_err(|error| Opaque {
            why: format!("cannot be read: {error}"),
            raw: value.clone(),
        });
    Ok(LivePackPolicy {
        name,
        policy: policy.map(sorted),
        unknown_fields,
    })
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

/// Reads what createPackVersion answers (contract: `AppCreatePolicyPackResponse`).
pub(in crate::provider::pulumi) fn created(answer: &Value) -> Result<Created, DecodeError> {
    let object = Object::new(answer, At::ROOT)?;
    let number = object
        .get("version")
        .and_then(number)
        .ok_or_else(|| object.mismatch("version", "a number"))?;
    let mut headers = BTreeMap::new();
    if let Some(asked) = object.present("requiredHeaders") {
        let wrong = || object.mismatch("requiredHeaders", "texts by their names");
        for (name, value) in asked.as_object().ok_or_else(wrong)? {
            headers.insert(name.clone(), value.as_str().ok_or_else(wrong)?.to_owned());
        }
    }
    Ok(Created {
        number,
        upload: Upload::new(object.text("uploadURI")?.to_owned(), headers),
    })
}

/// A page of the registry.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::provider::pulumi) struct PublishersPage {
    /// Each pack with its publisher.
    pub(in crate::provider::pulumi) packs: Vec<(String, String)>,
    /// The token of the next page; none on the last.
    pub(in crate::provider::pulumi) next: Option<String>,
}

/// Reads a page of the registry: the publisher of each pack, and the token of the next page (contract:
/// `ListPolicyPacksResponse`).
pub(in crate::provider::pulumi) fn publishers(
    answer: &Value,
) -> Result<PublishersPage, DecodeError> {
    let object = Object::new(answer, At::ROOT)?;
    let at = At::ROOT.key("policyPacks");
    let packs = object
        .list("policyPacks")?
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let pack = Object::new(value, at.index(index))?;
            Ok((
                pack.text("name")?.to_owned(),
                pack.text("publisher")?.to_owned(),
            ))
        });
    let next = match object.present("continuationToken") {
        None => None,
        Some(Value::String(token)) if token.is_empty() => None,
        Some(Value::String(token)) => Some(token.clone()),
        Some(_) => return Err(object.mismatch("continuationToken", "a text")),
    };
    Ok(PublishersPage {
        packs: packs.collect::<Result<_, DecodeError>>()?,
        next,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
            json!({"policyPacks": null}),
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
    fn what_is_not_understood_of_a_policy_is_kept() {
        let base = json!({"name": "a", "displayName": "A", "description": "", "enforcementLevel": "mandatory",
                          "message": "m", "severity": "", "framework": {}, "url": "", "tags": ["b", "a"], "new": 1});
        let read = policy(&base, At::ROOT).unwrap();
        let known = read.policy.unwrap();
        assert_eq!(
            (known.severity, known.framework, known.url),
            (None, None, None)
        );
        assert_eq!(known.tags, ["a", "b"]);
        assert_eq!(read.unknown_fields, *json!({"new": 1}).as_object().unwrap());
        let mut strange = base.clone();
        strange["enforcementLevel"] = json!("paranoid");
        let read = policy(&strange, At::ROOT).unwrap();
        assert_eq!(
            (read.name.as_str(), read.policy.unwrap_err().raw),
            ("a", strange)
        );
        assert!(policy(&json!({"displayName": "A"}), At::ROOT).is_err());
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
