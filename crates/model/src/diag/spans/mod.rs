//! The positions of all nodes of a text's documents.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::line_index::{LineIndex, quoted};
use super::place::{Path, PathSegment};

/// The position of a node in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpan {
    /// The key, for an entry of a mapping.
    pub key: Option<Range<usize>>,
    /// The value: a scalar including quotes, or a collection from its first to its last child.
    pub value: Range<usize>,
}

/// A duplicate key of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateKey {
    /// Index of the document.
    pub document: u32,
    pub path: Path,
    /// The first key in bytes, which is used.
    pub first: Range<usize>,
    /// The duplicate key in bytes.
    pub second: Range<usize>,
}

#[derive(Debug, Default)]
pub struct Spans {
    /// Nodes of all documents; parents come before their children.
    nodes: Vec<SpanNode>,
    /// For each document the index of its root in `nodes`, or `None` if parsing failed before it.
    roots: Vec<Option<usize>>,
    duplicates: Vec<DuplicateKey>,
}

#[derive(Debug)]
struct SpanNode {
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
    /// Computes the spans of a text, up to the first syntax error.
    ///
    /// Aliases are not expanded: a path through an alias ends at the alias.
    pub fn of(text: &str) -> Self {
        SpanBuilder::new(text).run()
    }

    /// The span of the node at `path` of document `index`, or of its nearest existing parent.
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

    /// All duplicate keys in the order of the text.
    pub fn duplicates(&self) -> &[DuplicateKey] {
        &self.duplicates
    }
}

impl SpanNode {
    fn child(&self, segment: &PathSegment) -> Option<usize> {
        match (&self.children, segment) {
            (Children::Items(items), PathSegment::Index(index)) => items.get(*index).copied(),
            (Children::Entries(entries), PathSegment::Key(key)) => entries
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, at)| *at),
            (Children::None | Children::Items(_) | Children::Entries(_), _) => None,
        }
    }
}

/// Deeper nodes have no spans, because such manifests are rejected anyway.
const MAX_DEPTH: usize = 128;

struct SpanFrame {
    /// Index in `nodes`.
    node: usize,
    /// For a mapping: the key without a value so far.
    key: Option<(String, Range<usize>)>,
    /// For a mapping: the index of each key among the children.
    seen: HashMap<String, usize>,
    mapping: bool,
}

struct SpanBuilder<'a> {
    text: &'a str,
    lines: LineIndex<'a>,
    spans: Spans,
    open: Vec<SpanFrame>,
}

