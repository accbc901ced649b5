//! Analyzes what each rule contributes: whether it ever decides a request, what blocks it, and what
//! covers it.
//!
//! Textbook problem: redundancy of rules under deny-overrides. An allow is useless if the union of
//! the denies contains it, a deny is useless if it is disjoint from the union of the allows, and a
//! rule is covered if another rule contains it. The first two concern unions, so comparing pairs of
//! rules is not enough. As everywhere in this crate, each question is evaluated in every region
//! (see `regions`); `search` describes the two walks. A rule "opens everything" if it covers a
//! probe, a rule added by `probes` that matches everything of a kind.
//!
//! Example: the allow `10.0.0.0/8` never decides if `10.0.0.0/9` and `10.128.0.0/9` are denied: in
//! every region that it matches, one of the denies matches too. Neither deny blocks it alone.

mod search;
mod whole_spaces;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bits::BitSet;
use super::budget::TooComplex;
use super::index::{InvalidResource, RuleIndex};
use super::partition::RequestPartition;
use super::request::AccessRequest;
use model::docker::{Action, Decision, Rule, Scope};
use search::{CoverSearch, UsageSearch};
use whole_spaces::Probes;

/// Maximum number of covering rules reported for one rule.
const MOST_COVERERS: usize = 8;

/// A rule with the scope of its policy.
#[derive(Debug, Clone, Copy)]
pub struct RuleWithScope<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The scope of its policy.
    pub scope: &'a Scope,
}

/// A resource of a rule, by positions in a [`UsageReport`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourcePosition {
    /// The position of the rule.
    pub rule: usize,
    /// The position of the resource in the rule.
    pub resource: usize,
}

/// The effect of a resource among all rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsageStatus {
    /// It decides: an allow that permits a request, or a deny that blocks a request that would be
    /// allowed without it. Contains one such request.
    Decides(Arc<AccessRequest>),
    /// An allow that never decides, since everything it matches is denied. Contains the responsible
    /// denies, those that block it alone first.
    Blocked(Vec<BlockingDeny>),
    /// A deny without effect, since no allow matches anything that it matches.
    DeniesNothing,
    /// It cannot be parsed and therefore matches nothing.
    MatchesNothing,
}

/// A deny that blocks an allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockingDeny {
    /// The deny.
    pub deny: ResourcePosition,
    /// Whether it alone denies everything that the allow matches, for the whole audience of the
    /// allow.
    pub alone: bool,
    /// A request that both match.
    pub witness: Arc<AccessRequest>,
}

/// The analysis of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceUsage {
    /// The resource as written.
    pub resource: String,
    /// Its effect.
    pub used: UsageStatus,
}

/// The analysis of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleUsage {
    /// Its resources, in the order of the rule.
    pub resources: Vec<ResourceUsage>,
    /// The positions of other rules with the same decision that apply to at least the same audience
    /// and match at least the same requests; at most eight. Equal rules cover each other.
    pub covered_by: Vec<usize>,
    /// The realms that an allow opens completely, with the action.
    pub opens_all: Vec<(Action, ResourceSpace)>,
}

impl RuleUsage {
    /// Whether any resource of the rule ever decides.
    pub fn decides(&self) -> bool {
        self.resources
            .iter()
            .any(|resource| matches!(resource.used, UsageStatus::Decides(_)))
    }
}

/// All addresses or paths of one kind. A rule that opens every host or every path has the resource
/// `**`, which needs no analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ResourceSpace {
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

/// Two nested ranges of addresses with a common action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RangeOverlap {
    /// The wider range: the narrowest one around the inner range.
    pub outer: ResourcePosition,
    /// The narrower range.
    pub inner: ResourcePosition,
}

/// The analysis of a rule set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReport {
    /// One entry for each rule, in order.
    pub rules: Vec<RuleUsage>,
    /// Nested ranges of addresses with any decisions. Each inner range is listed with at most one
    /// allow and one deny around it.
    pub overlaps: Vec<RangeOverlap>,
}

