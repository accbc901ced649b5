//! Checks gates about MCP requests against Cedar policies.
//!
//! All requests of a pattern are divided into finitely many cases (see `space`): the values of
//! everything that the pattern does not give, as far as a statement distinguishes them. In each case
//! it is known which statements match, and the people that a gate fails for are a Boolean formula over
//! groups (see `people`). No failing case is therefore a proof for all requests and all people.
//!
//! Where the decision is not certain, the reading is the least favorable one:
//! - *Approval required* may become an approval or a refusal. It breaks a `never` gate and does not
//!   satisfy an `always` gate.
//! - Whether people without a Cedar policy may do everything or nothing is not documented. Both kinds
//!   of gates fail for them, and the breach says that it is an assumption.
//! - A statement that cannot be divided into cases may match or not match. If the result depends on
//!   it, nothing is claimed: its policy is not analyzed.

use std::collections::BTreeMap;

use super::super::audience::Audience;
use super::super::bits::BitSet;
use super::super::gate_kind::GateKind;
use super::super::people::{Formula, GroupTable, People, Term, TooManyTerms, conjunction, meets};
use super::super::unknown::Outcome;
use super::compare::SideScopes;
use super::lint::never_matches;
use super::nesting;
use super::outcome::combine;
use super::pattern::McpPattern;
use super::schema::McpAction;
use super::space::{Cases, Dimension, StatementModel, classes_of_case};
use super::statements;

/// More breaches of one gate are not listed.
const MOST: usize = 64;

/// Cedar policies before and after a change, each with the groups that it applies to.
#[derive(Debug, Default)]
pub struct McpGateCheck {
    policies: Vec<PolicyScopes>,
    statements: Vec<GateStatement>,
}

#[derive(Debug)]
struct PolicyScopes {
    position: usize,
    is_readable: bool,
    before: BitSet,
    after: BitSet,
}

#[derive(Debug)]
struct GateStatement {
    model: StatementModel,
    /// The actions that it can match.
    actions: Vec<McpAction>,
    policy: usize,
    /// The number in the text of its policy, from 1.
    number: usize,
    before: BitSet,
    after: BitSet,
}

/// Requests for which a gate fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct McpBreach {
    /// The people. For a gate with an audience, the groups of that audience.
    pub people: People,
    /// One of the requests, for `polwarden explain`.
    pub witness: String,
    /// The decision before the change with the policies that decide, by position, for the smallest
    /// set of groups of the people. `None` if no Cedar policy applied to them.
    pub before: Option<(Outcome, Vec<usize>)>,
    /// The decision after the change.
    pub after: Option<(Outcome, Vec<usize>)>,
}

/// What is found about one gate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct McpGateResult {
    /// Requests for which it fails.
    pub breaches: Vec<McpBreach>,
    /// Policies whose effect on the gate is not established, by position, with the reason as a
    /// clause.
    pub not_analyzed: Vec<(usize, String)>,
}

/// A set of people and requests for which a gate fails, by numbers.
struct FailedCase {
    action: McpAction,
    people: Formula,
    witness: String,
    matching: Vec<usize>,
}

impl McpGateCheck {
    /// Creates a check without policies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the text of a policy that applies to the groups `before` before the change and to the
    /// groups `after` after it; group 0 is everyone. Results refer to the policy by `position`.
    pub fn add(&mut self, position: usize, text: &str, before: &[usize], after: &[usize]) {
        if !statements::has_statements(text) {
            return;
        }
        let before: BitSet = before.iter().copied().collect();
        let after: BitSet = after.iter().copied().collect();
        let read = nesting::with_room(|| models(text)).flatten();
        self.policies.push(PolicyScopes {
            position,
            is_readable: read.is_some(),
            before: before.clone(),
            after: after.clone(),
        });
        let read = read.into_iter().flatten();
        self.statements
            .extend(read.map(|(number, model, actions)| GateStatement {
                model,
                actions,
                policy: position,
                number,
                before: before.clone(),
                after: after.clone(),
            }));
    }

    /// Checks one gate after the change, for members of exactly the groups of an audience, or for
    /// every combination of groups.
    pub fn check(
        &self,
        kind: GateKind,
        pattern: &McpPattern,
        audience: Option<&Audience>,
        groups: &GroupTable,
    ) -> McpGateResult {
        let search = GateSearch {
            check: self,
            kind,
            pattern,
            members: audience.map(|audience| groups.members(audience)),
        };
        let found = nesting::with_room(|| search.run());
        let Some((failed, not_analyzed)) = found else {
            let reason = "there is not enough memory to read it";
            let all = self.policies.iter();
            return McpGateResult {
                breaches: Vec::new(),
                not_analyzed: all.map(|it| (it.position, reason.to_owned())).collect(),
            };
        };
        let mut result = McpGateResult {
            breaches: Vec::new(),
            not_analyzed,
        };
        for case in failed {
            let breach = self.breach(case, &search, audience, groups);
            let is_same = |known: &McpBreach| {
                (&known.people, &known.before, &known.after)
                    == (&breach.people, &breach.before, &breach.after)
            };
            if result.breaches.len() < MOST && !result.breaches.iter().any(is_same) {
                result.breaches.push(breach);
            }
        }
        result
    }

