//! Parts of policy groups.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ALL, PolicyName, PulumiNameError};

/// The entity type of a group (contract: `PolicyGroup`, `entityType`). It cannot change.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum EntityType {
    /// Stacks.
    #[default]
    Stacks,
    /// Cloud accounts.
    Accounts,
}

impl EntityType {
    /// The text on the wire and in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stacks => "stacks",
            Self::Accounts => "accounts",
        }
    }

    /// The default mode of new groups.
    pub fn usual_mode(self) -> Mode {
        match self {
            Self::Stacks => Mode::Preventative,
            Self::Accounts => Mode::Audit,
        }
    }
}

impl fmt::Display for EntityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The mode of a group (contract: `PolicyGroup`, `mode`). It cannot change.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Violations are reported.
    Audit,
    /// Violations stop updates.
    Preventative,
}

impl Mode {
    /// The text on the wire and in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Preventative => "preventative",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A stack by its names (contract: `AppPulumiStackReference`).
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StackReference {
    /// The project.
    pub routing_project: String,
    /// The stack in its project.
    pub name: String,
}

impl fmt::Display for StackReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            routing_project,
            name,
        } = self;
        write!(f, "{routing_project}/{name}")
    }
}

/// The policies that a part of a configuration applies to.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum PolicySelector {
    /// All policies of the pack; only the enforcement level can be set for them.
    All,
    /// One policy.
    Policy(PolicyName),
}

impl PolicySelector {
    /// The text on the wire and in manifests.
    pub fn as_str(&self) -> &str {
        match self {
            Self::All => ALL,
            Self::Policy(name) => name.as_str(),
        }
    }
}

impl TryFrom<String> for PolicySelector {
    type Error = PulumiNameError;
    fn try_from(text: String) -> Result<Self, PulumiNameError> {
        if text == ALL {
            Ok(Self::All)
        } else {
            PolicyName::new(&text).map(Self::Policy)
        }
    }
}

impl From<PolicySelector> for String {
    fn from(selector: PolicySelector) -> Self {
        selector.as_str().to_owned()
    }
}

impl fmt::Display for PolicySelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The configuration of a pack in a group: for each policy an object with `enforcementLevel` and what its
/// `configSchema` knows. On the wire it is never a bare text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct GroupConfig(pub BTreeMap<PolicySelector, Map<String, Value>>);

impl GroupConfig {
    /// The form of requests.
    pub fn to_wire(&self) -> Map<String, Value> {
        self.0
            .iter()
            .map(|(selector, object)| (selector.as_str().to_owned(), Value::Object(object.clone())))
            .collect()
    }
}
