//! Changes of Cedar policies: their statements, what they decide, and the people who may get or lose MCP
//! enforcement. Where a change of decisions cannot be established, the policy is not analyzed.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{
    AccessRow, DecidingRule, NotAnalyzed, NotAnalyzedKind, RuleReference, SourceRef,
    StatementChange, StatementChangeKind,
};
use crate::render::text::plural;
use access::{
    CedarComparison, CedarRow, EnforcementComparison, EnforcementDifference, GroupTable,
    McpPattern, Outcome, RowKind, StatementDifference, StatementEffect, has_statements,
    statement_differences,
};
use model::docker::{Cedar, DockerLiveState, LiveContent, LivePolicy, Scope};

/// Finds where a policy or one of its rules is declared, by name.
pub(super) type Locate<'l> = dyn Fn(&str, Option<&str>) -> Option<SourceRef> + 'l;

/// All MCP activity, in the syntax of gates.
pub(super) const ALL_MCP: &str = "mcp *";

/// A request for `polwarden explain`. Any tool would do.
const WITNESS: &str = "mcp invokeTool example";

/// What rows about enforcement assume (contract: MCP, "Decision").
pub(super) const ASSUMPTION: &str = "MCP enforcement is not active for people without a Cedar policy, so that \
     the gateway permits everything; the service does not document this";

/// The Cedar policies that change.
#[derive(Debug, Default)]
pub(super) struct CedarChanges {
    /// The statements that change.
    pub(super) statements: Vec<StatementChange>,
    /// One entry for each changed policy whose effect is not established.
    pub(super) not_analyzed: BTreeSet<NotAnalyzed>,
    /// The names of the policies in `not_analyzed` that can only deny more: they gain a `forbid` or
    /// lose a `permit`.
    pub(super) only_close: BTreeSet<String>,
    /// The requests that are decided differently.
    pub(super) rows: Vec<DecisionRow>,
}

/// A row with the decisions.
#[derive(Debug)]
pub(super) struct DecisionRow {
    pub(super) before: Outcome,
    pub(super) after: Outcome,
    pub(super) row: AccessRow,
}

impl DecisionRow {
    /// Whether more is permitted than before.
    pub(super) fn widens(&self) -> bool {
        self.after.is_wider_than(self.before)
    }
}

/// Compares the Cedar policies before and after a plan. A policy that only changes its name, its
/// layout, its comments or the order of its statements decides as before. Changed decisions about
/// requests of the patterns `within` are not listed.
pub(super) fn cedar_changes(
    before: &DockerLiveState,
    after: &DockerLiveState,
    locate: &Locate<'_>,
    within: &[McpPattern],
) -> CedarChanges {
    let mut old: Vec<CedarPolicy<'_>> = cedar_policies(before).collect();
    let mut new: Vec<CedarPolicy<'_>> = cedar_policies(after).collect();
    new.retain(|policy| {
        let same =
            |other: &CedarPolicy<'_>| (other.cedar, other.scope) == (policy.cedar, policy.scope);
        let unchanged = old.iter().position(same);
        unchanged.map(|at| old.swap_remove(at)).is_none()
    });
    // In live state, names may repeat.
    let mut by_name: BTreeMap<&str, [Vec<CedarPolicy<'_>>; 2]> = BTreeMap::new();
    for (side, policies) in [old, new].into_iter().enumerate() {
        for policy in policies {
            by_name.entry(policy.name).or_default()[side].push(policy);
        }
    }
    let mut changes = CedarChanges::default();
    let mut has_other_reason = false;
    for (name, [old, new]) in &by_name {
        for at in 0..old.len().max(new.len()) {
            has_other_reason |= changes.add(name, old.get(at), new.get(at), locate);
        }
    }
    if changes.not_analyzed.is_empty() || has_other_reason {
        return changes;
    }
    if let Some(rows) = decision_rows(before, after, locate, within) {
        changes.not_analyzed.clear();
        changes.rows = rows;
    }
    changes
}

/// The requests that Cedar policies decide differently, or nothing if that is not established. Where
/// enforcement may begin or end, the service does not document what is decided on the other side.
fn decision_rows(
    before: &DockerLiveState,
    after: &DockerLiveState,
    locate: &Locate<'_>,
    within: &[McpPattern],
) -> Option<Vec<DecisionRow>> {
    let EnforcementRows {
        opens,
        closes,
        not_analyzed,
    } = enforcement_rows(before, after, locate);
    if !opens.is_empty() || !closes.is_empty() || !not_analyzed.is_empty() {
        return None;
    }
    let ScopedTexts { groups, texts } = scoped_texts(before, after);
    let mut comparison = CedarComparison::new();
    for (position, text) in texts.iter().enumerate() {
        comparison.add(position, text.text, &text.before, &text.after);
    }
    let rows = comparison.run_outside(&groups, within)?;
    let name = |position: &usize| texts.get(*position).map_or("", |text| text.policy);
    Some(
        rows.into_iter()
            .map(|row| decision_row(row, &name, locate))
            .collect(),
    )
}

/// The text of a Cedar policy, with the groups that it applies to before and after a plan.
pub(super) struct ScopedText<'a> {
    pub(super) policy: &'a str,
    pub(super) text: &'a str,
    pub(super) before: Vec<usize>,
    pub(super) after: Vec<usize>,
}

