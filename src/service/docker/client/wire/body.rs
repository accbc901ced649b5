//! The bodies of requests (contract: `CreatePolicyRequest`, `UpdatePolicyRequest`, `CreateRuleRequest`,
//! `UpdateRuleRequest`). Lists are sorted and without repetition, nothing is null except in extensions, and what the profile does not
//! have is refused: leaving it out would say something else than was meant.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};
use thiserror::Error;

use http::ErrorKind;
use model::Name;
use model::docker::{
    Action, Cedar, Decision, ExtensionsPatch, HttpResource, NewPolicy, NonEmptySet, PolicyPatch,
    Profile, Resources, Rule, RulePatch, Scope, TeamId,
};

/// Why a value has no body under a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum BodyError {
    #[error("profile `{0}` of the API has no such operation")]
    Operation(Profile),
    #[error("profile `{0}` of the API does not support profiles of users in scopes")]
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

impl From<BodyError> for ErrorKind {
    fn from(unfit: BodyError) -> Self {
        Self::NotSent {
            why: unfit.to_string(),
        }
    }
}

#[derive(Serialize)]
struct PolicyBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<ScopeBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cedar_v1: Option<CedarBody<'a>>,
}

/// A set is left out, or replaces what the policy has; an empty set of teams is the whole organization.
#[derive(Serialize)]
struct ScopeBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    teams: Option<&'a BTreeSet<TeamId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profiles: Option<&'a BTreeSet<String>>,
}

#[derive(Serialize)]
struct CedarBody<'a> {
    text: &'a str,
    schema_url: &'a str,
}

#[derive(Serialize)]
struct RuleBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actions: Option<NonEmptySet<&'a Action>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<NonEmptySet<&'a String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_resources: Option<NonEmptySet<&'a HttpResource>>,
}

/// The body of createPolicy. A scope for the whole organization is left out.
pub(crate) fn new_policy(policy: &NewPolicy, profile: Profile) -> Result<Value, BodyError> {
    let NewPolicy {
        name,
        scope,
        cedar,
        extensions,
    } = policy;
    let Scope { teams, profiles } = scope;
    if !profiles.is_empty() && !profile.has_scope_profiles() {
        return Err(BodyError::ScopeProfiles(profile));
    }
    let body = PolicyBody {
        name: Some(name),
        scope: (!scope.is_organization_wide()).then(|| ScopeBody {
            teams: Some(teams).filter(|teams| !teams.is_empty()),
            profiles: Some(profiles).filter(|profiles| !profiles.is_empty()),
        }),
        cedar_v1: cedar_body(cedar.as_ref(), profile)?,
    };
    Ok(with_extensions(json!(body), extensions.to_fields()))
}

/// Adds fields that this version does not know to a body. None of them is a field that it knows.
fn with_extensions(mut body: Value, fields: impl IntoIterator<Item = (String, Value)>) -> Value {
    if let Value::Object(members) = &mut body {
        members.extend(fields);
    }
    body
}

fn patch_fields(patch: &ExtensionsPatch) -> impl Iterator<Item = (String, Value)> {
    patch
        .iter()
        .map(|(name, value)| (name.to_owned(), value.clone()))
}

/// The body of updatePolicy; teams are an empty list only where the patch says so.
pub(crate) fn policy_patch(patch: &PolicyPatch, profile: Profile) -> Result<Value, BodyError> {
    if patch.is_empty() {
        return Err(BodyError::EmptyPatch);
    }
    let PolicyPatch {
        name,
        teams,
        cedar,
        extensions,
    } = patch;
    let body = PolicyBody {
        name: name.as_ref(),
        scope: teams.as_ref().map(|teams| ScopeBody {
            teams: Some(teams),
            profiles: None,
        }),
        cedar_v1: cedar_body(cedar.as_ref(), profile)?,
    };
    Ok(with_extensions(json!(body), patch_fields(extensions)))
}

fn cedar_body(cedar: Option<&Cedar>, profile: Profile) -> Result<Option<CedarBody<'_>>, BodyError> {
    let Some(Cedar { text, schema_url }) = cedar else {
        return Ok(None);
    };
    if !profile.has_cedar() {
        return Err(BodyError::Cedar(profile));
    }
    Ok(Some(CedarBody { text, schema_url }))
}

/// The body of createRule.
pub(crate) fn rule(rule: &Rule, profile: Profile) -> Result<Value, BodyError> {
    rule_patch(&RulePatch::all(rule), profile)
}

/// The body of updateRule.
pub(crate) fn rule_patch(patch: &RulePatch, profile: Profile) -> Result<Value, BodyError> {
    if patch.is_empty() {
        return Err(BodyError::EmptyPatch);
    }
    let RulePatch {
        name,
        decision,
        actions,
        resources,
        extensions,
    } = patch;
    let (plain, targets) = match resources {
        None => (None, None),
        Some(Resources::Plain(texts)) => (Some(texts), None),
        Some(Resources::Http(targets)) => (None, Some(targets)),
    };
    let mut all_actions = actions.iter().flatten();
    let http = targets.is_some() || all_actions.any(|action| matches!(action, Action::Request(_)));
    if http && !profile.has_http_rules() {
        return Err(BodyError::Http(profile));
    }
    let body = RuleBody {
        name: name.as_ref(),
        decision: *decision,
        actions: set(actions.as_ref(), "actions")?,
        resources: set(plain, "resources")?,
        http_resources: set(targets, "HTTP resources")?,
    };
    Ok(with_extensions(json!(body), patch_fields(extensions)))
}

fn set<'a, T: Ord>(
    elements: Option<&'a Vec<T>>,
    what: &'static str,
) -> Result<Option<NonEmptySet<&'a T>>, BodyError> {
    elements
        .map(|elements| NonEmptySet::new(elements).ok_or(BodyError::EmptyList(what)))
        .transpose()
}
