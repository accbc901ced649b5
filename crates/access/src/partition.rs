//! Enumerates the cells of all requests: destinations or paths that match the same terms.
//!
//! Requests are classified by destination or path first. `regions` and `compare` split a cell
//! further, by transport, port, method and HTTP path, as far as they need to. Requests that no term
//! matches are in no cell. An HTTP request that no HTTP term matches is decided like its
//! connection, and has no region of its own.
//!
//! Names and paths come from subset constructions (`walk`), addresses from the nesting of ranges
//! (`nets`). These parts are disjoint, since a name is not resolved and each path format has its
//! own patterns; they are enumerated one after the other instead of as a product.
//!
//! Example: the network resources `**.example.com`, `api.example.com` and `10.0.0.0/8` give three
//! cells: `api.example.com` (two terms), all other names below `example.com` (one term) and
//! addresses in 10.0.0.0/8 (one term).
//!

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::budget::{Budget, TooComplex, WalkStop};
use super::index::{PathTries, RuleIndex};
use super::request::RequestPart;
use super::request::{Destination, FilePath, PortSet};
use super::segment_kind::SegmentKind;
use super::segments::{FixedMap, Trie};
use super::terms::TermMatcher;
use super::walk::TrieWalk;
use model::docker::Transport;
use model::docker::pattern::PathRoot;

/// Enumerates the cells of one index within one budget.
pub(crate) struct RequestPartition<'i> {
    pub(crate) index: &'i RuleIndex,
    pub(crate) budget: Budget,
    /// The path cells by their globs. Many hosts share the same few path globs.
    paths: RefCell<FixedMap<Vec<u32>, Rc<Vec<PathCell>>>>,
}

/// A set of requests whose destination or path matches the same terms.
pub(crate) struct PartitionCell<'c> {
    /// The terms, sorted.
    pub(crate) terms: &'c [u32],
    place: CellOrigin<'c>,
}

#[derive(Clone, Copy)]
enum CellOrigin<'c> {
    Name(&'c TrieWalk<'c>, usize),
    Address(std::net::IpAddr),
    Path(PathFormat, &'c TrieWalk<'c>, usize),
}

#[derive(Clone, Copy)]
enum PathFormat {
    Posix,
    Home,
    Windows,
    Wsl,
}

/// Receives a walk, the number of one of its cells, and the terms that match there.
type NameVisitor<'v> = dyn FnMut(&TrieWalk<'_>, usize, &[u32]) -> Result<(), WalkStop> + 'v;

/// The destination or path of one request of a cell.
pub(crate) enum RequestTarget {
    Destination(Destination),
    Path(FilePath),
}

/// Terms by port: those for every port, and those for certain ports.
#[derive(Debug, Default)]
pub(crate) struct TermsByPort {
    pub(crate) everywhere: Vec<u32>,
    pub(crate) at: BTreeMap<u16, Vec<u32>>,
}

/// HTTP requests to ports with the same terms.
pub(crate) struct HttpPortGroup {
    pub(crate) ports: PortSet,
    /// The terms for the connection.
    pub(crate) connection: Vec<u32>,
    /// The HTTP terms, with any path and method.
    pub(crate) http: Vec<u32>,
}

/// HTTP paths that match the same globs.
#[derive(Debug)]
pub(crate) struct PathCell {
    /// The numbers of the globs, sorted.
    pub(crate) globs: Vec<u32>,
    pub(crate) witness: Vec<String>,
}

impl<'i> RequestPartition<'i> {
    pub(crate) fn new(index: &'i RuleIndex) -> Self {
        Self {
            index,
            budget: Budget::new(index.terms.len()),
            paths: RefCell::default(),
        }
    }