/// The texts of all Cedar policies before and after a plan.
pub(super) struct ScopedTexts<'a> {
    pub(super) groups: GroupTable,
    pub(super) texts: Vec<ScopedText<'a>>,
}

/// All Cedar policies before and after a plan. A policy with the same text and scope on both sides is
/// one entry. The order does not depend on the order of the states.
pub(super) fn scoped_texts<'a>(
    before: &'a DockerLiveState,
    after: &'a DockerLiveState,
) -> ScopedTexts<'a> {
    let mut old: Vec<CedarPolicy<'a>> = cedar_policies(before).collect();
    let mut new: Vec<CedarPolicy<'a>> = cedar_policies(after).collect();
    // The order of the server has no meaning.
    for side in [&mut old, &mut new] {
        side.sort_by_key(|policy| (policy.name, &policy.cedar.text, &policy.scope.teams));
    }
    let groups = GroupTable::of(old.iter().chain(&new).map(|policy| policy.scope));
    let mut texts = Vec::new();
    for policy in &new {
        let same = |other: &CedarPolicy<'_>| {
            (&other.cedar.text, other.scope) == (&policy.cedar.text, policy.scope)
        };
        let after = groups.groups(policy.scope);
        let before = match old.iter().position(same) {
            Some(at) => {
                old.remove(at);
                after.clone()
            }
            None => Vec::new(),
        };
        texts.push(ScopedText {
            policy: policy.name,
            text: &policy.cedar.text,
            before,
            after,
        });
    }
    for policy in &old {
        texts.push(ScopedText {
            policy: policy.name,
            text: &policy.cedar.text,
            before: groups.groups(policy.scope),
            after: Vec::new(),
        });
    }
    ScopedTexts { groups, texts }
}

fn decision_row<'n>(
    row: CedarRow,
    name: &dyn Fn(&usize) -> &'n str,
    locate: &Locate<'_>,
) -> DecisionRow {
    let CedarRow {
        before,
        after,
        people,
        what,
        witness,
        policy,
        deciding_before,
        deciding_after,
    } = row;
    let deciding = |outcome: Outcome, positions: &[usize]| -> Vec<DecidingRule> {
        let rules = positions.iter().map(|position| DecidingRule {
            policy: name(position).to_owned(),
            rule: None,
            allows: outcome != Outcome::Deny,
            asks: outcome == Outcome::Approval,
            resource: what.clone(),
            source: locate(name(position), None),
        });
        rules.collect()
    };
    let row = AccessRow {
        who: people,
        what: vec![what.clone()],
        except: Vec::new(),
        witness,
        rule: RuleReference {
            policy: name(&policy).to_owned(),
            rule: None,
            source: locate(name(&policy), None),
        },
        before: deciding(before, &deciding_before),
        after: deciding(after, &deciding_after),
        assumption: None,
    };
    DecisionRow { before, after, row }
}

#[derive(Clone, Copy)]
struct CedarPolicy<'a> {
    name: &'a str,
    cedar: &'a Cedar,
    scope: &'a Scope,
}

fn cedar_policies(state: &DockerLiveState) -> impl Iterator<Item = CedarPolicy<'_>> {
    state.policies.iter().filter_map(cedar_policy)
}

fn cedar_policy(policy: &LivePolicy) -> Option<CedarPolicy<'_>> {
    match &policy.content {
        LiveContent::Cedar(cedar) => Some(CedarPolicy {
            name: &policy.name,
            cedar,
            scope: &policy.scope,
        }),
        LiveContent::Rules(_) | LiveContent::Opaque(_) => None,
    }
}

impl CedarChanges {
    /// Adds a changed policy. Returns whether it changes in more than its statements and scope.
    fn add(
        &mut self,
        name: &str,
        old: Option<&CedarPolicy<'_>>,
        new: Option<&CedarPolicy<'_>>,
        locate: &Locate<'_>,
    ) -> bool {
        let text = |policy: Option<&CedarPolicy<'_>>| {
            policy
                .map_or("", |policy| policy.cedar.text.as_str())
                .to_owned()
        };
        let mut reasons = Vec::new();
        let mut has_other_reason = false;
        if let (Some(old), Some(new)) = (old, new) {
            if old.scope != new.scope {
                reasons.push("its scope changes".to_owned());
            }
            if old.cedar.schema_url != new.cedar.schema_url {
                reasons.push("its schema changes".to_owned());
                has_other_reason = true;
            }
        }
        let mut only_closes = reasons.is_empty();
        match statement_differences(&text(old), &text(new)) {
            Ok(differences) => {
                only_closes &= differences.iter().all(only_denies_more);
                let changes = differences
                    .into_iter()
                    .map(|difference| statement_change(name, difference, locate));
                let changes: Vec<StatementChange> = changes.collect();
                reasons.extend(counts(&changes));
                self.statements.extend(changes);
            }
            Err(why) => {
                reasons.push(format!("the Cedar policy changes, and {why}"));
                only_closes = false;
                has_other_reason = true;
            }
        }
        if !reasons.is_empty() {
            self.not_analyzed.insert(NotAnalyzed {
                kind: NotAnalyzedKind::Cedar,
                policy: name.to_owned(),
                reason: reasons.join("; "),
                source: locate(name, None),
            });
            if only_closes {
                self.only_close.insert(name.to_owned());
            }
        }
        has_other_reason
    }
}