impl<'a> SpanBuilder<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            lines: LineIndex::of(text),
            spans: Spans::default(),
            open: Vec::new(),
        }
    }

    fn run(mut self) -> Spans {
        // The parser does not count a byte order mark, so it is removed.
        let mark = self.text.len() - self.text.trim_start_matches('\u{feff}').len();
        let text = self.text;
        self.text = &text[mark..];
        self.lines = LineIndex::of(self.text);
        let mut parser = Parser::new_from_str(self.text);
        while let Some(Ok((event, span))) = parser.next_event() {
            if !self.event(event, span) {
                break;
            }
        }
        self.close_all();
        self.spans.shift(mark);
        self.spans
    }

    /// Handles one event. Returns false to stop.
    fn event(&mut self, event: Event<'_>, span: Span) -> bool {
        let range = self.range(span);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => {
                self.open.clear();
                self.spans.roots.push(None);
            }
            Event::Alias(_) => self.scalar(None, range),
            Event::Scalar(text, style, ..) => {
                let range = if style == ScalarStyle::Plain {
                    range
                } else {
                    self.trim_to_quote(range)
                };
                self.scalar(Some(&text), range);
            }
            Event::SequenceStart(..) => self.start(Children::Items(Vec::new()), range),
            Event::MappingStart(..) => self.start(Children::Entries(Vec::new()), range),
            Event::SequenceEnd | Event::MappingEnd => self.end(range.end),
        }
        self.open.len() <= MAX_DEPTH
    }

    /// The bytes of an event without trailing white space (block scalars extend to the next token).
    fn range(&self, span: Span) -> Range<usize> {
        let start = self.lines.offset(&span.start);
        let end = self.lines.offset(&span.end).max(start);
        let text = self.text[start..end].trim_end();
        start..start + text.len()
    }

    /// A quoted scalar ends at its quote, regardless of its span.
    fn trim_to_quote(&self, range: Range<usize>) -> Range<usize> {
        let end = quoted(&self.text[range.clone()])
            .map_or(range.end, |quoted| range.start + quoted.len());
        range.start..end
    }

    fn scalar(&mut self, text: Option<&str>, range: Range<usize>) {
        if let Some(open) = self.open.last_mut()
            && open.mapping
            && open.key.is_none()
        {
            open.key = Some((text.unwrap_or_default().to_owned(), range));
            return;
        }
        self.attach(range, Children::None);
    }

    fn start(&mut self, children: Children, range: Range<usize>) {
        let mapping = matches!(children, Children::Entries(_));
        if let Some(open) = self.open.last_mut()
            && open.mapping
            && open.key.is_none()
        {
            // A collection as a key is not supported by manifests, so it counts as an empty key.
            open.key = Some((String::new(), range.clone()));
        }
        let node = self.attach(range, children);
        self.open.push(SpanFrame {
            node,
            key: None,
            seen: HashMap::new(),
            mapping,
        });
    }

    fn end(&mut self, end: usize) {
        let Some(open) = self.open.pop() else { return };
        let flow = self.is_flow(open.node);
        if let Some(node) = self.spans.nodes.get_mut(open.node)
            && flow
        {
            node.value.end = end.max(node.value.end);
        }
        self.grow_parent(open.node);
    }

    fn is_flow(&self, node: usize) -> bool {
        let start = self
            .spans
            .nodes
            .get(node)
            .map_or(0, |node| node.value.start);
        matches!(self.text.as_bytes().get(start), Some(b'[' | b'{'))
    }

    /// Extends a collection to the end of its last child.
    fn grow_parent(&mut self, child: usize) {
        let Some(end) = self.spans.nodes.get(child).map(|node| node.value.end) else {
            return;
        };
        if let Some(open) = self.open.last()
            && let Some(parent) = self.spans.nodes.get_mut(open.node)
        {
            parent.value.end = parent.value.end.max(end);
        }
    }

    /// Adds a node to the open collection, or as the root of its document.
    fn attach(&mut self, value: Range<usize>, children: Children) -> usize {
        let at = self.spans.nodes.len();
        let Some(open) = self.open.last_mut() else {
            self.spans.nodes.push(SpanNode {
                key: None,
                value,
                children,
            });
            if let Some(root) = self.spans.roots.last_mut() {
                root.get_or_insert(at);
            }
            return at;
        };
        let entry = open.key.take();
        let (name, key) = entry.map_or((None, None), |(name, range)| (Some(name), Some(range)));
        // A missing value is located at its key.
        let written = !value.is_empty() || !matches!(children, Children::None);
        let value = key.clone().filter(|_| !written).unwrap_or(value);
        let first = name.as_ref().and_then(|name| open.seen.get(name).copied());
        match (
            self.spans
                .nodes
                .get_mut(open.node)
                .map(|node| &mut node.children),
            name.clone(),
        ) {
            (Some(Children::Items(items)), _) => items.push(at),
            (Some(Children::Entries(entries)), Some(name)) if first.is_none() => {
                open.seen.insert(name.clone(), at);
                entries.push((name, at));
            }
            (Some(Children::Entries(_) | Children::None) | None, _) => {}
        }
        self.spans.nodes.push(SpanNode {
            key: key.clone(),
            value,
            children,
        });
        self.grow_parent(at);
        if let (Some(first), Some(name), Some(second)) = (first, name, key) {
            self.duplicate(first, name, second);
        }
        at
    }

    fn duplicate(&mut self, first: usize, name: String, second: Range<usize>) {
        let Some(first) = self
            .spans
            .nodes
            .get(first)
            .and_then(|node| node.key.clone())
        else {
            return;
        };
        let path = self.path().key(name);
        let document = u32::try_from(self.spans.roots.len().saturating_sub(1)).unwrap_or(u32::MAX);
        self.spans.duplicates.push(DuplicateKey {
            document,
            path,
            first,
            second,
        });
    }

    /// The path of the open collection.
    fn path(&self) -> Path {
        let steps = self.open.windows(2).filter_map(|pair| {
            let [parent, child] = pair else { return None };
            self.step(parent.node, child.node)
        });
        steps.collect()
    }

    fn step(&self, parent: usize, child: usize) -> Option<PathSegment> {
        match &self.spans.nodes.get(parent)?.children {
            Children::None => None,
            Children::Items(items) => items
                .iter()
                .rposition(|at| *at == child)
                .map(PathSegment::Index),
            Children::Entries(entries) => entries
                .iter()
                .rev()
                .find(|(_, at)| *at == child)
                .map(|(name, _)| PathSegment::Key(name.clone())),
        }
    }

    /// Closes collections that invalid text leaves open, so that parents include their children.
    fn close_all(&mut self) {
        while let Some(open) = self.open.pop() {
            self.grow_parent(open.node);
        }
    }
}

impl Spans {
    /// Moves all spans by the length of the text before the parsed part.
    fn shift(&mut self, by: usize) {
        if by == 0 {
            return;
        }
        let moved = |range: &mut Range<usize>| *range = range.start + by..range.end + by;
        for node in &mut self.nodes {
            node.key.iter_mut().for_each(moved);
            moved(&mut node.value);
        }
        for duplicate in &mut self.duplicates {
            moved(&mut duplicate.first);
            moved(&mut duplicate.second);
        }
    }
}
