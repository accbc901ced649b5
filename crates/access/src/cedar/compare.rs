//! Compares the decisions of Cedar policies before and after a change.
//!
//! All requests with one action are divided into finitely many cases (see `space`), and in each case it
//! is known which statements match. What is decided for a person then depends only on which of these
//! statements apply to them, so that a changed decision is a Boolean formula over groups (see
//! `people`). Cases with the same change are described together.
//!
//! Only people who have a policy before and after the change are compared here; `enforcement`
//! covers the others. Where a changed statement cannot be divided into cases, nothing is claimed.
//!
//! Example: `forbid(… resource in MCP::Server::"legacy")` is removed for team T, and everyone may call
//! all tools. The row is `mcp invokeTool * when server is "legacy"`, opened for members of T.

use cedar_policy::Effect;

use super::super::bits::BitSet;
use super::super::people::{Formula, GroupTable, People, Term, conjunction, meets};
use super::super::unknown::Outcome;
use super::lint::never_matches;
use super::nesting;
use super::outcome::{DecisionTree, conditions};
use super::pattern::{McpPattern, entity_text};
use super::schema::McpAction;
use super::space::{Case, Dimension, Question, StatementModel, classes_of_case};
use super::statements;
use super::uses::{Uses, Variable};

/// Cedar policies before and after a change, each with the groups that it applies to.
#[derive(Debug, Default)]
pub struct CedarComparison {
    statements: Vec<ScopedStatement>,
    /// For each policy with statements, the groups before and after.
    effective: (BitSet, BitSet),
    unreadable: bool,
}

#[derive(Debug)]
struct ScopedStatement {
    model: StatementModel,
    /// The content, without whitespace and comments.
    content: String,
    policy: usize,
    before: BitSet,
    after: BitSet,
}

/// Requests whose decision changes in the same way, for the same people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CedarRow {
    /// The decision before.
    pub before: Outcome,
    /// The decision after.
    pub after: Outcome,
    /// The people.
    pub people: People,
    /// The requests: `mcp invokeTool delete_issue when server is "github"`.
    pub what: String,
    /// One of the requests.
    pub witness: String,
    /// The policy that causes the change, by position.
    pub policy: usize,
    /// The policies that decide before, by position, for the smallest set of groups of the people.
    pub deciding_before: Vec<usize>,
    /// The policies that decide after.
    pub deciding_after: Vec<usize>,
}

/// The changes of some cases, and what causes them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DecisionChange {
    before: Outcome,
    after: Outcome,
    people: Formula,
    policy: usize,
    deciding_before: Vec<usize>,
    deciding_after: Vec<usize>,
}

impl Outcome {
    /// The order from what permits least to what permits most.
    pub fn is_wider_than(self, other: Self) -> bool {
        let rank = |outcome| match outcome {
            Self::Deny => 0,
            Self::Approval => 1,
            Self::Allow => 2,
        };
        rank(self) > rank(other)
    }
}

impl CedarComparison {
    /// Creates an empty comparison.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the text of a policy that applies to the groups `before` before the change and to the
    /// groups `after` after it; group 0 is everyone. Rows refer to the policy by `position`.
    pub fn add(&mut self, position: usize, text: &str, before: &[usize], after: &[usize]) {
        if !statements::has_statements(text) {
            return;
        }
        self.effective.0.add(&before.iter().copied().collect());
        self.effective.1.add(&after.iter().copied().collect());
        let Some(read) = nesting::with_room(|| models(text)).flatten() else {
            self.unreadable = true;
            return;
        };
        for (model, content) in read {
            let known = self.statements.iter_mut().find(|it| it.content == content);
            match known {
                Some(known) => {
                    known.before.add(&before.iter().copied().collect());
                    known.after.add(&after.iter().copied().collect());
                    // The policy whose text changes is named.
                    if before.is_empty() != after.is_empty() {
                        known.policy = position;
                    }
                }
                None => self.statements.push(ScopedStatement {
                    model,
                    content,
                    policy: position,
                    before: before.iter().copied().collect(),
                    after: after.iter().copied().collect(),
                }),
            }
        }
    }

    /// All changes of decisions, or nothing if they cannot be established.
    pub fn run(&self, groups: &GroupTable) -> Option<Vec<CedarRow>> {
        self.run_outside(groups, &[])
    }

    /// All changes of decisions about requests outside of some patterns, or nothing if they cannot be
    /// established.
    pub fn run_outside(
        &self,
        groups: &GroupTable,
        patterns: &[McpPattern],
    ) -> Option<Vec<CedarRow>> {
        if self.unreadable {
            return None;
        }
        nesting::with_room(|| {
            let mut rows = Vec::new();
            for action in McpAction::ALL {
                rows.extend(self.action(action, groups, patterns)?);
            }
            Some(rows)
        })
        .flatten()
    }

