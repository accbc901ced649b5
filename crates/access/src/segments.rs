//! Sets of names made of segments: host names by label from the right, paths from their root.
//!
//! Textbook problem: match a name against many patterns at once. The union of all patterns is a
//! nondeterministic finite automaton (NFA) whose alphabet is the set of all segments. Patterns
//! share a trie. Its nodes are the states of the NFA, and its edges read one segment: a fixed text,
//! `*` or another glob. `**` is an epsilon move to a node that has a loop on every segment.
//!
//! A `NodeSet` is a set of nodes that is closed under epsilon moves. `reach` adds a node with its
//! epsilon closure, and `read` simulates the NFA on sets of nodes: it never backtracks, and each
//! segment takes time proportional to the size of the set. The trie is not compiled to a
//! deterministic automaton up front because that can be exponentially larger. Lookups need only
//! this simulation; `walk` builds the deterministic states when a question concerns all names.
//!
//! Example: `/a/**` and `/*/b` give the nodes 0 -a-> 1, 1 -(epsilon)-> 2 with a loop, 0 -*-> 3 and
//! 3 -b-> 4. Reading `/a/b` goes through {0}, {1, 2, 3} and {2, 4}. Nodes 2 and 4 end the two
//! patterns, so that both match.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use model::docker::pattern::{GlobSegment, glob_matches};

/// Index of a node in `Trie::nodes`; the root is 0.
pub(crate) type NodeId = u32;
/// Index of a text in `Trie::texts`.
pub(crate) type WordId = u32;
/// A sorted set of nodes, closed under epsilon moves.
pub(crate) type NodeSet = SmallVec<[NodeId; 6]>;
/// A map with a fixed seed. The keys come from parsed rules and are short, and the iteration order
/// is never used.
pub(crate) type FixedMap<K, V> = HashMap<K, V, FixedState>;

#[derive(Debug, Default)]
pub(crate) struct TrieNode {
    pub(crate) parent: NodeId,
    /// Edges with a fixed text, in order of insertion.
    pub(crate) texts: Vec<(WordId, NodeId)>,
    /// The target of the edge `*`.
    pub(crate) any: Option<NodeId>,
    /// Edges with other globs, such as `a*`. Boxed because few of the many nodes have any.
    pub(crate) globs: Option<Box<GlobIndex>>,
    /// The target of the epsilon move of `**`.
    pub(crate) deep: Option<NodeId>,
    /// Whether the node has a loop on every segment, which makes it the node of a `**`.
    pub(crate) loops: bool,
    /// The terms of the patterns that end in this node.
    pub(crate) terms: SmallVec<[u32; 2]>,
}

/// Many patterns of segments, each with the terms that apply to the names it matches.
#[derive(Debug)]
pub(crate) struct Trie {
    pub(crate) nodes: Vec<TrieNode>,
    pub(crate) texts: Vec<Box<str>>,
    words: FixedMap<Box<str>, WordId>,
    edges: FixedMap<(NodeId, WordId), NodeId>,
}

impl Default for Trie {
    fn default() -> Self {
        Self {
            nodes: vec![TrieNode::default()],
            texts: Vec::new(),
            words: FixedMap::default(),
            edges: FixedMap::default(),
        }
    }
}

