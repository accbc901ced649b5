//! Places in sources, before lines and columns are known.

use std::fmt;
use std::ops::Range;

/// A file in a [`SourceMap`](super::SourceMap).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub(super) u32);

/// One YAML document of a file; the first document has index 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentId {
    pub file: FileId,
    /// Index of the document in its file.
    pub index: u32,
}

/// One step of a path in a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathSegment {
    /// The entry of a mapping with this key.
    Key(String),
    /// The item of a sequence at this index.
    Index(usize),
}

/// A path from the root of a document to a node, such as `spec.rules[3].resources[0]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Vec<PathSegment>);

impl Path {
    pub fn root() -> Self {
        Self::default()
    }

    /// Appends a mapping key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.push(PathSegment::Key(key.into()));
        self
    }

    /// Appends an index of a sequence.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(PathSegment::Index(index));
        self
    }

    pub fn segments(&self) -> &[PathSegment] {
        &self.0
    }

    /// The path of the parent node. The parent of the root is the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        let mut segments = self.0.clone();
        segments.pop();
        Self(segments)
    }
}

impl FromIterator<PathSegment> for Path {
    fn from_iter<T: IntoIterator<Item = PathSegment>>(iter: T) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                PathSegment::Key(key) if position == 0 => write!(f, "{key}")?,
                PathSegment::Key(key) => write!(f, ".{key}")?,
                PathSegment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// The key or value of a mapping entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryPart {
    /// The key, for example for an unknown field.
    Key,
    Value,
}

/// A place in the sources, in the form known to the code that reports it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    File(FileId),
    Bytes {
        file: FileId,
        range: Range<usize>,
    },
    Node {
        document: DocumentId,
        path: Path,
        /// Key or value, if the node is a mapping entry.
        part: EntryPart,
    },
    /// A part of a string in a document, such as a word of a program.
    Text {
        document: DocumentId,
        /// The path of the string.
        path: Path,
        /// The bytes of the string, not of the file.
        range: Range<usize>,
    },
}

impl Place {
    pub fn value(document: DocumentId, path: Path) -> Self {
        Self::Node {
            document,
            path,
            part: EntryPart::Value,
        }
    }

    pub fn key(document: DocumentId, path: Path) -> Self {
        Self::Node {
            document,
            path,
            part: EntryPart::Key,
        }
    }

    pub fn file(&self) -> FileId {
        match self {
            Self::File(file) | Self::Bytes { file, .. } => *file,
            Self::Node { document, .. } | Self::Text { document, .. } => document.file,
        }
    }
}
