//! Sets of names made of segments: hosts by label from the right, paths from their root.
//!
//! Patterns share a trie. Its edges are a text, a glob for one segment, or "any number of segments". Reading a name
//! walks a set of nodes at once, as an automaton does; [`Trie::explore`] walks every such set that some name reaches,
//! so that the names fall into finitely many *cells* in which all names match the same patterns.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::classes::other_classes;
use crate::model::docker::pattern::{Segment, glob_matches};

/// A node of a trie.
pub(super) type NodeId = u32;

/// A set of nodes, sorted, with all that is reached without reading a segment.
pub(super) type State = Vec<NodeId>;

#[derive(Debug, Default)]
struct Node {
    texts: HashMap<Box<str>, NodeId>,
    globs: Vec<(Box<str>, NodeId)>,
    /// The node that is reached by any number of segments.
    deep: Option<NodeId>,
    /// Whether every segment leads back here.
    loops: bool,
    entries: Vec<u32>,
}

/// Patterns of segments; each end of a pattern holds the numbers of the entries that end there.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

/// Names that match the same patterns.
#[derive(Debug)]
pub(super) struct Cell {
    /// The nodes that they reach.
    pub(super) state: State,
    /// The segments of the shortest of them, in the order in which they are read.
    pub(super) witness: Vec<Box<str>>,
}

impl Default for Trie {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl Trie {
    /// Adds a pattern that ends in an entry.
    pub(super) fn insert<'s>(&mut self, segments: impl Iterator<Item = Segment<'s>>, entry: u32) {
        let mut at = 0;
        for segment in segments {
            at = self.edge(at, segment);
        }
        self.nodes[at as usize].entries.push(entry);
    }

    fn edge(&mut self, from: NodeId, segment: Segment<'_>) -> NodeId {
        let next = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        let node = &mut self.nodes[from as usize];
        let found = match segment {
            Segment::Text(text) => match node.texts.get(text) {
                Some(to) => *to,
                None => {
                    node.texts.insert(text.into(), next);
                    next
                }
            },
            Segment::Glob(glob) => match node.globs.iter().find(|(known, _)| **known == *glob) {
                Some((_, to)) => *to,
                None => {
                    node.globs.push((glob.into(), next));
                    next
                }
            },
            // Any number of segments twice is any number of segments.
            Segment::Deep if node.loops => from,
            Segment::Deep => *node.deep.get_or_insert(next),
        };
        if found == next {
            self.nodes.push(Node { loops: segment == Segment::Deep, ..Node::default() });
        }
        found
    }

    /// The nodes before the first segment.
    pub(super) fn start(&self) -> State {
        let mut state = Vec::new();
        self.reach(0, &mut state);
        finish(state)
    }

    /// The nodes after one more segment.
    pub(super) fn step(&self, state: &[NodeId], segment: &str) -> State {
        let mut next = Vec::new();
        for id in state {
            let node = &self.nodes[*id as usize];
            if node.loops {
                self.reach(*id, &mut next);
            }
            if let Some(to) = node.texts.get(segment) {
                self.reach(*to, &mut next);
            }
            for (glob, to) in &node.globs {
                if **glob == *"*" || glob_matches(glob, segment) {
                    self.reach(*to, &mut next);
                }
            }
        }
        finish(next)
    }

    fn reach(&self, node: NodeId, state: &mut State) {
        state.push(node);
        if let Some(deep) = self.nodes[node as usize].deep {
            state.push(deep);
        }
    }

    /// The entries that end in one of these nodes.
    pub(super) fn entries(&self, state: &[NodeId]) -> impl Iterator<Item = u32> {
        state.iter().flat_map(|id| self.nodes[*id as usize].entries.iter().copied())
    }

    /// Every cell that some name of at least one segment reaches and that matches anything now or later; the cell of
    /// no segments too, if `with_root`. `fresh` makes segments that nobody wrote.
    pub(super) fn explore(&self, with_root: bool, fresh: &dyn Fn(usize) -> String) -> Vec<Cell> {
        let mut cells = self.explore_with_first(fresh, fresh);
        if with_root {
            cells.insert(0, Cell { state: self.start(), witness: Vec::new() });
        }
        cells
    }

    /// Like [`explore`](Self::explore) without the cell of no segments, where the first segment is made by another
    /// `fresh`.
    pub(super) fn explore_with_first(
        &self,
        fresh_first: &dyn Fn(usize) -> String,
        fresh: &dyn Fn(usize) -> String,
    ) -> Vec<Cell> {
        let mut cells = vec![Cell { state: self.start(), witness: Vec::new() }];
        let mut known: HashSet<State> = HashSet::new();
        let mut at = 0;
        while at < cells.len() {
            let make = if at == 0 { fresh_first } else { fresh };
            for segment in self.continuations(&cells[at].state, make) {
                let state = self.step(&cells[at].state, &segment);
                if !state.is_empty() && known.insert(state.clone()) {
                    let mut witness = cells[at].witness.clone();
                    witness.push(segment.into_boxed_str());
                    cells.push(Cell { state, witness });
                }
            }
            at += 1;
        }
        cells.remove(0);
        cells
    }

    /// One segment for each way to go on from these nodes.
    fn continuations(&self, state: &[NodeId], fresh: &dyn Fn(usize) -> String) -> Vec<String> {
        let nodes = || state.iter().map(|id| &self.nodes[*id as usize]);
        let texts: BTreeSet<&str> = nodes().flat_map(|node| node.texts.keys().map(AsRef::as_ref)).collect();
        let mut segments: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        if nodes().any(|node| node.loops || !node.globs.is_empty()) {
            let globs: BTreeSet<&str> = nodes()
                .flat_map(|node| node.globs.iter().map(|(glob, _)| glob.as_ref()))
                .filter(|g| *g != "*")
                .collect();
            segments.extend(other_classes(&globs, &texts, fresh));
        }
        segments
    }
}

fn finish(mut state: State) -> State {
    state.sort_unstable();
    state.dedup();
    state
}
