//! Seed files: what organizations hold when an emulator starts, each service in a form of its own.

use serde::de::DeserializeOwned;

/// A text that is no seed.
#[derive(Debug, thiserror::Error)]
#[error("the seed cannot be read: {0}; docs/emulator.md describes the file")]
pub struct SeedError(serde_json::Error);

/// Reads a seed file's text.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, SeedError> {
    serde_json::from_str(text).map_err(SeedError)
}
