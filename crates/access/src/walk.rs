//! All names, grouped by the patterns that they match.
//!
//! Textbook problem: which sets of patterns can one name match together? This is the subset
//! construction (determinization) of the NFA in `segments`, explored breadth-first from the start
//! state. Every reachable set of nodes is one cell, and all names of a cell match the same
//! patterns. Each cell records the segment and the previous cell that reached it first. Because the
//! search is breadth-first, following these links back gives a shortest name as witness.
//!
//! The alphabet, all segments, is infinite. In each state only finitely many cases differ: every
//! fixed text of an outgoing edge, and for all other segments the set of globs that they match
//! (`classes`). If no globs leave a state, one fresh segment represents all others.
//!
//! Comparing patterns in pairs would be cheaper but wrong, since several patterns can cover another
//! one together. The price is that the number of states can grow exponentially, which the budget
//! limits. States from which no wanted pattern can be reached any more are skipped.
//!
//! Example: `/a/**` and `/*/b` (see `segments`) have the states {0}, {1, 2, 3} for `/a`, {3} for
//! any other single segment, {2, 4} for `/a/b`, {2} for other paths below `/a`, and {4} for `b`
//! below another directory. `/a/b/c` leads from {2, 4} to {2} again.

use std::borrow::Cow;
use std::collections::BTreeSet;

use foldhash::fast::FixedState;
use indexmap::IndexMap;
use indexmap::map::Entry;

use super::budget::{Budget, TooComplex, WalkStop};
use super::segment_classes::representative_segments;
use super::segment_kind::SegmentKind;
use super::segments::{GlobIndex, NodeId, NodeSet, Trie, WordId, finish};

/// The cells of a trie that were found so far, shortest names first.
pub(crate) struct TrieWalk<'t> {
    pub(crate) trie: &'t Trie,
    naming: SegmentKind,
    /// By state, in the order of discovery, which is also the queue of the search.
    cells: IndexMap<NodeSet, TrieCell, FixedState>,
    /// For each text its rank in sorted order. Sorting edges by it makes the walk independent of
    /// the order in which rules were inserted.
    order: Vec<u32>,
}

/// Memory of a cell apart from its nodes, as an estimate: the entry, its hash and a glob match.
const BYTES_OF_A_CELL: usize = 160;

/// How the first name of a cell was reached.
struct TrieCell {
    before: usize,
    depth: usize,
    read: LastSegment,
}

enum LastSegment {
    /// No segment: the empty name.
    Empty,
    Word(WordId),
    /// A segment found by `classes` for a certain set of globs.
    GlobMatch(Box<str>),
    /// Any segment that is not the text of an edge here. The text is only chosen when a witness is
    /// printed.
    Unlisted,
}

impl<'t> TrieWalk<'t> {
    /// Visits every cell from which a node marked in `leading` can be reached. The visitor receives
    /// the walk and the index of the cell. The cell of the empty name is visited only where the
    /// empty name is valid: the root of a POSIX path or URL.
    pub(crate) fn visit_cells(
        trie: &'t Trie,
        naming: SegmentKind,
        leading: &[bool],
        budget: &Budget,
        visit: &mut dyn FnMut(&Self, usize) -> Result<(), WalkStop>,
    ) -> Result<(), WalkStop> {
        let mut words: Vec<usize> = (0..trie.texts.len()).collect();
        words.sort_unstable_by_key(|word| &trie.texts[*word]);
        let mut order = vec![0; words.len()];
        for (position, word) in words.into_iter().enumerate() {
            order[word] = u32::try_from(position).unwrap_or(u32::MAX);
        }
        let mut cells = IndexMap::default();
        cells.insert(
            trie.start(),
            TrieCell {
                before: 0,
                depth: 0,
                read: LastSegment::Empty,
            },
        );
        let mut walk = Self {
            trie,
            naming,
            cells,
            order,
        };
        let mut at = 0;
        let mut found: Vec<(NodeSet, LastSegment)> = Vec::new();
        while at < walk.cells.len() {
            let named = at > 0 || matches!(naming, SegmentKind::Url | SegmentKind::File);
            if named {
                visit(&walk, at)?;
            }
            walk.expand(at, budget, &mut |state, read| {
                if state.iter().any(|node| leading[*node as usize]) {
                    found.push((state.clone(), read));
                }
            })?;
            let depth = walk.cells[at].depth + 1;
            for (state, read) in found.drain(..) {
                // Breadth-first: the first name that reaches a state is a shortest one.
                if let Entry::Vacant(cell) = walk.cells.entry(state) {
                    budget.keep(cell.key().len() * size_of::<NodeId>() + BYTES_OF_A_CELL)?;
                    cell.insert(TrieCell {
                        before: at,
                        depth,
                        read,
                    });
                }
            }
            at += 1;
        }
        Ok(())
    }

