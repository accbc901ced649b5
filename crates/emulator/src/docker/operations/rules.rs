//! createRule, updateRule, deleteRule.

use serde_json::{Map, Value, json};

use super::load;
use crate::docker::app::DockerApp;
use crate::docker::check::RuleFields;
use crate::docker::objects::{ALLOWLIST, StoredPolicy, StoredRule, check_size, merged, rule_id};
use crate::docker::refusal::DockerRefusal;
use crate::docker::store::DockerRecords;

/// Answers the rule.
pub(crate) fn create(
    app: &DockerApp,
    organization: &str,
    policy_id: &str,
    fields: RuleFields,
    extra: Map<String, Value>,
) -> Result<Value, DockerRefusal> {
    app.store.write(|records| {
        let (policy, mut rules) = load(app, records, organization, policy_id)?;
        refuse_without_rules(&policy)?;
        let mut rule = fields.into_rule(rule_id()?, app.profile)?;
        rule.other = merged(&rule.other, extra);
        check_domain(&rule, &rules)?;
        check_rule_name(app, &rule, &rules)?;
        let most = app.limits.rules;
        if rules.len() >= most {
            return Err(DockerRefusal::limit(
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

/// Answers `{old, new}`.
pub(crate) fn update(
    app: &DockerApp,
    organization: &str,
    policy_id: &str,
    rule_id: &str,
    (fields, extra): (RuleFields, Map<String, Value>),
) -> Result<Value, DockerRefusal> {
    app.store.write(|records| {
        let (policy, mut rules) = load(app, records, organization, policy_id)?;
        refuse_without_rules(&policy)?;
        let (place, old) = remove_rule(&mut rules, rule_id)?;
        let mut new = if fields.is_empty() && !extra.is_empty() {
            old.clone()
        } else {
            fields.patch(&old, app.profile)?
        };
        new.other = merged(&new.other, extra);
        if new.domain() != old.domain() && !app.profile.allows_domain_change() {
            return Err(DockerRefusal::invalid(
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

/// Answers `{deleted}`. The operation documents no 400, so a policy of another type answers 404.
pub(crate) fn delete(
    app: &DockerApp,
    organization: &str,
    policy_id: &str,
    rule_id: &str,
) -> Result<Value, DockerRefusal> {
    app.store.write(|records| {
        let (policy, mut rules) = load(app, records, organization, policy_id)?;
        let (_, rule) = remove_rule(&mut rules, rule_id)?;
        records.delete_rule(&rule.id)?;
        touch(records, policy)?;
        Ok(json!({"deleted": rule}))
    })
}

/// Removes a rule from the list and returns it with its position.
fn remove_rule(
    rules: &mut Vec<StoredRule>,
    id: &str,
) -> Result<(usize, StoredRule), DockerRefusal> {
    let place = rules
        .iter()
        .position(|rule| rule.id == id)
        .ok_or_else(|| DockerRefusal::not_found("rule"))?;
    Ok((place, rules.remove(place)))
}

/// Schema `CedarV1Policy`: the rule endpoints are not available for Cedar policies. The same
/// applies to unknown types.
fn refuse_without_rules(policy: &StoredPolicy) -> Result<(), DockerRefusal> {
    if policy.kind == ALLOWLIST {
        return Ok(());
    }
    Err(DockerRefusal::invalid(format!(
        "rules are not available for {} policies",
        policy.kind
    )))
}

/// All rules of a policy share a domain (operation createRule).
fn check_domain(rule: &StoredRule, others: &[StoredRule]) -> Result<(), DockerRefusal> {
    let Some(domain) = rule.domain() else {
        return Ok(());
    };
    match others
        .iter()
        .filter_map(StoredRule::domain)
        .find(|other| *other != domain)
    {
        Some(other) => Err(DockerRefusal::invalid(format!(
            "actions: the policy contains {} rules, and all rules of a policy must share one domain",
            other.as_str()
        ))),
        None => Ok(()),
    }
}

fn check_rule_name(
    app: &DockerApp,
    rule: &StoredRule,
    others: &[StoredRule],
) -> Result<(), DockerRefusal> {
    let taken =
        app.profile.has_unique_rule_names() && others.iter().any(|other| other.name == rule.name);
    if taken {
        Err(DockerRefusal::conflict("rule name"))
    } else {
        Ok(())
    }
}

fn touch(records: &DockerRecords<'_>, mut policy: StoredPolicy) -> Result<(), DockerRefusal> {
    policy.touch();
    Ok(records.update_policy(&policy)?)
}
