//! Requests that the same rules decide, and what each of several rule sets decides about them.

use std::collections::{BTreeMap, HashMap};

use super::index::{Index, What};
use super::ports::Ports;
use super::request::{Destination, FilePath, Request};
use super::segments::Trie;
use crate::model::docker::pattern::Root;
use crate::model::docker::{Decision, FileMode, Method, Transport};

/// A bit for each rule set: whether it allows something.
pub(super) type Sides = u8;

/// Requests on which the rule sets agree or differ in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    /// Which sets allow them.
    pub(super) allowed: Sides,
    /// The ports, where there are any.
    pub(super) ports: Option<Ports>,
    /// The methods, for HTTP.
    pub(super) methods: Vec<Method>,
    /// One of them.
    pub(super) witness: Request,
}

/// All regions in which `wanted` holds for the sets that allow them. Requests that no rule mentions are denied by
/// every set and are in no region. An HTTP request that no HTTP rule decides is decided as its connection is, and is
/// not named again.
pub(super) fn regions(index: &Index, wanted: impl Fn(Sides) -> bool) -> Vec<Region> {
    let mut search = Search { index, wanted: &wanted, found: Vec::new(), paths: HashMap::new() };
    for cell in index.hosts.explore(false, &|number| fresh("any", number)) {
        let labels: Vec<&str> = cell.witness.iter().rev().map(AsRef::as_ref).collect();
        let entries: Vec<u32> = index.hosts.entries(&cell.state).collect();
        search.destination(&Destination::Name(labels.join(".")), &entries);
    }
    for cell in index.nets.cells() {
        search.destination(&Destination::Address(cell.witness), &cell.entries);
    }
    let files = &index.files;
    search.files(&files.posix, true, |segments| FilePath { root: Root::Posix, segments });
    search.files(&files.home, true, |segments| FilePath { root: Root::Home, segments });
    search.files(&files.wsl, false, |segments| FilePath { root: Root::Wsl, segments });
    search.windows();
    search.found
}

fn fresh(word: &str, number: usize) -> String {
    if number == 0 { word.to_owned() } else { format!("{word}{}", number + 1) }
}

/// What the rule sets say about one thing, before deny is weighed against allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Votes {
    allow: Sides,
    deny: Sides,
}

impl Votes {
    fn cast(&mut self, side: Sides, decision: Decision) {
        match decision {
            Decision::Allow => self.allow |= side,
            Decision::Deny => self.deny |= side,
        }
    }

    fn and(self, other: Self) -> Self {
        Self { allow: self.allow | other.allow, deny: self.deny | other.deny }
    }

    /// Deny wins; what nothing allows is denied.
    fn allowed(self) -> Sides {
        self.allow & !self.deny
    }
}

/// Votes that differ by port.
#[derive(Debug, Default)]
struct PortVotes {
    everywhere: Votes,
    at: BTreeMap<u16, Votes>,
}

impl PortVotes {
    fn cast(&mut self, port: Option<u16>, side: Sides, decision: Decision) {
        port.map_or(&mut self.everywhere, |port| self.at.entry(port).or_default()).cast(side, decision);
    }

    fn on(&self, port: Option<u16>) -> Votes {
        let here = port.and_then(|port| self.at.get(&port)).copied().unwrap_or_default();
        self.everywhere.and(here)
    }
}

/// The ports of each outcome.
fn by_outcome(
    ports: impl Iterator<Item = u16> + Clone,
    outcome: impl Fn(Option<u16>) -> Sides,
) -> BTreeMap<Sides, Ports> {
    let elsewhere = outcome(None);
    let mut only: BTreeMap<Sides, std::collections::BTreeSet<u16>> = BTreeMap::new();
    let mut but = std::collections::BTreeSet::new();
    for port in ports {
        let here = outcome(Some(port));
        if here != elsewhere {
            only.entry(here).or_default().insert(port);
            but.insert(port);
        }
    }
    let mut all: BTreeMap<Sides, Ports> = only.into_iter().map(|(sides, ports)| (sides, Ports::Only(ports))).collect();
    all.insert(elsewhere, Ports::AllBut(but));
    all
}

/// Paths that the same HTTP rules decide: segments, methods, and which sets allow them.
type PathRegions = Vec<(Vec<String>, Vec<Method>, Sides)>;

struct Search<'a> {
    index: &'a Index,
    wanted: &'a dyn Fn(Sides) -> bool,
    found: Vec<Region>,
    /// Many hosts share the same few rules about paths.
    paths: HashMap<(Vec<u32>, Votes), PathRegions>,
}

