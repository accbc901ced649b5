//! Descriptions of the operations of a service, for `polwarden call`. Plans and applies use typed
//! readers and writers instead.

mod description;
mod request;

pub use description::{Field, FieldKind, Operation, Place, Segment, Verb};
pub use request::{FieldError, ReadRequest, Request, WriteRequest};
