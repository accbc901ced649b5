//! Decides whether a state of the search is safe.
//!
//! The rules of a component divide the requests into atoms: sets of requests that match exactly the
//! same rules. A set of atoms is a bit vector, so the decisions of a state for all requests and one
//! audience are a few bitwise operations: the union of what its rules allow, without the union of
//! what they deny. A state is safe if these bits equal those of the start wherever start and goal
//! agree.

use std::collections::{BTreeSet, HashMap, HashSet};

use access::{AtomFinder, Audience};
use model::docker::{Decision, Rule, RuleMeaning, Scope};

use super::component::Component;
use super::moves::{SearchPolicy, SearchState};

/// Maximum number of atoms.
const MOST_ATOMS: usize = 2048;
/// Maximum number of teams and profiles that are tried in all combinations. Beyond it, only none,
/// each one alone and all together are tried; `audit` checks the result.
const MOST_COMBINED: usize = 6;

/// A set of atoms.
type Bits = Vec<u64>;

fn set(bits: &mut Bits, at: usize) {
    let word = at / 64;
    if bits.len() <= word {
        bits.resize(word + 1, 0);
    }
    bits[word] |= 1 << (at % 64);
}

fn add(bits: &mut [u64], more: &[u64]) {
    bits.iter_mut()
        .zip(more)
        .for_each(|(word, more)| *word |= more);
}

/// What some rules allow and deny.
#[derive(Debug, Clone, Default)]
struct Votes {
    allows: Bits,
    denies: Bits,
}

impl Votes {
    fn new(words: usize) -> Self {
        Self {
            allows: vec![0; words],
            denies: vec![0; words],
        }
    }

    fn add(&mut self, decision: Decision, hits: &[u64]) {
        match decision {
            Decision::Allow => add(&mut self.allows, hits),
            Decision::Deny => add(&mut self.denies, hits),
        }
    }

    fn join(&mut self, other: &Self) {
        add(&mut self.allows, &other.allows);
        add(&mut self.denies, &other.denies);
    }

    fn allowed(&self) -> impl Iterator<Item = u64> {
        let pairs = self.allows.iter().zip(&self.denies);
        pairs.map(|(allows, denies)| allows & !denies)
    }
}

pub(super) struct StateMeaning {
    words: usize,
    /// The atoms that each content matches, by the numbers in [`SearchPolicy::contents`].
    hits: Vec<(Decision, Bits)>,
    /// The rules of each policy that are equal before and after.
    constant: Vec<Votes>,
    audiences: Vec<AudienceMeaning>,
}

struct AudienceMeaning {
    /// For each policy, whether each of its scopes reaches the audience.
    reached: Vec<Vec<bool>>,
    /// The rules of policies outside of the component.
    others: Votes,
    before: Bits,
    /// The atoms with the same decision before and after.
    required: Bits,
}

