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
    /// Combines the matching resources of each decision: a deny overrides every allow, and what
    /// matches nothing is denied. `matching` is asked for the allows only if nothing denies.
    pub(crate) fn deny_overrides(matching: impl Fn(Decision) -> Vec<DecidingResource>) -> Self {
        let denies = matching(Decision::Deny);
        if !denies.is_empty() {
            return Self {
                decision: Decision::Deny,
                reasons: denies,
            };
        }
        let allows = matching(Decision::Allow);
        let decision = if allows.is_empty() {
            Decision::Deny
        } else {
            Decision::Allow
        };
        Self {
            decision,
            reasons: allows,
        }
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
        ExplainedDecision::deny_overrides(reasons)
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
