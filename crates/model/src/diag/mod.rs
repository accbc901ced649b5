//! What is wrong, where, and what to do about it: diagnostics, their codes, and the map from places in
//! documents to lines and columns. No input or output happens here.
//!
//! A diagnostic is made with *places* (a file, bytes of it, or a path into one of its documents). Lines and
//! columns are worked out late, by [`SourceMap::resolve`], so that files without findings never pay for them.

mod code;
mod diagnostic;
pub mod marks;
mod place;
mod source;
mod spans;
mod suggest;

pub use code::{Code, Severity};
pub use diagnostic::{Diagnostic, Label};
pub use place::{DocumentId, FileId, Part, Path, Place, Segment};
pub use source::{Location, SourceFile, SourceMap};
pub use spans::{Duplicate, NodeSpan, Spans};
pub use suggest::did_you_mean;
