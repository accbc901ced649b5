//! listPolicies, createPolicy, getPolicy, updatePolicy, deletePolicy.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{load, require_organization};
use crate::docker::app::DockerApp;
use crate::docker::check::{cedar, rule::check_name};
use crate::docker::objects::{ALLOWLIST, CEDAR, StoredPolicy, check_size, merged, policy_id};
use crate::docker::profile::EmulatorProfile;
use crate::docker::refusal::DockerRefusal;
use crate::docker::store::DockerRecords;

/// The default and the maximum page size (operation listPolicies, `page_size`).
const PAGE_SIZE: usize = 100;

/// The fields of a policy in a request (schemas `CreatePolicyRequest` and `UpdatePolicyRequest`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyFields {
    name: Option<String>,
    scope: Option<ScopeFields>,
    cedar_v1: Option<CedarFields>,
}

/// Schemas `Scope` and `ScopePatch`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeFields {
    teams: Option<Vec<String>>,
    profiles: Option<Vec<String>>,
}

/// Schema `CedarV1Policy`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CedarFields {
    text: String,
    schema_url: String,
}

/// The position of a page, encoded in the opaque `page_token`.
#[derive(Debug, Serialize, Deserialize)]
struct PolicyPageCursor {
    /// The listed organization.
    o: String,
    /// The `place` of the last policy on the previous page.
    p: i64,
}

/// Answers an array in `seed`, an object from `intermediate` on, and pages in `current`.
pub(crate) fn list(
    app: &DockerApp,
    organization: &str,
    page_size: Option<&str>,
    page_token: Option<&str>,
) -> Result<Value, DockerRefusal> {
    let pages = app.profile == EmulatorProfile::Current;
    let (after, size) = if pages {
        (
            start_of_page(organization, page_token)?,
            size_of_page(page_size)?,
        )
    } else {
        (0, usize::MAX - 1)
    };
    let mut policies = app.store.read(|records| {
        require_organization(app, records, organization)?;
        // One extra row shows whether another page follows.
        Ok::<_, DockerRefusal>(records.policies(organization, after, size + 1)?)
    })?;
    let more = policies.len() > size;
    policies.truncate(size);
    let next = policies
        .last()
        .filter(|_| more)
        .map(|last| PolicyPageCursor {
            o: organization.to_owned(),
            p: last.place,
        });
    let data: Vec<Value> = policies.iter().map(StoredPolicy::summary).collect();
    Ok(match app.profile {
        EmulatorProfile::Seed => Value::Array(data),
        EmulatorProfile::Intermediate => json!({"data": data}),
        EmulatorProfile::Current => {
            json!({"data": data, "next_page_token": next.map(|cursor| cursor.encode())})
        }
    })
}

impl PolicyPageCursor {
    fn encode(&self) -> String {
        BASE64URL_NOPAD.encode(json!(self).to_string().as_bytes())
    }
}

fn start_of_page(organization: &str, token: Option<&str>) -> Result<i64, DockerRefusal> {
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Ok(0);
    };
    let cursor: Option<PolicyPageCursor> = BASE64URL_NOPAD
        .decode(token.as_bytes())
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match cursor {
        Some(PolicyPageCursor { o, p }) if o == organization => Ok(p),
        _ => Err(DockerRefusal::invalid("page_token is invalid")),
    }
}

fn size_of_page(size: Option<&str>) -> Result<usize, DockerRefusal> {
    let Some(size) = size else {
        return Ok(PAGE_SIZE);
    };
    match size.parse::<u32>() {
        Ok(0) => Ok(PAGE_SIZE),
        Ok(size) => Ok(PAGE_SIZE.min(usize::try_from(size).unwrap_or(PAGE_SIZE))),
        Err(_) => Err(DockerRefusal::invalid(
            "page_size must be an integer that is not negative",
        )),
    }
}

pub(crate) fn get(app: &DockerApp, organization: &str, id: &str) -> Result<Value, DockerRefusal> {
    app.store.read(|records| {
        let (policy, rules) = load(app, records, organization, id)?;
        Ok(policy.to_json(&rules))
    })
}

