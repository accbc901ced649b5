//! Why an emulator may not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The address could be reached from other machines.
    #[error(
        "the emulator serves loopback only and {address} is not; use an address such as 127.0.0.1:0"
    )]
    NotLoopback {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error(
        "the emulator cannot listen on {address}: {cause}; choose another port, or 0 for any free one"
    )]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The folder of the state file cannot be made.
    #[error("cannot create {} for the emulator's state: {cause}", .folder.display())]
    StateFolder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The state cannot be opened, read or written.
    #[error(
        "the emulator's state {place} cannot be used: {cause}; is it an SQLite file that an emulator made?"
    )]
    State {
        /// The file, or `in memory`.
        place: String,
        /// What SQLite said.
        cause: rusqlite::Error,
    },
    /// Two policies of an organization in the seed have one name, or two objects one id.
    #[error(
        "the seed repeats a policy name or an id: {cause}; names are unique in an organization, ids everywhere"
    )]
    SeedRepeats {
        /// What SQLite said: it names the column.
        cause: rusqlite::Error,
    },
    /// A seed cannot be what it says.
    #[error("the seed cannot be used: {place}: {why}; docs/emulator.md describes the file")]
    SeedInvalid {
        /// Where in the seed.
        place: String,
        /// What is wrong there.
        why: String,
    },
    /// The state is that of another service.
    #[error(
        "the emulator's state {place} is not one of the {service} service; choose another file"
    )]
    StateOfAnother {
        /// The file, or `in memory`.
        place: String,
        /// The service that was started.
        service: &'static str,
    },
    /// The state was written by a version of the emulator with another layout.
    #[error(
        "the emulator's state {place} has layout {found}, this version needs {needed}; delete the file to start anew"
    )]
    StateLayout {
        /// The file, or `in memory`.
        place: String,
        /// The layout in the file.
        found: i64,
        /// The layout that this version reads and writes.
        needed: i64,
    },
    /// The request log cannot be opened.
    #[error("the request log {} cannot be opened for appending: {cause}", .path.display())]
    RequestLog {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// A seed file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the seed cannot be read: {0}; docs/emulator.md describes the file")]
pub struct SeedError(#[from] serde_json::Error);
