//! A document with everything that its author wrote: keys and scalars as text, comments with the entry they belong to.

/// A comment that stands on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment<'a> {
    /// From `#` to the end of the line, without white space at the end.
    pub(super) text: &'a str,
    /// Whether an empty line stands above.
    pub(super) blank_before: bool,
}

/// A document: a block mapping with the comments above it.
#[derive(Debug)]
pub(super) struct Document<'a> {
    /// The comments above the first key; they stay at the top.
    pub(super) header: Vec<Comment<'a>>,
    /// Whether an empty line stands below the header.
    pub(super) header_blank: bool,
    /// The content.
    pub(super) root: Collection<'a>,
}

/// A mapping or a sequence.
#[derive(Debug)]
pub(super) struct Collection<'a> {
    pub(super) kind: CollectionKind,
    /// Whether the author wrote it in brackets.
    pub(super) flow: bool,
    pub(super) children: Vec<Child<'a>>,
    /// The comments after the last child.
    pub(super) tail: Vec<Comment<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CollectionKind {
    Mapping,
    Sequence,
}

/// An entry of a mapping or an item of a sequence.
#[derive(Debug)]
pub(super) struct Child<'a> {
    /// The comments above.
    pub(super) leading: Vec<Comment<'a>>,
    /// Whether an empty line stands above, below the comments.
    pub(super) blank_before: bool,
    /// For an entry of a mapping.
    pub(super) key: Option<Key<'a>>,
    pub(super) value: Node<'a>,
    /// The comment at the end of the line: of a block collection, the line of its key.
    pub(super) trailing: Option<&'a str>,
}

#[derive(Debug)]
pub(super) struct Key<'a> {
    /// As written, quotes included.
    pub(super) text: &'a str,
    /// What it means.
    pub(super) name: String,
}

#[derive(Debug)]
pub(super) enum Node<'a> {
    /// A value that is not written; the comments that stand indented in its place.
    Null(Vec<Comment<'a>>),
    Scalar(Scalar<'a>),
    Collection(Collection<'a>),
}

#[derive(Debug)]
pub(super) struct Scalar<'a> {
    pub(super) text: ScalarText<'a>,
    /// What it means, as a text.
    pub(super) value: String,
    /// Whether it is a text, not a number, a truth value or nothing.
    pub(super) is_text: bool,
}

#[derive(Debug, Clone)]
pub(super) enum ScalarText<'a> {
    /// Plain or quoted: its lines as written, without the white space that folding drops.
    Flow(Vec<&'a str>),
    /// Literal or folded.
    Block(BlockScalar<'a>),
}

/// A literal or folded scalar.
#[derive(Debug, Clone)]
pub(super) struct BlockScalar<'a> {
    /// `|` or `>`.
    pub(super) indicator: char,
    /// Whether the author gave the indentation as a number, as content that begins with a space needs.
    pub(super) explicit_indent: bool,
    /// `+`, `-` or nothing.
    pub(super) chomping: Option<char>,
    /// The lines of the content, without the indentation.
    pub(super) lines: Vec<&'a str>,
}

impl<'a> Document<'a> {
    /// The plain text of an entry of the root, such as `kind`.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.root.text_of(name)
    }
}

impl<'a> Collection<'a> {
    /// The text of the scalar at a key of a mapping.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        match &self
            .children
            .iter()
            .find(|child| child.is_named(name))?
            .value
        {
            Node::Scalar(scalar) => Some(&scalar.value),
            Node::Null(_) | Node::Collection(_) => None,
        }
    }
}

impl<'a> Child<'a> {
    /// Puts a comment from beside or below the entry directly above it.
    pub(super) fn promote(&mut self, mut comment: Comment<'a>) {
        comment.blank_before = std::mem::take(&mut self.blank_before);
        self.leading.push(comment);
    }

    /// Whether this is the entry with a key.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.key.as_ref().is_some_and(|key| key.name == name)
    }
}