    /// Calls `found` for every successor of a cell.
    fn expand(
        &self,
        at: usize,
        budget: &Budget,
        found: &mut dyn FnMut(&mut NodeSet, LastSegment),
    ) -> Result<(), TooComplex> {
        let Some((state, TrieCell { depth, .. })) = self.cells.get_index(at) else {
            return Ok(());
        };
        let nodes = || state.iter().map(|id| &self.trie.nodes[*id as usize]);
        let mut always = NodeSet::new();
        for id in state {
            self.trie
                .always(*id, &self.trie.nodes[*id as usize], &mut always);
        }
        let globbed: Vec<&GlobIndex> = nodes().filter_map(|node| node.globs.as_deref()).collect();
        let mut texts: Vec<(WordId, NodeId)> = nodes()
            .flat_map(|node| node.texts.iter().copied())
            .collect();
        texts.sort_unstable_by_key(|(word, to)| (self.order[*word as usize], *to));
        budget.spend(state.len() + texts.len() * (1 + always.len() + globbed.len()))?;
        let mut next = NodeSet::new();
        for group in texts.chunk_by(|(one, _), (other, _)| one == other) {
            let Some((word, _)) = group.first() else {
                continue;
            };
            next.clone_from(&always);
            for (_, to) in group {
                self.trie.reach(*to, &mut next);
            }
            self.add_globs(&globbed, &self.trie.texts[*word as usize], &mut next);
            found(&mut next, LastSegment::Word(*word));
        }
        if globbed.is_empty() {
            if !always.is_empty() && self.naming.fresh(self.trie, state, *depth, true).is_some() {
                finish(&mut always);
                found(&mut always, LastSegment::Unlisted);
            }
            return Ok(());
        }
        let distinct: BTreeSet<&str> = globbed.iter().flat_map(|globs| globs.texts()).collect();
        let distinct: Vec<&str> = distinct.into_iter().collect();
        let taken: BTreeSet<&str> = texts
            .iter()
            .map(|(word, _)| self.trie.texts[*word as usize].as_ref())
            .collect();
        let candidates = self.naming.candidates(*depth, &distinct);
        for segment in representative_segments(&distinct, &taken, candidates, budget)? {
            next.clone_from(&always);
            self.add_globs(&globbed, &segment, &mut next);
            found(&mut next, LastSegment::GlobMatch(segment.into()));
        }
        Ok(())
    }

    /// Adds the targets of the globs that match a segment.
    fn add_globs(&self, globbed: &[&GlobIndex], segment: &str, next: &mut NodeSet) {
        for to in globbed.iter().flat_map(|globs| globs.matching(segment)) {
            self.trie.reach(to, next);
        }
        finish(next);
    }

    /// The state of a cell.
    pub(crate) fn state(&self, cell: usize) -> &[NodeId] {
        self.cells.get_index(cell).map_or(&[], |(state, _)| state)
    }

    /// The segments of the witness of a cell, in reading order.
    pub(crate) fn witness(&self, cell: usize) -> Vec<String> {
        let mut segments: Vec<String> =
            self.segments_from_last(cell).map(Cow::into_owned).collect();
        segments.reverse();
        segments
    }

    /// The witness of a cell as a host name. Host names are read from the last label, so that the
    /// order is already right from the last segment backwards.
    pub(crate) fn host(&self, cell: usize) -> String {
        let mut host = String::with_capacity(48);
        for label in self.segments_from_last(cell) {
            if !host.is_empty() {
                host.push('.');
            }
            host.push_str(&label);
        }
        host
    }

    fn segments_from_last(&self, cell: usize) -> impl Iterator<Item = Cow<'_, str>> {
        let mut at = cell;
        std::iter::from_fn(move || {
            let TrieCell {
                read,
                before,
                depth,
            } = &self.cells[at];
            let segment = match read {
                LastSegment::Empty => return None,
                LastSegment::Word(word) => Cow::Borrowed(&*self.trie.texts[*word as usize]),
                LastSegment::GlobMatch(text) => Cow::Borrowed(&**text),
                LastSegment::Unlisted => {
                    let fresh =
                        self.naming
                            .fresh(self.trie, self.state(*before), depth - 1, at == cell);
                    Cow::Owned(fresh.unwrap_or_default())
                }
            };
            at = *before;
            Some(segment)
        })
    }
}
