//! Bounds of access: what nobody may be allowed, what nobody may be denied, and how far a change may widen access.
//! One walk over all requests answers for all bounds together.

use std::collections::BTreeMap;

use super::decide::{Reason, RuleSet, Verdict};
use super::index::Index;
use super::regions::{Region, regions};
use super::request::Request;
use super::request_pattern::RequestPattern;
use crate::model::docker::{Decision, Layer, Rule};

/// What the rules that count for some people are held to.
#[derive(Debug, Default)]
pub struct Bounds<'a> {
    /// No request of these may be allowed.
    pub never: Vec<&'a RequestPattern>,
    /// All requests of these must be allowed.
    pub always: Vec<&'a RequestPattern>,
    /// What opens must lie within these, if widening is bounded at all.
    pub widening: Option<Vec<&'a RequestPattern>>,
}

/// The bound that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bound {
    /// The pattern of `never` at this position.
    Never(usize),
    /// The pattern of `always` at this position.
    Always(usize),
    /// Something opens outside of the patterns.
    Widening,
}

/// A set of requests that breaks a bound, all decided by the same rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The bound.
    pub bound: Bound,
    /// One request of the set.
    pub witness: Request,
    /// What is decided about it before, by positions in the rules before.
    pub before: Verdict,
    /// What is decided about it after, by positions in the rules after.
    pub after: Verdict,
}

const BEFORE: u8 = 1;
const AFTER: u8 = 2;
// An HTTP request that is decided as its connection is has no region of its own; with sides of their own for patterns
// of HTTP requests, those that such a pattern is about have.
const NEVER: u8 = 4 | 8;
const ALWAYS: u8 = 16 | 32;
const WITHIN: u8 = 64;

/// Holds what is allowed after a change to bounds. None is a proof that every request keeps to them.
pub fn breaches(before: &[&Rule], after: &[&Rule], bounds: &Bounds<'_>) -> Vec<Breach> {
    let Bounds { never, always, widening } = bounds;
    if never.is_empty() && always.is_empty() && widening.is_none() {
        return Vec::new();
    }
    let within = widening.as_deref().unwrap_or_default();
    let [never, always, within] = [never, always, within]
        .map(|patterns: &[&RequestPattern]| -> Vec<&Rule> { patterns.iter().map(|pattern| pattern.rule()).collect() });
    let (never_http, never_other) = by_layer(&never);
    let (always_http, always_other) = by_layer(&always);
    let index = Index::new(&[before, after, &never_other, &never_http, &always_other, &always_http, &within]);
    let has = |sides: u8, side: u8| sides & side != 0;
    let opens = |sides: u8| widening.is_some() && !has(sides, BEFORE) && has(sides, AFTER) && !has(sides, WITHIN);
    let breaks = |sides: u8| {
        let allowed = has(sides, AFTER);
        (allowed && has(sides, NEVER)) || (!allowed && has(sides, ALWAYS)) || opens(sides)
    };
    let broken = regions(&index, breaks);
    if broken.is_empty() {
        return Vec::new();
    }
    let (old, new) = (RuleSet::new(before), RuleSet::new(after));
    let (never, always) = (RuleSet::new(&never), RuleSet::new(&always));
    let mut found: BTreeMap<(Bound, Vec<Reason>, Vec<Reason>), Breach> = BTreeMap::new();
    for Region { allowed, witness, ports: _, methods: _ } in broken {
        let (before, after) = (old.decide(&witness), new.decide(&witness));
        let mut add = |bound: Bound| {
            let key = (bound, before.reasons.clone(), after.reasons.clone());
            // The first region is the one with the shortest witness.
            found.entry(key).or_insert_with(|| Breach {
                bound,
                witness: witness.clone(),
                before: before.clone(),
                after: after.clone(),
            });
        };
        match after.decision {
            Decision::Allow => matching(&never, &witness).into_iter().for_each(|at| add(Bound::Never(at))),
            Decision::Deny => matching(&always, &witness).into_iter().for_each(|at| add(Bound::Always(at))),
        }
        if opens(allowed) {
            add(Bound::Widening);
        }
    }
    found.into_values().collect()
}

/// The rules about HTTP requests, and all others.
fn by_layer<'r>(rules: &[&'r Rule]) -> (Vec<&'r Rule>, Vec<&'r Rule>) {
    rules.iter().partition(|rule| rule.access.layer() == Layer::Http)
}

/// The patterns that a request matches, by position, each once.
fn matching(patterns: &RuleSet, witness: &Request) -> Vec<usize> {
    let mut matching: Vec<usize> = patterns.decide(witness).reasons.into_iter().map(|reason| reason.rule).collect();
    matching.dedup();
    matching
}
