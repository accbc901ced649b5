//! What each rule of a set is good for: whether it ever decides, what keeps it from deciding, and what covers it.

mod probes;
mod search;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bits::Bits;
use super::budget::Entangled;
use super::index::{Index, Unreadable};
use super::request::Request;
use super::survey::Survey;
use model::docker::{Action, Decision, Rule, Scope};
use probes::Probes;
use search::{RuleSearch, Search};

/// The most coverers that are named for one rule.
const MOST_COVERERS: usize = 8;

/// A rule and whom it reaches.
#[derive(Debug, Clone, Copy)]
pub struct ReachingRule<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The scope of its policy.
    pub scope: &'a Scope,
}

/// A resource of a rule, by positions in a [`Usage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spot {
    /// The position of the rule.
    pub rule: usize,
    /// The position of the resource in the rule.
    pub resource: usize,
}

/// What a rule or a resource does among all the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// An allow that lets something through; a deny that takes away what an allow would let through. One such request.
    Decides(Arc<Request>),
    /// An allow that never decides: all that it matches is denied. The denies that do it, those that do it alone first.
    Blocked(Vec<Blocker>),
    /// A deny that takes nothing away, since no allow would let any of it through.
    TakesNothing,
    /// Nothing that it says can be read, so that it matches nothing.
    MatchesNothing,
}

/// A deny that keeps an allow from deciding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// The deny.
    pub deny: Spot,
    /// Whether it denies all that the allow matches, for everybody whom the allow reaches; else others have a part.
    pub alone: bool,
    /// A request that both match.
    pub witness: Arc<Request>,
}

/// What one resource of a rule is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceUsage {
    /// The resource as written.
    pub resource: String,
    /// What it does.
    pub used: Use,
}

/// What one rule is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleUsage {
    /// Its resources, sorted as in the rule.
    pub resources: Vec<ResourceUsage>,
    /// Other single rules, of the same decision, that reach everybody whom this one reaches and match everything that
    /// it matches: at most eight. Equal ones cover each other.
    pub covered_by: Vec<usize>,
    /// The realms that an allow opens as a whole, each with the action.
    pub opens_all: Vec<(Action, Realm)>,
}

impl RuleUsage {
    /// Whether any resource of the rule ever decides.
    pub fn decides(&self) -> bool {
        self.resources
            .iter()
            .any(|resource| matches!(resource.used, Use::Decides(_)))
    }
}

/// All addresses or paths of one kind. There is none for host names: no pattern matches all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Realm {
    /// Every IPv4 address.
    Ipv4,
    /// Every IPv6 address.
    Ipv6,
    /// Every path below `/`.
    Posix,
    /// Every path below `~`.
    Home,
    /// Every path on every Windows drive.
    Windows,
    /// Every path in every WSL distribution.
    Wsl,
}

/// Two ranges of addresses, one inside the other, with an action in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Overlap {
    /// The wider one: of those around the other, the narrowest.
    pub outer: Spot,
    /// The narrower one.
    pub inner: Spot,
}

/// What each rule of a set is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// One for each rule, in their order.
    pub rules: Vec<RuleUsage>,
    /// Ranges of addresses inside of others, of either decision: each with at most one allow and one deny around it.
    pub overlaps: Vec<Overlap>,
}

