//! Sets of names made of segments: hosts by label from the right, paths from their root.
//!
//! Patterns share a trie. Its edges are a text, a glob for one segment, or "any number of segments". Reading a name
//! walks a set of nodes at once, as an automaton does; `walk` walks every such set that some name reaches.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use super::globs::Globs;
use model::docker::pattern::Segment;

/// A node of a trie.
pub(super) type NodeId = u32;
/// A text that is an edge somewhere in a trie.
pub(super) type WordId = u32;
/// A set of nodes, sorted, with all that is reached without reading a segment.
pub(super) type State = SmallVec<[NodeId; 6]>;
/// Maps with short keys that come from parsed rules; the seed is fixed, since no order of theirs is ever used.
pub(super) type Map<K, V> = HashMap<K, V, FixedState>;

#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) parent: NodeId,
    /// The texts, in the order in which they came.
    pub(super) texts: Vec<(WordId, NodeId)>,
    /// The node that is reached by any one segment.
    pub(super) any: Option<NodeId>,
    /// Other globs, if there are any: few nodes have some, and there are many nodes.
    pub(super) globs: Option<Box<Globs>>,
    /// The node that is reached by any number of segments.
    pub(super) deep: Option<NodeId>,
    /// Whether every segment leads back here.
    pub(super) loops: bool,
    /// What the patterns that end here are about.
    pub(super) terms: SmallVec<[u32; 2]>,
}

/// Patterns of segments; each end of a pattern holds the numbers of the terms that end there.
#[derive(Debug)]
pub(super) struct Trie {
    pub(super) nodes: Vec<Node>,
    pub(super) texts: Vec<Box<str>>,
    words: Map<Box<str>, WordId>,
    edges: Map<(NodeId, WordId), NodeId>,
}

impl Default for Trie {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
            texts: Vec::new(),
            words: Map::default(),
            edges: Map::default(),
        }
    }
}

impl Trie {
    /// The node in which a pattern ends.
    pub(super) fn insert<'s>(&mut self, segments: impl Iterator<Item = Segment<'s>>) -> NodeId {
        segments.fold(0, |at, segment| self.edge(at, segment))
    }

    fn edge(&mut self, from: NodeId, segment: Segment<'_>) -> NodeId {
        let next = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        let found = match segment {
            Segment::Text(text) => {
                let word = self.word(text);
                let to = *self.edges.entry((from, word)).or_insert(next);
                if to == next {
                    self.nodes[from as usize].texts.push((word, next));
                }
                to
            }
            Segment::Glob("*") => *self.nodes[from as usize].any.get_or_insert(next),
            Segment::Glob(glob) => self.nodes[from as usize]
                .globs
                .get_or_insert_default()
                .node(glob, next),
            // Any number of segments twice is any number of segments.
            Segment::Deep if self.nodes[from as usize].loops => from,
            Segment::Deep => *self.nodes[from as usize].deep.get_or_insert(next),
        };
        if found == next {
            self.nodes.push(Node {
                parent: from,
                loops: segment == Segment::Deep,
                ..Node::default()
            });
        }
        found
    }

    fn word(&mut self, text: &str) -> WordId {
        if let Some(known) = self.words.get(text) {
            return *known;
        }
        let word = WordId::try_from(self.texts.len()).unwrap_or(WordId::MAX);
        self.texts.push(text.into());
        self.words.insert(text.into(), word);
        word
    }

    /// The nodes before the first segment.
    pub(super) fn start(&self) -> State {
        let mut state = State::new();
        self.reach(0, &mut state);
        finish(&mut state);
        state
    }

    /// The nodes in which a name ends.
    pub(super) fn read<'s>(&self, segments: impl Iterator<Item = &'s str>) -> State {
        let mut state = self.start();
        let mut next = State::new();
        for segment in segments {
            self.step(&state, segment, &mut next);
            finish(&mut next);
            std::mem::swap(&mut state, &mut next);
            if state.is_empty() {
                break;
            }
        }
        state
    }

    /// The nodes that a segment leads to, still in no order.
    pub(super) fn step(&self, state: &State, segment: &str, next: &mut State) {
        next.clear();
        let word = self.words.get(segment);
        for id in state {
            let node = &self.nodes[*id as usize];
            self.always(*id, node, next);
            if let Some(to) = word.and_then(|word| self.edges.get(&(*id, *word))) {
                self.reach(*to, next);
            }
            for to in node.globs.iter().flat_map(|globs| globs.matching(segment)) {
                self.reach(to, next);
            }
        }
    }

    /// Adds what every segment leads to from a node.
    pub(super) fn always(&self, id: NodeId, node: &Node, next: &mut State) {
        if node.loops {
            next.push(id);
        }
        if let Some(to) = node.any {
            self.reach(to, next);
        }
    }

    /// Adds a node and what is reached from it without a segment.
    pub(super) fn reach(&self, node: NodeId, state: &mut State) {
        state.push(node);
        if let Some(deep) = self.nodes[node as usize].deep {
            state.push(deep);
        }
    }

    /// Whether a segment is the text of an edge that leaves one of these nodes.
    pub(super) fn is_text(&self, state: &[NodeId], segment: &str) -> bool {
        let word = self.words.get(segment);
        word.is_some_and(|word| {
            state
                .iter()
                .any(|id| self.edges.contains_key(&(*id, *word)))
        })
    }

    /// The terms that end in one of these nodes.
    pub(super) fn terms(&self, state: &[NodeId]) -> impl Iterator<Item = u32> {
        state
            .iter()
            .flat_map(|id| self.nodes[*id as usize].terms.iter().copied())
    }

    /// For each node, whether a term that is wanted ends in it or behind it.
    pub(super) fn leading_to(&self, wanted: impl Fn(u32) -> bool) -> Vec<bool> {
        let mut lead: Vec<bool> = self
            .nodes
            .iter()
            .map(|node| node.terms.iter().any(|term| wanted(*term)))
            .collect();
        // Nodes come after their parents.
        for id in (1..self.nodes.len()).rev() {
            if lead[id] {
                lead[self.nodes[id].parent as usize] = true;
            }
        }
        lead
    }
}

/// Makes equal sets of nodes equal.
pub(super) fn finish(state: &mut State) {
    if state.len() > 1 {
        state.sort_unstable();
        state.dedup();
    }
}
