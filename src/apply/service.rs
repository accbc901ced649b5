//! What a run asks of a provider: one variant for each, so that no run needs a type parameter.

use jiff::Timestamp;

use super::docker;
use super::executor::{Server, Settings};
use super::journal::TargetHistory;
use super::object::{Difference, Left, Verdict};
use super::report::Failure;
use crate::plan::{Call, CallId, Sent};
use crate::provider::Reader;
use crate::provider::http::ApiError;

/// The provider of a run.
pub(super) enum Service<'a> {
    /// The Docker AI Governance API.
    Docker(docker::Service<'a>),
}

/// What an answer says.
pub(super) struct Answered {
    /// What the call left.
    pub(super) left: Left,
    /// What was there just before, if it is not what should have been.
    pub(super) overwrote: Option<Difference>,
    /// When, by the server's clock.
    pub(super) date: Option<Timestamp>,
}

impl<'a> Service<'a> {
    pub(super) fn new(server: Server<'a>, settings: Settings) -> Self {
        match server {
            Server::Docker { before, reader, writer } => {
                Self::Docker(docker::Service::new(before.into(), reader, writer, settings))
            }
        }
    }

    /// What a call sends, with all that earlier calls answered; nothing if one of them has not.
    pub(super) fn resolve(&self, call: &Call) -> Option<Sent> {
        match self {
            Self::Docker(service) => service.resolve(call).map(Sent::Docker),
        }
    }

    /// Whether what a write is about is as it should be just before it.
    pub(super) async fn check(&self, sent: &Sent) -> Option<Failure> {
        match (self, sent) {
            (Self::Docker(service), Sent::Docker(operation)) => service.check(operation).await,
        }
    }

    /// Makes a write, once.
    pub(super) async fn send(&self, sent: &Sent) -> Result<Answered, ApiError> {
        match (self, sent) {
            (Self::Docker(service), Sent::Docker(operation)) => service.send(operation).await,
        }
    }

    /// Reads back what became of a write.
    pub(super) async fn settle(&self, sent: &Sent) -> Result<Verdict, ApiError> {
        match (self, sent) {
            (Self::Docker(service), Sent::Docker(operation)) => service.lookup().settle(operation).await,
        }
    }

    /// Takes down what a call left.
    pub(super) fn record(&self, call: CallId, left: &Left) {
        match self {
            Self::Docker(service) => service.lookup().record(call, left),
        }
    }
}

/// Reads back what became of writes of an earlier run.
pub(super) enum Lookup<'a> {
    /// At the Docker AI Governance API.
    Docker(docker::Lookup<'a>),
}

impl<'a> Lookup<'a> {
    pub(super) fn new(target: &TargetHistory, reader: &'a Reader) -> Self {
        match reader {
            Reader::Docker(reader) => Self::Docker(docker::Lookup::new(docker::Ledger::of_run(target), reader)),
        }
    }

    /// Reads back what became of a write.
    pub(super) async fn settle(&self, sent: &Sent) -> Result<Verdict, ApiError> {
        match (self, sent) {
            (Self::Docker(lookup), Sent::Docker(operation)) => lookup.settle(operation).await,
        }
    }

    /// Takes down what a call left.
    pub(super) fn record(&self, call: CallId, left: &Left) {
        match self {
            Self::Docker(lookup) => lookup.record(call, left),
        }
    }
}
