//! The state that all requests share.

use super::change::Change;
use super::founding::found;
use super::operation::Operation;
use super::options::{Limits, Options};
use super::profile::Profile;
use super::rate::Rate;
use super::store::Store;
use super::tokens::Tokens;
use crate::error::EmulatorError;
use crate::service::Common;

pub(super) struct App {
    pub(super) profile: Profile,
    pub(super) limits: Limits,
    pub(super) store: Store,
    pub(super) tokens: Tokens,
    pub(super) rate: Rate,
    pub(super) common: Common<Operation, Change>,
}

impl App {
    /// Opens the state and the log, and creates the organizations.
    pub(super) fn open(options: Options) -> Result<Self, EmulatorError> {
        let store = Store::open(&options.state)?;
        found(&store, &options)?;
        let Options {
            listen: _,
            profile,
            state: _,
            organizations: _,
            seed: _,
            secret,
            token_ttl,
            latency,
            request_log,
            limits,
            faults,
        } = options;
        let common = Common::open(latency, faults, request_log)?;
        Ok(Self {
            profile,
            limits,
            store,
            tokens: Tokens::new(secret, token_ttl),
            rate: Rate::default(),
            common,
        })
    }
}
