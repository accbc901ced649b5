//! The half of a run that knows Chainloop: documents, each written as a whole and read back byte by byte.

mod outcome;
mod rollback;
mod service;
mod touched;

pub use rollback::{DocumentUndo, documents_touched, undo_documents};
pub use touched::{DocumentBasis, check_unmoved, keep_touched, read_back_differs, read_touched};

pub use service::{DocumentLookup, DocumentRun};
