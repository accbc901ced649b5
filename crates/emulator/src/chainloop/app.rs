//! The state that all requests share.

use super::change::Change;
use super::operation::Operation;
use super::options::{ErrorShape, Options, RawSchema, Spelling};
use super::store::{Store, found};
use crate::access_tokens::AccessTokens;
use crate::error::EmulatorError;
use crate::service::Common;

pub(super) struct App {
    pub(super) store: Store,
    pub(super) tokens: AccessTokens,
    pub(super) spelling: Spelling,
    pub(super) raw_schema: RawSchema,
    pub(super) errors: ErrorShape,
    pub(super) common: Common<Operation, Change>,
}

impl App {
    /// Opens the state and the log, and creates the organizations.
    pub(super) fn open(options: Options) -> Result<Self, EmulatorError> {
        let store = Store::open(&options.state)?;
        found(&store, &options)?;
        let Options {
            listen: _,
            state: _,
            organizations: _,
            seed: _,
            token,
            spelling,
            raw_schema,
            errors,
            latency,
            request_log,
            faults,
        } = options;
        let common = Common::open(latency, faults, request_log)?;
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
