//! The things the three services keep, as validated types. No input or output happens here.

pub mod chainloop;
mod checked_text;
mod desired;
pub mod diag;
pub mod digest;
pub mod docker;
mod name;
mod opaque;
pub mod pulumi;

/// The file that names the targets of a repository.
pub const CONFIG_FILE_NAME: &str = "polwarden.yaml";

pub use desired::Desired;
pub use name::{Name, NameError, is_hidden};
pub use opaque::Opaque;
