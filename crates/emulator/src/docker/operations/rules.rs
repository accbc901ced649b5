//! createRule, updateRule, deleteRule.

use serde_json::{Value, json};

use super::super::app::App;
use super::super::check::RuleFields;
use super::super::objects::{ALLOWLIST, Policy, Rule, check_size, rule_id};
use super::super::refusal::Refusal;
use super::super::store::Records;
use super::load;

/// createRule: the rule.
pub(crate) fn create(
    app: &App,
    organization: &str,
    policy_id: &str,
    fields: RuleFields,
) -> Result<Value, Refusal> {
    app.store.write(|records| {
        let (policy, mut rules) = load(app, records, organization, policy_id)?;
        refuse_without_rules(&policy)?;
        let rule = fields.into_rule(rule_id()?, app.profile)?;
        check_domain(&rule, &rules)?;
        check_rule_name(app, &rule, &rules)?;
        let most = app.limits.rules;
        if rules.len() >= most {
            return Err(Refusal::limit(
                app.profile,
                format!("policy has reached the maximum number of rules ({most})"),
            ));
        }
        rules.push(rule.clone());
        check_size(&policy, &rules, app.limits.policy_bytes)?;
        records.add_rule(&policy.id, &rule)?;
        touch(records, policy)?;
        Ok(json!(rule))
    })
}

/// updateRule: `{old, new}`.
pub(crate) fn update(
    app: &App,
    organization: &str,
    policy_id: &str,
    rule_id: &str,
    fields: RuleFields,
) -> Result<Value, Refusal> {
    app.store.write(|records| {
        let (policy, mut rules) = load(app, records, organization, policy_id)?;
        refuse_without_rules(&policy)?;
        let (place, old) = take(&mut rules, rule_id)?;
        let new = fields.patch(&old, app.profile)?;
        if new.domain() != old.domain() && !app.profile.lets_lone_rule_change_domain() {
            return Err(Refusal::invalid(
                "actions: a rule cannot change to another domain",
            ));
        }
        check_domain(&new, &rules)?;
        check_rule_name(app, &new, &rules)?;
        rules.insert(place, new.clone());
        check_size(&policy, &rules, app.limits.policy_bytes)?;
        records.update_rule(&new)?;
        touch(records, policy)?;
        Ok(json!({"old": old, "new": new}))
    })
}

/// deleteRule: `{deleted}`. The operation has no 400: a policy of another type has no such rule.
pub(crate) fn delete(
    app: &App,
    organization: &str,
    policy_id: &str,
    rule_id: &str,
) -> Result<Value, Refusal> {
    app.store.write(|records| {
        let (policy, mut rules) = load(app, records, organization, policy_id)?;
        let (_, rule) = take(&mut rules, rule_id)?;
        records.delete_rule(&rule.id)?;
        touch(records, policy)?;
        Ok(json!({"deleted": rule}))
    })
}

/// Takes a rule out of its policy's rules, which leaves the others.
fn take(rules: &mut Vec<Rule>, id: &str) -> Result<(usize, Rule), Refusal> {
    let place = rules
        .iter()
        .position(|rule| rule.id == id)
        .ok_or_else(|| Refusal::not_found("rule"))?;
    Ok((place, rules.remove(place)))
}

/// Schema `CedarV1Policy`: the rule endpoints are not available for Cedar policies, nor for types of the future.
fn refuse_without_rules(policy: &Policy) -> Result<(), Refusal> {
    if policy.kind == ALLOWLIST {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "rules are not available for {} policies",
        policy.kind
    )))
}

/// All rules of a policy share a domain (operation createRule).
fn check_domain(rule: &Rule, others: &[Rule]) -> Result<(), Refusal> {
    let Some(domain) = rule.domain() else {
        return Ok(());
    };
    match others
        .iter()
        .filter_map(Rule::domain)
        .find(|other| *other != domain)
    {
        Some(other) => Err(Refusal::invalid(format!(
            "actions: the policy holds {} rules, and all rules of a policy must share one domain",
            other.as_str()
        ))),
        None => Ok(()),
    }
}

fn check_rule_name(app: &App, rule: &Rule, others: &[Rule]) -> Result<(), Refusal> {
    let taken =
        app.profile.has_unique_rule_names() && others.iter().any(|other| other.name == rule.name);
    if taken {
        Err(Refusal::conflict("rule name"))
    } else {
        Ok(())
    }
}

fn touch(records: &Records<'_>, mut policy: Policy) -> Result<(), Refusal> {
    policy.touch();
    Ok(records.update_policy(&policy)?)
}
