//! The state that all requests share.

use super::change::DockerInterference;
use super::operation::DockerOperationId;
use super::options::{DockerOptions, ServiceLimits};
use super::profile::EmulatorProfile;
use super::provision::create_organizations;
use super::rate::RateLimiter;
use super::store::DockerStore;
use super::tokens::IssuedTokens;
use crate::error::EmulatorError;
use crate::service::CommonParts;

pub(super) struct DockerApp {
    pub(super) profile: EmulatorProfile,
    pub(super) limits: ServiceLimits,
    pub(super) extra_fields: Vec<String>,
    pub(super) dropped_fields: Vec<String>,
    pub(super) store: DockerStore,
    pub(super) tokens: IssuedTokens,
    pub(super) rate: RateLimiter,
    pub(super) common: CommonParts<DockerOperationId, DockerInterference>,
}

impl DockerApp {
    /// Opens the state and the log, and creates the organizations.
    pub(super) fn open(options: DockerOptions) -> Result<Self, EmulatorError> {
        let store = DockerStore::open(&options.state)?;
        create_organizations(&store, &options)?;
        let DockerOptions {
            listen: _,
            profile,
            state: _,
            organizations: _,
            seed: _,
            secret,
            token_ttl,
            latency,
            requests_per_second,
            request_log,
            limits,
            extra_fields,
            dropped_fields,
            faults,
        } = options;
        let common = CommonParts::open(latency, requests_per_second, faults, request_log)?;
        Ok(Self {
            profile,
            limits,
            extra_fields,
            dropped_fields,
            store,
            tokens: IssuedTokens::new(secret, token_ttl),
            rate: RateLimiter::default(),
            common,
        })
    }
}
