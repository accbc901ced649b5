//! Rules, taken apart into patterns and put where requests find them.

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

/// One resource of one rule.
#[derive(Debug)]
pub(super) struct Entry {
    /// The position of the rule in its set.
    pub(super) rule: u32,
    /// The resource as written.
    pub(super) resource: Arc<str>,
    /// The term that says what it means.
    pub(super) term: u32,
}

/// A resource that is no pattern. Manifests hold none; a server may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The position of the rule in its set.
    pub rule: usize,
    /// The resource.
    pub resource: String,
    /// Why it is no pattern.
    pub why: String,
}

impl Unreadable {
    pub(super) fn new(rule: usize, resource: &str, Unparsed { why }: Unparsed) -> Self {
        Self {
            rule,
            resource: resource.to_owned(),
            why,
        }
    }
}

/// The tries of paths, one for each format: a rule matches only paths of its own.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) posix: Trie,
    pub(super) home: Trie,
    /// The first segment is the drive's letter.
    pub(super) windows: Trie,
    /// The first segment is the distribution.
    pub(super) wsl: Trie,
}

/// Where a term is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Spot {
    Host(NodeId),
    Net(IpNet),
    Posix(NodeId),
    Home(NodeId),
    Windows(NodeId),
    Wsl(NodeId),
}

/// The rules of any number of sets.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) entries: Vec<Entry>,
    pub(super) terms: Vec<Term>,
    pub(super) places: Places,
    /// Host names by label, the last one first.
    pub(super) hosts: Trie,
    pub(super) nets: Nets,
    pub(super) files: Files,
    pub(super) unreadable: Vec<Unreadable>,
    known: Map<(Spot, Decision, What), SmallVec<[u32; 2]>>,
}

impl Index {
    /// Takes the rules of these sets apart; the sides are the positions of the sets.
    pub(super) fn new(sets: &[&[&Rule]]) -> Self {
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

    /// Makes room for the resources of these rules, so that what is there is not moved again and again.
    pub(super) fn expect<'r>(&mut self, rules: impl Iterator<Item = &'r Rule>) {
        let resources = rules.map(|rule| rule.access.resource_count()).sum();
        self.entries.reserve(resources);
        self.terms.reserve(resources);
        self.known.reserve(resources);
    }

    /// Adds a rule, by its position, to some sides.
    pub(super) fn add(&mut self, position: usize, rule: &Rule, sides: &Bits) {
        parse(rule, |resource, parsed| match parsed {
            Ok(parsed) => self.put(position, resource.text(), &parsed, sides),
            Err(error) => self
                .unreadable
                .push(Unreadable::new(position, &resource.text(), error)),
        });
    }

    /// Adds one resource of a rule.
    pub(super) fn put(
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

    /// The term for what an entry means; entries that mean the same on the same sides share it.
    fn term(&mut self, spot: Spot, decision: Decision, what: What, sides: &Bits) -> u32 {
        let alike = self.known.entry((spot, decision, what)).or_default();
        if let Some(known) = alike
            .iter()
            .find(|term| self.terms[**term as usize].sides == *sides)
        {
            return *known;
        }
        let term = u32::try_from(self.terms.len()).unwrap_or(u32::MAX);
        // The first of those that mean the same gives them their common number.
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

    /// The labels of a host, the last one first.
    pub(super) fn host_segments(host: &HostPattern) -> impl Iterator<Item = Segment<'_>> {
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

    pub(super) fn term_of(&self, id: u32) -> &Term {
        &self.terms[id as usize]
    }

    /// The entries of some terms.
    pub(super) fn entries_of<'a>(
        &'a self,
        terms: impl Iterator<Item = u32> + 'a,
    ) -> impl Iterator<Item = &'a Entry> {
        terms
            .flat_map(|term| self.terms[term as usize].entries.iter())
            .map(|entry| &self.entries[*entry as usize])
    }
}
