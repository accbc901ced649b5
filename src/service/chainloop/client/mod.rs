//! Chainloop: policies and policy groups, which are documents.
//!
//! A [`ChainloopReader`] has no method that writes, so whoever holds only a reader cannot change anything. A read either
//! succeeds completely or fails: only a 404 says that a document is not there. The service documents no list, so a
//! reader is told which documents to ask for.

mod connection;
mod operations;
mod reader;
mod structured;
mod wire;
mod writer;

pub use connection::{
    ChainloopConnection, DEFAULT_ENDPOINT, ENDPOINT_VARIABLE, TOKEN_VARIABLE, token_from,
};
pub use operations::OPERATIONS;
pub use reader::ChainloopReader;
pub use writer::ChainloopWriter;