/// Works out what each rule is good for, exactly, for all requests and all people.
///
/// A person is in any teams. An allow decides a request if it reaches somebody whom no deny of that request reaches; a
/// deny takes a request away if an allow matches it too, since somebody can be in the teams of both.
///
/// # Errors
/// The patterns cross each other in too many ways.
pub fn usage(rules: &[ReachingRule<'_>]) -> Result<Usage, Entangled> {
    let reach = Reach::new(rules);
    let mut index = Index::default();
    for (position, ReachingRule { rule, scope }) in rules.iter().enumerate() {
        index.add(position, rule, &reach.of(scope));
    }
    let probes = Probes::add(&mut index, rules.len());
    let spots = spots(&index, rules.len());
    let survey = Survey::new(&index);
    let mut search = Search::new(&index);
    // Probes are met on their own too: what they alone match is what nothing opens.
    survey.regions(&|_| true, &mut |region| search.see(&survey.budget, region))?;
    let mut whole = RuleSearch::new(&index, &search, rules.len());
    let wanted = whole.wanted();
    survey.regions(&|term| wanted[term as usize], &mut |region| {
        whole.see(&survey.budget, region)
    })?;
    let mut found: Vec<RuleUsage> = (0..rules.len())
        .map(|rule| RuleUsage {
            resources: Vec::new(),
            covered_by: whole.coverers(rule, MOST_COVERERS),
            opens_all: Vec::new(),
        })
        .collect();
    for (number, realm) in probes.realms.iter().enumerate() {
        for rule in whole
            .coverers(rules.len() + number, usize::MAX)
            .into_iter()
            .filter(|rule| *rule < rules.len())
        {
            found[rule].opens_all.push(*realm);
        }
    }
    for entry in &index.entries {
        let Some(rule) = found.get_mut(entry.rule as usize) else {
            continue;
        };
        let spot = |entry: u32| spots[entry as usize];
        rule.resources.push(ResourceUsage {
            resource: entry.resource.to_string(),
            used: search.used(entry.term, &spot),
        });
    }
    for Unreadable {
        rule,
        resource,
        why: _,
    } in &index.unreadable
    {
        let resource = resource.clone();
        let used = Use::MatchesNothing;
        found[*rule]
            .resources
            .push(ResourceUsage { resource, used });
    }
    Ok(Usage {
        rules: found,
        overlaps: overlaps(&index, &spots),
    })
}

/// Whom scopes reach, as sets of numbers: 0 for people who are in no team, then one for people in each one team that a
/// scope names. What reaches all of those whom another reaches does so for people in several teams too.
struct Reach<'a> {
    named: BTreeSet<(bool, &'a str)>,
}

impl<'a> Reach<'a> {
    fn new(rules: &[ReachingRule<'a>]) -> Self {
        Self {
            named: rules
                .iter()
                .flat_map(|rule| Self::names(rule.scope))
                .collect(),
        }
    }

    fn names(scope: &Scope) -> impl Iterator<Item = (bool, &str)> {
        let teams = scope.teams.iter().map(|team| (false, team.as_str()));
        teams.chain(
            scope
                .profiles
                .iter()
                .map(|profile| (true, profile.as_str())),
        )
    }

    fn of(&self, scope: &Scope) -> Bits {
        if scope.is_organization_wide() {
            return Bits::below(self.named.len() + 1);
        }
        let names: BTreeSet<(bool, &str)> = Self::names(scope).collect();
        let numbered = self
            .named
            .iter()
            .enumerate()
            .filter(|(_, name)| names.contains(*name));
        numbered.map(|(number, _)| number + 1).collect()
    }
}

/// Where each entry stands: entries come in the order of rules and resources.
fn spots(index: &Index, rules: usize) -> Vec<Spot> {
    let mut next = vec![0; rules];
    let spots = index.entries.iter().map(|entry| {
        let rule = entry.rule as usize;
        let place = next.get_mut(rule).map(|next| {
            *next += 1;
            *next - 1
        });
        Spot {
            rule,
            resource: place.unwrap_or_default(),
        }
    });
    spots.collect()
}

fn overlaps(index: &Index, spots: &[Spot]) -> Vec<Overlap> {
    let mut overlaps = Vec::new();
    for (outer, inner) in index.nets.nested() {
        for term in inner.iter().map(|id| index.term_of(*id)) {
            for decision in [Decision::Allow, Decision::Deny] {
                // Probes reach nobody and are no rules.
                let around = outer.iter().map(|id| index.term_of(*id)).filter(|outer| {
                    outer.decision == decision
                        && !outer.sides.is_empty()
                        && outer.what.overlaps(term.what)
                });
                let Some(outer) = around.flat_map(|outer| outer.entries.iter()).min() else {
                    continue;
                };
                let outer = spots[*outer as usize];
                overlaps.extend(term.entries.iter().map(|inner| Overlap {
                    outer,
                    inner: spots[*inner as usize],
                }));
            }
        }
    }
    overlaps.sort_unstable_by_key(|overlap| (overlap.inner, overlap.outer));
    overlaps
}
