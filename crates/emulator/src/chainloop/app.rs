//! The state that all requests share.

use super::change::ChainloopInterference;
use super::operation::ChainloopOperationId;
use super::options::{ChainloopOptions, ErrorShape, RawSchema, Spelling};
use super::store::{ChainloopStore, bootstrap};
use crate::access_tokens::AccessTokens;
use crate::error::EmulatorError;
use crate::service::CommonParts;

pub(super) struct ChainloopApp {
    pub(super) store: ChainloopStore,
    pub(super) tokens: AccessTokens,
    pub(super) spelling: Spelling,
    pub(super) raw_schema: RawSchema,
    pub(super) errors: ErrorShape,
    pub(super) common: CommonParts<ChainloopOperationId, ChainloopInterference>,
}

impl ChainloopApp {
    /// Opens the state and the log, and creates the organizations.
    pub(super) fn open(options: ChainloopOptions) -> Result<Self, EmulatorError> {
        let store = ChainloopStore::open(&options.state)?;
        bootstrap(&store, &options)?;
        let ChainloopOptions {
            listen: _,
            state: _,
            organizations: _,
            seed: _,
            token,
            spelling,
            raw_schema,
            errors,
            latency,
            requests_per_second,
            request_log,
            faults,
        } = options;
        let common = CommonParts::open(latency, requests_per_second, faults, request_log)?;
        Ok(Self {
            store,
            tokens: AccessTokens::new(token),
            spelling,
            raw_schema,
            errors,
            common,
        })
    }
}
