//! What organizations hold when an emulator starts.
//!
//! A seed can hold what the API would refuse: fields, enforcement levels and severities that today's contract does not
//! know. They are stored and returned as they are, so that clients can be tried with tomorrow's service.

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
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrganizationSeed {
    /// The name in paths.
    pub name: String,
    /// Whether it lacks the feature, so that what concerns packs and groups answers 400.
    #[serde(default)]
    pub without_policy_as_code: bool,
    /// Whether the caller does not belong to it: it only publishes packs.
    #[serde(default)]
    pub foreign: bool,
    /// Its stacks.
    #[serde(default)]
    pub stacks: Vec<StackSeed>,
    /// Its accounts.
    #[serde(default)]
    pub accounts: Vec<AccountSeed>,
    /// The packs that it publishes; like all that follows, they are stored only when the organization is created.
    #[serde(default)]
    pub policy_packs: Vec<PackSeed>,
    /// The packs of other publishers that are added to it.
    #[serde(default)]
    pub added: Vec<AddedSeed>,
    /// Its groups. The built-in ones exist in any case and can be named here to fill them.
    #[serde(default)]
    pub policy_groups: Vec<GroupSeed>,
}

/// A stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StackSeed {
    /// The stack's own name.
    pub name: String,
    /// The project that it belongs to.
    pub routing_project: String,
    /// How many resources it has.
    #[serde(default)]
    pub resources: u32,
}

/// An Insights account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountSeed {
    /// What groups call it.
    pub name: String,
    /// How many resources it has.
    #[serde(default)]
    pub resources: u32,
}

/// A pack.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PackSeed {
    /// The name, unique for its publisher.
    pub name: String,
    /// The UUID in the registry; made if absent.
    #[serde(default)]
    pub id: Option<String>,
    /// Where it is hosted.
    #[serde(default = "private")]
    pub source: String,
    /// Whether other organizations see it.
    #[serde(default)]
    pub public: bool,
    /// Whether it is kept out of the organization that publishes it, so that no group can have it.
    #[serde(default)]
    pub withheld: bool,
    /// The versions, oldest first.
    #[serde(default)]
    pub versions: Vec<PackVersionSeed>,
}

impl Default for PackSeed {
    fn default() -> Self {
        let name = String::new();
        Self {
            name,
            id: None,
            source: private(),
            public: false,
            withheld: false,
            versions: Vec::new(),
        }
    }
}

fn private() -> String {
    "private".to_owned()
}

/// A version of a pack.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackVersionSeed {
    /// The tag; the version's number if absent.
    #[serde(default)]
    pub version_tag: Option<String>,
    /// What people call it; the pack's name if absent.
    #[serde(default)]
    pub display_name: Option<String>,
    /// The runtime.
    #[serde(default)]
    pub runtime: Option<String>,
    /// Whether it is still being published.
    #[serde(default)]
    pub incomplete: bool,
    /// The policies, kept as they are.
    #[serde(default)]
    pub policies: Vec<Map<String, Value>>,
    /// Every other field: shown with the version, as it is.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A pack of another publisher.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddedSeed {
    /// The organization that publishes it; the seed has it too.
    pub publisher: String,
    /// The pack.
    pub name: String,
}

/// A group.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupSeed {
    /// The name, unique in the organization.
    pub name: String,
    /// `stacks` or `accounts`; stacks if absent.
    #[serde(default)]
    pub entity_type: Option<String>,
    /// `audit` or `preventative`; the usual one of the entity type if absent.
    #[serde(default)]
    pub mode: Option<String>,
    /// The stacks, each of which the organization has.
    #[serde(default)]
    pub stacks: Vec<StackSeed>,
    /// The names of the accounts, each of which the organization has.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// The packs.
    #[serde(default)]
    pub policy_packs: Vec<PolicyPackReference>,
    /// Every other field: shown with the group, as it is.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A pack that a group has.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyPackReference {
    /// The pack: one that the organization publishes or that is added to it.
    pub name: String,
    /// The version; the newest if absent.
    #[serde(default)]
    pub version_tag: Option<String>,
    /// The configuration, kept as it is.
    #[serde(default)]
    pub config: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_contract_does_not_know_is_kept() {
        let seed = Seed::from_json(
            r#"{"organizations":[{"name":"o","policyPacks":[{"name":"p","versions":[{"versionTag":"1.0.0",
                "signedBy":"x","policies":[{"name":"a","enforcementLevel":"quarantine"}]}]}],
                "policyGroups":[{"name":"g","schedule":"nightly"}]}]}"#,
        )
        .unwrap();
        let organization = &seed.organizations[0];
        let version = &organization.policy_packs[0].versions[0];
        assert_eq!(version.other["signedBy"], "x");
        assert_eq!(version.policies[0]["enforcementLevel"], "quarantine");
        assert_eq!(organization.policy_groups[0].other["schedule"], "nightly");
    }

    #[test]
    fn a_misspelt_field_of_an_organization_is_an_error_with_its_place() {
        let error = Seed::from_json("{\"organizations\":[\n {\"name\":\"o\",\"packs\":[]}]}")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("unknown field `packs`") && error.contains("line 2"),
            "{error}"
        );
    }
}
