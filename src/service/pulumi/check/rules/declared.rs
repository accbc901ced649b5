//! `pack-policy-differs`: a manifest that declares other policies than its pack. The engine enforces
//! what the running pack declares, so plans of such a manifest would be wrong.

use std::collections::BTreeSet;

use serde_json::Value;

use super::config::declared_schema;
use crate::service::pulumi::check::context::PackView;
use model::diag::{Code, Diagnostic, Path, Place, did_you_mean};
use model::pulumi::ConfigSchema;

pub(super) fn check(pack: &PackView<'_>, found: &mut Vec<Diagnostic>) {
    let Some(declared) = pack.declared() else {
        return;
    };
    let policies = &pack.manifest.spec.policies;
    let names: BTreeSet<&str> = policies.iter().map(|policy| policy.name.as_str()).collect();
    for (index, policy) in policies.iter().enumerate() {
        let Some(own) = declared.get(&policy.name) else {
            let near = did_you_mean(declared.keys().map(String::as_str), &policy.name);
            let meant = near.map(|near| format!("did you mean `{near}`? "));
            let message = format!("the pack does not declare the policy `{}`", policy.name);
            let finding = Diagnostic::new(
                Code::PackPolicyDiffers,
                message,
                pack.policy_field(index, "name"),
            );
            let help = format!(
                "{}Remove the policy here, or add it to the pack and build it",
                meant.unwrap_or_default()
            );
            found.push(finding.help(help).suggest_similar(near));
            continue;
        };
        if own.enforcement_level != policy.enforcement_level {
            let message = format!(
                "the enforcement level of `{}` is `{}` here, but `{}` in the pack",
                policy.name, policy.enforcement_level, own.enforcement_level
            );
            found.push(
                Diagnostic::new(
                    Code::PackPolicyDiffers,
                    message,
                    pack.policy_field(index, "enforcementLevel"),
                )
                .label("the engine enforces what the running pack declares")
                .help(format!(
                    "write `enforcementLevel: {}`; to enforce another level, change the pack or configure it in the groups",
                    own.enforcement_level
                )),
            );
        }
        let schema = policy.config_schema.as_ref().map(declared_schema);
        if !is_same_schema(schema.as_ref(), own.config_schema.as_ref()) {
            let field = if schema.is_some() {
                "configSchema"
            } else {
                "name"
            };
            let message = format!(
                "the configSchema of `{}` differs from the pack",
                policy.name
            );
            found.push(
                Diagnostic::new(
                    Code::PackPolicyDiffers,
                    message,
                    pack.policy_field(index, field),
                )
                .help("copy the schema from the pack, with the same properties and the same `required`"),
            );
        }
    }
    for name in declared
        .keys()
        .filter(|name| !names.contains(name.as_str()))
    {
        let place = Place::key(pack.document, Path::root().key("spec").key("policies"));
        let message = format!("the pack declares the policy `{name}`, which is missing here");
        found.push(
            Diagnostic::new(Code::PackPolicyDiffers, message, place)
                .help("add the policy: the engine enforces it"),
        );
    }
}

/// Compares two schemas. A schema without properties allows nothing to be configured, like no schema.
fn is_same_schema(one: Option<&ConfigSchema>, other: Option<&ConfigSchema>) -> bool {
    let (one, other) = match (one.map(ConfigSchema::parts), other.map(ConfigSchema::parts)) {
        (None, None) => return true,
        (Some((properties, required)), None) | (None, Some((properties, required))) => {
            return properties.is_empty() && required.is_empty();
        }
        (Some(one), Some(other)) => (one, other),
    };
    let set = |required: &[String]| required.iter().cloned().collect::<BTreeSet<_>>();
    let is_same_property = |(name, schema): (&String, &serde_json::Map<String, Value>)| {
        let other = other.0.get(name);
        other.is_some_and(|other| is_same_object(schema, other))
    };
    set(one.1) == set(other.1) && one.0.len() == other.0.len() && one.0.iter().all(is_same_property)
}

fn is_same_object(
    one: &serde_json::Map<String, Value>,
    other: &serde_json::Map<String, Value>,
) -> bool {
    let is_same_member =
        |(key, value): (&String, &Value)| other.get(key).is_some_and(|other| is_same(value, other));
    one.len() == other.len() && one.iter().all(is_same_member)
}

/// Compares two values. The vendor's protocol has floating-point numbers only, so `64` and `64.0` are
/// the same.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => is_same_object(a, b),
        _ => one == other,
    }
}
