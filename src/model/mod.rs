//! The things the three services keep, as validated types. No input or output happens here.

pub mod docker;
mod live;
mod name;

pub use live::Live;
pub use name::{Name, NameError, is_hidden};
