//! The outcomes of access gates.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::SourceRef;
use super::impact::{DecidingRule, NotAnalyzed};
use access::People;

/// An access gate and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GateOutcome {
    /// The gate.
    pub gate: GateInfo,
    /// Where it is written.
    pub source: GateSource,
    /// Requests for which it fails. An empty list proves that it passes for every request.
    pub breaches: Vec<BreachInfo>,
    /// Why it could not be evaluated, as a clause. Such a gate fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Changes that are not analyzed and could violate the gate. The gate fails unless they are acknowledged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_analyzed: Vec<NotAnalyzed>,
}

/// The requirement of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum GateInfo {
    /// No request of a pattern may be allowed.
    Never {
        /// The pattern.
        request: String,
        /// The audience of the gate; absent for everyone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
        /// The reason for the gate.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Every request of a pattern must be allowed.
    Always {
        /// The pattern.
        request: String,
        /// The audience of the gate; absent for everyone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
        /// The reason for the gate.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// No access may be opened outside of some patterns.
    DenyWidening {
        /// The patterns. If empty, no access may be opened.
        within: Vec<String>,
    },
}

/// The source of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum GateSource {
    /// The command line.
    CommandLine,
    /// The current configuration.
    Config(SourceRef),
    /// In the configuration of the base revision only: the planned change removes the gate, which applies until the
    /// change is merged.
    Base {
        /// The line, at that revision.
        at: SourceRef,
        /// The commit.
        revision: String,
    },
}

/// A set of requests for which a gate fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BreachInfo {
    /// The people. For a gate with an audience, members of its teams.
    pub who: People,
    /// One request that shows it, for `polwarden explain`.
    pub witness: String,
    /// Whether it is so without the plan too.
    pub already: bool,
    /// The rules to blame: what opens it, the denies that are removed, or what blocks it. Empty if a request that must
    /// be allowed is denied by default.
    pub blame: Vec<DecidingRule>,
    /// The rules that decide it before; empty if it was denied by default.
    pub before: Vec<DecidingRule>,
    /// The rules that decide it after; empty if it will be denied by default.
    pub after: Vec<DecidingRule>,
    /// What the breach assumes because the service does not document it, as a clause; absent for
    /// breaches that are proven. `before` and `after` are empty then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assumption: Option<String>,
}

impl GateOutcome {
    /// The people of all breaches.
    pub(crate) fn people(&self) -> impl Iterator<Item = &People> {
        self.breaches.iter().map(|breach| &breach.who)
    }

    /// Replaces the UUIDs of teams by their names.
    pub(crate) fn name_teams(&mut self, names: &BTreeMap<String, String>) {
        for breach in &mut self.breaches {
            breach.who = std::mem::take(&mut breach.who).with_team_names(names);
        }
    }

    /// Whether no breach was found, and everything that is analyzed could be evaluated.
    pub fn is_unbroken(&self) -> bool {
        self.breaches.is_empty() && self.unknown.is_none()
    }

    /// Whether the gate passes.
    pub fn passes(&self) -> bool {
        self.is_unbroken() && self.not_analyzed.is_empty()
    }
}
