//! Policies as the server has them, with what this version does not understand.
//!
//! The serialized form is that of journals: the golden files of the journal fix it.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Cedar, NewPolicy, PolicyPatch, Rule, RuleError, RulePatch, Scope, TeamId};
use crate::Opaque;

macro_rules! id {
    ($(#[doc = $doc:literal])+ $name:ident) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes an id as the server gives it.
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
    /// The id that the server gave a policy.
    PolicyId
}
id! {
    /// The id that the server gave a rule.
    RuleId
}

/// A team of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// What scopes hold.
    pub id: TeamId,
    /// What people call it.
    pub name: String,
}

/// A policy as the list shows it: without its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySummary {
    /// The id.
    pub id: PolicyId,
    /// The name, unique in the organization.
    pub name: String,
    /// `allowlist_v0`, `cedar_v1`, or a type that this version does not know.
    pub kind: String,
}

/// A rule as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalRule")]
pub struct LiveRule {
    /// The id.
    pub id: RuleId,
    // Profile `seed` allows duplicate names in a policy.
    /// The name.
    pub name: String,
    /// What it said.
    #[serde(rename = "says", with = "WrittenRule")]
    pub rule: Result<Rule, Opaque>,
    /// Fields of the rule that the version of the run did not know.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub unknown_fields: Map<String, Value>,
}

impl LiveRule {
    /// The rule as createRule leaves it.
    pub fn created(id: RuleId, rule: Rule) -> Self {
        Self {
            id,
            name: rule.name.to_string(),
            rule: Ok(rule),
            unknown_fields: Map::new(),
        }
    }

    /// The rule as updateRule leaves it. Returns `None` for a rule that this version does not
    /// understand: its patch has no known result.
    ///
    /// # Errors
    /// The result would not be a valid rule.
    pub fn patched(&self, patch: &RulePatch) -> Result<Option<Self>, RuleError> {
        let Self {
            id,
            name: _,
            rule,
            unknown_fields,
        } = self;
        let Ok(rule) = rule else {
            return Ok(None);
        };
        let rule = patch.apply(rule)?;
        Ok(Some(Self {
            id: id.clone(),
            name: rule.name.to_string(),
            rule: Ok(rule),
            unknown_fields: unknown_fields.clone(),
        }))
    }
}

/// What a rule said.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Result<Rule, Opaque>")]
#[schemars(rename = "JournalRuleSays")]
enum WrittenRule {
    /// A rule.
    #[serde(rename = "rule")]
    Ok(Rule),
    /// What the version of the run did not understand.
    #[serde(rename = "opaque")]
    Err(Opaque),
}

/// What a policy said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalContent")]
pub enum LiveContent {
    /// Rules; may be empty.
    Rules(Vec<LiveRule>),
    /// Cedar text.
    Cedar(Cedar),
    /// What the version of the run did not understand.
    Opaque(Opaque),
}

/// A policy as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalPolicy")]
pub struct LivePolicy {
    /// The id.
    pub id: PolicyId,
    // Unique in the organization.
    /// The name.
    pub name: String,
    /// Whom it applies to.
    #[serde(default)]
    pub scope: Scope,
    /// What it says.
    pub content: LiveContent,
    /// When it was made, as the server writes it.
    pub created_at: String,
    /// When it was last changed, as the server writes it.
    pub updated_at: String,
    /// Fields of the scope that the version of the run did not know.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub unknown_scope_fields: Map<String, Value>,
    /// Fields of the policy that the version of the run did not know.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub unknown_fields: Map<String, Value>,
}

impl LivePolicy {
    /// The policy as createPolicy leaves it, without the times that the server sets.
    pub fn created(id: PolicyId, new: &NewPolicy) -> Self {
        let NewPolicy { name, scope, cedar } = new;
        Self {
            id,
            name: name.to_string(),
            scope: scope.clone(),
            unknown_scope_fields: Map::new(),
            content: match cedar {
                Some(cedar) => LiveContent::Cedar(cedar.clone()),
                None => LiveContent::Rules(Vec::new()),
            },
            created_at: String::new(),
            updated_at: String::new(),
            unknown_fields: Map::new(),
        }
    }

    /// Changes the policy as updatePolicy does.
    pub fn patch(&mut self, patch: &PolicyPatch) {
        let PolicyPatch { name, teams, cedar } = patch;
        if let Some(name) = name {
            self.name = name.to_string();
        }
        if let Some(teams) = teams {
            self.scope.teams.clone_from(teams);
        }
        if let Some(cedar) = cedar {
            self.content = LiveContent::Cedar(cedar.clone());
        }
    }

    /// The rules; none if the policy is of another type.
    pub fn rules(&self) -> &[LiveRule] {
        match &self.content {
            LiveContent::Rules(rules) => rules,
            LiveContent::Cedar(_) | LiveContent::Opaque(_) => &[],
        }
    }
}

/// All that an organization holds, completely read: a reader that failed anywhere has none to give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveState {
    /// The policies, in the server's order.
    pub policies: Vec<LivePolicy>,
}
