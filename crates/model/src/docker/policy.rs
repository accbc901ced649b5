//! Policies as the repository wants them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Rule;
use crate::Name;
use crate::diag::{DocumentId, Path, Place};

/// The id of a team in a scope: the `uuid` that the Hub gives for it.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct TeamId(Arc<str>);

impl TeamId {
    /// Takes an id as the server or the configuration gives it.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TeamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whom a policy applies to; both sets empty means the whole organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scope {
    /// Only these teams.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub teams: BTreeSet<TeamId>,
    /// Only these profiles of people (profile `seed` of the API only).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub profiles: BTreeSet<String>,
}

impl Scope {
    /// Whether everybody in the organization is meant.
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

/// What a policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Rules of one domain; may be empty.
    Rules(Vec<DesiredRule>),
    /// Cedar text.
    Cedar(Cedar),
}

/// A rule as the repository wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredRule {
    /// The rule.
    pub rule: Rule,
    /// Names that it had before.
    pub aliases: Vec<Name>,
    /// Its position in `spec.rules`, for messages.
    pub index: usize,
}

/// A policy as the repository wants it: checked, lists pulled in, teams resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredPolicy {
    /// The name, unique in the organization.
    pub name: Name,
    /// Names that it had before.
    pub aliases: Vec<Name>,
    /// Whether deleting it is refused.
    pub protect: bool,
    /// Whom it applies to.
    pub scope: Scope,
    /// What it says.
    pub content: Content,
    /// The document that declares it.
    pub document: DocumentId,
}

impl DesiredPolicy {
    /// Where the policy is declared.
    pub fn place(&self) -> Place {
        Place::value(self.document, Path::root().key("metadata").key("name"))
    }

    /// Where one of its rules is declared.
    pub fn rule_place(&self, rule: &DesiredRule) -> Place {
        Place::value(
            self.document,
            Path::root().key("spec").key("rules").index(rule.index),
        )
    }
}