impl Trie {
    /// Inserts a pattern and returns the node in which it ends.
    pub(crate) fn insert<'s>(&mut self, segments: impl Iterator<Item = GlobSegment<'s>>) -> NodeId {
        segments.fold(0, |at, segment| self.edge(at, segment))
    }

    fn edge(&mut self, from: NodeId, segment: GlobSegment<'_>) -> NodeId {
        let next = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        let found = match segment {
            GlobSegment::Text(text) => {
                let word = self.word(text);
                let to = *self.edges.entry((from, word)).or_insert(next);
                if to == next {
                    self.nodes[from as usize].texts.push((word, next));
                }
                to
            }
            GlobSegment::Glob("*") => *self.nodes[from as usize].any.get_or_insert(next),
            GlobSegment::Glob(glob) => self.nodes[from as usize]
                .globs
                .get_or_insert_default()
                .node(glob, next),
            // `**/**` is the same as `**`. This also ensures that an epsilon closure has depth one.
            GlobSegment::Deep if self.nodes[from as usize].loops => from,
            GlobSegment::Deep => *self.nodes[from as usize].deep.get_or_insert(next),
        };
        if found == next {
            self.nodes.push(TrieNode {
                parent: from,
                loops: segment == GlobSegment::Deep,
                ..TrieNode::default()
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

    /// The state before the first segment.
    pub(crate) fn start(&self) -> NodeSet {
        let mut state = NodeSet::new();
        self.reach(0, &mut state);
        finish(&mut state);
        state
    }

    /// The state after reading a name.
    pub(crate) fn read<'s>(&self, segments: impl Iterator<Item = &'s str>) -> NodeSet {
        let mut state = self.start();
        let mut next = NodeSet::new();
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

    /// Writes the nodes after one segment to `next`, unsorted and with duplicates: call `finish`.
    pub(crate) fn step(&self, state: &NodeSet, segment: &str, next: &mut NodeSet) {
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

    /// Adds the nodes that every segment leads to from a node.
    pub(crate) fn always(&self, id: NodeId, node: &TrieNode, next: &mut NodeSet) {
        if node.loops {
            next.push(id);
        }
        if let Some(to) = node.any {
            self.reach(to, next);
        }
    }

    /// Adds a node and its epsilon closure, which has at most one more node.
    pub(crate) fn reach(&self, node: NodeId, state: &mut NodeSet) {
        state.push(node);
        if let Some(deep) = self.nodes[node as usize].deep {
            state.push(deep);
        }
    }

    /// Whether one of these nodes has an edge with this fixed text.
    pub(crate) fn is_text(&self, state: &[NodeId], segment: &str) -> bool {
        let word = self.words.get(segment);
        word.is_some_and(|word| {
            state
                .iter()
                .any(|id| self.edges.contains_key(&(*id, *word)))
        })
    }

    /// The terms of the patterns that end in one of these nodes.
    pub(crate) fn terms(&self, state: &[NodeId]) -> impl Iterator<Item = u32> {
        state
            .iter()
            .flat_map(|id| self.nodes[*id as usize].terms.iter().copied())
    }

    /// For each node, whether the node or a descendant ends a wanted term.
    pub(crate) fn ancestors_of(&self, wanted: impl Fn(u32) -> bool) -> Vec<bool> {
        let mut lead: Vec<bool> = self
            .nodes
            .iter()
            .map(|node| node.terms.iter().any(|term| wanted(*term)))
            .collect();
        // Parents have smaller indices than their children, so one pass is enough.
        for id in (1..self.nodes.len()).rev() {
            if lead[id] {
                lead[self.nodes[id].parent as usize] = true;
            }
        }
        lead
    }
}

/// The glob edges of a node, grouped by the text before the first `*`. A node may have thousands of
/// globs. A segment is only compared with those whose prefix it begins with.
#[derive(Debug, Default)]
pub(crate) struct GlobIndex {
    all: Vec<(Box<str>, NodeId)>,
    by_front: FixedMap<Box<str>, SmallVec<[u32; 2]>>,
    /// The lengths of those prefixes in bytes, sorted.
    lengths: SmallVec<[usize; 4]>,
}

impl GlobIndex {
    /// The target of a glob edge; `next` if the glob is new.
    pub(crate) fn node(&mut self, glob: &str, next: NodeId) -> NodeId {
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

    /// The targets of the globs that match a segment.
    pub(crate) fn matching(&self, segment: &str) -> impl Iterator<Item = NodeId> {
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

    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|(glob, _)| glob.as_ref())
    }
}

/// Normalizes a state: two equal sets of nodes become equal as values.
pub(crate) fn finish(state: &mut NodeSet) {
    if state.len() > 1 {
        state.sort_unstable();
        state.dedup();
    }
}