    fn action(
        &self,
        action: McpAction,
        groups: &GroupTable,
        patterns: &[McpPattern],
    ) -> Option<Vec<CedarRow>> {
        let about = self.statements.iter();
        let statements: Vec<&ScopedStatement> = about
            .filter(|it| it.model.is_about(action) && !never_matches(&it.model, action))
            .collect();
        if statements.iter().all(|it| it.before == it.after) {
            return Some(Vec::new());
        }
        let models: Vec<&StatementModel> = statements.iter().map(|it| &it.model).collect();
        let mut further = Uses::default();
        for pattern in patterns {
            pattern.add_comparisons(action, &mut further);
        }
        let question = Question::about(action);
        let found = question.cases_divided_by(&models, &further).ok()?;
        let mut changes: Vec<Vec<DecisionChange>> = Vec::with_capacity(found.cases.len());
        for (number, case) in found.cases.iter().enumerate() {
            let classes = classes_of_case(&found.dimensions, number);
            let is_inside =
                |pattern: &McpPattern| pattern.covers_case(action, &found.dimensions, &classes);
            changes.push(if patterns.iter().any(is_inside) {
                Vec::new()
            } else {
                self.changes(action, &statements, case)?
            });
        }
        if changes.iter().all(Vec::is_empty) {
            return Some(Vec::new());
        }
        // Not every combination of such statements is possible.
        let is_exact = |it: &Dimension| matches!(it, Dimension::Variable(..));
        if !found.dimensions.iter().all(is_exact) {
            return None;
        }
        let labels: Vec<&Vec<DecisionChange>> = changes.iter().collect();
        let mut rows = Vec::new();
        for (path, changes) in DecisionTree::of(&found.dimensions, &labels).leaves() {
            let (what, witness) = describe(action, &found.dimensions, &path);
            rows.extend(changes.into_iter().map(|change| CedarRow {
                before: change.before,
                after: change.after,
                people: groups.people(&change.people),
                what: what.clone(),
                witness: witness.clone(),
                policy: change.policy,
                deciding_before: change.deciding_before,
                deciding_after: change.deciding_after,
            }));
        }
        Some(rows)
    }

    /// The people whose decision changes in one case. Nothing if a formula is too long.
    fn changes(
        &self,
        action: McpAction,
        statements: &[&ScopedStatement],
        case: &Case,
    ) -> Option<Vec<DecisionChange>> {
        let matching: Vec<&ScopedStatement> = statements
            .iter()
            .zip(&case.matches)
            .filter_map(|(statement, is_match)| is_match.then_some(*statement))
            .collect();
        let Some(cause) = matching.iter().find(|it| it.before != it.after) else {
            return Some(Vec::new());
        };
        let old = SideScopes::of(matching.iter().map(|it| (&it.model, &it.before)));
        let new = SideScopes::of(matching.iter().map(|it| (&it.model, &it.after)));
        let mut found = Vec::new();
        for before in [Outcome::Deny, Outcome::Approval, Outcome::Allow] {
            for after in [Outcome::Deny, Outcome::Approval, Outcome::Allow] {
                if before == after {
                    continue;
                }
                let mut terms: Vec<Term> = Vec::new();
                for first in old.conditions(action, before) {
                    for second in new.conditions(action, after) {
                        let own = [&self.effective.0, &self.effective.1];
                        let meets: Vec<&BitSet> =
                            [&first.meets[..], &second.meets[..], &own[..]].concat();
                        let avoids: Vec<&BitSet> = [&first.avoids[..], &second.avoids[..]].concat();
                        conjunction(&meets, &avoids, &mut terms).ok()?;
                    }
                }
                let people = Formula::of(terms).ok()?;
                if people.is_nobody() {
                    continue;
                }
                let person = people.representative();
                found.push(DecisionChange {
                    before,
                    after,
                    policy: cause.policy,
                    deciding_before: deciding(&matching, before, &person, |it| &it.before),
                    deciding_after: deciding(&matching, after, &person, |it| &it.after),
                    people,
                });
            }
        }
        Some(found)
    }
}

/// Parses a text into statements with their contents.
fn models(text: &str) -> Option<Vec<(StatementModel, String)>> {
    let read = statements::read(text).ok()?;
    let each = read.iter().map(|statement| {
        let model = StatementModel::new(&statement.policy).ok()?;
        let content = statement.policy.to_json().ok()?.to_string();
        Some((model, content))
    });
    each.collect()
}

/// The scopes of the matching statements on one side, by effect.
pub(super) struct SideScopes {
    forbids: BitSet,
    approvals: BitSet,
    permits: BitSet,
}

