//! Policies and policy groups of Chainloop.
//!
//! Both are documents, and the digest of the exact bytes identifies a version. A line ending or
//! comment creates another version, so no byte is changed here.

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
pub use live::{ChainloopLiveState, LiveDocument, VersionReference};
pub use name::{ChainloopNameError, InputName, PolicyName};
pub use operation::{ChainloopOperation, ChainloopOperationKind, SentDocument};
pub use reference::{Reference, ReferenceError};
