//! The state that all requests share.

use std::net::SocketAddr;

use axum::http::HeaderValue;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::change::PulumiInterference;
use super::operation::PulumiOperationId;
use super::options::PulumiOptions;
use super::provision::create_organizations;
use super::store::PulumiStore;
use crate::access_tokens::AccessTokens;
use crate::error::EmulatorError;
use crate::service::CommonParts;

pub(super) struct PulumiApp {
    pub(super) store: PulumiStore,
    pub(super) tokens: AccessTokens,
    pub(super) any_stack: bool,
    pub(super) page_size: usize,
    pub(super) warning: Option<HeaderValue>,
    /// The address of the upload host.
    uploads: SocketAddr,
    pub(super) common: CommonParts<PulumiOperationId, PulumiInterference>,
}

impl PulumiApp {
    /// Opens the state and the log, and creates the organizations.
    pub(super) fn open(options: PulumiOptions, uploads: SocketAddr) -> Result<Self, EmulatorError> {
        let store = PulumiStore::open(&options.state)?;
        create_organizations(&store, &options)?;
        let PulumiOptions {
            listen: _,
            listen_uploads: _,
            state: _,
            organizations: _,
            seed: _,
            any_stack,
            token,
            page_size,
            warning,
            latency,
            requests_per_second,
            request_log,
            faults,
        } = options;
        // Characters that are invalid in a header are replaced.
        let plain = |text: String| text.replace(|c: char| !(' '..='~').contains(&c), "?");
        let warning = warning
            .map(plain)
            .and_then(|text| HeaderValue::from_str(&text).ok());
        let common = CommonParts::open(latency, requests_per_second, faults, request_log)?;
        let tokens = AccessTokens::new(token);
        Ok(Self {
            store,
            tokens,
            any_stack,
            page_size: page_size.max(1),
            warning,
            uploads,
            common,
        })
    }

    /// The upload URL of a ticket.
    pub(super) fn archive_url(&self, ticket: &str) -> String {
        format!("http://{}/policypacks/{ticket}", self.uploads)
    }
}

/// The SHA-256 of `bytes` in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}
