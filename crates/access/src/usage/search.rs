//! The two walks of the usage analysis.
//!
//! The first walk (`UsageSearch`) looks for one region for each term in which it decides: for an allow,
//! one in which the matching denies do not reach its whole audience; for a deny, one in which some
//! allow matches. If no such region exists for an allow, the denies met in its regions are its
//! blockers. A deny blocks it alone if it was met in all of them and reaches its whole audience.
//!
//! The second walk (`CoverSearch`) decides inclusion between rules: rule s covers rule r if in every
//! region that a term of r matches, a term of s matches too. This is elimination, as in a data-flow
//! analysis of facts that are true on all paths: begin with all candidates, and drop those that are
//! missing in some region. A rule that covers r matches in every region of r, in particular in the
//! one with the fewest rules. The first walk records that region, so that the candidates are few,
//! and the second walk visits only regions of rules that have candidates. Testing all pairs of
//! rules would be quadratic.
//!
//! Example: with the allows `**.example.com`, `api.example.com` and `10.0.0.0/8`, the region of
//! `api.example.com` has only `**.example.com` as a candidate to cover `api.example.com`. No
//! further region of it exists, so that it is covered.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use smallvec::SmallVec;

use super::{BlockingDeny, ResourcePosition, UsageStatus};
use crate::bits::BitSet;
use crate::budget::{Budget, WalkStop};
use crate::index::RuleIndex;
use crate::regions::RequestRegion;
use crate::request::AccessRequest;
use crate::terms::TermMatcher;
use model::docker::Decision;

/// The observations about one term.
#[derive(Default)]
struct TermStatistics {
    /// The number of regions that it matches.
    regions: usize,
    /// A request that it decides.
    decides: Option<Arc<AccessRequest>>,
    /// For an allow without a decided request: the denies met so far, each with the number of
    /// regions and one request.
    blockers: BTreeMap<u32, (usize, Option<Arc<AccessRequest>>)>,
    /// The region with the fewest entries among those that it matches: their number, and its terms.
    rarest: Option<(usize, Rc<[u32]>)>,
}

/// The first walk: finds a region in which each term decides.
pub(super) struct UsageSearch<'i> {
    index: &'i RuleIndex,
    seen: Vec<TermStatistics>,
}

impl<'i> UsageSearch<'i> {
    pub(super) fn new(index: &'i RuleIndex) -> Self {
        let mut seen = Vec::new();
        seen.resize_with(index.terms.len(), TermStatistics::default);
        Self { index, seen }
    }

    pub(super) fn see(
        &mut self,
        budget: &Budget,
        region: &RequestRegion<'_>,
    ) -> Result<(), WalkStop> {
        let index = self.index;
        // Probes have no audience and decide nothing.
        let is = |id: u32, decision: Decision| {
            let term = index.term_of(id);
            term.decision == decision && !term.sides.is_empty()
        };
        let denies: SmallVec<[u32; 8]> = region
            .terms
            .iter()
            .copied()
            .filter(|id| is(*id, Decision::Deny))
            .collect();
        // Witnesses are expensive where many denies and allows overlap, so they are made on demand.
        let witness = LazyCell::new(|| region.witness().map(Arc::new));
        let mut denied = BitSet::default();
        for deny in &denies {
            denied.add(&index.term_of(*deny).sides);
        }
        for allow in subjects(index, region).filter(|id| is(*id, Decision::Allow)) {
            let seen = &mut self.seen[allow as usize];
            if seen.decides.is_some() {
                continue;
            }
            if !index.term_of(allow).sides.is_subset(&denied) {
                seen.decides.clone_from(&witness);
                seen.blockers.clear();
                continue;
            }
            budget.spend(denies.len())?;
            for deny in &denies {
                let blocker = seen
                    .blockers
                    .entry(*deny)
                    .or_insert_with(|| (0, witness.clone()));
                blocker.0 += 1;
            }
        }
        if region.terms.iter().any(|id| is(*id, Decision::Allow)) {
            for deny in &denies {
                let seen = &mut self.seen[*deny as usize];
                if seen.decides.is_none() {
                    seen.decides.clone_from(&witness);
                }
            }
        }
        self.cover(budget, region)
    }

    /// Records the region of each term with the fewest possible covering rules.
    fn cover(&mut self, budget: &Budget, region: &RequestRegion<'_>) -> Result<(), WalkStop> {
        let index = self.index;
        budget.spend(region.terms.len())?;
        let weight: usize = region
            .terms
            .iter()
            .map(|id| index.term_of(*id).entries.len())
            .sum();
        let terms: LazyCell<Rc<[u32]>, _> = LazyCell::new(|| region.terms.into());
        for id in subjects(index, region) {
            let seen = &mut self.seen[id as usize];
            seen.regions += 1;
            if seen
                .rarest
                .as_ref()
                .is_none_or(|(least, _)| weight < *least)
            {
                seen.rarest = Some((weight, Rc::clone(&terms)));
            }
        }
        Ok(())
    }

    /// The effect of a term.
    pub(super) fn usage(&self, term: u32, spot: &dyn Fn(u32) -> ResourcePosition) -> UsageStatus {
        let seen = &self.seen[term as usize];
        if let Some(witness) = &seen.decides {
            return UsageStatus::Decides(Arc::clone(witness));
        }
        let allow = self.index.term_of(term);
        match allow.decision {
            Decision::Deny => UsageStatus::DeniesNothing,
            Decision::Allow => {
                let mut blockers: Vec<BlockingDeny> = Vec::new();
                for (deny, (regions, witness)) in &seen.blockers {
                    let Some(witness) = witness else { continue };
                    let deny = self.index.term_of(*deny);
                    let alone = *regions == seen.regions && allow.sides.is_subset(&deny.sides);
                    let denies = deny.entries.iter().map(|entry| spot(*entry));
                    blockers.extend(denies.map(|deny| BlockingDeny {
                        deny,
                        alone,
                        witness: Arc::clone(witness),
                    }));
                }
                blockers.sort_by_key(|blocker| (!blocker.alone, blocker.deny));
                UsageStatus::Blocked(blockers)
            }
        }
    }
}

