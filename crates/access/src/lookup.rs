//! Finds the terms of an index that match one request.

use smallvec::SmallVec;

use super::index::RuleIndex;
use super::request::{AccessRequest, Destination, FilePath};
use super::terms::TermMatcher;
use model::docker::Transport;
use model::docker::pattern::PathRoot;

pub(crate) type TermIds = SmallVec<[u32; 16]>;

impl RuleIndex {
    pub(crate) fn matching(&self, request: &AccessRequest) -> TermIds {
        let mut terms = self.candidates(request);
        terms.retain(|id| self.matches(self.term_of(*id).what, request));
        terms
    }

    /// The terms whose destination or path matches, before ports, methods and HTTP paths are
    /// compared.
    pub(crate) fn candidates(&self, request: &AccessRequest) -> TermIds {
        let RuleIndex {
            hosts, nets, files, ..
        } = self;
        match request {
            AccessRequest::Connect { destination, .. }
            | AccessRequest::Http { destination, .. } => match destination {
                Destination::Address(address) => nets.terms(*address).collect(),
                Destination::Name(name) => {
                    hosts.terms(&hosts.read(name.split('.').rev())).collect()
                }
            },
            AccessRequest::File {
                path: FilePath { root, segments },
                ..
            } => {
                let segments = segments.iter().map(String::as_str);
                match root {
                    PathRoot::Posix => files.posix.terms(&files.posix.read(segments)).collect(),
                    PathRoot::Home => files.home.terms(&files.home.read(segments)).collect(),
                    PathRoot::Wsl => files.wsl.terms(&files.wsl.read(segments)).collect(),
                    PathRoot::Drive(letter) => {
                        let mut text = [0; 4];
                        let letter: &str = letter.encode_utf8(&mut text);
                        files
                            .windows
                            .terms(&files.windows.read(std::iter::once(letter).chain(segments)))
                            .collect()
                    }
                    // A request names one drive and one format; only patterns have these.
                    PathRoot::AnyDrive | PathRoot::Any => TermIds::new(),
                }
            }
        }
    }

    /// Whether the rest of a term matches: transport, port, method, HTTP path or mode.
    pub(crate) fn matches(&self, what: TermMatcher, request: &AccessRequest) -> bool {
        let on = |port: &u16| what.port().is_none_or(|only| only == *port);
        match request {
            AccessRequest::Connect {
                transport, port, ..
            } => what.matches_transport(*transport) && on(port),
            AccessRequest::Http {
                method, port, path, ..
            } => match what {
                TermMatcher::Connect { .. } => what.matches_transport(Transport::Tcp) && on(port),
                TermMatcher::Http { path: glob, .. } => {
                    what.requests(*method) && on(port) && self.places.matches(glob, path)
                }
                TermMatcher::File { .. } => false,
            },
            AccessRequest::File { mode, .. } => what.mounts(*mode),
        }
    }
}
