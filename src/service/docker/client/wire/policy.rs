//! Policies as the server gives them (contract: `PolicySummary`, `Policy`).

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::rule::live_rule;
use super::scope::scope;
use http::json::{At, DecodeError, Object, mismatch};
use model::Opaque;
use model::docker::{Cedar, LiveContent, LivePolicy, LiveRule, PolicyId, PolicySummary};

const ALLOWLIST: &str = "allowlist_v0";
const CEDAR: &str = "cedar_v1";
const KNOWN: &[&str] = &[
    "id",
    "name",
    "org",
    "scope",
    "created_at",
    "updated_at",
    ALLOWLIST,
    CEDAR,
];

/// Where a policy's type comes from: the full policy does not carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    /// The list says it.
    Listed(&'a str),
    /// The answer to a write: the body that is there says it, and no body means no rules.
    Shown,
}

/// Reads an element of the list.
pub(crate) fn summary(value: &Value, at: At<'_>) -> Result<PolicySummary, DecodeError> {
    let object = Object::new(value, at)?;
    let id = object.id("id")?;
    let name = object.text("name")?;
    let kind = object.text("type")?;
    Ok(PolicySummary {
        id: PolicyId::new(id),
        name: name.to_owned(),
        kind: kind.to_owned(),
    })
}

/// Reads a full policy.
pub(crate) fn policy(value: &Value, at: At<'_>, kind: Kind<'_>) -> Result<LivePolicy, DecodeError> {
    let object = Object::new(value, at)?;
    let field = |key| {
        object
            .get(key)
            .ok_or_else(|| object.mismatch(key, "an object"))
    };
    let (scope, unknown_scope_fields) = scope(Object::new(field("scope")?, at.key("scope"))?)?;
    let mut unknown_fields = object.others(KNOWN);
    let content = content(&object, value, kind, &mut unknown_fields)?;
    Ok(LivePolicy {
        id: PolicyId::new(object.id("id")?),
        name: object.text("name")?.to_owned(),
        scope,
        unknown_scope_fields,
        content,
        created_at: object.text("created_at")?.to_owned(),
        updated_at: object.text("updated_at")?.to_owned(),
        unknown_fields,
    })
}

fn content(
    policy: &Object<'_>,
    raw: &Value,
    kind: Kind<'_>,
    unknown_fields: &mut Map<String, Value>,
) -> Result<LiveContent, DecodeError> {
    let opaque = |why: String| {
        Ok(LiveContent::Opaque(Opaque {
            why,
            raw: raw.clone(),
        }))
    };
    // Bodies that the type does not speak of mean that the type is not what it seems.
    let another = |of: &str| format!("is of the type `{of}` and has the body of another type");
    match (kind, policy.present(ALLOWLIST), policy.present(CEDAR)) {
        (Kind::Listed(ALLOWLIST), _, Some(_)) => opaque(another(ALLOWLIST)),
        (Kind::Listed(CEDAR), Some(_), _) => opaque(another(CEDAR)),
        (Kind::Shown, Some(_), Some(_)) => opaque("has the bodies of two types".to_owned()),
        (Kind::Listed(ALLOWLIST), Some(body), None) | (Kind::Shown, Some(body), None) => {
            match rules(body, policy.at().key(ALLOWLIST), unknown_fields)? {
                Ok(rules) => Ok(LiveContent::Rules(rules)),
                Err(why) => opaque(why),
            }
        }
        (Kind::Listed(CEDAR), None, Some(body)) | (Kind::Shown, None, Some(body)) => {
            cedar(body, policy.at().key(CEDAR), unknown_fields)
        }
        (Kind::Listed(CEDAR), None, None) => Err(policy.mismatch(CEDAR, "an object")),
        (Kind::Listed(ALLOWLIST), None, None) => Ok(LiveContent::Rules(Vec::new())),
        (Kind::Shown, None, None) => {
            match unknown_fields.keys().find(|field| names_a_type(field)) {
                Some(field) => opaque(format!("is of the unknown type `{field}`")),
                None => Ok(LiveContent::Rules(Vec::new())),
            }
        }
        (Kind::Listed(other), _, _) => opaque(format!("is of the unknown type `{other}`")),
    }
}

/// Whether a field is named as the contract names the bodies of types: `allowlist_v0`, `cedar_v1`.
fn names_a_type(field: &str) -> bool {
    let version = field.rsplit_once("_v").map(|(_, version)| version);
    version.is_some_and(|version| {
        !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())
    })
}

type Understood<T> = Result<T, String>;

/// Reads the rules; fields of the body that are not known are kept under the body's name.
fn rules(
    body: &Value,
    at: At<'_>,
    unknown_fields: &mut Map<String, Value>,
) -> Result<Understood<Vec<LiveRule>>, DecodeError> {
    let object = Object::new(body, at)?;
    let here = at.key("rules");
    let mut rules = Vec::new();
    let mut ids = HashSet::new();
    for (index, value) in object.list("rules")?.iter().enumerate() {
        let rule = live_rule(value, here.index(index))?;
        if !ids.insert(rule.id.clone()) {
            return Err(mismatch(
                here.index(index).key("id"),
                "an id that no other rule has",
                value.get("id"),
            ));
        }
        rules.push(rule);
    }
    if object.present("domain").is_some() {
        let domain = object.text("domain")?;
        if !matches!(domain, "network" | "filesystem") {
            return Ok(Err(format!("is of the unknown domain `{domain}`")));
        }
    }
    keep(
        ALLOWLIST,
        object.others(&["domain", "rules"]),
        unknown_fields,
    );
    Ok(Ok(rules))
}

fn cedar(
    body: &Value,
    at: At<'_>,
    unknown_fields: &mut Map<String, Value>,
) -> Result<LiveContent, DecodeError> {
    let object = Object::new(body, at)?;
    let text = object.text("text")?.to_owned();
    let schema_url = object.text("schema_url")?.to_owned();
    keep(
        CEDAR,
        object.others(&["text", "schema_url"]),
        unknown_fields,
    );
    Ok(LiveContent::Cedar(Cedar { text, schema_url }))
}

fn keep(body: &str, fields: Map<String, Value>, unknown_fields: &mut Map<String, Value>) {
    if !fields.is_empty() {
        unknown_fields.insert(body.to_owned(), Value::Object(fields));
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
