//! Digests of live objects and of plans.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::types::{Plan, TargetPlan};
use crate::model::docker::{LiveContent, LivePolicy, LiveRule};

/// `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    fn of(mut value: Value) -> Self {
        value.sort_all_objects();
        let digest = Sha256::digest(value.to_string());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("sha256:{hex}"))
    }

    /// The digits, without the name of the digest.
    pub(super) fn hex(&self) -> &str {
        self.0.strip_prefix("sha256:").unwrap_or(&self.0)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The digest of all that a live policy says, what this version does not know included; times are left out, and the
/// order of rules does not count.
pub fn fingerprint(policy: &LivePolicy) -> Fingerprint {
    let LivePolicy { id, name, scope, unknown_scope_fields, content, created_at: _, updated_at: _, unknown_fields } =
        policy;
    let content = match content {
        LiveContent::Rules(rules) => {
            let mut rules: Vec<&LiveRule> = rules.iter().collect();
            rules.sort_by(|a, b| a.id.cmp(&b.id));
            json!({ "rules": rules.into_iter().map(rule).collect::<Vec<_>>() })
        }
        LiveContent::Cedar(cedar) => json!({ "cedar": cedar }),
        LiveContent::Opaque(opaque) => json!({ "opaque": opaque.raw }),
    };
    Fingerprint::of(json!({
        "id": id, "name": name, "scope": scope, "unknownScope": unknown_scope_fields,
        "content": content, "unknown": unknown_fields,
    }))
}

fn rule(rule: &LiveRule) -> Value {
    let LiveRule { id, name, rule, unknown_fields } = rule;
    let body = match rule {
        Ok(rule) => json!(rule),
        Err(opaque) => opaque.raw.clone(),
    };
    json!({ "id": id, "name": name, "rule": body, "unknown": unknown_fields })
}

/// The digest of the plan of one target.
pub(super) fn target_digest(plan: &TargetPlan) -> Result<Fingerprint, serde_json::Error> {
    Ok(Fingerprint::of(serde_json::to_value(plan)?))
}

/// The digest of a plan: equal plans have equal digests, whoever made them where.
///
/// # Errors
/// Passes on what the serializer says; plain data gives it no reason to.
pub fn plan_digest(plan: &Plan) -> Result<Fingerprint, serde_json::Error> {
    Ok(Fingerprint::of(serde_json::to_value(plan)?))
}
