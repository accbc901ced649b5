//! Descriptions of the operations of a service, for `polwarden call`. Plans and applies use typed
//! readers and writers instead.

mod description;
mod request;

pub use description::{
    ApiOperation, FieldKind, FieldPlacement, OperationField, PathTemplateSegment, Verb,
};
pub use request::{FieldError, OperationRequest, ReadRequest, WriteRequest};
