//! What a rule set decides about one request, and which rules decide it.

use std::sync::Arc;

use super::index::{Entry, Index, Unreadable};
use super::request::Request;
use model::docker::{Decision, Rule};

/// The rules that count for one person, ready to decide.
#[derive(Debug)]
pub struct RuleSet {
    index: Index,
}

/// A resource that decides a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// The position of the rule in its set.
    pub rule: usize,
    /// The resource as written.
    pub resource: Arc<str>,
}

/// What is decided, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Allow or deny.
    pub decision: Decision,
    /// The denies that match, or the allows if none does; empty where nothing matches, which denies.
    pub reasons: Vec<Reason>,
}

impl RuleSet {
    /// Takes rules apart; those of one policy need not stand together, since all rules are pooled.
    pub fn new(rules: &[&Rule]) -> Self {
        Self {
            index: Index::new(&[rules]),
        }
    }

    /// Resources that are no pattern and so match nothing here.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.index.unreadable
    }

    /// Decides a request: any deny that matches wins, else any allow that matches, else it is denied.
    ///
    /// An HTTP request is decided by HTTP rules and by the network rules about its TCP connection together (contract:
    /// FACTS, "Network and HTTP together").
    pub fn decide(&self, request: &Request) -> Verdict {
        let matching = self.index.matching(request);
        let reasons = |decision: Decision| {
            let terms = matching
                .iter()
                .copied()
                .filter(|id| self.index.term_of(*id).decision == decision);
            reasons(self.index.entries_of(terms))
        };
        let denies = reasons(Decision::Deny);
        if !denies.is_empty() {
            return Verdict {
                decision: Decision::Deny,
                reasons: denies,
            };
        }
        let allows = reasons(Decision::Allow);
        let decision = if allows.is_empty() {
            Decision::Deny
        } else {
            Decision::Allow
        };
        Verdict {
            decision,
            reasons: allows,
        }
    }

    /// Decides a request as [`decide`](Self::decide) does, without saying why: several times as fast.
    pub fn decides(&self, request: &Request) -> Decision {
        let mut decision = Decision::Deny;
        for id in self.index.candidates(request) {
            let term = self.index.term_of(id);
            // One deny is enough, and of allows one is enough too.
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

/// The reasons that entries are, in order, each once.
pub(super) fn reasons<'e>(entries: impl Iterator<Item = &'e Entry>) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = entries
        .map(|entry| Reason {
            rule: entry.rule as usize,
            resource: Arc::clone(&entry.resource),
        })
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}