    /// The groups that some policy with statements applies to.
    fn effective(&self, side: impl Fn(&PolicyScopes) -> &BitSet) -> BitSet {
        let mut all = BitSet::default();
        for policy in &self.policies {
            all.add(side(policy));
        }
        all
    }

    fn breach(
        &self,
        case: FailedCase,
        search: &GateSearch<'_>,
        audience: Option<&Audience>,
        groups: &GroupTable,
    ) -> McpBreach {
        let FailedCase {
            action,
            people,
            witness,
            matching,
        } = case;
        let person = match &search.members {
            Some(members) => members.clone(),
            None => people.representative(),
        };
        McpBreach {
            people: audience.map_or_else(|| groups.people(&people), People::members_of),
            witness,
            before: self.decision(action, &matching, &person, |it| &it.before, |it| &it.before),
            after: self.decision(action, &matching, &person, |it| &it.after, |it| &it.after),
        }
    }

    /// The decision for members of some groups, with the policies that decide. Nothing if no policy
    /// applies to them.
    fn decision(
        &self,
        action: McpAction,
        matching: &[usize],
        person: &BitSet,
        of_statement: impl Fn(&GateStatement) -> &BitSet,
        of_policy: impl Fn(&PolicyScopes) -> &BitSet,
    ) -> Option<(Outcome, Vec<usize>)> {
        if !meets(person, &self.effective(of_policy)) {
            return None;
        }
        let reaching: Vec<&GateStatement> = matching
            .iter()
            .filter_map(|at| self.statements.get(*at))
            .filter(|statement| meets(person, of_statement(statement)))
            .collect();
        let models: Vec<&StatementModel> = reaching.iter().map(|it| &it.model).collect();
        let (outcome, numbers) = combine(action, &models, &vec![true; models.len()]);
        let policies = numbers.iter().filter_map(|at| reaching.get(*at));
        let mut policies: Vec<usize> = policies.map(|it| it.policy).collect();
        policies.sort_unstable();
        policies.dedup();
        Some((outcome, policies))
    }
}

/// Parses a text into the numbers of its statements, with the actions that each can match.
fn models(text: &str) -> Option<Vec<(usize, StatementModel, Vec<McpAction>)>> {
    let read = statements::read(text).ok()?;
    let each = read.iter().map(|statement| {
        let model = StatementModel::new(&statement.policy).ok()?;
        let matched = McpAction::ALL.into_iter();
        let actions = matched.filter(|action| !never_matches(&model, *action));
        let actions: Vec<McpAction> = actions.collect();
        Some((statement.number, model, actions))
    });
    each.collect()
}

/// A search for the requests of one gate for which it fails.
struct GateSearch<'c> {
    check: &'c McpGateCheck,
    kind: GateKind,
    pattern: &'c McpPattern,
    /// The groups of the audience, if the gate has one.
    members: Option<BitSet>,
}