/// People who meet each of some scopes and avoid others.
pub(super) struct Condition<'s> {
    pub(super) meets: Vec<&'s BitSet>,
    pub(super) avoids: Vec<&'s BitSet>,
}

impl SideScopes {
    /// The matching statements, each with its scope.
    pub(super) fn of<'a>(matching: impl Iterator<Item = (&'a StatementModel, &'a BitSet)>) -> Self {
        let mut scopes = Self {
            forbids: BitSet::default(),
            approvals: BitSet::default(),
            permits: BitSet::default(),
        };
        for (model, scope) in matching {
            let kind = match (model.effect, &model.approval) {
                (Effect::Forbid, _) => &mut scopes.forbids,
                (Effect::Permit, Some(_)) => &mut scopes.approvals,
                (Effect::Permit, None) => &mut scopes.permits,
            };
            kind.add(scope);
        }
        scopes
    }

    /// The people with this outcome, as alternatives.
    pub(super) fn conditions(&self, action: McpAction, outcome: Outcome) -> Vec<Condition<'_>> {
        let Self {
            forbids,
            approvals,
            permits,
        } = self;
        let asks = Condition {
            meets: vec![approvals],
            avoids: vec![forbids],
        };
        // The registration of a server cannot ask for an approval.
        let is_registration = action == McpAction::Register;
        match outcome {
            Outcome::Allow => vec![Condition {
                meets: vec![permits],
                avoids: vec![forbids, approvals],
            }],
            Outcome::Approval if is_registration => Vec::new(),
            Outcome::Approval => vec![asks],
            Outcome::Deny => {
                let mut found = vec![
                    Condition {
                        meets: vec![forbids],
                        avoids: Vec::new(),
                    },
                    Condition {
                        meets: Vec::new(),
                        avoids: vec![forbids, approvals, permits],
                    },
                ];
                if is_registration {
                    found.push(asks);
                }
                found
            }
        }
    }
}

