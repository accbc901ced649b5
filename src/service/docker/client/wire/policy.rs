//! Policies in the format of the server (contract: `PolicySummary`, `Policy`).

use std::collections::{BTreeSet, HashSet};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::rule::RuleAnswer;
use http::json::{DecodeError, decode, id, present, required};
use model::Opaque;
use model::docker::{
    Cedar, LiveContent, LivePolicy, LiveRule, PolicyId, PolicySummary, Scope, TeamId,
};

const ALLOWLIST: &str = "allowlist_v0";
const CEDAR: &str = "cedar_v1";

/// Where a policy's type comes from: the full policy does not carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyTypeSource<'a> {
    /// The list says it.
    Listed(&'a str),
    /// The answer to a write: the body that is there says it, and no body means no rules.
    ///
    /// The fields that the request contained under `extensions` are settings, and not the body of an
    /// unknown type.
    Shown(&'a [&'a str]),
}

/// An element of the list.
#[derive(Deserialize)]
pub(crate) struct SummaryAnswer<'v> {
    #[serde(deserialize_with = "id")]
    id: &'v str,
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

impl From<SummaryAnswer<'_>> for PolicySummary {
    fn from(fields: SummaryAnswer<'_>) -> Self {
        Self {
            id: PolicyId::new(fields.id),
            name: fields.name,
            kind: fields.kind,
        }
    }
}

/// What policies of all types have in common.
#[derive(Deserialize)]
struct PolicyAnswer<'v> {
    scope: ScopeAnswer,
    #[serde(deserialize_with = "id")]
    id: &'v str,
    name: String,
    created_at: String,
    updated_at: String,
    #[serde(default, rename = "org")]
    _org: IgnoredAny,
    /// Whether and how the bodies are decoded depends on the type of the policy.
    #[serde(default, rename = "allowlist_v0")]
    _allowlist: IgnoredAny,
    #[serde(default, rename = "cedar_v1")]
    _cedar: IgnoredAny,
    #[serde(flatten)]
    unknown_fields: Map<String, Value>,
}

/// `profiles` is understood under every profile of the API: a scope that has them must never look like one for the whole
/// organization.
#[derive(Deserialize)]
struct ScopeAnswer {
    teams: Option<BTreeSet<TeamId>>,
    profiles: Option<BTreeSet<String>>,
    #[serde(flatten)]
    unknown_fields: Map<String, Value>,
}

#[derive(Deserialize)]
struct AllowlistBodyAnswer<'v> {
    #[serde(borrow)]
    rules: Vec<RuleAnswer<'v>>,
    domain: Option<&'v str>,
    #[serde(flatten)]
    unknown_fields: Map<String, Value>,
}

#[derive(Deserialize)]
struct CedarBodyAnswer {
    text: String,
    schema_url: String,
    #[serde(flatten)]
    unknown_fields: Map<String, Value>,
}

/// Decodes a full policy.
pub(crate) fn policy(
    value: &Value,
    at: &str,
    kind: PolicyTypeSource<'_>,
) -> Result<LivePolicy, DecodeError> {
    let mut fields: PolicyAnswer<'_> = decode(value, at)?;
    let content = content(value, at, kind, &mut fields.unknown_fields)?;
    Ok(LivePolicy {
        id: PolicyId::new(fields.id),
        name: fields.name,
        scope: Scope {
            teams: fields.scope.teams.unwrap_or_default(),
            profiles: fields.scope.profiles.unwrap_or_default(),
        },
        unknown_scope_fields: fields.scope.unknown_fields,
        content,
        created_at: fields.created_at,
        updated_at: fields.updated_at,
        unknown_fields: fields.unknown_fields,
    })
}

