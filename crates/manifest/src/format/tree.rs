//! A lossless syntax tree: keys and scalars as source text, comments with their entries.

/// A comment on its own line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommentLine<'a> {
    /// From `#` to the end of the line, without trailing white space.
    pub(super) text: &'a str,
    pub(super) blank_before: bool,
}

/// A block mapping with the comments above it.
#[derive(Debug)]
pub(super) struct DocumentTree<'a> {
    /// The comments above the first key, which stay at the top.
    pub(super) header: Vec<CommentLine<'a>>,
    pub(super) header_blank: bool,
    pub(super) root: Collection<'a>,
}

/// A mapping or a sequence.
#[derive(Debug)]
pub(super) struct Collection<'a> {
    pub(super) kind: CollectionKind,
    /// Whether the source is in flow style.
    pub(super) flow: bool,
    pub(super) children: Vec<Child<'a>>,
    pub(super) tail: Vec<CommentLine<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CollectionKind {
    Mapping,
    Sequence,
}

/// An entry of a mapping or an item of a sequence.
#[derive(Debug)]
pub(super) struct Child<'a> {
    pub(super) leading: Vec<CommentLine<'a>>,
    /// Whether an empty line separates the comments from the child.
    pub(super) blank_before: bool,
    /// `None` for items of sequences.
    pub(super) key: Option<MappingKey<'a>>,
    pub(super) value: YamlNode<'a>,
    /// The comment at the end of the line; for a block collection, of its key's line.
    pub(super) trailing: Option<&'a str>,
}

#[derive(Debug)]
pub(super) struct MappingKey<'a> {
    /// Source text including quotes.
    pub(super) text: &'a str,
    /// The unquoted key.
    pub(super) name: String,
}

#[derive(Debug)]
pub(super) enum YamlNode<'a> {
    /// A missing value, with the indented comments in its place.
    Null(Vec<CommentLine<'a>>),
    Scalar(Scalar<'a>),
    Collection(Collection<'a>),
}

#[derive(Debug)]
pub(super) struct Scalar<'a> {
    pub(super) text: ScalarText<'a>,
    /// The value as text.
    pub(super) value: String,
    /// Whether it is a string, not a number, boolean or null.
    pub(super) is_text: bool,
}

#[derive(Debug, Clone)]
pub(super) enum ScalarText<'a> {
    /// Plain or quoted: source lines without white space that folding removes.
    Flow(Vec<&'a str>),
    Block(BlockScalar<'a>),
}

#[derive(Debug, Clone)]
pub(super) struct BlockScalar<'a> {
    pub(super) indicator: char,
    /// Whether the header contains the indentation as a number, which content with leading spaces
    /// requires.
    pub(super) explicit_indent: bool,
    pub(super) chomping: Option<char>,
    /// The lines of the content without indentation.
    pub(super) lines: Vec<&'a str>,
}

impl<'a> DocumentTree<'a> {
    /// The text of a scalar at the root, such as `kind`.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.root.text_of(name)
    }
}

impl<'a> Collection<'a> {
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        match &self
            .children
            .iter()
            .find(|child| child.is_named(name))?
            .value
        {
            YamlNode::Scalar(scalar) => Some(&scalar.value),
            YamlNode::Null(_) | YamlNode::Collection(_) => None,
        }
    }
}

impl<'a> Child<'a> {
    /// Moves a comment next to or below the entry to the line above it.
    pub(super) fn hoist_comment(&mut self, mut comment: CommentLine<'a>) {
        comment.blank_before = std::mem::take(&mut self.blank_before);
        self.leading.push(comment);
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        self.key.as_ref().is_some_and(|key| key.name == name)
    }
}
