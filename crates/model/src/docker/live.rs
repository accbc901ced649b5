//! Live policies, including content that this version does not support.
//!
//! The serialized form is that of journals, which golden files fix.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Cedar, Extensions, NewPolicy, PolicyId, PolicyPatch, Rule, RuleError, RuleId, RulePatch, Scope,
    TeamId,
};
use crate::Opaque;

/// A team of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// The id in scopes.
    pub id: TeamId,
    /// The name for users.
    pub name: String,
}

/// A policy in a listing, without rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySummary {
    pub id: PolicyId,
    /// The name, unique in the organization.
    pub name: String,
    /// `allowlist_v0`, `cedar_v1`, or an unknown type.
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
    /// The content of the rule.
    #[serde(rename = "says", with = "RuleOrOpaque")]
    pub rule: Result<Rule, Opaque>,
    /// Fields of the rule that the version of the run did not support.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub unknown_fields: Map<String, Value>,
}

impl LiveRule {
    /// The rule after createRule.
    pub fn created(id: RuleId, rule: Rule) -> Self {
        Self {
            id,
            name: rule.name.to_string(),
            unknown_fields: rule.extensions.to_fields(),
            rule: Ok(without_extensions(rule)),
        }
    }

    /// Whether this is the wanted rule. Unknown fields that it does not list may have any value.
    pub fn is(&self, wanted: &Rule) -> bool {
        let is_same = |rule: &Rule| {
            let Rule {
                name,
                decision,
                access,
                extensions: _,
            } = rule;
            *name == wanted.name && *decision == wanted.decision && *access == wanted.access
        };
        self.rule.as_ref().is_ok_and(is_same) && wanted.extensions.are_in(&self.unknown_fields)
    }

    /// The rule with the unknown fields that `wanted` lists, so that both can be compared and
    /// patched. Returns `None` for a rule that this version does not support.
    pub fn comparable_to(&self, wanted: &Rule) -> Option<Rule> {
        let rule = self.rule.as_ref().ok()?;
        Some(Rule {
            extensions: wanted.extensions.as_in(&self.unknown_fields),
            ..rule.clone()
        })
    }

    /// The rule after updateRule. Returns `None` for a rule that this version does not support,
    /// because the result of its patch is unknown.
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
        let rule = without_extensions(patch.apply(rule)?);
        let mut unknown_fields = unknown_fields.clone();
        patch.extensions.apply(&mut unknown_fields);
        Ok(Some(Self {
            id: id.clone(),
            name: rule.name.to_string(),
            rule: Ok(rule),
            unknown_fields,
        }))
    }
}

/// The unknown fields of a live rule are stored outside of the rule, because it may have more than a manifest lists.
fn without_extensions(rule: Rule) -> Rule {
    Rule {
        extensions: Extensions::default(),
        ..rule
    }
}

/// The content of a rule.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Result<Rule, Opaque>")]
#[schemars(rename = "JournalRuleSays")]
enum RuleOrOpaque {
    /// A rule.
    #[serde(rename = "rule")]
    Ok(Rule),
    /// Content that the version of the run did not support.
    #[serde(rename = "opaque")]
    Err(Opaque),
}

/// The content of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalContent")]
pub enum LiveContent {
    /// Rules; may be empty.
    Rules(Vec<LiveRule>),
    /// Cedar text.
    Cedar(Cedar),
    /// Content that the version of the run did not support.
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
    /// The teams and profiles that it applies to.
    #[serde(default)]
    pub scope: Scope,
    /// The content of the policy.
    pub content: LiveContent,
    /// The creation time, as the server writes it.
    pub created_at: String,
    /// The time of the last change, as the server writes it.
    pub updated_at: String,
    /// Fields of the scope that the version of the run did not support.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub unknown_scope_fields: Map<String, Value>,
    /// Fields of the policy that the version of the run did not support.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub unknown_fields: Map<String, Value>,
}

impl LivePolicy {
    /// The policy after createPolicy, without the times set by the server.
    pub fn created(id: PolicyId, new: &NewPolicy) -> Self {
        let NewPolicy {
            name,
            scope,
            cedar,
            extensions,
        } = new;
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
            unknown_fields: extensions.to_fields(),
        }
    }

    /// Applies a patch like updatePolicy.
    pub fn patch(&mut self, patch: &PolicyPatch) {
        let PolicyPatch {
            name,
            teams,
            cedar,
            extensions,
        } = patch;
        if let Some(name) = name {
            self.name = name.to_string();
        }
        if let Some(teams) = teams {
            self.scope.teams.clone_from(teams);
        }
        if let Some(cedar) = cedar {
            self.content = LiveContent::Cedar(cedar.clone());
        }
        extensions.apply(&mut self.unknown_fields);
    }

    /// The rules; empty for other types of policies.
    pub fn rules(&self) -> &[LiveRule] {
        match &self.content {
            LiveContent::Rules(rules) => rules,
            LiveContent::Cedar(_) | LiveContent::Opaque(_) => &[],
        }
    }

    /// Why parts of the policy could not be decoded.
    pub fn not_understood(&self) -> Vec<&str> {
        match &self.content {
            LiveContent::Rules(rules) => rules
                .iter()
                .filter_map(|rule| rule.rule.as_ref().err())
                .map(|opaque| opaque.why.as_str())
                .collect(),
            LiveContent::Opaque(opaque) => vec![&opaque.why],
            LiveContent::Cedar(_) => Vec::new(),
        }
    }
}

/// The complete live state of an organization. A failed read results in an error, never in a
/// partial state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DockerLiveState {
    /// The policies in the order of the server.
    pub policies: Vec<LivePolicy>,
}