/// Analyzes each rule exactly, for all requests and all combinations of teams.
///
/// An allow decides a request if some combination of teams is reached by the allow and by no
/// matching deny. A deny decides a request if an allow matches it too, because a member of the
/// teams of both exists or may be added.
///
/// # Errors
/// The question exceeds the work budget.
pub fn usage(rules: &[RuleWithScope<'_>]) -> Result<UsageReport, TooComplex> {
    let reach = ScopeReach::new(rules);
    let mut index = RuleIndex::default();
    for (position, RuleWithScope { rule, scope }) in rules.iter().enumerate() {
        index.add(position, rule, &reach.audiences_in(scope));
    }
    let probes = Probes::add(&mut index, rules.len());
    let spots = resource_positions(&index, rules.len());
    let partition = RequestPartition::new(&index);
    let mut search = UsageSearch::new(&index);
    // Regions that only probes match are needed too: they prove that no rule opens everything.
    partition.regions(&|_| true, &mut |region| {
        search.see(&partition.budget, region)
    })?;
    let mut whole = CoverSearch::new(&index, &search, rules.len());
    let wanted = whole.terms_to_visit();
    partition.regions(&|term| wanted[term as usize], &mut |region| {
        whole.see(&partition.budget, region)
    })?;
    let mut found: Vec<RuleUsage> = (0..rules.len())
        .map(|rule| RuleUsage {
            resources: Vec::new(),
            covered_by: whole.coverers(rule, MOST_COVERERS),
            opens_all: Vec::new(),
        })
        .collect();
    for (number, space) in probes.spaces.iter().enumerate() {
        for rule in whole
            .coverers(rules.len() + number, usize::MAX)
            .into_iter()
            .filter(|rule| *rule < rules.len())
        {
            found[rule].opens_all.push(*space);
        }
    }
    for entry in &index.entries {
        let Some(rule) = found.get_mut(entry.rule as usize) else {
            continue;
        };
        let spot = |entry: u32| spots[entry as usize];
        rule.resources.push(ResourceUsage {
            resource: entry.resource.to_string(),
            used: search.usage(entry.term, &spot),
        });
    }
    for InvalidResource {
        rule,
        resource,
        why: _,
    } in &index.unreadable
    {
        let resource = resource.clone();
        let used = UsageStatus::MatchesNothing;
        found[*rule]
            .resources
            .push(ResourceUsage { resource, used });
    }
    Ok(UsageReport {
        rules: found,
        overlaps: overlaps(&index, &spots),
    })
}

/// The audience of each scope as a set of numbers: 0 is everyone outside of all teams, and each
/// team or profile in a scope has one number. If a scope includes the numbers of another one, it
/// also includes its members of several teams.
struct ScopeReach<'a> {
    named: BTreeSet<(bool, &'a str)>,
}

impl<'a> ScopeReach<'a> {
    fn new(rules: &[RuleWithScope<'a>]) -> Self {
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

    fn audiences_in(&self, scope: &Scope) -> BitSet {
        if scope.is_organization_wide() {
            return BitSet::below(self.named.len() + 1);
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

/// The position of each entry; entries are in the order of rules and resources.
fn resource_positions(index: &RuleIndex, rules: usize) -> Vec<ResourcePosition> {
    let mut next = vec![0; rules];
    let spots = index.entries.iter().map(|entry| {
        let rule = entry.rule as usize;
        let place = next.get_mut(rule).map(|next| {
            *next += 1;
            *next - 1
        });
        ResourcePosition {
            rule,
            resource: place.unwrap_or_default(),
        }
    });
    spots.collect()
}

fn overlaps(index: &RuleIndex, spots: &[ResourcePosition]) -> Vec<RangeOverlap> {
    let mut overlaps = Vec::new();
    for (outer, inner) in index.nets.nested() {
        for term in inner.iter().map(|id| index.term_of(*id)) {
            for decision in [Decision::Allow, Decision::Deny] {
                // Probes have no audience; skip them.
                let around = outer.iter().map(|id| index.term_of(*id)).filter(|outer| {
                    outer.decision == decision
                        && !outer.sides.is_empty()
                        && outer.what.overlaps(term.what)
                });
                let Some(outer) = around.flat_map(|outer| outer.entries.iter()).min() else {
                    continue;
                };
                let outer = spots[*outer as usize];
                overlaps.extend(term.entries.iter().map(|inner| RangeOverlap {
                    outer,
                    inner: spots[*inner as usize],
                }));
            }
        }
    }
    overlaps.sort_unstable_by_key(|overlap| (overlap.inner, overlap.outer));
    overlaps
}
