//! What a plan does to access, and to the levels of enforcement.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::SourceRef;
use access::Audience;
use model::pulumi::EnforcementLevel;

/// What a plan opens and closes, in all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Impact")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessImpact {
    /// People in no team first, then those whom the plan treats otherwise. None where nothing is called.
    pub audiences: Vec<AudienceImpact>,
    /// Cedar policies that change; their meaning is not compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cedar: Vec<String>,
    /// Live resources that are no pattern of the contract; they are taken to match nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableResource>,
}

/// A live resource that is no pattern of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnreadableResource {
    /// The policy.
    pub policy: String,
    /// The rule.
    pub rule: String,
    /// The resource.
    pub resource: String,
    /// Why it is no pattern.
    pub why: String,
}

/// What a plan opens and closes for some people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AudienceImpact {
    /// The people.
    pub audience: Audience,
    /// One for each set of requests that opens or closes; none is a proof that nothing does. Audiences share theirs.
    pub changes: Vec<Arc<AccessChange>>,
}

/// A set of requests that opens or closes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessChange {
    /// Whether it opens (denied before, allowed after) or closes.
    pub opens: bool,
    /// The resource that makes the difference, as written.
    pub resource: String,
    /// The ports in words, for connections and HTTP requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<String>,
    /// The HTTP actions, for HTTP requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// One request of the set, for `polwarden explain`.
    pub witness: String,
    /// The rules that decide it before; none where nothing allowed it.
    pub before: Vec<DecidingRule>,
    /// The rules that decide it after; none where nothing will allow it.
    pub after: Vec<DecidingRule>,
}

/// A rule that decides a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecidingRule {
    /// The policy.
    pub policy: String,
    /// The rule.
    pub rule: String,
    /// Whether it allows or denies.
    pub allows: bool,
    /// The resource that matches.
    pub resource: String,
    /// Where the rule is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}

impl AccessImpact {
    /// Replaces the uuids of teams by their short names.
    #[must_use]
    pub(crate) fn with_team_names(mut self, names: &BTreeMap<String, String>) -> Self {
        for AudienceImpact {
            audience,
            changes: _,
        } in &mut self.audiences
        {
            *audience = std::mem::take(audience).with_team_names(names);
        }
        self
    }

    pub fn widens(&self) -> bool {
        self.changes().any(|change| change.opens)
    }

    pub fn narrows(&self) -> bool {
        self.changes().any(|change| !change.opens)
    }

    fn changes(&self) -> impl Iterator<Item = &AccessChange> {
        self.audiences
            .iter()
            .flat_map(|audience| audience.changes.iter().map(Arc::as_ref))
    }
}

/// Which way a level of enforcement moves.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// More gets through.
    Loosens,
    /// Less gets through.
    Tightens,
    /// As much gets through, and what happens is otherwise.
    Changes,
}

/// A policy whose level of enforcement changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnforcementChange {
    /// Which way.
    pub direction: Enforcement,
    /// The group for which it changes; nothing for what the pack says where no group says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The pack.
    pub pack: String,
    /// The policy.
    pub policy: String,
    /// The level before; nothing where the policy was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<EnforcementLevel>,
    /// The level after; nothing where the policy is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<EnforcementLevel>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}
