//! The things the three services keep, as validated types. No input or output happens here.

pub mod chainloop;
mod checked_text;
mod digest;
pub mod docker;
mod live;
mod name;
mod opaque;
pub mod pulumi;

pub use live::Live;
pub use name::{Name, NameError, is_hidden};
pub use opaque::Opaque;
