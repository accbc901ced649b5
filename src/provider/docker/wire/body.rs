//! The bodies of requests (contract: `CreatePolicyRequest`, `UpdatePolicyRequest`, `CreateRuleRequest`,
//! `UpdateRuleRequest`). Lists are sorted and without repetition, nothing is ever null, and what the profile does not
//! have is refused: leaving it out would say something else than was meant.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::model::docker::{
    Action, Cedar, NewPolicy, PolicyPatch, Profile, Resources, Rule, RulePatch, Scope,
};
use crate::provider::http::ErrorKind;

/// Why a value has no body under a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(in crate::provider::docker) enum Unfit {
    #[error("profile `{0}` of the API has no such operation")]
    Operation(Profile),
    #[error("profile `{0}` of the API has no scope by profiles of people")]
    ScopeProfiles(Profile),
    #[error("profile `{0}` of the API has no Cedar policies")]
    Cedar(Profile),
    #[error("profile `{0}` of the API has no HTTP rules")]
    Http(Profile),
    #[error("the patch is empty")]
    EmptyPatch,
    #[error("a rule cannot be left without {0}")]
    EmptyList(&'static str),
}

impl From<Unfit> for ErrorKind {
    fn from(unfit: Unfit) -> Self {
        Self::NotSent {
            why: unfit.to_string(),
        }
    }
}

/// The body of createPolicy. A scope for the whole organization is left out.
pub(in crate::provider::docker) fn new_policy(
    policy: &NewPolicy,
    profile: Profile,
) -> Result<Value, Unfit> {
    let NewPolicy { name, scope, cedar } = policy;
    let mut body = Map::new();
    body.insert("name".to_owned(), json!(name));
    if !scope.is_organization_wide() {
        body.insert("scope".to_owned(), scope_body(scope, profile)?);
    }
    if let Some(cedar) = cedar {
        body.insert("cedar_v1".to_owned(), cedar_body(cedar, profile)?);
    }
    Ok(Value::Object(body))
}

/// The body of updatePolicy; teams are an empty list only where the patch says so.
pub(in crate::provider::docker) fn policy_patch(
    patch: &PolicyPatch,
    profile: Profile,
) -> Result<Value, Unfit> {
    if patch.is_empty() {
        return Err(Unfit::EmptyPatch);
    }
    let PolicyPatch { name, teams, cedar } = patch;
    let mut body = Map::new();
    if let Some(name) = name {
        body.insert("name".to_owned(), json!(name));
    }
    if let Some(teams) = teams {
        body.insert("scope".to_owned(), json!({ "teams": teams }));
    }
    if let Some(cedar) = cedar {
        body.insert("cedar_v1".to_owned(), cedar_body(cedar, profile)?);
    }
    Ok(Value::Object(body))
}

/// The body of createRule.
pub(in crate::provider::docker) fn rule(rule: &Rule, profile: Profile) -> Result<Value, Unfit> {
    rule_patch(&RulePatch::all(rule), profile)
}

/// The body of updateRule.
pub(in crate::provider::docker) fn rule_patch(
    patch: &RulePatch,
    profile: Profile,
) -> Result<Value, Unfit> {
    if patch.is_empty() {
        return Err(Unfit::EmptyPatch);
    }
    let RulePatch {
        name,
        decision,
        actions,
        resources,
    } = patch;
    let mut body = Map::new();
    if let Some(name) = name {
        body.insert("name".to_owned(), json!(name));
    }
    if let Some(decision) = decision {
        body.insert("decision".to_owned(), json!(decision));
    }
    if let Some(actions) = actions {
        let http = actions
            .iter()
            .any(|action| matches!(action, Action::Request(_)));
        if http && !profile.has_http_rules() {
            return Err(Unfit::Http(profile));
        }
        body.insert("actions".to_owned(), set(actions, "actions")?);
    }
    match resources {
        None => {}
        Some(Resources::Plain(texts)) => {
            body.insert("resources".to_owned(), set(texts, "resources")?);
        }
        Some(Resources::Http(_)) if !profile.has_http_rules() => return Err(Unfit::Http(profile)),
        Some(Resources::Http(targets)) => {
            body.insert("http_resources".to_owned(), set(targets, "HTTP resources")?);
        }
    }
    Ok(Value::Object(body))
}

fn set<T: Ord + serde::Serialize>(elements: &[T], what: &'static str) -> Result<Value, Unfit> {
    if elements.is_empty() {
        return Err(Unfit::EmptyList(what));
    }
    Ok(json!(elements.iter().collect::<BTreeSet<_>>()))
}

fn scope_body(scope: &Scope, profile: Profile) -> Result<Value, Unfit> {
    let Scope { teams, profiles } = scope;
    let mut body = Map::new();
    if !teams.is_empty() {
        body.insert("teams".to_owned(), json!(teams));
    }
    if !profiles.is_empty() {
        if !profile.has_scope_profiles() {
            return Err(Unfit::ScopeProfiles(profile));
        }
        body.insert("profiles".to_owned(), json!(profiles));
    }
    Ok(Value::Object(body))
}

fn cedar_body(cedar: &Cedar, profile: Profile) -> Result<Value, Unfit> {
    if !profile.has_cedar() {
        return Err(Unfit::Cedar(profile));
    }
    let Cedar { text, schema_url } = cedar;
    Ok(json!({ "text": text, "schema_url": schema_url }))
}
