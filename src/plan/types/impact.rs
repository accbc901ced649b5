//! The effect of a plan on access and on levels of enforcement.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::SourceRef;
use access::{People, StatementSummary};
use model::pulumi::EnforcementLevel;

/// The effect of a plan on access, for every request and every combination of teams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Impact")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessImpact {
    /// Whether the rows are proven to be complete: `notAnalyzed` is empty.
    pub proven: bool,
    /// What could affect access and is not analyzed.
    pub not_analyzed: Vec<NotAnalyzed>,
    /// Requests that are denied before and allowed after the plan.
    pub opens: Vec<AccessRow>,
    /// Requests that are allowed before and denied after the plan.
    pub closes: Vec<AccessRow>,
    /// Requests that deny rules match only before or only after the plan, whether or not a rule
    /// allows them.
    pub guards: GuardRows,
    /// Requests that change to or from "approval required".
    pub approval: Vec<AccessRow>,
    /// The statements of Cedar policies that are added, removed and changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<StatementChange>,
}

/// Changes of deny rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuardRows {
    /// Requests that no deny rule matches any more.
    pub weakened: Vec<AccessRow>,
    /// Requests that no deny rule matched before.
    pub strengthened: Vec<AccessRow>,
}

/// A set of requests that change in the same way, for the same people, because of one rule.
///
/// The set is the union of the patterns in `what` without the union of the patterns in `except`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessRow {
    /// The people, as a disjunction; everyone is a single term without teams.
    pub who: People,
    /// Patterns of requests, in the syntax of gates.
    pub what: Vec<String>,
    /// Patterns of requests that do not change, or change because of another rule.
    pub except: Vec<String>,
    /// One request of the set, for `polwarden explain`.
    pub witness: String,
    /// The rule that causes the change.
    pub rule: RuleReference,
    /// The rules that decide the witness before the plan, for members of the teams that the first
    /// term of `who` requires; empty if it is denied by default.
    pub before: Vec<DecidingRule>,
    /// The rules that decide the witness after the plan; empty if it is denied by default.
    pub after: Vec<DecidingRule>,
    /// What the row assumes because the service does not document it, as a clause; absent for rows
    /// that are proven. `before` and `after` are empty then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assumption: Option<String>,
}

/// A statement of a Cedar policy that is added, removed or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatementChange {
    /// The name of the policy.
    pub policy: String,
    /// How it changes.
    pub change: StatementChangeKind,
    /// The statement before the plan; absent if it is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<StatementSummary>,
    /// The statement after the plan; absent if it is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<StatementSummary>,
    /// Where the policy is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}

/// How a statement changes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StatementChangeKind {
    /// The plan adds it.
    Added,
    /// The plan removes it.
    Removed,
    /// The plan changes it.
    Changed,
}

/// A rule of a policy, or a Cedar policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleReference {
    /// The name of the policy.
    pub policy: String,
    /// The name of the rule; absent for a Cedar policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Where the rule is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}

/// Something that could affect access and is not analyzed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotAnalyzed {
    /// The kind of the reason.
    pub kind: NotAnalyzedKind,
    /// The name of the policy.
    pub policy: String,
    /// The reason, as a clause.
    pub reason: String,
    /// Where the policy is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}

/// Why something is not analyzed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum NotAnalyzedKind {
    /// A Cedar policy changes.
    Cedar,
    /// The live policy contains fields, rules or a type that this version does not know.
    Unknown,
    /// A live resource is not a valid pattern.
    InvalidResource,
    /// The comparison would exceed the limits of work or memory.
    TooComplex,
}

/// A rule or a Cedar policy that decides a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecidingRule {
    /// The policy.
    pub policy: String,
    /// The rule; absent for a Cedar policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Whether it allows or denies.
    pub allows: bool,
    /// Whether it allows only after an approval.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks: bool,
    /// The resource that matches.
    pub resource: String,
    /// Where the rule is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}

impl Default for AccessImpact {
    /// The effect of no change: nothing opens or closes, which is proven.
    fn default() -> Self {
        Self {
            proven: true,
            not_analyzed: Vec::new(),
            opens: Vec::new(),
            closes: Vec::new(),
            guards: GuardRows::default(),
            approval: Vec::new(),
            statements: Vec::new(),
        }
    }
}

impl AccessImpact {
    /// An effect that is not known at all.
    pub(crate) fn unknown(entries: Vec<NotAnalyzed>) -> Self {
        Self {
            proven: false,
            not_analyzed: entries,
            ..Self::default()
        }
    }

    /// Replaces the UUIDs of teams by their short names.
    #[must_use]
    pub(crate) fn with_team_names(mut self, names: &BTreeMap<String, String>) -> Self {
        let Self {
            proven: _,
            not_analyzed: _,
            opens,
            closes,
            guards:
                GuardRows {
                    weakened,
                    strengthened,
                },
            approval,
            statements: _,
        } = &mut self;
        for row in [opens, closes, weakened, strengthened, approval]
            .into_iter()
            .flatten()
        {
            row.who = std::mem::take(&mut row.who).with_team_names(names);
        }
        self
    }

    /// The people of all rows.
    pub(crate) fn people(&self) -> impl Iterator<Item = &People> {
        self.rows().map(|row| &row.who)
    }

    /// All rows.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &AccessRow> {
        let Self {
            proven: _,
            not_analyzed: _,
            opens,
            closes,
            guards:
                GuardRows {
                    weakened,
                    strengthened,
                },
            approval,
            statements: _,
        } = self;
        [opens, closes, weakened, strengthened, approval]
            .into_iter()
            .flatten()
    }
}

/// The direction of a change of enforcement.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// Enforcement loosens.
    Loosens,
    /// Enforcement tightens.
    Tightens,
    /// Enforcement changes without loosening or tightening.
    Changes,
}

/// A policy whose level of enforcement changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnforcementChange {
    /// The direction.
    pub direction: Enforcement,
    /// The group for which it changes; absent for the level in the pack, which applies unless a group overrides it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The pack.
    pub pack: String,
    /// The policy.
    pub policy: String,
    /// The level before; absent if the policy did not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<EnforcementLevel>,
    /// The level after; absent if the policy does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<EnforcementLevel>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}
