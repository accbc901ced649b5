//! Changes by another client between two requests.
//!
//! They use the same operations as requests, so that the resulting state is one that the service
//! can have.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::app::DockerApp;
use super::change::{DockerInterference, RuleChoice};
use super::layer::PolicyDomain;
use super::objects::{ALLOWLIST, StoredPolicy, StoredRule};
use super::operations::{policies, rules};
use super::refusal::DockerRefusal;
use crate::fault::ObjectChoice;
use crate::other_writer::{first, free_name};
use crate::service::PathNames;

/// The name of objects that another client adds.
const NEW_NAME: &str = "another client";

/// Makes a change. Returns false if there was nothing to change. `about` contains the path
/// parameters of the request.
pub(super) fn interfere(
    app: &DockerApp,
    about: &PathNames,
    change: &DockerInterference,
) -> Result<bool, DockerRefusal> {
    let organization = about.get("organization").map_or("", String::as_str);
    let policies = app
        .store
        .read(|records| records.policies(organization, 0, usize::MAX))?;
    let policies = first(policies, |policy| Some(&policy.id) == about.get("policy"));
    let found = |which: &ObjectChoice| policies.iter().find(|policy| which.matches(&policy.name));
    let taken = |name: &str| policies.iter().any(|policy| policy.name == name);
    match change {
        DockerInterference::AddPolicy(which) => {
            let name = new_name(which, taken);
            policies::create(
                app,
                organization,
                fields(json!({"name": name}))?,
                Map::new(),
            )?;
        }
        DockerInterference::RenamePolicy(which) => {
            let Some(policy) = found(which) else {
                return Ok(false);
            };
            let name = free_name(&format!("{} (renamed)", policy.name), ' ', taken);
            policies::update(
                app,
                organization,
                &policy.id,
                fields(json!({"name": name}))?,
                Map::new(),
            )?;
        }
        DockerInterference::ChangePolicy(which) => {
            let Some(policy) = found(which) else {
                return Ok(false);
            };
            let Some(teams) = other_scope(app, policy)? else {
                return Ok(false);
            };
            policies::update(
                app,
                organization,
                &policy.id,
                fields(json!({"scope": {"teams": teams}}))?,
                Map::new(),
            )?;
        }
        DockerInterference::DeletePolicy(which) => {
            let Some(policy) = found(which) else {
                return Ok(false);
            };
            policies::delete(app, organization, &policy.id)?;
        }
        DockerInterference::AddRule(RuleChoice { policy, rule }) => {
            let mut fitting = policies
                .iter()
                .filter(|each| each.kind == ALLOWLIST && policy.matches(&each.name));
            let Some(policy) = fitting.next() else {
                return Ok(false);
            };
            add_rule(app, policy, rule)?;
        }
        DockerInterference::ChangeRule(which) => {
            let Some((policy, rule)) = rule(app, &policies, about, which)? else {
                return Ok(false);
            };
            let decision = if rule.other.get("decision") == Some(&json!("deny")) {
                "allow"
            } else {
                "deny"
            };
            rules::update(
                app,
                organization,
                &policy.id,
                &rule.id,
                (fields(json!({"decision": decision}))?, Map::new()),
            )?;
        }
        DockerInterference::DeleteRule(which) => {
            let Some((policy, rule)) = rule(app, &policies, about, which)? else {
                return Ok(false);
            };
            rules::delete(app, organization, &policy.id, &rule.id)?;
        }
    }
    Ok(true)
}

/// The fields of a request, as a client would send them.
fn fields<T: DeserializeOwned>(value: Value) -> Result<T, DockerRefusal> {
    serde_json::from_value(value).map_err(|error| DockerRefusal::internal(&error))
}

fn new_name(which: &ObjectChoice, taken: impl Fn(&str) -> bool) -> String {
    match which {
        ObjectChoice::Any => free_name(NEW_NAME, ' ', taken),
        ObjectChoice::Named(name) => name.clone(),
    }
}

/// The teams of a policy after a change; none if the organization has no team.
fn other_scope(
    app: &DockerApp,
    policy: &StoredPolicy,
) -> Result<Option<Vec<String>>, DockerRefusal> {
    if policy.scope.contains_key("teams") {
        return Ok(Some(Vec::new()));
    }
    let teams = app
        .store
        .read(|records| records.teams(&policy.organization))?;
    Ok(teams.into_iter().next().map(|team| vec![team.uuid]))
}

/// Adds a rule in the policy's domain.
fn add_rule(
    app: &DockerApp,
    policy: &StoredPolicy,
    which: &ObjectChoice,
) -> Result<(), DockerRefusal> {
    let rules = app.store.read(|records| records.rules(&policy.id))?;
    let name = new_name(which, |name| rules.iter().any(|rule| rule.name == name));
    let mut rule = match rules.iter().find_map(StoredRule::domain) {
        Some(PolicyDomain::Filesystem) => {
            json!({"name": name, "actions": ["read"], "resources": ["/another/writer"]})
        }
        Some(PolicyDomain::Network) | None => {
            json!({"name": name, "actions": ["connect:tcp"], "resources": ["another-writer.example.com"]})
        }
    };
    rule["decision"] = json!("allow");
    rules::create(
        app,
        &policy.organization,
        &policy.id,
        fields(rule)?,
        Map::new(),
    )
    .map(drop)
}

fn rule<'p>(
    app: &DockerApp,
    policies: &'p [StoredPolicy],
    about: &PathNames,
    which: &RuleChoice,
) -> Result<Option<(&'p StoredPolicy, StoredRule)>, DockerRefusal> {
    for policy in policies
        .iter()
        .filter(|policy| which.policy.matches(&policy.name))
    {
        let rules = app.store.read(|records| records.rules(&policy.id))?;
        let rules = first(rules, |rule| Some(&rule.id) == about.get("rule"));
        if let Some(rule) = rules
            .into_iter()
            .find(|rule| which.rule.matches(&rule.name))
        {
            return Ok(Some((policy, rule)));
        }
    }
    Ok(None)
}