/// The policies that decide one case on one side, for members of some groups.
fn deciding<'a>(
    matching: &[&'a ScopedStatement],
    outcome: Outcome,
    person: &BitSet,
    side: impl Fn(&'a ScopedStatement) -> &'a BitSet,
) -> Vec<usize> {
    let reaching = matching.iter().filter(|it| meets(person, side(it)));
    let decides = |it: &&&ScopedStatement| match outcome {
        Outcome::Deny => it.model.effect == Effect::Forbid,
        Outcome::Approval => it.model.approval.is_some(),
        Outcome::Allow => it.model.effect == Effect::Permit,
    };
    let mut found: Vec<usize> = reaching.filter(decides).map(|it| it.policy).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The requests of some cases as a pattern, and one of them.
fn describe(
    action: McpAction,
    dimensions: &[Dimension],
    path: &[(usize, Vec<usize>)],
) -> (String, String) {
    let mut pattern = None;
    let mut example = "example".to_owned();
    let mut rest = Vec::new();
    for (depth, classes) in path {
        if let Some(Dimension::Variable(Variable::Name, all)) = dimensions.get(*depth)
            && let Some(class) = classes.first().and_then(|class| all.get(*class))
        {
            example = class.text().to_owned();
            if classes.len() == 1 && class.is_literal() {
                pattern = Some(example.clone());
                continue;
            }
        }
        rest.push((*depth, classes.clone()));
    }
    let conditions = conditions(dimensions, &rest, &[]);
    let name = match pattern {
        Some(name) => entity_text(action, &name),
        None => "*".to_owned(),
    };
    let what = format!("mcp {} {name}", action.as_str());
    let what = if conditions.is_empty() {
        what
    } else {
        format!("{what} when {}", conditions.join(" and "))
    };
    (
        what,
        format!("mcp {} {}", action.as_str(), entity_text(action, &example)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::docker::{Scope, TeamId};

    /// The rows of a change, each in one line; each text with the teams of its scope.
    fn rows(before: &[(&str, &[&str])], after: &[(&str, &[&str])]) -> Option<Vec<String>> {
        let scope = |teams: &[&str]| Scope {
            teams: teams.iter().map(|team| TeamId::new(team)).collect(),
            ..Scope::default()
        };
        let scopes: Vec<Scope> = before
            .iter()
            .chain(after)
            .map(|(_, teams)| scope(teams))
            .collect();
        let groups = GroupTable::of(&scopes);
        let mut comparison = CedarComparison::new();
        for (position, (text, teams)) in before.iter().enumerate() {
            comparison.add(position, text, &groups.groups(&scope(teams)), &[]);
        }
        for (position, (text, teams)) in after.iter().enumerate() {
            comparison.add(position, text, &[], &groups.groups(&scope(teams)));
        }
        let rows = comparison.run(&groups)?.into_iter().map(|row| {
            let who: Vec<String> = row
                .people
                .0
                .iter()
                .map(|term| format!("{:?}-{:?}", term.all_of, term.none_of).replace('"', ""))
                .collect();
            format!(
                "{} -> {} {}: {}",
                row.before,
                row.after,
                who.join("|"),
                row.what
            )
        });
        Some(rows.collect())
    }

    const ALL: &str = "permit(principal, action == MCP::Action::\"invokeTool\", resource);";
    const LEGACY: &str = "forbid(principal, action, resource in MCP::Server::\"legacy\");";

    fn same(before: &str, after: &str) -> Option<Vec<String>> {
        rows(&[(before, &[])], &[(after, &[])])
    }

    fn some(expected: &[&str]) -> Option<Vec<String>> {
        Some(expected.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn what_decides_the_same_has_no_rows() {
        let none = some(&[]);
        assert_eq!(same(ALL, &format!("// a\n{ALL}")), none);
        // A statement that never takes effect, and one that another covers.
        let principal = "permit(principal in MCP::Team::\"a\", action, resource);";
        assert_eq!(same(ALL, &format!("{ALL}{principal}")), none);
        let covered = "permit(principal, action == MCP::Action::\"invokeTool\", resource == MCP::Tool::\"x\");";
        assert_eq!(same(ALL, &format!("{ALL}{covered}")), none);
        assert_eq!(
            same(
                "permit(principal, action, resource) when { !(resource.readOnly && resource.idempotent) };",
                "permit(principal, action, resource) when { !resource.readOnly || !resource.idempotent };"
            ),
            none
        );
        // A forbid where nothing is permitted changes no decision.
        assert_eq!(same(LEGACY, "forbid(principal, action, resource);"), none);
        // Also if a statement cannot be divided but stays.
        let late = "permit(principal, action, resource) when { context.request_time.toDate() < datetime(\"2027-01-01\") };";
        assert_eq!(
            same(&format!("{ALL}{late}"), &format!("{late}{ALL}{covered}")),
            none
        );
    }

    #[test]
    fn changed_decisions_are_exact_rows() {
        let everyone = "{}-{}";
        assert_eq!(
            same(&format!("{ALL}{LEGACY}"), ALL),
            some(&[&format!(
                "deny -> allow {everyone}: mcp invokeTool * when server is \"legacy\""
            )])
        );
        let asks = "@requireApproval(\"a\") permit(principal, action == MCP::Action::\"invokeTool\", resource) when { !resource.readOnly };";
        assert_eq!(
            same(ALL, &format!("{ALL}{asks}")),
            some(&[&format!(
                "allow -> approval {everyone}: mcp invokeTool * when resource.readOnly is false"
            )])
        );
        assert_eq!(
            same(LEGACY, &format!("{LEGACY}{asks}")),
            some(&[&format!(
                "deny -> approval {everyone}: mcp invokeTool * when server has any other value and resource.readOnly is false"
            )])
        );
        let limit = |amount: u32| {
            format!(
                "permit(principal, action, resource == MCP::Tool::\"pay\") when {{ context.args.amount <= {amount} }};"
            )
        };
        assert_eq!(
            same(&limit(500), &limit(700)),
            some(&[&format!(
                "deny -> allow {everyone}: mcp invokeTool pay when context.args.amount is from 501 to 700"
            )])
        );
        let until = |date: &str| {
            format!(
                "permit(principal, action == MCP::Action::\"getPrompt\", resource) when {{ context.request_time < datetime(\"{date}\") }};"
            )
        };
        assert_eq!(
            same(&until("2027-01-01"), &until("2028-01-01")),
            some(&[&format!(
                "deny -> allow {everyone}: mcp getPrompt * when context.request_time is at or after 2027-01-01T00:00:00Z and before 2028-01-01T00:00:00Z"
            )])
        );
        // People: the forbid of one team is removed.
        assert_eq!(
            rows(&[(ALL, &[]), (LEGACY, &["t"])], &[(ALL, &[])]),
            some(&["deny -> allow {t}-{}: mcp invokeTool * when server is \"legacy\""])
        );
        // A scope that is narrowed, for people who keep another policy.
        assert_eq!(
            rows(
                &[(LEGACY, &[]), (ALL, &[])],
                &[(LEGACY, &[]), (ALL, &["t"])]
            ),
            some(&["allow -> deny {}-{t}: mcp invokeTool * when server has any other value"])
        );
    }

    #[test]
    fn what_cannot_be_divided_is_not_claimed() {
        let late = "permit(principal, action, resource) when { context.request_time.toDate() < datetime(\"2027-01-01\") };";
        assert_eq!(same(LEGACY, &format!("{LEGACY}{late}")), None);
        assert_eq!(same(ALL, "permit(principal"), None);
    }
}
