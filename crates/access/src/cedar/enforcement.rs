//! Whether MCP enforcement is active, before and after a change.
//!
//! If a Cedar policy is active for a person, MCP requests are denied by default. Where enforcement is
//! not active, the gateway permits everything. The contract does not say whether a person without any
//! Cedar policy counts as "not active", so that both readings are possible. The reading that opens
//! more is the one to report: the first policy of a person may close all MCP activity, and the
//! removal of the last one may open it.
//!
//! A policy reaches a person if its scope meets the groups of that person (see `people`). The removal
//! of the last policy therefore concerns the people who meet a scope before and avoid all scopes
//! after. If several policies reached the same people, the first one is named.
//!
//! Example: of two policies for everyone and for team T, the first is deleted. Enforcement ends for
//! everyone except members of T.

use super::super::bits::BitSet;
use super::super::difference::RowKind;
use super::super::people::{Formula, GroupTable, People, Term, conjunction};

/// Cedar policies before and after a change, each with the groups that it applies to.
#[derive(Debug, Default)]
pub struct EnforcementComparison {
    policies: Vec<PolicyReach>,
}

#[derive(Debug)]
struct PolicyReach {
    position: usize,
    before: BitSet,
    after: BitSet,
}

/// Enforcement may begin or end for some people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnforcementRow {
    /// `Opens` if no Cedar policy reaches the people any more, `Closes` if none did before.
    pub kind: RowKind,
    /// The policy that ends or begins to reach them, by position.
    pub policy: usize,
    /// The people.
    pub people: People,
}

/// All changes of enforcement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnforcementDifference {
    /// The changes.
    pub rows: Vec<EnforcementRow>,
    /// Policies whose people are a disjunction of too many combinations of groups, by position.
    pub not_listed: Vec<usize>,
}

impl EnforcementComparison {
    /// Creates an empty comparison.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a policy that applies to the groups `before` before the change and to the groups `after`
    /// after it; group 0 is everyone. Rows refer to the policy by `position`.
    pub fn add(
        &mut self,
        position: usize,
        before: impl IntoIterator<Item = usize>,
        after: impl IntoIterator<Item = usize>,
    ) {
        self.policies.push(PolicyReach {
            position,
            before: before.into_iter().collect(),
            after: after.into_iter().collect(),
        });
    }

    /// Compares; `groups` names the groups of the policies.
    pub fn run(&self, groups: &GroupTable) -> EnforcementDifference {
        let mut difference = EnforcementDifference::default();
        for kind in [RowKind::Opens, RowKind::Closes] {
            let reached = |policy: &PolicyReach| match kind {
                RowKind::Opens | RowKind::WeakensGuard => policy.before.clone(),
                RowKind::Closes | RowKind::StrengthensGuard => policy.after.clone(),
            };
            // Nothing reaches the people on the other side, and no earlier policy is named for them.
            let mut avoided = BitSet::default();
            for policy in &self.policies {
                avoided.add(match kind {
                    RowKind::Opens | RowKind::WeakensGuard => &policy.after,
                    RowKind::Closes | RowKind::StrengthensGuard => &policy.before,
                });
            }
            for policy in &self.policies {
                let scope = reached(policy);
                if scope.is_empty() {
                    continue;
                }
                let mut terms: Vec<Term> = Vec::new();
                let people = conjunction(&[&scope], &[&avoided], &mut terms)
                    .and_then(|()| Formula::of(terms));
                match people {
                    Ok(people) if people.is_nobody() => {}
                    Ok(people) => difference.rows.push(EnforcementRow {
                        kind,
                        policy: policy.position,
                        people: groups.people(&people),
                    }),
                    Err(_) => difference.not_listed.push(policy.position),
                }
                avoided.add(&scope);
            }
        }
        difference
    }
}
