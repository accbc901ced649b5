//! What a rule set decides about one request, and which rules decide it.

use smallvec::SmallVec;

use super::index::{Entry, Index, Unreadable};
use super::request::{Destination, FilePath, Request};
use super::terms::What;
use crate::model::docker::pattern::Root;
use crate::model::docker::{Decision, Rule, Transport};

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
    pub resource: String,
}

/// What is decided, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Allow or deny.
    pub decision: Decision,
    /// The denies that match, or the allows if none does; empty where nothing matches, which denies.
    pub reasons: Vec<Reason>,
}

/// The numbers of terms.
type Terms = SmallVec<[u32; 16]>;

impl RuleSet {
    /// Takes rules apart; those of one policy need not stand together, since all rules are pooled.
    pub fn new(rules: &[&Rule]) -> Self {
        Self { index: Index::new(&[rules]) }
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
        let matching = self.matching(request);
        let reasons = |decision: Decision| {
            let terms = matching.iter().copied().filter(|id| self.index.term_of(*id).decision == decision);
            reasons(self.index.entries_of(terms))
        };
        let denies = reasons(Decision::Deny);
        if !denies.is_empty() {
            return Verdict { decision: Decision::Deny, reasons: denies };
        }
        let allows = reasons(Decision::Allow);
        let decision = if allows.is_empty() { Decision::Deny } else { Decision::Allow };
        Verdict { decision, reasons: allows }
    }

    /// Decides a request as [`decide`](Self::decide) does, without saying why: several times as fast.
    pub fn decides(&self, request: &Request) -> Decision {
        let mut decision = Decision::Deny;
        for id in self.candidates(request) {
            let term = self.index.term_of(id);
            // One deny is enough, and of allows one is enough too.
            if (term.decision == Decision::Deny || decision == Decision::Deny) && self.matches(term.what, request) {
                match term.decision {
                    Decision::Deny => return Decision::Deny,
                    Decision::Allow => decision = Decision::Allow,
                }
            }
        }
        decision
    }

    fn matching(&self, request: &Request) -> Terms {
        let mut terms = self.candidates(request);
        terms.retain(|id| self.matches(self.index.term_of(*id).what, request));
        terms
    }

    /// The terms whose destination or path matches.
    fn candidates(&self, request: &Request) -> Terms {
        let Index { hosts, nets, files, .. } = &self.index;
        match request {
            Request::Connect { destination, .. } | Request::Http { destination, .. } => match destination {
                Destination::Address(address) => nets.terms(*address).collect(),
                Destination::Name(name) => hosts.terms(&hosts.read(name.split('.').rev())).collect(),
            },
            Request::File { path: FilePath { root, segments }, .. } => {
                let segments = segments.iter().map(String::as_str);
                match root {
                    Root::Posix => files.posix.terms(&files.posix.read(segments)).collect(),
                    Root::Home => files.home.terms(&files.home.read(segments)).collect(),
                    Root::Wsl => files.wsl.terms(&files.wsl.read(segments)).collect(),
                    Root::Drive(letter) => {
                        let mut text = [0; 4];
                        let letter: &str = letter.encode_utf8(&mut text);
                        files.windows.terms(&files.windows.read(std::iter::once(letter).chain(segments))).collect()
                    }
                    // Only patterns have it; no path does.
                    Root::AnyDrive => Terms::new(),
                }
            }
        }
    }

    /// Whether the rest of a term matches, its destination or path aside.
    fn matches(&self, what: What, request: &Request) -> bool {
        let on = |port: &u16| what.port().is_none_or(|only| only == *port);
        match request {
            Request::Connect { transport, port, .. } => what.connects(*transport) && on(port),
            Request::Http { method, port, path, .. } => match what {
                What::Connect { .. } => what.connects(Transport::Tcp) && on(port),
                What::Http { path: glob, .. } => {
                    what.requests(*method) && on(port) && self.index.places.matches(glob, path)
                }
                What::File { .. } => false,
            },
            Request::File { mode, .. } => what.mounts(*mode),
        }
    }
}

/// The reasons that entries are, in order, each once.
pub(super) fn reasons<'e>(entries: impl Iterator<Item = &'e Entry>) -> Vec<Reason> {
    let mut entries: Vec<(u32, &str)> = entries.map(|entry| (entry.rule, &*entry.resource)).collect();
    entries.sort_unstable();
    entries.dedup();
    let named = entries.into_iter();
    named.map(|(rule, resource)| Reason { rule: rule as usize, resource: resource.to_owned() }).collect()
}