fn content(
    policy: &Value,
    at: &str,
    kind: PolicyTypeSource<'_>,
    unknown_fields: &mut Map<String, Value>,
) -> Result<LiveContent, DecodeError> {
    let opaque = |why: String| {
        Ok(LiveContent::Opaque(Opaque {
            why,
            raw: policy.clone(),
        }))
    };
    // Bodies that the type does not speak of mean that the type is not what it seems.
    let another = |of: &str| format!("is of the type `{of}` and has the body of another type");
    match (kind, present(policy, ALLOWLIST), present(policy, CEDAR)) {
        (PolicyTypeSource::Listed(ALLOWLIST), _, Some(_)) => opaque(another(ALLOWLIST)),
        (PolicyTypeSource::Listed(CEDAR), Some(_), _) => opaque(another(CEDAR)),
        (PolicyTypeSource::Shown(_), Some(_), Some(_)) => {
            opaque("has the bodies of two types".to_owned())
        }
        (PolicyTypeSource::Listed(ALLOWLIST), Some(body), None)
        | (PolicyTypeSource::Shown(_), Some(body), None) => {
            match rules(body, &format!("{at}.{ALLOWLIST}"), unknown_fields)? {
                Ok(rules) => Ok(LiveContent::Rules(rules)),
                Err(why) => opaque(why),
            }
        }
        // A listed Cedar policy without a body is refused for the missing or null body.
        (PolicyTypeSource::Listed(CEDAR), None, _) => cedar(
            required(policy, at, CEDAR)?,
            &format!("{at}.{CEDAR}"),
            unknown_fields,
        ),
        (PolicyTypeSource::Shown(_), None, Some(body)) => {
            cedar(body, &format!("{at}.{CEDAR}"), unknown_fields)
        }
        (PolicyTypeSource::Listed(ALLOWLIST), None, None) => Ok(LiveContent::Rules(Vec::new())),
        (PolicyTypeSource::Shown(settings), None, None) => {
            let is_body = |field: &&String| {
                names_a_type(field.as_str()) && !settings.contains(&field.as_str())
            };
            match unknown_fields.keys().find(is_body) {
                Some(field) => opaque(format!("is of the unknown type `{field}`")),
                None => Ok(LiveContent::Rules(Vec::new())),
            }
        }
        (PolicyTypeSource::Listed(other), _, _) => {
            opaque(format!("is of the unknown type `{other}`"))
        }
    }
}

/// Whether a field is named as the contract names the bodies of types: `allowlist_v0`, `cedar_v1`.
fn names_a_type(field: &str) -> bool {
    let version = field.rsplit_once("_v").map(|(_, version)| version);
    version.is_some_and(|version| {
        !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())
    })
}

type DecodeResult<T> = Result<T, String>;

/// Decodes the rules; fields of the body that are not known are kept under the body's name.
fn rules(
    body: &Value,
    at: &str,
    unknown_fields: &mut Map<String, Value>,
) -> Result<DecodeResult<Vec<LiveRule>>, DecodeError> {
    let fields: AllowlistBodyAnswer<'_> = decode(body, at)?;
    let mut ids = HashSet::new();
    if let Some(index) = fields.rules.iter().position(|rule| !ids.insert(rule.id)) {
        let at = format!("{at}.rules[{index}].id");
        return Err(DecodeError::new(at, "an id that no other rule has"));
    }
    let unknown = |domain: &&str| !matches!(*domain, "network" | "filesystem");
    if let Some(domain) = fields.domain.filter(unknown) {
        return Ok(Err(format!("is of the unknown domain `{domain}`")));
    }
    keep_unknown_fields(ALLOWLIST, fields.unknown_fields, unknown_fields);
    let raw = body.get("rules").and_then(Value::as_array);
    let rules = fields.rules.into_iter().zip(raw.into_iter().flatten());
    Ok(Ok(rules.map(|(rule, raw)| rule.into_live(raw)).collect()))
}

fn cedar(
    body: &Value,
    at: &str,
    unknown_fields: &mut Map<String, Value>,
) -> Result<LiveContent, DecodeError> {
    let fields: CedarBodyAnswer = decode(body, at)?;
    keep_unknown_fields(CEDAR, fields.unknown_fields, unknown_fields);
    Ok(LiveContent::Cedar(Cedar {
        text: fields.text,
        schema_url: fields.schema_url,
    }))
}

fn keep_unknown_fields(
    body: &str,
    fields: Map<String, Value>,
    unknown_fields: &mut Map<String, Value>,
) {
    if !fields.is_empty() {
        unknown_fields.insert(body.to_owned(), Value::Object(fields));
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
