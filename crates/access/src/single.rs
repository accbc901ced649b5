//! Compares the decisions of two sets of policies about single requests, for all combinations of groups.
//!
//! `compare` describes everything that a change opens and closes. This module answers the question for one
//! recorded request, with the same formulas: let A be the union of the scopes of the matching allow rules and
//! D that of the matching deny rules, each before and after the change. A request opens for a set S of groups
//! if S meets A(after) and not D(after), and S meets D(before) or does not meet A(before). No region has to be
//! enumerated, so that the answer is exact whatever the number of wildcards.
//!
//! Example: everyone is allowed `**.example.com` before and after, and a deny of `ftp.example.com` for team T
//! is added. The request `tcp ftp.example.com:21` closes for members of T; `tcp www.example.com:443` does not
//! change.

use super::audience::Audience;
use super::bits::BitSet;
use super::decide::RuleSet;
use super::index::RuleIndex;
use super::people::{Formula, GroupTable, People, TooManyTerms, conjunction, meets};
use super::request::AccessRequest;
use model::docker::{
    Decision, DesiredPolicy, DockerLiveState, LiveContent, PolicyContent, Rule, Scope,
};

use super::applicable::OrganizationPolicies;

/// Two sets of policies, indexed together for questions about single requests.
#[derive(Debug)]
pub struct RequestComparison {
    index: RuleIndex,
    groups: GroupTable,
    /// By side: whether every decision is uncertain.
    is_uncertain: bool,
    /// Rules whose effect this version does not know completely, of both sides.
    uncertain: RuleSet,
}

/// How the decision about one request changes.
#[derive(Debug)]
pub struct RequestChange<'c> {
    comparison: &'c RequestComparison,
    before: ScopesOfMatches,
    after: ScopesOfMatches,
}

/// The people whose access to one request opens and closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedPeople {
    /// The people who are newly allowed.
    pub opens: People,
    /// The people who are newly denied.
    pub closes: People,
}

/// The direction in which a decision changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChangeDirection {
    /// It is newly allowed.
    Opens,
    /// It is newly denied.
    Closes,
}

/// The answer about one request.
#[derive(Debug)]
pub enum RequestAnswer<'c> {
    /// The decision is the same before and after, for everyone.
    Same,
    /// The decision changes for some people.
    Changes(RequestChange<'c>),
    /// A matching rule has settings that this version does not know, or something else is not understood.
    NotAnalyzed,
}

/// The formula of a change would have more than 64 terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeopleNotListed;

/// The unions of the scopes of all matching rules.
#[derive(Debug, Default, PartialEq, Eq)]
struct ScopesOfMatches {
    allows: BitSet,
    denies: BitSet,
}

/// The rules of one side with their scopes, and what is uncertain about them.
#[derive(Default)]
struct Side<'a> {
    rules: Vec<(&'a Rule, &'a Scope)>,
    uncertain: Vec<&'a Rule>,
    is_uncertain: bool,
}

impl RequestComparison {
    /// Indexes the rules of two sets of policies. Cedar policies are not part of the comparison.
    pub fn new(before: OrganizationPolicies<'_>, after: OrganizationPolicies<'_>) -> Self {
        let sides = [Side::of(before), Side::of(after)];
        let groups = GroupTable::of(
            sides
                .iter()
                .flat_map(|side| side.rules.iter().map(|(_, scope)| *scope)),
        );
        let mut index = RuleIndex::default();
        index.expect(
            sides
                .iter()
                .flat_map(|side| side.rules.iter().map(|(rule, _)| *rule)),
        );
        let mut uncertain = Vec::new();
        for (offset, side) in sides.iter().enumerate() {
            for (position, (rule, scope)) in side.rules.iter().enumerate() {
                let numbers = groups.groups(scope).into_iter();
                let numbers: BitSet = numbers.map(|group| 2 * group + offset).collect();
                index.add(position, rule, &numbers);
            }
            uncertain.extend(side.uncertain.iter().copied());
        }
        Self {
            is_uncertain: sides.iter().any(|side| side.is_uncertain)
                || !index.unreadable.is_empty(),
            index,
            groups,
            uncertain: RuleSet::new(&uncertain),
        }
    }

