//! Errors of an emulator that does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// Other machines could reach the address.
    #[error(
        "the emulator serves loopback only and {address} is not; use an address such as 127.0.0.1:0"
    )]
    NotLoopback { address: SocketAddr },
    #[error(
        "the emulator cannot listen on {address}: {cause}; choose another port, or 0 for any free one"
    )]
    Listen {
        address: SocketAddr,
        cause: io::Error,
    },
    #[error("cannot create {} for the emulator's state: {cause}", .folder.display())]
    StateFolder { folder: PathBuf, cause: io::Error },
    #[error(
        "the emulator's state {place} cannot be used: {cause}; is it an SQLite file that an emulator made?"
    )]
    State {
        /// The file, or `in memory`.
        place: String,
        cause: rusqlite::Error,
    },
    /// The seed uses a policy name twice in an organization, or an id twice.
    #[error(
        "the seed repeats a policy name or an id: {cause}; names are unique in an organization, ids everywhere"
    )]
    SeedRepeats {
        /// The error from SQLite, which names the column.
        cause: rusqlite::Error,
    },
    #[error(
        "the seed cannot be used: {place}: {why}; docs/reference/emulator.md describes the file"
    )]
    SeedInvalid {
        /// The place in the seed.
        place: String,
        why: String,
    },
    /// The state file belongs to another service.
    #[error(
        "the emulator's state {place} is not one of the {service} service; choose another file"
    )]
    StateOfAnother {
        /// The file, or `in memory`.
        place: String,
        /// The service that was started.
        service: &'static str,
    },
    /// A version of the emulator with another layout wrote the state.
    #[error(
        "the emulator's state {place} has layout {found}, this version needs {needed}; delete the file to start anew"
    )]
    StateLayout {
        /// The file, or `in memory`.
        place: String,
        found: i64,
        /// The layout that this version reads and writes.
        needed: i64,
    },
    #[error("the request log {} cannot be opened for appending: {cause}", .path.display())]
    RequestLog { path: PathBuf, cause: io::Error },
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// An invalid seed file.
#[derive(Debug, thiserror::Error)]
#[error("the seed cannot be read: {0}; docs/reference/emulator.md describes the file")]
pub struct SeedError(#[from] serde_json::Error);
