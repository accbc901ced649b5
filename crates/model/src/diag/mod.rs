//! Diagnostics with their codes, and the map from places in documents to lines and columns. No I/O.
//!
//! A diagnostic is created with *places*: a file, a range of its bytes, or a path in one of its
//! documents. [`SourceMap::resolve`] computes lines and columns later, so files without diagnostics
//! have no cost.

mod code;
mod diagnostic;
mod guide;
pub mod line_index;
mod place;
mod scalar;
mod source;
mod spans;
mod suggest;
mod suggestion;

pub use code::{Code, Severity};
pub use diagnostic::{Diagnostic, Label};
pub use guide::CodeGuide;
pub use place::{DocumentId, EntryPart, FileId, Path, PathSegment, Place};
pub use source::{SourceFile, SourceMap, TextRange};
pub use spans::{DuplicateKey, NodeSpan, Spans};
pub use suggest::did_you_mean;
pub use suggestion::{Edit, Replacement, Suggestion};