impl GateSearch<'_> {
    /// The failing cases, and the policies that are not analyzed, each with the reason.
    fn run(&self) -> (Vec<FailedCase>, Vec<(usize, String)>) {
        let mut failed = Vec::new();
        let mut unknown: BTreeMap<usize, String> = BTreeMap::new();
        let mut unreadable = BitSet::default();
        for policy in &self.check.policies {
            if !policy.is_readable && self.reaches(&policy.after) {
                unreadable.add(&policy.after);
                let reason = "this version cannot parse it".to_owned();
                unknown.insert(policy.position, reason);
            }
        }
        for action in self.pattern.actions() {
            self.action(action, &unreadable, &mut failed, &mut unknown);
        }
        failed.extend(self.without_policies());
        (failed, unknown.into_iter().collect())
    }

    /// Whether a scope includes some of the people that the gate is about.
    fn reaches(&self, scope: &BitSet) -> bool {
        match &self.members {
            Some(members) => meets(members, scope),
            None => !scope.is_empty(),
        }
    }

    /// The people without a Cedar policy: the service does not document what they may do.
    fn without_policies(&self) -> Option<FailedCase> {
        let effective = self.check.effective(|it| &it.after);
        let people = match &self.members {
            Some(members) if meets(members, &effective) => Formula::default(),
            Some(members) => exactly(members),
            None => {
                let mut terms = Vec::new();
                let found = conjunction(&[], &[&effective], &mut terms);
                formula(found.and_then(|()| Formula::of(terms)))
            }
        };
        let action = self.pattern.actions().first().copied()?;
        (!people.is_nobody()).then(|| FailedCase {
            action,
            people,
            witness: self.pattern.witness(action, &[], &[]),
            matching: Vec::new(),
        })
    }

    /// Adds the failing cases of one action, except for people in the scope of a policy that cannot be
    /// parsed.
    fn action(
        &self,
        action: McpAction,
        unreadable: &BitSet,
        failed: &mut Vec<FailedCase>,
        unknown: &mut BTreeMap<usize, String>,
    ) {
        let all = self.check.statements.iter().enumerate();
        let relevant: Vec<usize> = all
            .filter(|(_, statement)| {
                let reaches = self.reaches(&statement.after) || self.reaches(&statement.before);
                reaches && statement.actions.contains(&action)
            })
            .map(|(at, _)| at)
            .collect();
        let statements: Vec<&GateStatement> = relevant
            .iter()
            .filter_map(|at| self.check.statements.get(*at))
            .collect();
        let models: Vec<&StatementModel> = statements.iter().map(|it| &it.model).collect();
        let question = self.pattern.question(action);
        let comparisons = self.pattern.name_comparisons();
        let Ok(found) = question.cases_divided_by(&models, &comparisons) else {
            let reason = "its conditions distinguish too many requests of the gate";
            for statement in statements.iter().filter(|it| self.reaches(&it.after)) {
                unknown.insert(statement.policy, reason.to_owned());
            }
            return;
        };
        for (classes, numbers) in self.groups_of_cases(&found) {
            let matching: Vec<Vec<usize>> = numbers
                .iter()
                .filter_map(|number| found.cases.get(*number))
                .map(|case| {
                    let pairs = relevant.iter().zip(&case.matches);
                    pairs
                        .filter_map(|(at, is_match)| is_match.then_some(*at))
                        .collect()
                })
                .collect();
            // In the last case, no statement matches that may match or not.
            let Some(certain) = matching.last() else {
                continue;
            };
            let mut avoided = unreadable.clone();
            let each: Vec<Formula> = matching
                .iter()
                .map(|matching| self.people(action, matching, &avoided))
                .collect();
            if each.iter().any(|people| Some(people) != each.last()) {
                let mut undecided = matching.iter().flatten().filter(|at| !certain.contains(at));
                while let Some(statement) = undecided
                    .next()
                    .and_then(|at| self.check.statements.get(*at))
                {
                    avoided.add(&statement.after);
                    let reason = format!(
                        "the requests that statement {} matches cannot be divided into cases",
                        statement.number
                    );
                    unknown.insert(statement.policy, reason);
                }
            }
            let people = self.people(action, certain, &avoided);
            if !people.is_nobody() {
                failed.push(FailedCase {
                    action,
                    people,
                    witness: self.pattern.witness(action, &found.dimensions, &classes),
                    matching: certain.clone(),
                });
            }
        }
    }

    /// The cases of the pattern with the same values of all variables, by their numbers. They differ in
    /// the statements that may match or not.
    fn groups_of_cases(&self, found: &Cases) -> BTreeMap<Vec<usize>, Vec<usize>> {
        let mut groups: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for number in 0..found.cases.len() {
            let mut classes = classes_of_case(&found.dimensions, number);
            if !self.pattern.contains_case(&found.dimensions, &classes) {
                continue;
            }
            for (class, dimension) in classes.iter_mut().zip(&found.dimensions) {
                if matches!(dimension, Dimension::Statement(_)) {
                    *class = 0;
                }
            }
            groups.entry(classes).or_default().push(number);
        }
        groups
    }

    /// The people that the gate fails for if these statements match, except for those in the groups
    /// `avoided`.
    fn people(&self, action: McpAction, matching: &[usize], avoided: &BitSet) -> Formula {
        let statements = matching
            .iter()
            .filter_map(|at| self.check.statements.get(*at));
        let scopes = SideScopes::of(statements.map(|it| (&it.model, &it.after)));
        let effective = self.check.effective(|it| &it.after);
        // What needs an approval may be allowed, and may be refused.
        let failing = match self.kind {
            GateKind::Never => [Outcome::Allow, Outcome::Approval],
            GateKind::Always => [Outcome::Deny, Outcome::Approval],
        };
        let conditions = failing.map(|outcome| scopes.conditions(action, outcome));
        let conditions = conditions.iter().flatten();
        if let Some(members) = &self.members {
            let mut all = conditions;
            let is_failing = all.any(|condition| {
                condition.meets.iter().all(|scope| meets(members, scope))
                    && !condition.avoids.iter().any(|scope| meets(members, scope))
            });
            let is_certain = meets(members, &effective) && !meets(members, avoided);
            return if is_failing && is_certain {
                exactly(members)
            } else {
                Formula::default()
            };
        }
        let mut terms: Vec<Term> = Vec::new();
        for condition in conditions {
            let met: Vec<&BitSet> = [&condition.meets[..], &[&effective]].concat();
            let avoids: Vec<&BitSet> = [&condition.avoids[..], &[avoided]].concat();
            if let Err(TooManyTerms { first }) = conjunction(&met, &avoids, &mut terms) {
                return Formula(vec![first]);
            }
        }
        formula(Formula::of(terms))
    }
}

/// Members of these groups, for gates with an audience.
fn exactly(members: &BitSet) -> Formula {
    Formula(vec![Term {
        all_of: members.iter().collect(),
        none_of: BitSet::default(),
    }])
}

/// A formula that is too long to list is not empty: one of its terms stands for it.
fn formula(found: Result<Formula, TooManyTerms>) -> Formula {
    found.unwrap_or_else(|TooManyTerms { first }| Formula(vec![first]))
}