pub(crate) fn create(
    app: &DockerApp,
    organization: &str,
    fields: PolicyFields,
    extra: Map<String, Value>,
) -> Result<Value, DockerRefusal> {
    let PolicyFields {
        name,
        scope,
        cedar_v1,
    } = fields;
    let name = name.ok_or_else(|| DockerRefusal::invalid("name is required"))?;
    check_name(&name)?;
    app.store.write(|records| {
        require_organization(app, records, organization)?;
        let now = Timestamp::now();
        let mut policy = StoredPolicy {
            place: 0,
            id: policy_id()?,
            organization: organization.to_owned(),
            name,
            kind: if cedar_v1.is_some() { CEDAR } else { ALLOWLIST }.to_owned(),
            scope: Map::new(),
            body: merged(&Map::new(), extra),
            created_at: now,
            updated_at: now,
        };
        set_scope(app, records, &mut policy, scope)?;
        set_cedar(app, &mut policy, cedar_v1)?;
        check_size(&policy, &[], app.limits.policy_bytes)?;
        if records.policy_name_taken(organization, &policy.name, None)? {
            return Err(DockerRefusal::conflict("policy name"));
        }
        let most = app.limits.policies;
        if records.policy_count(organization)? >= most {
            return Err(DockerRefusal::limit(
                app.profile,
                format!("organization has reached the maximum number of policies ({most})"),
            ));
        }
        records.add_policy(&policy)?;
        Ok(policy.to_json(&[]))
    })
}

/// Answers `{old, new}`.
pub(crate) fn update(
    app: &DockerApp,
    organization: &str,
    id: &str,
    fields: PolicyFields,
    extra: Map<String, Value>,
) -> Result<Value, DockerRefusal> {
    let PolicyFields {
        name,
        scope,
        cedar_v1,
    } = fields;
    if name.is_none() && scope.is_none() && cedar_v1.is_none() && extra.is_empty() {
        return Err(DockerRefusal::invalid("at least one field must be present"));
    }
    app.store.write(|records| {
        let (old, rules) = load(app, records, organization, id)?;
        let mut new = old.clone();
        if let Some(name) = name {
            check_name(&name)?;
            new.name = name;
        }
        set_scope(app, records, &mut new, scope)?;
        if cedar_v1.is_some() && old.kind != CEDAR {
            return Err(DockerRefusal::invalid(
                "cedar_v1 can only be given for a Cedar policy",
            ));
        }
        set_cedar(app, &mut new, cedar_v1)?;
        new.body = merged(&new.body, extra);
        check_size(&new, &rules, app.limits.policy_bytes)?;
        if records.policy_name_taken(organization, &new.name, Some(&new.id))? {
            return Err(DockerRefusal::conflict("policy name"));
        }
        new.touch();
        records.update_policy(&new)?;
        Ok(json!({"old": old.to_json(&rules), "new": new.to_json(&rules)}))
    })
}

/// Answers `{deleted}`, whose `updated_at` is unchanged.
pub(crate) fn delete(
    app: &DockerApp,
    organization: &str,
    id: &str,
) -> Result<Value, DockerRefusal> {
    app.store.write(|records| {
        let (policy, rules) = load(app, records, organization, id)?;
        records.delete_policy(&policy.id)?;
        Ok(json!({"deleted": policy.to_json(&rules)}))
    })
}

/// Replaces the lists that are present. An empty list means the whole organization, like an absent
/// one.
fn set_scope(
    app: &DockerApp,
    records: &DockerRecords<'_>,
    policy: &mut StoredPolicy,
    fields: Option<ScopeFields>,
) -> Result<(), DockerRefusal> {
    let Some(ScopeFields { teams, profiles }) = fields else {
        return Ok(());
    };
    if profiles.is_some() && !app.profile.has_scope_profiles() {
        return Err(DockerRefusal::invalid("unknown field `scope.profiles`"));
    }
    for uuid in teams.iter().flatten() {
        if !records.has_team(&policy.organization, uuid)? {
            return Err(DockerRefusal::invalid(format!(
                "scope.teams: {uuid:?} is not a team of the organization"
            )));
        }
    }
    if profiles
        .iter()
        .flatten()
        .any(|profile| profile.trim().is_empty())
    {
        return Err(DockerRefusal::invalid(
            "scope.profiles: a profile must not be empty",
        ));
    }
    for (member, list) in [("teams", teams), ("profiles", profiles)] {
        match list {
            Some(list) if list.is_empty() => policy.scope.remove(member),
            Some(list) => policy.scope.insert(member.to_owned(), json!(list)),
            None => None,
        };
    }
    Ok(())
}

fn set_cedar(
    app: &DockerApp,
    policy: &mut StoredPolicy,
    fields: Option<CedarFields>,
) -> Result<(), DockerRefusal> {
    let Some(fields) = fields else { return Ok(()) };
    if !app.profile.has_http_and_cedar() {
        return Err(DockerRefusal::invalid("unknown field `cedar_v1`"));
    }
    cedar::check(&fields.text, &fields.schema_url)?;
    policy.body.insert(CEDAR.to_owned(), json!(fields));
    Ok(())
}
