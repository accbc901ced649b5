//! The globs for one segment that leave a node of a trie.

use smallvec::SmallVec;

use super::segments::{Map, NodeId};
use model::docker::pattern::glob_matches;

/// Globs, found by the text before their first `*`: a node may hold thousands, of which a segment meets few.
#[derive(Debug, Default)]
pub(super) struct Globs {
    all: Vec<(Box<str>, NodeId)>,
    by_front: Map<Box<str>, SmallVec<[u32; 2]>>,
    /// The lengths of those texts, in bytes, in order.
    lengths: SmallVec<[usize; 4]>,
}

impl Globs {
    /// The node behind a glob, which is `next` if the glob is new.
    pub(super) fn node(&mut self, glob: &str, next: NodeId) -> NodeId {
        let front = glob.split('*').next().unwrap_or_default();
        let alike = self.by_front.entry(front.into()).or_default();
        if let Some((_, to)) = alike
            .iter()
            .map(|at| &self.all[*at as usize])
            .find(|(known, _)| **known == *glob)
        {
            return *to;
        }
        alike.push(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push((glob.into(), next));
        if let Err(place) = self.lengths.binary_search(&front.len()) {
            self.lengths.insert(place, front.len());
        }
        next
    }

    /// The nodes behind the globs that match a segment.
    pub(super) fn matching(&self, segment: &str) -> impl Iterator<Item = NodeId> {
        let fronts = self
            .lengths
            .iter()
            .map_while(move |length| (*length <= segment.len()).then_some(*length));
        let alike = fronts.filter_map(move |length| self.by_front.get(segment.get(..length)?));
        let globs = alike.flatten().map(|at| &self.all[*at as usize]);
        globs
            .filter(move |(glob, _)| glob_matches(glob, segment))
            .map(|(_, to)| *to)
    }

    /// All globs.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|(glob, _)| glob.as_ref())
    }
}