    /// Compares the decisions about one request.
    pub fn answer(&self, request: &AccessRequest) -> RequestAnswer<'_> {
        let mut before = ScopesOfMatches::default();
        let mut after = ScopesOfMatches::default();
        for id in self.index.matching(request) {
            let term = self.index.term_of(id);
            let (own_before, own_after) = term.sides.halves();
            for (side, own) in [(&mut before, own_before), (&mut after, own_after)] {
                match term.decision {
                    Decision::Allow => side.allows.add(&own),
                    Decision::Deny => side.denies.add(&own),
                }
            }
        }
        if self.is_uncertain || !self.uncertain.matching_rules(request).is_empty() {
            return RequestAnswer::NotAnalyzed;
        }
        if before == after {
            return RequestAnswer::Same;
        }
        RequestAnswer::Changes(RequestChange {
            comparison: self,
            before,
            after,
        })
    }
}

impl ScopesOfMatches {
    fn allow(&self, members: &BitSet) -> bool {
        meets(members, &self.allows) && !meets(members, &self.denies)
    }

    /// The people who are allowed by `self` and denied by `other`.
    fn gain_over(&self, other: &Self) -> Result<Formula, TooManyTerms> {
        let mut terms = Vec::new();
        conjunction(&[&self.allows], &[&self.denies, &other.allows], &mut terms)?;
        conjunction(&[&self.allows, &other.denies], &[&self.denies], &mut terms)?;
        Formula::of(terms)
    }
}

impl RequestChange<'_> {
    /// The change for members of exactly the teams of an audience.
    pub fn for_members(&self, audience: &Audience) -> Option<ChangeDirection> {
        let members = self.comparison.groups.members(audience);
        match (self.before.allow(&members), self.after.allow(&members)) {
            (false, true) => Some(ChangeDirection::Opens),
            (true, false) => Some(ChangeDirection::Closes),
            (true, true) | (false, false) => None,
        }
    }

    /// The change for every combination of teams.
    ///
    /// # Errors
    /// The formula has more than 64 terms.
    pub fn for_everyone(&self) -> Result<ChangedPeople, PeopleNotListed> {
        let people = |one: &ScopesOfMatches, other: &ScopesOfMatches| {
            let formula = one.gain_over(other).map_err(|_| PeopleNotListed)?;
            Ok(self.comparison.groups.people(&formula))
        };
        Ok(ChangedPeople {
            opens: people(&self.after, &self.before)?,
            closes: people(&self.before, &self.after)?,
        })
    }
}

impl<'a> Side<'a> {
    fn of(policies: OrganizationPolicies<'a>) -> Self {
        let mut side = Self::default();
        match policies {
            OrganizationPolicies::Desired(policies) => {
                for policy in policies {
                    side.add_desired(policy);
                }
            }
            OrganizationPolicies::Live(state) => side.add_live(state),
        }
        side
    }

    fn add_desired(&mut self, policy: &'a DesiredPolicy) {
        let PolicyContent::Rules(rules) = &policy.content else {
            return;
        };
        let has_settings = policy.extensions.set_names().next().is_some();
        for rule in rules {
            self.rules.push((&rule.rule, &policy.scope));
            if has_settings || rule.rule.extensions.set_names().next().is_some() {
                self.uncertain.push(&rule.rule);
            }
        }
    }

    fn add_live(&mut self, state: &'a DockerLiveState) {
        for policy in &state.policies {
            let rules = match &policy.content {
                LiveContent::Rules(rules) => rules,
                LiveContent::Cedar(_) => continue,
                LiveContent::Opaque(_) => {
                    self.is_uncertain = true;
                    continue;
                }
            };
            let has_settings =
                !policy.unknown_fields.is_empty() || !policy.unknown_scope_fields.is_empty();
            for live in rules {
                let Ok(rule) = &live.rule else {
                    self.is_uncertain = true;
                    continue;
                };
                self.rules.push((rule, &policy.scope));
                if has_settings || !live.unknown_fields.is_empty() {
                    self.uncertain.push(rule);
                }
            }
        }
    }
}
