//! What organizations hold when an emulator starts.
//!
//! A seed can hold what the API would refuse: fields, actions and types of policy that today's contract does not know.
//! They are stored and returned as they are, so that clients can be tried with tomorrow's service.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::SeedError;

/// The seed file: `{"organizations": […]}`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// The organizations.
    pub organizations: Vec<OrganizationSeed>,
}

impl Seed {
    /// Reads a seed file's text.
    ///
    /// # Errors
    /// The text is not JSON, or not of the form that `docs/emulator.md` gives; the message has line and column.
    pub fn from_json(text: &str) -> Result<Self, SeedError> {
        Ok(serde_json::from_str(text)?)
    }
}

/// An organization.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationSeed {
    /// The name in paths.
    pub name: String,
    /// Its teams.
    #[serde(default)]
    pub teams: Vec<TeamSeed>,
    /// Its policies; they are stored only when the organization is created.
    #[serde(default)]
    pub policies: Vec<PolicySeed>,
}

/// A team.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamSeed {
    /// What scopes hold.
    pub uuid: String,
    /// What people call it.
    pub name: String,
}

/// A policy.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct PolicySeed {
    /// The id; made if absent.
    #[serde(default)]
    pub id: Option<String>,
    /// The name, unique in the organization.
    pub name: String,
    /// The `type` in the list; if absent, `cedar_v1` where there is a field of that name, else `allowlist_v0`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// The scope, kept as it is.
    #[serde(default)]
    pub scope: Map<String, Value>,
    /// The rules.
    #[serde(default)]
    pub rules: Vec<RuleSeed>,
    /// When it was made; now if absent.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// When it was last changed; when it was made, if absent.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
    /// Every other field, such as `cedar_v1`: part of the full policy, as it is.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A rule.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct RuleSeed {
    /// The id; made if absent.
    #[serde(default)]
    pub id: Option<String>,
    /// The name.
    pub name: String,
    /// The actions; those that the contract does not know are kept.
    pub actions: Vec<String>,
    /// Every other field, such as `resources` and `decision`: part of the rule, as it is.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_contract_does_not_know_is_kept() {
        let seed = Seed::from_json(
            r#"{"organizations":[{"name":"o","policies":[{"name":"p","type":"rego_v1","rego_v1":{"text":"x"},
                "rules":[{"name":"r","actions":["connect:quic"],"decision":"allow","expires_at":"2030-01-01"}]}]}]}"#,
        )
        .unwrap();
        let policy = &seed.organizations[0].policies[0];
        assert_eq!(policy.kind.as_deref(), Some("rego_v1"));
        assert_eq!(policy.other["rego_v1"]["text"], "x");
        assert_eq!(policy.rules[0].other["expires_at"], "2030-01-01");
    }

    #[test]
    fn a_misspelt_field_of_an_organization_is_an_error_with_its_place() {
        let error = Seed::from_json("{\"organizations\":[\n {\"name\":\"o\",\"team\":[]}]}")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("unknown field `team`") && error.contains("line 2"),
            "{error}"
        );
    }
}