/// Whether a difference can only deny more. A removed `permit` with an approval does not count, because
/// another `permit` may then allow without one.
fn only_denies_more(difference: &StatementDifference) -> bool {
    match difference {
        StatementDifference::Added(after) => after.effect == StatementEffect::Forbid,
        StatementDifference::Removed(before) => before.effect == StatementEffect::Permit,
        StatementDifference::Changed { .. } => false,
    }
}

fn statement_change(
    policy: &str,
    difference: StatementDifference,
    locate: &Locate<'_>,
) -> StatementChange {
    let (change, before, after) = match difference {
        StatementDifference::Added(after) => (StatementChangeKind::Added, None, Some(after)),
        StatementDifference::Removed(before) => (StatementChangeKind::Removed, Some(before), None),
        StatementDifference::Changed { before, after } => {
            (StatementChangeKind::Changed, Some(before), Some(after))
        }
    };
    StatementChange {
        policy: policy.to_owned(),
        change,
        before,
        after,
        source: locate(policy, None),
    }
}

/// "2 statements added, 1 statement removed"; nothing if no statement changes.
fn counts(changes: &[StatementChange]) -> Option<String> {
    let count = |kind: StatementChangeKind, word: &str| {
        let count = changes
            .iter()
            .filter(|change| change.change == kind)
            .count();
        (count > 0).then(|| format!("{} {word}", plural(count, "statement", "statements")))
    };
    let parts = [
        count(StatementChangeKind::Added, "added"),
        count(StatementChangeKind::Removed, "removed"),
        count(StatementChangeKind::Changed, "changed"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Changes of MCP enforcement, as rows about all MCP activity.
#[derive(Debug, Default)]
pub(super) struct EnforcementRows {
    /// The last Cedar policy that reaches the people is removed.
    pub(super) opens: Vec<AccessRow>,
    /// The first Cedar policy that reaches the people is added.
    pub(super) closes: Vec<AccessRow>,
    /// Policies whose people cannot be listed.
    pub(super) not_analyzed: Vec<NotAnalyzed>,
}

/// Compares the scopes of Cedar policies before and after a plan. A policy without
/// statements has no effect.
pub(super) fn enforcement_rows(
    before: &DockerLiveState,
    after: &DockerLiveState,
    locate: &Locate<'_>,
) -> EnforcementRows {
    let effective = |state| {
        let policies = cedar_policies(state);
        policies.filter(|policy: &CedarPolicy<'_>| has_statements(&policy.cedar.text))
    };
    let sides = effective(before)
        .map(|policy| (policy, true))
        .chain(effective(after).map(|policy| (policy, false)));
    let mut policies: Vec<(CedarPolicy<'_>, bool)> = sides.collect();
    // The order of the server has no meaning.
    policies.sort_by_key(|(policy, _)| {
        let Scope { teams, profiles } = policy.scope;
        (policy.name, teams, profiles)
    });
    let groups = GroupTable::of(policies.iter().map(|(policy, _)| policy.scope));
    let mut comparison = EnforcementComparison::new();
    for (position, (policy, is_before)) in policies.iter().enumerate() {
        let scope = groups.groups(policy.scope);
        if *is_before {
            comparison.add(position, scope, []);
        } else {
            comparison.add(position, [], scope);
        }
    }
    let name = |position: usize| policies.get(position).map_or("", |(policy, _)| policy.name);
    let EnforcementDifference { rows, not_listed } = comparison.run(&groups);
    let mut found = EnforcementRows::default();
    for row in rows {
        let policy = name(row.policy);
        let rows = match row.kind {
            RowKind::Opens | RowKind::WeakensGuard => &mut found.opens,
            RowKind::Closes | RowKind::StrengthensGuard => &mut found.closes,
        };
        rows.push(AccessRow {
            who: row.people,
            what: vec![ALL_MCP.to_owned()],
            except: Vec::new(),
            witness: WITNESS.to_owned(),
            rule: RuleReference {
                policy: policy.to_owned(),
                rule: None,
                source: locate(policy, None),
            },
            before: Vec::new(),
            after: Vec::new(),
            assumption: Some(ASSUMPTION.to_owned()),
        });
    }
    found
        .not_analyzed
        .extend(not_listed.into_iter().map(|position| NotAnalyzed {
            kind: NotAnalyzedKind::TooComplex,
            policy: name(position).to_owned(),
            reason: "it concerns more than 64 combinations of teams".to_owned(),
            source: locate(name(position), None),
        }));
    found
}
