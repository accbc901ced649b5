//! Decides single requests and names the deciding rules.

use std::sync::Arc;

use super::index::{InvalidResource, ResourceEntry, RuleIndex};
use super::request::AccessRequest;
use model::docker::{Decision, Rule};

/// A set of rules, indexed for decisions about single requests.
#[derive(Debug)]
pub struct RuleSet {
    index: RuleIndex,
}

/// A resource that decides a request, with its rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DecidingResource {
    /// The position of the rule in its set.
    pub rule: usize,
    /// The resource as written.
    pub resource: Arc<str>,
}

/// A decision and its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedDecision {
    /// The decision.
    pub decision: Decision,
    /// The matching denies, otherwise the matching allows. Empty if nothing matches: denied by
    /// default.
    pub reasons: Vec<DecidingResource>,
}

impl ExplainedDecision {
    /// Deny overrides allow, and the default is deny.
    pub(crate) fn of(allows: Vec<DecidingResource>, denies: Vec<DecidingResource>) -> Self {
        let decision = if denies.is_empty() && !allows.is_empty() {
            Decision::Allow
        } else {
            Decision::Deny
        };
        let reasons = if denies.is_empty() { allows } else { denies };
        Self { decision, reasons }
    }
}

impl RuleSet {
    /// Indexes rules. The order of rules and the policies that contain them do not affect
    /// decisions.
    pub fn new(rules: &[&Rule]) -> Self {
        Self {
            index: RuleIndex::new(&[rules]),
        }
    }

    /// Resources that cannot be parsed and therefore match nothing.
    pub fn unreadable(&self) -> &[InvalidResource] {
        &self.index.unreadable
    }

    /// Decides a request: a matching deny overrides every allow, and the default is deny.
    ///
    /// An HTTP request is decided by the matching HTTP rules and the matching network rules for its
    /// TCP connection together (contract: FACTS, "Network and HTTP together").
    pub fn decide(&self, request: &AccessRequest) -> ExplainedDecision {
        let matching = self.index.matching(request);
        let reasons = |decision: Decision| {
            let terms = matching
                .iter()
                .copied()
                .filter(|id| self.index.term_of(*id).decision == decision);
            reasons(self.index.entries_of(terms))
        };
        ExplainedDecision::of(reasons(Decision::Allow), reasons(Decision::Deny))
    }

    /// The positions of all rules that match a request, sorted.
    pub(crate) fn matching_rules(&self, request: &AccessRequest) -> Vec<usize> {
        let matching = self.index.matching(request);
        let mut rules: Vec<usize> = self
            .index
            .entries_of(matching.into_iter())
            .map(|entry| entry.rule as usize)
            .collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// Decides a request like [`decide`](Self::decide), but without reasons. This is several times
    /// as fast.
    pub fn decides(&self, request: &AccessRequest) -> Decision {
        let mut decision = Decision::Deny;
        for id in self.index.candidates(request) {
            let term = self.index.term_of(id);
            // One deny settles the decision, and one allow is enough otherwise.
            if (term.decision == Decision::Deny || decision == Decision::Deny)
                && self.index.matches(term.what, request)
            {
                match term.decision {
                    Decision::Deny => return Decision::Deny,
                    Decision::Allow => decision = Decision::Allow,
                }
            }
        }
        decision
    }
}

/// The reasons for some entries, sorted and without duplicates.
pub(crate) fn reasons<'e>(
    entries: impl Iterator<Item = &'e ResourceEntry>,
) -> Vec<DecidingResource> {
    let mut reasons: Vec<DecidingResource> = entries
        .map(|entry| DecidingResource {
            rule: entry.rule as usize,
            resource: Arc::clone(&entry.resource),
        })
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}
