//! The index of patterns: rules are split into resources and stored where lookups and walks find
//! them.

use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use smallvec::SmallVec;

use super::address_ranges::AddressRanges;
use super::bits::BitSet;
use super::parsed::{ParsedResource, ResourceDestination, ResourceParseError, parse};
use super::reading::Reading;
use super::request::RequestPart;
use super::segments::{FixedMap, NodeId, Trie};
use super::terms::{PathTable, Term, TermMatcher};
use model::docker::pattern::{
    GlobSegment, HostLabel, HostPattern, PathPattern, PathRoot, WildcardDepth,
};
use model::docker::{Decision, Rule};

/// Any number of segments, but at least one.
const ONE_OR_MORE: &[GlobSegment<'static>] = &[GlobSegment::Glob("*"), GlobSegment::Deep];

#[derive(Debug)]
pub(crate) struct ResourceEntry {
    /// The position of the rule in its set.
    pub(crate) rule: u32,
    pub(crate) resource: Arc<str>,
    /// The term with its meaning.
    pub(crate) term: u32,
}

/// A resource that cannot be parsed and therefore matches nothing. Manifests are validated, but a
/// server may return one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidResource {
    /// The position of the rule in its set.
    pub rule: usize,
    /// The resource as written.
    pub resource: String,
    /// The reason why it cannot be parsed.
    pub why: String,
}

impl InvalidResource {
    pub(crate) fn new(
        rule: usize,
        resource: &str,
        ResourceParseError { why }: ResourceParseError,
    ) -> Self {
        Self {
            rule,
            resource: resource.to_owned(),
            why,
        }
    }
}

/// One trie for each path format, since a pattern only matches paths of its own format.
#[derive(Debug, Default)]
pub(crate) struct PathTries {
    pub(crate) posix: Trie,
    pub(crate) home: Trie,
    /// The first segment is the drive letter.
    pub(crate) windows: Trie,
    /// The first segment is the distribution.
    pub(crate) wsl: Trie,
}

/// The place in the index where a term is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum TermLocation {
    Host(NodeId),
    Net(IpNet),
    /// Every name and every address: a term of `**` is stored with both.
    AllHosts,
    /// Every path: a term of `**` is stored in the tries of all formats.
    AllPaths,
    Posix(NodeId),
    Home(NodeId),
    Windows(NodeId),
    Wsl(NodeId),
}

/// The resources of any number of rule sets (sides), such as before and after a change.
#[derive(Debug, Default)]
pub(crate) struct RuleIndex {
    pub(crate) entries: Vec<ResourceEntry>,
    pub(crate) terms: Vec<Term>,
    pub(crate) places: PathTable,
    /// Host names by label, last label first.
    pub(crate) hosts: Trie,
    pub(crate) nets: AddressRanges,
    pub(crate) files: PathTries,
    pub(crate) unreadable: Vec<InvalidResource>,
    /// Whether a term matches names and addresses.
    pub(crate) has_all_hosts: bool,
    /// Whether a term matches paths of all formats.
    pub(crate) has_all_paths: bool,
    known: FixedMap<(TermLocation, Decision, TermMatcher), SmallVec<[u32; 2]>>,
}

impl RuleIndex {
    /// Indexes several rule sets. The side of a rule is the position of its set.
    pub(crate) fn new(sets: &[&[&Rule]]) -> Self {
        let mut index = Self::default();
        index.expect(sets.iter().flat_map(|rules| rules.iter().copied()));
        for (number, rules) in sets.iter().enumerate() {
            let side = BitSet::single(number);
            for (position, rule) in rules.iter().enumerate() {
                index.add(position, rule, &side);
            }
        }
        index
    }

