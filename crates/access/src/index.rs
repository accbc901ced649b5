//! The index of patterns: rules are split into resources and stored where lookups and walks find
//! them.

use std::sync::Arc;

use ipnet::IpNet;
use smallvec::SmallVec;

use super::bits::Bits;
use super::nets::Nets;
use super::parsed::{Parsed, Unparsed, Where, parse};
use super::segments::{Map, NodeId, Trie};
use super::terms::{Places, Term, What};
use model::docker::pattern::{Depth, HostPattern, Label, PathPattern, Root, Segment};
use model::docker::{Decision, Rule};

#[derive(Debug)]
pub(crate) struct Entry {
    /// The position of the rule in its set.
    pub(crate) rule: u32,
    pub(crate) resource: Arc<str>,
    /// The term with its meaning.
    pub(crate) term: u32,
}

/// A resource that cannot be parsed and therefore matches nothing. Manifests are validated, but a
/// server may return one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The position of the rule in its set.
    pub rule: usize,
    /// The resource as written.
    pub resource: String,
    /// The reason why it cannot be parsed.
    pub why: String,
}

impl Unreadable {
    pub(crate) fn new(rule: usize, resource: &str, Unparsed { why }: Unparsed) -> Self {
        Self {
            rule,
            resource: resource.to_owned(),
            why,
        }
    }
}

/// One trie for each path format, since a pattern only matches paths of its own format.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) posix: Trie,
    pub(crate) home: Trie,
    /// The first segment is the drive letter.
    pub(crate) windows: Trie,
    /// The first segment is the distribution.
    pub(crate) wsl: Trie,
}

/// The place in the index where a term is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Spot {
    Host(NodeId),
    Net(IpNet),
    Posix(NodeId),
    Home(NodeId),
    Windows(NodeId),
    Wsl(NodeId),
}

/// The resources of any number of rule sets (sides), such as before and after a change.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) entries: Vec<Entry>,
    pub(crate) terms: Vec<Term>,
    pub(crate) places: Places,
    /// Host names by label, last label first.
    pub(crate) hosts: Trie,
    pub(crate) nets: Nets,
    pub(crate) files: Files,
    pub(crate) unreadable: Vec<Unreadable>,
    known: Map<(Spot, Decision, What), SmallVec<[u32; 2]>>,
}

impl Index {
    /// Indexes several rule sets. The side of a rule is the position of its set.
    pub(crate) fn new(sets: &[&[&Rule]]) -> Self {
        let mut index = Self::default();
        index.expect(sets.iter().flat_map(|rules| rules.iter().copied()));
        for (number, rules) in sets.iter().enumerate() {
            let side = Bits::one(number);
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
    pub(crate) fn add(&mut self, position: usize, rule: &Rule, sides: &Bits) {
        parse(rule, |resource, parsed| match parsed {
            Ok(parsed) => self.put(position, resource.text(), &parsed, sides),
            Err(error) => self
                .unreadable
                .push(Unreadable::new(position, &resource.text(), error)),
        });
    }

    pub(crate) fn put(
        &mut self,
        position: usize,
        resource: Arc<str>,
        parsed: &Parsed,
        sides: &Bits,
    ) {
        let Parsed {
            decision,
            at,
            about,
        } = parsed;
        let spot = self.route(at);
        let what = self.places.what(about);
        let term = self.term(spot, *decision, what, sides);
        let entry = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let rule = u32::try_from(position).unwrap_or(u32::MAX);
        self.entries.push(Entry {
            rule,
            resource,
            term,
        });
        self.terms[term as usize].entries.push(entry);
    }

    /// Returns the term for a meaning on some sides; entries with the same meaning and sides share
    /// it.
    fn term(&mut self, spot: Spot, decision: Decision, what: What, sides: &Bits) -> u32 {
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
        let Files {
            posix,
            home,
            windows,
            wsl,
        } = &mut self.files;
        match spot {
            Spot::Host(node) => self.hosts.nodes[node as usize].terms.push(term),
            Spot::Net(net) => self.nets.insert(net, term),
            Spot::Posix(node) => posix.nodes[node as usize].terms.push(term),
            Spot::Home(node) => home.nodes[node as usize].terms.push(term),
            Spot::Windows(node) => windows.nodes[node as usize].terms.push(term),
            Spot::Wsl(node) => wsl.nodes[node as usize].terms.push(term),
        }
        term
    }

    fn route(&mut self, at: &Where) -> Spot {
        match at {
            Where::Host(host) => match host.address() {
                Some(address) => Spot::Net(std::net::IpAddr::from(address).into()),
                None => Spot::Host(self.route_host(host)),
            },
            Where::Net(net) => Spot::Net(*net),
            Where::Path(path) => self.route_path(path),
        }
    }

    fn route_host(&mut self, host: &HostPattern) -> NodeId {
        self.hosts.insert(Self::host_segments(host))
    }

    /// The labels of a host pattern, last label first.
    pub(crate) fn host_segments(host: &HostPattern) -> impl Iterator<Item = Segment<'_>> {
        let labels = host.labels().rev().map(|label| match label {
            Label::Text(text) => Segment::Text(text),
            Label::Glob(glob) => Segment::Glob(glob),
        });
        let front: &[Segment<'_>] = match host.depth() {
            Depth::Exact => &[],
            Depth::One => &[Segment::Glob("*")],
            Depth::Many => &[Segment::Glob("*"), Segment::Deep],
        };
        labels.chain(front.iter().copied())
    }

    fn route_path(&mut self, pattern: &PathPattern) -> Spot {
        let Files {
            posix,
            home,
            windows,
            wsl,
        } = &mut self.files;
        match pattern.root() {
            Root::Posix => Spot::Posix(posix.insert(pattern.segments())),
            Root::Home => Spot::Home(home.insert(pattern.segments())),
            Root::Wsl => Spot::Wsl(wsl.insert(pattern.segments())),
            Root::AnyDrive => Spot::Windows(
                windows.insert(std::iter::once(Segment::Glob("*")).chain(pattern.segments())),
            ),
            Root::Drive(letter) => {
                let mut text = [0; 4];
                let letter = Segment::Text(letter.encode_utf8(&mut text));
                Spot::Windows(windows.insert(std::iter::once(letter).chain(pattern.segments())))
            }
        }
    }

    pub(crate) fn term_of(&self, id: u32) -> &Term {
        &self.terms[id as usize]
    }

    pub(crate) fn entries_of<'a>(
        &'a self,
        terms: impl Iterator<Item = u32> + 'a,
    ) -> impl Iterator<Item = &'a Entry> {
        terms
            .flat_map(|term| self.terms[term as usize].entries.iter())
            .map(|entry| &self.entries[*entry as usize])
    }
}