    /// Visits every cell in which a `wanted` term matches, shortest names first.
    pub(crate) fn cells(
        &self,
        wanted: &dyn Fn(u32) -> bool,
        visit: &mut dyn FnMut(&PartitionCell<'_>) -> Result<(), WalkStop>,
    ) -> Result<(), TooComplex> {
        match self.visit_all(wanted, visit) {
            Ok(()) | Err(WalkStop::Answered) => Ok(()),
            Err(WalkStop::TooComplex(too_complex)) => Err(too_complex),
        }
    }

    fn visit_all(
        &self,
        wanted: &dyn Fn(u32) -> bool,
        visit: &mut dyn FnMut(&PartitionCell<'_>) -> Result<(), WalkStop>,
    ) -> Result<(), WalkStop> {
        for part in RequestPart::ALL {
            self.visit_part(part, wanted, visit)?;
        }
        Ok(())
    }

    /// Visits the cells of one part in which a `wanted` term matches, shortest names first.
    pub(crate) fn visit_part(
        &self,
        part: RequestPart,
        wanted: &dyn Fn(u32) -> bool,
        visit: &mut dyn FnMut(&PartitionCell<'_>) -> Result<(), WalkStop>,
    ) -> Result<(), WalkStop> {
        let PathTries {
            posix,
            home,
            windows,
            wsl,
        } = &self.index.files;
        let (trie, format, kind) = match part {
            RequestPart::Names => {
                return self.names(
                    &self.index.hosts,
                    SegmentKind::Host,
                    wanted,
                    &mut |walk, cell, terms| {
                        visit(&PartitionCell {
                            terms,
                            place: CellOrigin::Name(walk, cell),
                        })
                    },
                );
            }
            RequestPart::Addresses => return self.addresses(wanted, visit),
            RequestPart::PosixPaths => (posix, PathFormat::Posix, SegmentKind::File),
            RequestPart::HomePaths => (home, PathFormat::Home, SegmentKind::File),
            RequestPart::WslPaths => (wsl, PathFormat::Wsl, SegmentKind::Wsl),
            RequestPart::WindowsPaths => (windows, PathFormat::Windows, SegmentKind::Windows),
        };
        self.names(trie, kind, wanted, &mut |walk, cell, terms| {
            visit(&PartitionCell {
                terms,
                place: CellOrigin::Path(format, walk, cell),
            })
        })
    }

    fn addresses(
        &self,
        wanted: &dyn Fn(u32) -> bool,
        visit: &mut dyn FnMut(&PartitionCell<'_>) -> Result<(), WalkStop>,
    ) -> Result<(), WalkStop> {
        for mut cell in self.index.nets.cells() {
            self.budget.spend(cell.terms.len() + 1)?;
            cell.terms.sort_unstable();
            if cell.terms.iter().any(|term| wanted(*term)) {
                visit(&PartitionCell {
                    terms: &cell.terms,
                    place: CellOrigin::Address(cell.witness),
                })?;
            }
        }
        Ok(())
    }

    fn names(
        &self,
        trie: &Trie,
        naming: SegmentKind,
        wanted: &dyn Fn(u32) -> bool,
        visit: &mut NameVisitor<'_>,
    ) -> Result<(), WalkStop> {
        let leading = trie.ancestors_of(wanted);
        if leading.first() != Some(&true) {
            return Ok(());
        }
        let mut terms = Vec::new();
        TrieWalk::visit_cells(trie, naming, &leading, &self.budget, &mut |walk, cell| {
            terms.clear();
            terms.extend(trie.terms(walk.state(cell)));
            if terms.iter().any(|term| wanted(*term)) {
                self.budget.spend(terms.len())?;
                terms.sort_unstable();
                visit(walk, cell, &terms)?;
            }
            Ok(())
        })
    }

    /// The terms for connections by this transport, by port.
    pub(crate) fn connections(&self, terms: &[u32], transport: Transport) -> TermsByPort {
        let mut split = TermsByPort::default();
        for id in terms {
            let what = self.index.term_of(*id).what;
            if what.matches_transport(transport) {
                split.terms_at_mut(what.port()).push(*id);
            }
        }
        split
    }

    /// HTTP requests by class of ports; empty without HTTP terms. Two ports are in one class if
    /// they have the same HTTP terms and `telling` maps their connection terms to the same key.
    pub(crate) fn http<K: Ord>(
        &self,
        terms: &[u32],
        telling: impl Fn(&[u32]) -> K,
    ) -> Vec<HttpPortGroup> {
        let mut http = TermsByPort::default();
        for id in terms {
            if let what @ TermMatcher::Http { port, .. } = self.index.term_of(*id).what {
                debug_assert_eq!(what.port(), port);
                http.terms_at_mut(port).push(*id);
            }
        }
        if http.is_empty() {
            return Vec::new();
        }
        let tcp = self.connections(terms, Transport::Tcp);
        let written: BTreeSet<u16> = http.at.keys().chain(tcp.at.keys()).copied().collect();
        let mut alike: BTreeMap<(Vec<u32>, K), HttpPortGroup> = BTreeMap::new();
        for port in std::iter::once(None).chain(written.iter().copied().map(Some)) {
            let http = http.terms_at(port);
            let connection = tcp.terms_at(port);
            let key = (http.clone(), telling(&connection));
            let one = alike.entry(key).or_insert_with(|| HttpPortGroup {
                ports: if port.is_none() {
                    PortSet::AllBut(written.clone())
                } else {
                    PortSet::Only(BTreeSet::new())
                },
                connection,
                http,
            });
            match (port, &mut one.ports) {
                (Some(port), PortSet::Only(ports)) => drop(ports.insert(port)),
                (Some(port), PortSet::AllBut(ports)) => drop(ports.remove(&port)),
                (None, _) => {}
            }
        }
        alike
            .into_values()
            .filter(|one| !one.http.is_empty())
            .collect()
    }

    /// The cells of the HTTP paths that these terms distinguish.
    pub(crate) fn paths(&self, http: &[u32]) -> Result<Rc<Vec<PathCell>>, WalkStop> {
        let globs: BTreeSet<u32> = http.iter().filter_map(|id| self.glob(*id)).collect();
        let globs: Vec<u32> = globs.into_iter().collect();
        if let Some(known) = self.paths.borrow().get(&globs) {
            return Ok(Rc::clone(known));
        }
        let mut trie = Trie::default();
        for glob in &globs {
            let node = trie.insert(self.index.places.glob(*glob).segments());
            trie.nodes[node as usize].terms.push(*glob);
        }
        let mut cells = Vec::new();
        self.names(
            &trie,
            SegmentKind::Url,
            &|_| true,
            &mut |walk, cell, globs| {
                cells.push(PathCell {
                    globs: globs.to_vec(),
                    witness: walk.witness(cell),
                });
                Ok(())
            },
        )?;
        let cells = Rc::new(cells);
        self.paths.borrow_mut().insert(globs, Rc::clone(&cells));
        Ok(cells)
    }

    /// Whether an HTTP term matches the paths of a cell.
    pub(crate) fn on_path(&self, term: u32, cell: &PathCell) -> bool {
        self.glob(term)
            .is_some_and(|glob| cell.globs.binary_search(&glob).is_ok())
    }

    fn glob(&self, term: u32) -> Option<u32> {
        match self.index.term_of(term).what {
            TermMatcher::Http { path, .. } => Some(path),
            TermMatcher::Connect { .. } | TermMatcher::File { .. } => None,
        }
    }
}

impl TermsByPort {
    pub(crate) fn is_empty(&self) -> bool {
        self.everywhere.is_empty() && self.at.is_empty()
    }

    fn terms_at_mut(&mut self, port: Option<u16>) -> &mut Vec<u32> {
        match port {
            Some(port) => self.at.entry(port).or_default(),
            None => &mut self.everywhere,
        }
    }

    /// The terms for a port; `None` represents all ports without terms of their own.
    pub(crate) fn terms_at(&self, port: Option<u16>) -> Vec<u32> {
        let here = port
            .and_then(|port| self.at.get(&port))
            .map_or(&[][..], Vec::as_slice);
        self.everywhere.iter().chain(here).copied().collect()
    }
}

impl PartitionCell<'_> {
    /// Whether the cell consists of file paths.
    pub(crate) fn is_path(&self) -> bool {
        matches!(self.place, CellOrigin::Path(..))
    }

    /// One destination or path of the cell, constructed on demand.
    pub(crate) fn subject(&self) -> RequestTarget {
        match self.place {
            CellOrigin::Name(walk, cell) => {
                RequestTarget::Destination(Destination::Name(walk.host(cell)))
            }
            CellOrigin::Address(address) => {
                RequestTarget::Destination(Destination::Address(address))
            }
            CellOrigin::Path(format, walk, cell) => {
                let mut segments = walk.witness(cell);
                let root = match format {
                    PathFormat::Posix => PathRoot::Posix,
                    PathFormat::Home => PathRoot::Home,
                    PathFormat::Wsl => PathRoot::Wsl,
                    PathFormat::Windows => {
                        let letter = if segments.is_empty() {
                            None
                        } else {
                            segments.remove(0).chars().next()
                        };
                        PathRoot::Drive(letter.unwrap_or('C'))
                    }
                };
                RequestTarget::Path(FilePath { root, segments })
            }
        }
    }
}
