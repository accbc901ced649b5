//! Where each node of a text's documents stands.

mod build;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::{Path, Segment};

/// Where one node stands, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpan {
    /// The key, for an entry of a mapping.
    pub key: Option<Range<usize>>,
    /// The value: a scalar's own text, quotes included; a collection from its first to its last child.
    pub value: Range<usize>,
}

/// A mapping key that stands twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The document, counted from 0.
    pub document: u32,
    /// The path of the entry.
    pub path: Path,
    /// The first key, in bytes; this one counts.
    pub first: Range<usize>,
    /// The key that repeats it, in bytes.
    pub second: Range<usize>,
}

/// The spans of all nodes of one text.
#[derive(Debug, Default)]
pub struct Spans {
    /// Nodes of all documents; children come after their parents.
    nodes: Vec<Node>,
    /// For each document the position of its root in `nodes`; none for a document that broke off before it.
    roots: Vec<Option<usize>>,
    duplicates: Vec<Duplicate>,
}

#[derive(Debug)]
struct Node {
    key: Option<Range<usize>>,
    value: Range<usize>,
    children: Children,
}

#[derive(Debug)]
enum Children {
    None,
    Items(Vec<usize>),
    Entries(Vec<(String, usize)>),
}

impl Spans {
    /// Reads the spans of a text; of a text that is not YAML, as far as it goes.
    ///
    /// Nothing is expanded: a path that leads through an alias ends at the alias.
    pub fn of(text: &str) -> Self {
        build::Builder::new(text).run()
    }

    /// The span of the node at `path` of the document at `index`, or of its nearest parent.
    pub fn find(&self, index: u32, path: &Path) -> NodeSpan {
        let root = self.roots.get(index as usize).copied().flatten();
        let Some(mut node) = root.and_then(|at| self.nodes.get(at)) else {
            return NodeSpan {
                key: None,
                value: 0..0,
            };
        };
        for segment in path.segments() {
            match node.child(segment).and_then(|at| self.nodes.get(at)) {
                Some(child) => node = child,
                None => break,
            }
        }
        NodeSpan {
            key: node.key.clone(),
            value: node.value.clone(),
        }
    }

    /// All keys that stand twice in one mapping, in the order of the text.
    pub fn duplicates(&self) -> &[Duplicate] {
        &self.duplicates
    }
}

impl Node {
    fn child(&self, segment: &Segment) -> Option<usize> {
        match (&self.children, segment) {
            (Children::Items(items), Segment::Index(index)) => items.get(*index).copied(),
            (Children::Entries(entries), Segment::Key(key)) => entries
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, at)| *at),
            (Children::None | Children::Items(_) | Children::Entries(_), _) => None,
        }
    }
}
