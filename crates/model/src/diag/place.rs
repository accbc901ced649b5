//! Places: where in the sources something is, before lines and columns are known.

use std::fmt;
use std::ops::Range;

/// A file in a [`SourceMap`](super::SourceMap).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub(super) u32);

/// One YAML document of a file; the first document has index 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentId {
    /// The file that holds the document.
    pub file: FileId,
    /// The position of the document in its file, counted from 0.
    pub index: u32,
}

/// One step into a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// The entry of a mapping with this key.
    Key(String),
    /// The item of a sequence at this position, counted from 0.
    Index(usize),
}

/// A path from the root of a document to a node, such as `spec.rules[3].resources[0]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Vec<Segment>);

impl Path {
    /// The path of the document itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// This path followed by a mapping key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.push(Segment::Key(key.into()));
        self
    }

    /// This path followed by a position in a sequence.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Segment::Index(index));
        self
    }

    /// The steps from the root.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The path of the node that holds this one; the root's parent is the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        let mut segments = self.0.clone();
        segments.pop();
        Self(segments)
    }
}

impl FromIterator<Segment> for Path {
    fn from_iter<T: IntoIterator<Item = Segment>>(iter: T) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if position == 0 => write!(f, "{key}")?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Which half of a mapping entry is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The key (also right for a key that should not be there).
    Key,
    /// The value.
    Value,
}

/// Where something is, in the terms of whoever found it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// The whole file.
    File(FileId),
    /// Bytes of a file.
    Bytes {
        /// The file.
        file: FileId,
        /// Byte offsets into its text.
        range: Range<usize>,
    },
    /// A node of a document.
    Node {
        /// The document.
        document: DocumentId,
        /// The way from its root to the node.
        path: Path,
        /// Key or value, where the node is a mapping entry.
        part: Part,
    },
}

impl Place {
    /// The value at `path` of `document`.
    pub fn value(document: DocumentId, path: Path) -> Self {
        Self::Node {
            document,
            path,
            part: Part::Value,
        }
    }

    /// The key at `path` of `document`.
    pub fn key(document: DocumentId, path: Path) -> Self {
        Self::Node {
            document,
            path,
            part: Part::Key,
        }
    }

    /// The file that the place is in.
    pub fn file(&self) -> FileId {
        match self {
            Self::File(file) | Self::Bytes { file, .. } => *file,
            Self::Node { document, .. } => document.file,
        }
    }
}
