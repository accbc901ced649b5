//! What a rule set decides about one request, and which rules decide it.

use super::index::{Entry, Index, Unreadable, What};
use super::request::{Destination, FilePath, Request};
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
        let matching = |decision: Decision| {
            let mut reasons: Vec<Reason> = self
                .candidates(request)
                .into_iter()
                .map(|id| self.index.entry(id))
                .filter(|entry| entry.decision == decision && matches(entry, request))
                .map(|entry| Reason { rule: entry.rule, resource: entry.resource.clone() })
                .collect();
            reasons.sort();
            reasons.dedup();
            reasons
        };
        let denies = matching(Decision::Deny);
        if !denies.is_empty() {
            return Verdict { decision: Decision::Deny, reasons: denies };
        }
        let allows = matching(Decision::Allow);
        let decision = if allows.is_empty() { Decision::Deny } else { Decision::Allow };
        Verdict { decision, reasons: allows }
    }

    /// The entries whose destination or path matches.
    fn candidates(&self, request: &Request) -> Vec<u32> {
        match request {
            Request::Connect { destination, .. } | Request::Http { destination, .. } => match destination {
                Destination::Address(address) => self.index.nets.entries(*address),
                Destination::Name(name) => walk(&self.index.hosts, name.split('.').rev()),
            },
            Request::File { path: FilePath { root, segments }, .. } => {
                let files = &self.index.files;
                let segments = segments.iter().map(String::as_str);
                match root {
                    Root::Posix => walk(&files.posix, segments),
                    Root::Home => walk(&files.home, segments),
                    Root::Wsl => walk(&files.wsl, segments),
                    Root::Drive(letter) => {
                        walk(&files.windows, std::iter::once(letter.encode_utf8(&mut [0; 4]) as &str).chain(segments))
                    }
                    // Only patterns have it; no path does.
                    Root::AnyDrive => Vec::new(),
                }
            }
        }
    }
}

fn walk<'s>(trie: &super::segments::Trie, segments: impl Iterator<Item = &'s str>) -> Vec<u32> {
    let mut state = trie.start();
    for segment in segments {
        state = trie.step(&state, segment);
    }
    trie.entries(&state).collect()
}

/// Whether the rest of an entry matches, its destination or path aside.
fn matches(entry: &Entry, request: &Request) -> bool {
    match (&entry.what, request) {
        (What::Connect { transports, port: only }, Request::Connect { transport, port, .. }) => {
            transports.contains(transport) && only.is_none_or(|only| only == *port)
        }
        (What::Connect { transports, port: only }, Request::Http { port, .. }) => {
            transports.contains(&Transport::Tcp) && only.is_none_or(|only| only == *port)
        }
        (What::Http { methods, port: only, path: glob }, Request::Http { method, port, path, .. }) => {
            methods.contains(method) && only.is_none_or(|only| only == *port) && glob_path_matches(glob, path)
        }
        (What::File { modes }, Request::File { mode, .. }) => modes.contains(mode),
        (What::Connect { .. } | What::Http { .. } | What::File { .. }, _) => false,
    }
}

fn glob_path_matches(glob: &crate::model::docker::pattern::PathGlob, path: &[String]) -> bool {
    let mut trie = super::segments::Trie::default();
    trie.insert(glob.segments(), 0);
    !walk(&trie, path.iter().map(String::as_str)).is_empty()
}
