//! Chainloop: policies and policy groups, which are documents.
//!
//! A [`ChainloopReader`] has no method that writes, so code that has only a reader cannot change anything. A read either
//! succeeds completely or fails: only status 404 means that a document does not exist. The service documents no list,
//! so the caller passes the names of the documents to read.

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
