//! Finds the terms of an index that match one request.

use smallvec::SmallVec;

use super::index::Index;
use super::request::{Destination, FilePath, Request};
use super::terms::What;
use model::docker::Transport;
use model::docker::pattern::Root;

pub(crate) type Terms = SmallVec<[u32; 16]>;

impl Index {
    pub(crate) fn matching(&self, request: &Request) -> Terms {
        let mut terms = self.candidates(request);
        terms.retain(|id| self.matches(self.term_of(*id).what, request));
        terms
    }

    /// The terms whose destination or path matches, before ports, methods and HTTP paths are
    /// compared.
    pub(crate) fn candidates(&self, request: &Request) -> Terms {
        let Index {
            hosts, nets, files, ..
        } = self;
        match request {
            Request::Connect { destination, .. } | Request::Http { destination, .. } => {
                match destination {
                    Destination::Address(address) => nets.terms(*address).collect(),
                    Destination::Name(name) => {
                        hosts.terms(&hosts.read(name.split('.').rev())).collect()
                    }
                }
            }
            Request::File {
                path: FilePath { root, segments },
                ..
            } => {
                let segments = segments.iter().map(String::as_str);
                match root {
                    Root::Posix => files.posix.terms(&files.posix.read(segments)).collect(),
                    Root::Home => files.home.terms(&files.home.read(segments)).collect(),
                    Root::Wsl => files.wsl.terms(&files.wsl.read(segments)).collect(),
                    Root::Drive(letter) => {
                        let mut text = [0; 4];
                        let letter: &str = letter.encode_utf8(&mut text);
                        files
                            .windows
                            .terms(&files.windows.read(std::iter::once(letter).chain(segments)))
                            .collect()
                    }
                    // A request names one drive; only patterns have `AnyDrive`.
                    Root::AnyDrive => Terms::new(),
                }
            }
        }
    }

    /// Whether the rest of a term matches: transport, port, method, HTTP path or mode.
    pub(crate) fn matches(&self, what: What, request: &Request) -> bool {
        let on = |port: &u16| what.port().is_none_or(|only| only == *port);
        match request {
            Request::Connect {
                transport, port, ..
            } => what.connects(*transport) && on(port),
            Request::Http {
                method, port, path, ..
            } => match what {
                What::Connect { .. } => what.connects(Transport::Tcp) && on(port),
                What::Http { path: glob, .. } => {
                    what.requests(*method) && on(port) && self.places.matches(glob, path)
                }
                What::File { .. } => false,
            },
            Request::File { mode, .. } => what.mounts(*mode),
        }
    }
}