impl StateMeaning {
    /// Numbers the contents of all rules, and finds their atoms. `None` beyond [`MOST_ATOMS`], or if
    /// the patterns overlap in too many ways.
    pub(super) fn new(
        component: &Component<'_>,
        policies: &mut [SearchPolicy<'_>],
    ) -> Option<Self> {
        let numbers = number_contents(policies);
        let mut contents: Vec<&Rule> = Vec::new();
        for (policy, numbers) in policies.iter().zip(&numbers) {
            for (rule, number) in policy.rules().iter().zip(numbers) {
                if *number == contents.len() {
                    contents.push(rule);
                }
            }
        }
        let constant = component.policies.iter().enumerate();
        let constant: Vec<(usize, &Rule)> = constant
            .flat_map(|(at, policy)| policy.constant().map(move |rule| (at, rule)))
            .collect();
        let mut finder = AtomFinder::default();
        let constants = constant.iter().map(|(_, rule)| *rule);
        let others = component.others.iter().map(|(_, rule)| *rule);
        let all = contents.iter().copied().chain(constants).chain(others);
        let mut count = 0;
        for (number, rule) in all.enumerate() {
            finder.add(number, rule);
            count = number + 1;
        }
        let is_wanted = |number: usize| {
            number < contents.len()
                || constant
                    .get(number - contents.len())
                    .is_some_and(|(at, _)| component.policies[*at].changes_scope())
        };
        let mut atoms = 0;
        let mut hits: Vec<Bits> = vec![Bits::new(); count];
        let visited = finder.visit(&is_wanted, &mut |atom| {
            if atoms < MOST_ATOMS {
                for number in atom.allows.iter().chain(atom.denies) {
                    set(&mut hits[*number], atoms);
                }
            }
            atoms += 1;
        });
        if visited.is_err() || atoms > MOST_ATOMS {
            return None;
        }
        let words = atoms.div_ceil(64);
        hits.iter_mut().for_each(|bits| bits.resize(words, 0));
        let first_other = contents.len() + constant.len();
        let others: Vec<(&Scope, Decision, &Bits)> = component
            .others
            .iter()
            .zip(hits.iter().skip(first_other))
            .filter(|(_, hits)| hits.iter().any(|word| *word != 0))
            .map(|((scope, rule), hits)| (*scope, decision(rule), hits))
            .collect();
        let mut constant_votes = vec![Votes::new(words); policies.len()];
        for ((at, rule), hits) in constant.iter().zip(hits.iter().skip(contents.len())) {
            constant_votes[*at].add(decision(rule), hits);
        }
        let audiences = audiences(policies, &others, words);
        let hits = contents.iter().zip(&hits);
        let mut meaning = Self {
            words,
            hits: hits
                .map(|(rule, hits)| (decision(rule), hits.clone()))
                .collect(),
            constant: constant_votes,
            audiences,
        };
        for (policy, numbers) in policies.iter_mut().zip(numbers) {
            policy.contents = numbers;
        }
        meaning.require(policies);
        Some(meaning)
    }

    /// Fills in the decisions before and after.
    fn require(&mut self, policies: &[SearchPolicy<'_>]) {
        let start = self.votes(policies, &SearchState::start(policies));
        let goal = self.votes(policies, &SearchState::goal(policies));
        for audience in 0..self.audiences.len() {
            let before: Bits = self.allowed(audience, &start).collect();
            let after: Bits = self.allowed(audience, &goal).collect();
            let required = before.iter().zip(&after);
            let required = required.map(|(before, after)| !(before ^ after)).collect();
            let audience = &mut self.audiences[audience];
            audience.before = before;
            audience.required = required;
        }
    }

    /// What the rules of each policy allow and deny, with the index of its scope.
    fn votes(
        &self,
        policies: &[SearchPolicy<'_>],
        state: &SearchState,
    ) -> Vec<Option<(usize, Votes)>> {
        let each = policies.iter().enumerate().map(|(at, policy)| {
            let scope = state.policy(at).scope()?;
            let mut votes = self.constant[at].clone();
            for key in policy.present(state.policy(at)) {
                let (decision, hits) = &self.hits[policy.contents[usize::from(key)]];
                votes.add(*decision, hits);
            }
            Some((scope, votes))
        });
        each.collect()
    }

    fn allowed(
        &self,
        audience: usize,
        votes: &[Option<(usize, Votes)>],
    ) -> impl Iterator<Item = u64> {
        let audience = &self.audiences[audience];
        let mut all = audience.others.clone();
        for (policy, reached) in votes.iter().zip(&audience.reached) {
            if let Some((scope, votes)) = policy
                && reached[*scope]
            {
                all.join(votes);
            }
        }
        all.allowed().collect::<Bits>().into_iter()
    }

    pub(super) fn is_safe(&self, policies: &[SearchPolicy<'_>], state: &SearchState) -> bool {
        if self.words == 0 {
            return true;
        }
        let votes = self.votes(policies, state);
        self.audiences.iter().enumerate().all(|(at, audience)| {
            let bounds = audience.before.iter().zip(&audience.required);
            self.allowed(at, &votes)
                .zip(bounds)
                .all(|(now, (before, required))| (now ^ before) & required == 0)
        })
    }
}

fn decision(rule: &Rule) -> Decision {
    rule.decision
}

/// A number for each rule of each policy, the same for rules that differ only in their names.
fn number_contents(policies: &[SearchPolicy<'_>]) -> Vec<Vec<usize>> {
    let mut known: HashMap<RuleMeaning<'_>, usize> = HashMap::new();
    let policies = policies.iter().map(|policy| {
        let rules = policy.rules().iter().map(|rule| {
            let next = known.len();
            *known.entry(rule.meaning()).or_insert(next)
        });
        rules.collect()
    });
    policies.collect()
}

/// The audiences that the scopes distinguish.
fn audiences(
    policies: &[SearchPolicy<'_>],
    others: &[(&Scope, Decision, &Bits)],
    words: usize,
) -> Vec<AudienceMeaning> {
    let scopes = policies.iter().flat_map(|policy| policy.scopes());
    let scopes = scopes.chain(others.iter().map(|(scope, ..)| *scope));
    let mut teams = BTreeSet::new();
    let mut profiles = BTreeSet::new();
    for scope in scopes {
        let Scope {
            teams: own_teams,
            profiles: own_profiles,
        } = scope;
        teams.extend(own_teams.iter().map(ToString::to_string));
        profiles.extend(own_profiles.iter().cloned());
    }
    let members: Vec<(bool, String)> = teams
        .into_iter()
        .map(|team| (true, team))
        .chain(profiles.into_iter().map(|profile| (false, profile)))
        .collect();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for audience in combinations(&members) {
        let is_reached = |scope: &Scope| audience.is_reached_by(scope);
        let reached: Vec<Vec<bool>> = policies
            .iter()
            .map(|policy| policy.scopes().iter().map(is_reached).collect())
            .collect();
        let of_others: Vec<bool> = others.iter().map(|(scope, ..)| is_reached(scope)).collect();
        if !seen.insert((reached.clone(), of_others.clone())) {
            continue;
        }
        let mut votes = Votes::new(words);
        for ((_, decision, hits), _) in others.iter().zip(of_others).filter(|(_, is)| *is) {
            votes.add(*decision, hits);
        }
        found.push(AudienceMeaning {
            reached,
            others: votes,
            before: Bits::new(),
            required: Bits::new(),
        });
    }
    found
}

fn combinations(members: &[(bool, String)]) -> Vec<Audience> {
    let of = |chosen: &dyn Fn(usize) -> bool| {
        let mut audience = Audience::default();
        for (_, (is_team, name)) in members.iter().enumerate().filter(|(at, _)| chosen(*at)) {
            if *is_team {
                audience.teams.insert(name.clone());
            } else {
                audience.profiles.insert(name.clone());
            }
        }
        audience
    };
    if members.len() <= MOST_COMBINED {
        return (0..1_usize << members.len())
            .map(|set| of(&|at| set >> at & 1 == 1))
            .collect();
    }
    let single = (0..members.len()).map(|only| of(&|at| at == only));
    [of(&|_| false)]
        .into_iter()
        .chain(single)
        .chain([of(&|_| true)])
        .collect()
}
