//! Selects the rules that can affect a change.
//!
//! A change usually touches few resources. Indexing all rules of a large organization would cost
//! more than the comparison itself. The changed rules are therefore indexed first, and each other
//! resource is only added if it may match a request that a changed resource also matches. The exact
//! problem is the emptiness of an intersection of patterns; this filter is a cheap
//! over-approximation that ignores everything after the first wildcard, so that it never drops a
//! relevant resource. Example: if only `tcp api.example.com:443` changes, `**.example.com` is kept
//! and `**.example.org` is dropped.

use std::sync::Arc;

use ipnet::IpNet;
use rayon::prelude::*;

use super::bits::Bits;
use super::index::{Index, Unreadable};
use super::parsed::{Parsed, Unparsed, Where, parse};
use super::segments::{State, Trie, finish};
use model::docker::Rule;
use model::docker::pattern::{PathPattern, Root, Segment};

/// A rule with the number that the caller gave to it and the sides that it is on.
#[derive(Debug, Clone)]
pub(crate) struct Counted<'r> {
    pub(crate) number: usize,
    pub(crate) rule: &'r Rule,
    pub(crate) sides: Bits,
}

/// A resource of a rule, as written and parsed.
type Found<'c, 'r> = (&'c Counted<'r>, Arc<str>, Result<Parsed, Unparsed>);

impl Index {
    /// Indexes all `changed` rules, and of the others each resource that may match a request in
    /// common with them. Questions about such requests have the same answers as in an index of all
    /// rules.
    pub(crate) fn around<'r>(
        changed: impl Iterator<Item = &'r Counted<'r>> + Clone,
        others: impl Iterator<Item = &'r Counted<'r>>,
    ) -> Self {
        let mut index = Self::default();
        index.expect(changed.clone().map(|counted| counted.rule));
        for Counted {
            number,
            rule,
            sides,
        } in changed
        {
            index.add(*number, rule, sides);
        }
        let ranges = index.nets.in_order();
        let others: Vec<&Counted<'r>> = others.collect();
        // Most of the others are parsed and then dropped. Parsing in parallel uses all cores.
        let looked_at = others
            .par_iter()
            .flat_map_iter(|counted| index.meeting(counted, &ranges));
        for (counted, resource, found) in looked_at.collect::<Vec<_>>() {
            match found {
                Ok(parsed) => index.put(counted.number, resource, &parsed, &counted.sides),
                Err(error) => {
                    index
                        .unreadable
                        .push(Unreadable::new(counted.number, &resource, error))
                }
            }
        }
        index
    }

    /// The resources of a rule that may share a request with the index, and those that cannot be
    /// parsed, which are reported.
    fn meeting<'c, 'r>(&self, counted: &'c Counted<'r>, ranges: &[IpNet]) -> Vec<Found<'c, 'r>> {
        let mut found = Vec::new();
        parse(counted.rule, |resource, parsed| match parsed {
            Ok(parsed) if !self.may_meet(&parsed.at, ranges) => {}
            Ok(_) | Err(_) => found.push((counted, resource.text(), parsed)),
        });
        found
    }

    /// Whether the index may have a resource with a common destination or path. False positives are
    /// allowed, false negatives are not.
    fn may_meet(&self, at: &Where, ranges: &[IpNet]) -> bool {
        match at {
            Where::Host(host) => match host.address() {
                Some(address) => self
                    .nets
                    .may_meet(&std::net::IpAddr::from(address).into(), ranges),
                None => self.hosts.may_meet(Self::host_segments(host)),
            },
            Where::Net(net) => self.nets.may_meet(net, ranges),
            Where::Path(path) => self.may_meet_path(path),
        }
    }

    fn may_meet_path(&self, pattern: &PathPattern) -> bool {
        let files = &self.files;
        match pattern.root() {
            Root::Posix => files.posix.may_meet(pattern.segments()),
            Root::Home => files.home.may_meet(pattern.segments()),
            Root::Wsl => files.wsl.may_meet(pattern.segments()),
            Root::AnyDrive => files.windows.may_meet(std::iter::once(Segment::Glob("*"))),
            Root::Drive(letter) => {
                let mut text = [0; 4];
                let letter = Segment::Text(letter.encode_utf8(&mut text));
                files
                    .windows
                    .may_meet(std::iter::once(letter).chain(pattern.segments()))
            }
        }
    }
}

impl Trie {
    /// Whether some name may match both this pattern and one in the trie. Ignores everything after
    /// the first wildcard.
    fn may_meet<'s>(&self, segments: impl Iterator<Item = Segment<'s>>) -> bool {
        let mut state = self.start();
        let mut next = State::new();
        for segment in segments {
            let Segment::Text(text) = segment else {
                return self.goes_on(&state);
            };
            self.step(&state, text, &mut next);
            finish(&mut next);
            std::mem::swap(&mut state, &mut next);
            if state.is_empty() {
                return false;
            }
        }
        self.terms(&state).next().is_some()
    }

    /// Whether a pattern ends in this state or continues after it.
    fn goes_on(&self, state: &State) -> bool {
        state.iter().any(|id| {
            let node = &self.nodes[*id as usize];
            !node.terms.is_empty()
                || !node.texts.is_empty()
                || node.any.is_some()
                || node.globs.is_some()
                || node.deep.is_some()
        })
    }
}
