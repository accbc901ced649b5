//! Policies and policy groups of Chainloop.
//!
//! Both are documents: what identifies a version is the digest of its bytes, as they are. A line ending or a comment
//! makes another version, so nothing here changes a byte.

mod bytes;
mod desired;
mod inputs;
mod live;
mod name;
mod operation;
mod reference;

pub use super::digest::{Digest, DigestError};
pub use bytes::DocumentBytes;
pub use desired::{
    DesiredDocument, DocumentKind, LocalReference, LocalReferenceKind, ReferenceUse,
};
pub use inputs::InputsSchema;
pub use live::{LiveDocument, LiveState, VersionReference};
pub use name::{InputName, NameError, PolicyName};
pub use operation::{Operation, OperationKind, SentDocument};
pub use reference::{Reference, ReferenceError};