impl Search<'_> {
    /// Everything about one destination, which these entries are about.
    fn destination(&mut self, destination: &Destination, entries: &[u32]) {
        let mut votes = [PortVotes::default(), PortVotes::default()];
        let mut http: Vec<u32> = Vec::new();
        for id in entries {
            let entry = self.index.entry(*id);
            match &entry.what {
                What::Connect { transports, port } => {
                    for transport in transports {
                        votes[slot(*transport)].cast(*port, entry.side, entry.decision);
                    }
                }
                What::Http { .. } => http.push(*id),
                What::File { .. } => {}
            }
        }
        for transport in Transport::ALL {
            let votes = &votes[slot(*transport)];
            for (allowed, ports) in by_outcome(votes.at.keys().copied(), |port| votes.on(port).allowed()) {
                let Some(port) = ports.witness().filter(|_| (self.wanted)(allowed)) else { continue };
                let witness = Request::Connect { transport: *transport, destination: destination.clone(), port };
                self.found.push(Region { allowed, ports: Some(ports), methods: Vec::new(), witness });
            }
        }
        if !http.is_empty() {
            http.sort_unstable();
            self.http(destination, &http, &votes[slot(Transport::Tcp)]);
        }
    }

    fn http(&mut self, destination: &Destination, entries: &[u32], tcp: &PortVotes) {
        let port_of = |id: &u32| match &self.index.entry(*id).what {
            What::Http { port, .. } => *port,
            What::Connect { .. } | What::File { .. } => None,
        };
        let written: std::collections::BTreeSet<u16> =
            entries.iter().filter_map(port_of).chain(tcp.at.keys().copied()).collect();
        // Ports on which the same entries and the same votes on the connection count are one.
        let mut alike: BTreeMap<(Vec<u32>, Sides, Sides), Ports> = BTreeMap::new();
        let key = |port: Option<u16>| {
            let active = entries.iter().copied().filter(|id| port_of(id).is_none_or(|own| Some(own) == port)).collect();
            let votes = tcp.on(port);
            (active, votes.allow, votes.deny)
        };
        alike.insert(key(None), Ports::AllBut(written.clone()));
        for port in written {
            match alike.entry(key(Some(port))).or_insert_with(|| Ports::Only([].into())) {
                Ports::Only(ports) => drop(ports.insert(port)),
                Ports::AllBut(ports) => drop(ports.remove(&port)),
            }
        }
        for ((active, allow, deny), ports) in alike {
            let Some(port) = ports.witness() else { continue };
            let connection = Votes { allow, deny };
            for (path, methods, allowed) in self.paths(active, connection) {
                let Some(method) = methods.first().copied() else { continue };
                if (self.wanted)(allowed) && allowed != connection.allowed() {
                    let witness = Request::Http { method, destination: destination.clone(), port, path };
                    self.found.push(Region { allowed, ports: Some(ports.clone()), methods, witness });
                }
            }
        }
    }

    fn paths(&mut self, active: Vec<u32>, connection: Votes) -> PathRegions {
        let key = (active, connection);
        if let Some(known) = self.paths.get(&key) {
            return known.clone();
        }
        let mut trie = Trie::default();
        for id in &key.0 {
            if let What::Http { path, .. } = &self.index.entry(*id).what {
                trie.insert(path.segments(), *id);
            }
        }
        let mut regions = Vec::new();
        for cell in trie.explore(true, &|number| fresh("any", number)) {
            let mut votes: BTreeMap<Method, Votes> = BTreeMap::new();
            for id in trie.entries(&cell.state) {
                let entry = self.index.entry(id);
                if let What::Http { methods, .. } = &entry.what {
                    for method in methods {
                        votes.entry(*method).or_default().cast(entry.side, entry.decision);
                    }
                }
            }
            let mut outcomes: BTreeMap<Sides, Vec<Method>> = BTreeMap::new();
            for (method, votes) in votes {
                outcomes.entry(votes.and(connection).allowed()).or_default().push(method);
            }
            let path: Vec<String> = cell.witness.iter().map(ToString::to_string).collect();
            regions.extend(outcomes.into_iter().map(|(sides, methods)| (path.clone(), methods, sides)));
        }
        self.paths.insert(key, regions.clone());
        regions
    }

    fn files(&mut self, trie: &Trie, with_root: bool, path: impl Fn(Vec<String>) -> FilePath) {
        for cell in trie.explore(with_root, &|number| fresh("any", number)) {
            let segments: Vec<String> = cell.witness.iter().map(ToString::to_string).collect();
            self.file(&path(segments), trie.entries(&cell.state));
        }
    }

    /// Paths of Windows begin with a letter.
    fn windows(&mut self) {
        let index = self.index;
        let trie = &index.files.windows;
        let fresh_letter = |number: usize| char::from(b'A' + u8::try_from((number + 3) % 26).unwrap_or(0)).to_string();
        for cell in trie.explore_with_first(&fresh_letter, &|number| fresh("any", number)) {
            let Some((letter, segments)) = cell.witness.split_first() else { continue };
            let Some(letter) = letter.chars().next() else { continue };
            let segments = segments.iter().map(ToString::to_string).collect();
            self.file(&FilePath { root: Root::Drive(letter), segments }, trie.entries(&cell.state));
        }
    }

    fn file(&mut self, path: &FilePath, entries: impl Iterator<Item = u32>) {
        let mut votes: BTreeMap<FileMode, Votes> = BTreeMap::new();
        for id in entries {
            let entry = self.index.entry(id);
            if let What::File { modes } = &entry.what {
                for mode in modes {
                    votes.entry(*mode).or_default().cast(entry.side, entry.decision);
                }
            }
        }
        for (mode, votes) in votes {
            let allowed = votes.allowed();
            if (self.wanted)(allowed) {
                let witness = Request::File { mode, path: path.clone() };
                self.found.push(Region { allowed, ports: None, methods: Vec::new(), witness });
            }
        }
    }
}

fn slot(transport: Transport) -> usize {
    match transport {
        Transport::Tcp => 0,
        Transport::Udp => 1,
    }
}
