//! Desired policies.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Extensions, Rule};
use crate::Name;
use crate::diag::{DocumentId, Path, Place};

/// Maximum number of policies of an organization (contract: `FACTS`, "Limits").
pub const POLICIES_PER_ORGANIZATION: usize = 100;

/// Maximum number of rules of a policy (contract: `FACTS`, "Limits").
pub const RULES_PER_POLICY: usize = 250;

macro_rules! id {
    ($(#[doc = $doc:literal])+ $name:ident) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Creates an id from the text of the server or the configuration.
            pub fn new(text: &str) -> Self {
                Self(text.into())
            }

            /// The text on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// The id that the server assigned to a policy.
    PolicyId
}
id! {
    /// The id that the server assigned to a rule.
    RuleId
}
id! {
    /// The id of a team in a scope: its `uuid` at Docker Hub.
    TeamId
}

/// The teams and profiles that a policy applies to. If both sets are empty, it applies to the whole organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scope {
    /// Only these teams.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub teams: BTreeSet<TeamId>,
    /// Only these profiles of users (profile `seed` of the API only).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub profiles: BTreeSet<String>,
}

impl Scope {
    /// Whether the scope is everyone in the organization.
    pub fn is_organization_wide(&self) -> bool {
        let Self { teams, profiles } = self;
        teams.is_empty() && profiles.is_empty()
    }
}

/// The body of a Cedar policy (contract: `CedarV1Policy`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cedar {
    /// Cedar statements, without `@id`.
    pub text: String,
    /// The schema that the text was written against.
    pub schema_url: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyContent {
    /// Rules of one domain; may be empty.
    Rules(Vec<DesiredRule>),
    /// Cedar text.
    Cedar(Cedar),
}

/// A desired rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredRule {
    pub rule: Rule,
    /// Former names.
    pub aliases: Vec<Name>,
    /// Index in `spec.rules`, for messages.
    pub index: usize,
}

/// A desired policy: checked, with included lists and resolved teams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredPolicy {
    /// The name, unique in the organization.
    pub name: Name,
    /// Former names.
    pub aliases: Vec<Name>,
    /// Whether deletion is refused.
    pub protect: bool,
    pub scope: Scope,
    pub content: PolicyContent,
    /// Settings that this version does not support.
    pub extensions: Extensions,
    pub document: DocumentId,
}

impl DesiredPolicy {
    pub fn place(&self) -> Place {
        Place::value(self.document, Path::root().key("metadata").key("name"))
    }

    pub fn rule_place(&self, rule: &DesiredRule) -> Place {
        Place::value(
            self.document,
            Path::root().key("spec").key("rules").index(rule.index),
        )
    }
}