    /// Reserves memory for the resources of these rules. Without it, large rule sets are
    /// reallocated many times.
    pub(crate) fn expect<'r>(&mut self, rules: impl Iterator<Item = &'r Rule>) {
        let resources = rules.map(|rule| rule.access.resource_count()).sum();
        self.entries.reserve(resources);
        self.terms.reserve(resources);
        self.known.reserve(resources);
    }

    /// Adds a rule to some sides. `position` identifies it in reasons.
    pub(crate) fn add(&mut self, position: usize, rule: &Rule, sides: &BitSet) {
        parse(rule, |resource, parsed| match parsed {
            Ok(parsed) => self.put(position, resource.text(), &parsed, sides),
            Err(error) => {
                self.unreadable
                    .push(InvalidResource::new(position, &resource.text(), error))
            }
        });
    }

    /// Like [`Self::add`], with resources as a reading compares them.
    pub(crate) fn add_as(
        &mut self,
        position: usize,
        rule: &Rule,
        sides: &BitSet,
        reading: Reading,
    ) {
        parse(rule, |resource, parsed| match parsed {
            Ok(parsed) => self.put(position, resource.text(), &reading.of(&parsed), sides),
            Err(error) => {
                self.unreadable
                    .push(InvalidResource::new(position, &resource.text(), error))
            }
        });
    }

    pub(crate) fn put(
        &mut self,
        position: usize,
        resource: Arc<str>,
        parsed: &ParsedResource,
        sides: &BitSet,
    ) {
        let ParsedResource {
            decision,
            at,
            about,
        } = parsed;
        let spot = self.route(at);
        let what = self.places.term_matcher(about);
        let term = self.term(spot, *decision, what, sides);
        let entry = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let rule = u32::try_from(position).unwrap_or(u32::MAX);
        self.entries.push(ResourceEntry {
            rule,
            resource,
            term,
        });
        self.terms[term as usize].entries.push(entry);
    }

    /// Returns the term for a meaning on some sides; entries with the same meaning and sides share
    /// it.
    fn term(
        &mut self,
        spot: TermLocation,
        decision: Decision,
        what: TermMatcher,
        sides: &BitSet,
    ) -> u32 {
        let alike = self.known.entry((spot, decision, what)).or_default();
        if let Some(known) = alike
            .iter()
            .find(|term| self.terms[**term as usize].sides == *sides)
        {
            return *known;
        }
        let term = u32::try_from(self.terms.len()).unwrap_or(u32::MAX);
        // The first term with this meaning identifies the meaning.
        let meaning = alike.first().copied().unwrap_or(term);
        alike.push(term);
        self.terms.push(Term {
            decision,
            what,
            sides: sides.clone(),
            meaning,
            entries: SmallVec::new(),
        });
        let PathTries {
            posix,
            home,
            windows,
            wsl,
        } = &mut self.files;
        let put = |trie: &mut Trie, segments: &[GlobSegment<'_>]| {
            let node = trie.insert(segments.iter().copied());
            trie.nodes[node as usize].terms.push(term);
        };
        match spot {
            TermLocation::Host(node) => self.hosts.nodes[node as usize].terms.push(term),
            TermLocation::Net(net) => self.nets.insert(net, term),
            TermLocation::Posix(node) => posix.nodes[node as usize].terms.push(term),
            TermLocation::Home(node) => home.nodes[node as usize].terms.push(term),
            TermLocation::Windows(node) => windows.nodes[node as usize].terms.push(term),
            TermLocation::Wsl(node) => wsl.nodes[node as usize].terms.push(term),
            TermLocation::AllHosts => {
                self.has_all_hosts = true;
                put(&mut self.hosts, ONE_OR_MORE);
                self.nets.insert(Ipv4Net::default().into(), term);
                self.nets.insert(Ipv6Net::default().into(), term);
            }
            TermLocation::AllPaths => {
                self.has_all_paths = true;
                put(posix, &[GlobSegment::Deep]);
                put(home, &[GlobSegment::Deep]);
                // The first segment is a drive or a distribution.
                put(windows, ONE_OR_MORE);
                put(wsl, ONE_OR_MORE);
            }
        }
        term
    }

    fn route(&mut self, at: &ResourceDestination) -> TermLocation {
        match at {
            ResourceDestination::Host(host) if host.matches_all() => TermLocation::AllHosts,
            ResourceDestination::Host(host) => match host.address() {
                Some(address) => TermLocation::Net(std::net::IpAddr::from(address).into()),
                None => TermLocation::Host(self.route_host(host)),
            },
            ResourceDestination::Net(net) => TermLocation::Net(*net),
            ResourceDestination::Path(path) => self.route_path(path),
        }
    }

    fn route_host(&mut self, host: &HostPattern) -> NodeId {
        self.hosts.insert(Self::host_segments(host))
    }

    /// The labels of a host pattern, last label first.
    pub(crate) fn host_segments(host: &HostPattern) -> impl Iterator<Item = GlobSegment<'_>> {
        let labels = host.labels().rev().map(|label| match label {
            HostLabel::Text(text) => GlobSegment::Text(text),
            HostLabel::Glob(glob) => GlobSegment::Glob(glob),
        });
        let front: &[GlobSegment<'_>] = match host.depth() {
            WildcardDepth::Exact => &[],
            WildcardDepth::One => &[GlobSegment::Glob("*")],
            WildcardDepth::Many | WildcardDepth::All => ONE_OR_MORE,
        };
        labels.chain(front.iter().copied())
    }

    fn route_path(&mut self, pattern: &PathPattern) -> TermLocation {
        let PathTries {
            posix,
            home,
            windows,
            wsl,
        } = &mut self.files;
        match pattern.root() {
            PathRoot::Any => TermLocation::AllPaths,
            PathRoot::Posix => TermLocation::Posix(posix.insert(pattern.segments())),
            PathRoot::Home => TermLocation::Home(home.insert(pattern.segments())),
            PathRoot::Wsl => TermLocation::Wsl(wsl.insert(pattern.segments())),
            PathRoot::AnyDrive => TermLocation::Windows(
                windows.insert(std::iter::once(GlobSegment::Glob("*")).chain(pattern.segments())),
            ),
            PathRoot::Drive(letter) => {
                let mut text = [0; 4];
                let letter = GlobSegment::Text(letter.encode_utf8(&mut text));
                TermLocation::Windows(
                    windows.insert(std::iter::once(letter).chain(pattern.segments())),
                )
            }
        }
    }

    /// The terms that match requests of a part.
    pub(crate) fn terms_of(&self, part: RequestPart) -> Vec<u32> {
        let trie = |trie: &Trie| {
            let nodes = trie.nodes.iter();
            nodes.flat_map(|node| node.terms.iter().copied()).collect()
        };
        match part {
            RequestPart::Names => trie(&self.hosts),
            RequestPart::Addresses => self.nets.cells().flat_map(|cell| cell.terms).collect(),
            RequestPart::PosixPaths => trie(&self.files.posix),
            RequestPart::HomePaths => trie(&self.files.home),
            RequestPart::WslPaths => trie(&self.files.wsl),
            RequestPart::WindowsPaths => trie(&self.files.windows),
        }
    }

    pub(crate) fn term_of(&self, id: u32) -> &Term {
        &self.terms[id as usize]
    }

    pub(crate) fn entries_of<'a>(
        &'a self,
        terms: impl Iterator<Item = u32> + 'a,
    ) -> impl Iterator<Item = &'a ResourceEntry> {
        terms
            .flat_map(|term| self.terms[term as usize].entries.iter())
            .map(|entry| &self.entries[*entry as usize])
    }
}
