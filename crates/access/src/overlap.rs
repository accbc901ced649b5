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

use super::bits::BitSet;
use super::index::{InvalidResource, RuleIndex};
use super::parsed::{ParsedResource, ResourceDestination, ResourceParseError, parse};
use super::segments::{NodeSet, Trie, finish};
use model::docker::Rule;
use model::docker::pattern::{GlobSegment, PathPattern, PathRoot};

/// A rule with the number that the caller gave to it and the sides that it is on.
#[derive(Debug, Clone)]
pub(crate) struct NumberedRule<'r> {
    pub(crate) number: usize,
    pub(crate) rule: &'r Rule,
    pub(crate) sides: BitSet,
}

/// A resource of a rule, as written and parsed.
type OverlappingResource<'c, 'r> = (
    &'c NumberedRule<'r>,
    Arc<str>,
    Result<ParsedResource, ResourceParseError>,
);

impl RuleIndex {
    /// Indexes all `changed` rules, and of the others each resource that may match a request in
    /// common with them. Questions about such requests have the same answers as in an index of all
    /// rules.
    pub(crate) fn for_changed<'r>(
        changed: impl Iterator<Item = &'r NumberedRule<'r>> + Clone,
        others: impl Iterator<Item = &'r NumberedRule<'r>>,
    ) -> Self {
        let mut index = Self::default();
        index.expect(changed.clone().map(|counted| counted.rule));
        for NumberedRule {
            number,
            rule,
            sides,
        } in changed
        {
            index.add(*number, rule, sides);
        }
        let ranges = index.nets.in_order();
        let others: Vec<&NumberedRule<'r>> = others.collect();
        // Most of the others are parsed and then dropped. Parsing in parallel uses all cores.
        let looked_at = others
            .par_iter()
            .flat_map_iter(|counted| index.overlapping(counted, &ranges));
        for (counted, resource, found) in looked_at.collect::<Vec<_>>() {
            match found {
                Ok(parsed) => index.put(counted.number, resource, &parsed, &counted.sides),
                Err(error) => {
                    index
                        .unreadable
                        .push(InvalidResource::new(counted.number, &resource, error))
                }
            }
        }
        index
    }

    /// The resources of a rule that may share a request with the index, and those that cannot be
    /// parsed, which are reported.
    fn overlapping<'c, 'r>(
        &self,
        counted: &'c NumberedRule<'r>,
        ranges: &[IpNet],
    ) -> Vec<OverlappingResource<'c, 'r>> {
        let mut found = Vec::new();
        parse(counted.rule, |resource, parsed| match parsed {
            Ok(parsed) if !self.may_overlap(&parsed.at, ranges) => {}
            Ok(_) | Err(_) => found.push((counted, resource.text(), parsed)),
        });
        found
    }

    /// Whether the index may have a resource with a common destination or path. False positives are
    /// allowed, false negatives are not.
    fn may_overlap(&self, at: &ResourceDestination, ranges: &[IpNet]) -> bool {
        match at {
            ResourceDestination::Host(host) if host.matches_all() => {
                !ranges.is_empty() || self.hosts.may_overlap(Self::host_segments(host))
            }
            ResourceDestination::Host(host) => match host.address() {
                Some(address) => self
                    .nets
                    .may_overlap(&std::net::IpAddr::from(address).into(), ranges),
                None => self.hosts.may_overlap(Self::host_segments(host)),
            },
            ResourceDestination::Net(net) => self.nets.may_overlap(net, ranges),
            ResourceDestination::Path(path) => self.may_overlap_path(path),
        }
    }

    fn may_overlap_path(&self, pattern: &PathPattern) -> bool {
        let files = &self.files;
        match pattern.root() {
            PathRoot::Any => [&files.posix, &files.home, &files.windows, &files.wsl]
                .into_iter()
                .any(|trie| trie.may_overlap(std::iter::once(GlobSegment::Deep))),
            PathRoot::Posix => files.posix.may_overlap(pattern.segments()),
            PathRoot::Home => files.home.may_overlap(pattern.segments()),
            PathRoot::Wsl => files.wsl.may_overlap(pattern.segments()),
            PathRoot::AnyDrive => files
                .windows
                .may_overlap(std::iter::once(GlobSegment::Glob("*"))),
            PathRoot::Drive(letter) => {
                let mut text = [0; 4];
                let letter = GlobSegment::Text(letter.encode_utf8(&mut text));
                files
                    .windows
                    .may_overlap(std::iter::once(letter).chain(pattern.segments()))
            }
        }
    }
}

impl Trie {
    /// Whether some name may match both this pattern and one in the trie. Ignores everything after
    /// the first wildcard.
    fn may_overlap<'s>(&self, segments: impl Iterator<Item = GlobSegment<'s>>) -> bool {
        let mut state = self.start();
        let mut next = NodeSet::new();
        for segment in segments {
            let GlobSegment::Text(text) = segment else {
                return self.continues(&state);
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
    fn continues(&self, state: &NodeSet) -> bool {
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
