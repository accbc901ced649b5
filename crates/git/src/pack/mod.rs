//! Sources of policy packs: all files below one directory, as they become part of an archive.
//!
//! The content may come from a pull request. Nothing outside of the repository is read, links must
//! point inside the directory, and sizes are limited.

mod archive;
mod collect;
mod rules;
#[cfg(test)]
mod tests;
pub(crate) mod tracked;
mod tree;
pub(crate) mod work;

pub use archive::Archive;
pub use rules::PackRules;
pub use tree::{PACKAGE_FILE, PROJECT_FILE, PackEntry, PackError, PackTree};
