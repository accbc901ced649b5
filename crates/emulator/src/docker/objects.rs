//! Stored objects and their JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::layer::{PolicyDomain, RuleLayer};
use super::refusal::DockerRefusal;
use crate::random;

/// The type of policies that contain rules.
pub(super) const ALLOWLIST: &str = "allowlist_v0";
/// The type of policies that contain Cedar text.
pub(super) const CEDAR: &str = "cedar_v1";

/// A policy without its rules.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StoredPolicy {
    /// The position in the list, set by the store.
    pub(super) place: i64,
    pub(super) id: String,
    pub(super) organization: String,
    pub(super) name: String,
    /// The `type` in the list.
    pub(super) kind: String,
    pub(super) scope: Map<String, Value>,
    /// Other fields of the full policy: `cedar_v1`, and unknown fields from a seed.
    pub(super) body: Map<String, Value>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

impl StoredPolicy {
    /// The policy in the list (schema `PolicySummary`).
    pub(super) fn summary(&self) -> Value {
        let mut object = self.common();
        object.insert("type".to_owned(), json!(self.kind));
        Value::Object(object)
    }

    /// The full policy (schema `StoredPolicy`): without `type`, and without `allowlist_v0` if there are
    /// no rules.
    pub(super) fn to_json(&self, rules: &[StoredRule]) -> Value {
        let mut object = self.common();
        if !rules.is_empty() {
            let mut allowlist = Map::new();
            if let Some(domain) = rules.iter().find_map(StoredRule::domain) {
                allowlist.insert("domain".to_owned(), json!(domain.as_str()));
            }
            allowlist.insert("rules".to_owned(), json!(rules));
            object.insert(ALLOWLIST.to_owned(), Value::Object(allowlist));
        }
        object.extend(self.body.clone());
        Value::Object(object)
    }

    /// Updates the timestamp, which increases even if the clock does not.
    pub(super) fn touch(&mut self) {
        let next = Timestamp::from_millisecond(self.updated_at.as_millisecond() + 1)
            .unwrap_or(self.updated_at);
        self.updated_at = Timestamp::now().max(next);
    }

    fn common(&self) -> Map<String, Value> {
        let Self {
            place: _,
            id,
            organization,
            name,
            kind: _,
            scope,
            body: _,
            created_at,
            updated_at,
        } = self;
        Map::from_iter([
            ("id".to_owned(), json!(id)),
            ("name".to_owned(), json!(name)),
            ("org".to_owned(), json!(organization)),
            ("scope".to_owned(), json!(scope)),
            ("created_at".to_owned(), json!(time(*created_at))),
            ("updated_at".to_owned(), json!(time(*updated_at))),
        ])
    }
}

/// A rule. Its serialization is the JSON of the API (schema `StoredRule`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StoredRule {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) actions: Vec<String>,
    /// `resources` or `http_resources`, `decision`, and unknown fields from a seed.
    #[serde(flatten)]
    pub(super) other: Map<String, Value>,
}

impl StoredRule {
    /// The layer of its actions. None if a seed contains only actions that are unknown to the
    /// contract.
    pub(super) fn layer(&self) -> Option<RuleLayer> {
        self.actions
            .iter()
            .find_map(|action| RuleLayer::of_action(action))
    }

    pub(super) fn domain(&self) -> Option<PolicyDomain> {
        self.layer().map(RuleLayer::domain)
    }
}

/// A team in the answer of `GET …/groups`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct StoredTeam {
    pub(super) id: i64,
    pub(super) uuid: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) member_count: u32,
}

/// The members of an object after a JSON merge patch (RFC 7396).
pub(super) fn merged(
    members: &Map<String, Value>,
    patch: Map<String, Value>,
) -> Map<String, Value> {
    let mut object = Value::Object(members.clone());
    json_patch::merge(&mut object, &Value::Object(patch));
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// A new policy id: `pol_` and 28 digits.
pub(super) fn policy_id() -> Result<String, getrandom::Error> {
    Ok(format!("pol_{}", random::base32(28)?))
}

/// A new rule id: `rule_` and 28 digits.
pub(super) fn rule_id() -> Result<String, getrandom::Error> {
    Ok(format!("rule_{}", random::base32(28)?))
}

/// RFC 3339 in UTC, with milliseconds unless they are zero.
pub(super) fn time(at: Timestamp) -> String {
    Timestamp::from_millisecond(at.as_millisecond())
        .unwrap_or(at)
        .to_string()
}

/// Checks the size of a full policy in bytes against the limit.
///
/// In profile `current`, `limit_exceeded` is documented for numbers of policies and rules only, so
/// this is `invalid_argument`.
pub(super) fn check_size(
    policy: &StoredPolicy,
    rules: &[StoredRule],
    limit: usize,
) -> Result<(), DockerRefusal> {
    let size = policy.to_json(rules).to_string().len();
    if size > limit {
        return Err(DockerRefusal::invalid(format!(
            "the policy has {size} bytes, the maximum is {limit}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_in_milliseconds() {
        let at: Timestamp = "2026-04-22T00:00:00Z".parse().unwrap();
        assert_eq!(time(at), "2026-04-22T00:00:00Z");
        let at: Timestamp = "2026-04-22T01:02:03.456789+01:00".parse().unwrap();
        assert_eq!(time(at), "2026-04-22T00:02:03.456Z");
    }

    #[test]
    fn a_change_moves_the_time_on_even_if_the_clock_stands_still_or_runs_back() {
        let mut policy = StoredPolicy {
            place: 1,
            id: "pol_1".into(),
            organization: "o".into(),
            name: "n".into(),
            kind: ALLOWLIST.into(),
            scope: Map::new(),
            body: Map::new(),
            created_at: "2900-01-01T00:00:00Z".parse().unwrap(),
            updated_at: "2900-01-01T00:00:00Z".parse().unwrap(),
        };
        policy.touch();
        assert_eq!(time(policy.updated_at), "2900-01-01T00:00:00.001Z");
    }
}