/// The terms that a region has new information about. Regions of HTTP requests add nothing about
/// terms for connections, which the regions of connections settle.
fn subjects(index: &RuleIndex, region: &RequestRegion<'_>) -> impl Iterator<Item = u32> {
    let new = move |id: &u32| {
        !(region.http && matches!(index.term_of(*id).what, TermMatcher::Connect { .. }))
    };
    region.terms.iter().copied().filter(new)
}

/// The second walk: finds the rules that cover each rule, with all its resources together. Rules
/// with the same terms form one class.
pub(super) struct CoverSearch<'i> {
    index: &'i RuleIndex,
    /// The rules of each class, in order.
    members: Vec<Vec<usize>>,
    /// The class of each rule; `None` for a rule without valid resources.
    class: Vec<Option<usize>>,
    terms: Vec<Vec<u32>>,
    /// For each class, the other classes that have matched in all its regions so far.
    coverers: Vec<BTreeSet<usize>>,
    /// For each term, its classes that still have candidates.
    open: Vec<Vec<usize>>,
    /// The last region in which each term matched.
    met: Vec<usize>,
    region: usize,
}

impl<'i> CoverSearch<'i> {
    /// Collects the candidates from the region with the fewest entries of each class. Rules from
    /// number `rules` on are probes.
    pub(super) fn new(index: &'i RuleIndex, search: &UsageSearch<'i>, rules: usize) -> Self {
        let all = index
            .entries
            .iter()
            .map(|entry| entry.rule as usize + 1)
            .max()
            .unwrap_or(0)
            .max(rules);
        let mut own: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); all];
        for entry in &index.entries {
            own[entry.rule as usize].insert(entry.term);
        }
        let mut numbers: HashMap<BTreeSet<u32>, usize> = HashMap::new();
        let mut members: Vec<Vec<usize>> = Vec::new();
        let mut terms: Vec<Vec<u32>> = Vec::new();
        let mut class = vec![None; all];
        for (rule, own) in own
            .into_iter()
            .enumerate()
            .filter(|(_, own)| !own.is_empty())
        {
            let list: Vec<u32> = own.iter().copied().collect();
            let number = *numbers.entry(own).or_insert_with(|| {
                members.push(Vec::new());
                terms.push(list);
                members.len() - 1
            });
            members[number].push(rule);
            class[rule] = Some(number);
        }
        let mut coverers = vec![BTreeSet::new(); terms.len()];
        let mut open: Vec<Vec<usize>> = vec![Vec::new(); index.terms.len()];
        for (number, own) in terms.iter().enumerate() {
            let rarest = own
                .iter()
                .filter_map(|term| search.seen[*term as usize].rarest.as_ref());
            let Some((_, beside)) = rarest.min_by_key(|(weight, _)| *weight) else {
                continue;
            };
            let Some(first) = own.first().map(|term| index.term_of(*term)) else {
                continue;
            };
            let others = beside.iter().copied().filter(|id| {
                let other = index.term_of(*id);
                // Probes have no audience; they cover nothing.
                other.decision == first.decision
                    && !other.sides.is_empty()
                    && first.sides.is_subset(&other.sides)
            });
            let others = index
                .entries_of(others)
                .filter_map(|entry| class[entry.rule as usize]);
            coverers[number] = others.filter(|other| *other != number).collect();
            if !coverers[number].is_empty() {
                own.iter()
                    .for_each(|term| open[*term as usize].push(number));
            }
        }
        Self {
            index,
            members,
            class,
            met: vec![0; index.terms.len()],
            terms,
            coverers,
            open,
            region: 0,
        }
    }

    /// The terms whose regions must be visited: those of classes with candidates.
    pub(super) fn terms_to_visit(&self) -> Vec<bool> {
        self.open
            .iter()
            .map(|classes| !classes.is_empty())
            .collect()
    }

    pub(super) fn see(
        &mut self,
        budget: &Budget,
        region: &RequestRegion<'_>,
    ) -> Result<(), WalkStop> {
        self.region += 1;
        for term in region.terms {
            self.met[*term as usize] = self.region;
        }
        let Self {
            index,
            terms,
            coverers,
            open,
            met,
            region: number,
            members: _,
            class: _,
        } = self;
        for id in subjects(index, region) {
            let classes = &mut open[id as usize];
            budget.spend(classes.len())?;
            for class in classes.iter() {
                coverers[*class].retain(|other| {
                    terms[*other]
                        .iter()
                        .any(|term| met[*term as usize] == *number)
                });
            }
            classes.retain(|class| !coverers[*class].is_empty());
        }
        Ok(())
    }

    /// The first `most` rules that cover a rule, including rules of the same class.
    pub(super) fn coverers(&self, rule: usize, most: usize) -> Vec<usize> {
        let Some(class) = self.class.get(rule).copied().flatten() else {
            return Vec::new();
        };
        let classes = self.coverers[class].iter().copied().chain([class]);
        let few = |class: usize| {
            self.members[class]
                .iter()
                .copied()
                .filter(|other| *other != rule)
                .take(most)
        };
        let mut rules: Vec<usize> = classes.flat_map(few).collect();
        rules.sort_unstable();
        rules.truncate(most);
        rules
    }
}
