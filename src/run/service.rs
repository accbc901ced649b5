//! What a run asks of a provider: one variant for each, so that no run needs a type parameter.

use jiff::Timestamp;

use super::executor::{Server, Settings};
use super::journal::TargetHistory;
use super::object::{Difference, Left, Verdict};
use super::report::Failure;
use crate::plan::{Call, CallId, Sent};
use crate::service::chainloop::apply as chainloop;
use crate::service::docker::apply as docker;
use crate::service::pulumi::apply as pulumi;
use crate::service::registry::Reader;
use http::ApiError;
use model::pulumi::Operation;

/// The provider of a run.
pub(crate) enum Service<'a> {
    /// The Docker AI Governance API.
    Docker(docker::Service<'a>),
    /// Pulumi Cloud.
    Pulumi(pulumi::Service<'a>),
    /// Chainloop.
    Chainloop(chainloop::Service<'a>),
}

/// What an answer says.
pub(crate) struct Answered {
    /// What the call left.
    pub(crate) left: Left,
    /// What was there just before, if it is not what should have been.
    pub(crate) overwrote: Option<Difference>,
    /// When, by the server's clock.
    pub(crate) date: Option<Timestamp>,
}

impl<'a> Service<'a> {
    pub(crate) fn new(server: Server<'a>, settings: Settings) -> Self {
        match server {
            Server::Docker {
                before,
                reader,
                writer,
            } => Self::Docker(docker::Service::new(
                before.into(),
                reader,
                writer,
                settings,
            )),
            Server::Pulumi {
                before,
                reader,
                writer,
                archives,
                metadata,
            } => {
                let sources = pulumi::Sources { archives, metadata };
                Self::Pulumi(pulumi::Service::new(
                    before, reader, writer, sources, settings,
                ))
            }
            Server::Chainloop {
                before,
                reader,
                writer,
            } => Self::Chainloop(chainloop::Service::new(before, reader, writer)),
        }
    }

    /// What a call sends, with all that earlier calls answered; nothing if one of them has not.
    pub(crate) fn resolve(&self, call: &Call) -> Option<Sent> {
        match self {
            Self::Docker(service) => service.resolve(call).map(Sent::Docker),
            Self::Pulumi(_) => call.send.pulumi().cloned().map(Sent::Pulumi),
            Self::Chainloop(_) => call.send.chainloop().cloned().map(Sent::Chainloop),
        }
    }

    /// Whether what a write is about is as it should be just before it.
    pub(crate) async fn check(&self, sent: &Sent) -> Option<Failure> {
        match (self, sent) {
            (Self::Docker(service), Sent::Docker(operation)) => service.check(operation).await,
            (Self::Pulumi(service), Sent::Pulumi(operation)) => service.check(operation).await,
            (Self::Chainloop(service), Sent::Chainloop(operation)) => {
                service.check(operation).await
            }
            (Self::Docker(_) | Self::Pulumi(_) | Self::Chainloop(_), _) => None,
        }
    }

    /// Makes a write, once; nothing for a write of another provider, which no plan of this one holds.
    pub(crate) async fn send(&self, sent: &Sent) -> Option<Result<Answered, ApiError>> {
        match (self, sent) {
            (Self::Docker(service), Sent::Docker(operation)) => Some(service.send(operation).await),
            (Self::Pulumi(service), Sent::Pulumi(operation)) => Some(service.send(operation).await),
            (Self::Chainloop(service), Sent::Chainloop(operation)) => {
                Some(service.send(operation).await)
            }
            (Self::Docker(_) | Self::Pulumi(_) | Self::Chainloop(_), _) => None,
        }
    }

    /// Reads back what became of a write.
    pub(crate) async fn settle(&self, sent: &Sent) -> Result<Verdict, ApiError> {
        match (self, sent) {
            (Self::Docker(service), Sent::Docker(operation)) => {
                service.lookup().settle(operation).await
            }
            (Self::Pulumi(service), Sent::Pulumi(operation)) => {
                service.lookup().settle(operation).await
            }
            (Self::Chainloop(service), Sent::Chainloop(operation)) => {
                service.lookup().settle(operation).await
            }
            (Self::Docker(_) | Self::Pulumi(_) | Self::Chainloop(_), _) => Ok(Verdict::NotApplied),
        }
    }

    /// Takes down what a call left.
    pub(crate) fn record(&self, call: CallId, sent: &Sent, left: &Left) {
        match (self, sent) {
            (Self::Docker(service), _) => service.lookup().record(call, left),
            (Self::Pulumi(service), Sent::Pulumi(operation)) => service.record(operation),
            // The reading at the end tells what a document is.
            (Self::Pulumi(_) | Self::Chainloop(_), _) => {}
        }
    }

    /// Takes down that what became of a write is unknown.
    pub(crate) fn doubt(&self, sent: &Sent) {
        match (self, sent) {
            (Self::Pulumi(service), Sent::Pulumi(operation)) => service.doubt(operation),
            (Self::Docker(_) | Self::Pulumi(_) | Self::Chainloop(_), _) => {}
        }
    }

    /// What is to be deleted at the end of a run, since it was begun and not finished.
    pub(crate) fn half_done(&self) -> Vec<Operation> {
        match self {
            Self::Docker(_) | Self::Chainloop(_) => Vec::new(),
            Self::Pulumi(service) => service.half_published(),
        }
    }
}

/// Reads back what became of writes of an earlier run.
pub(crate) enum Lookup<'a> {
    /// At the Docker AI Governance API.
    Docker(docker::Lookup<'a>),
    /// At Pulumi Cloud.
    Pulumi(pulumi::Lookup<'a>),
    /// At Chainloop.
    Chainloop(chainloop::Lookup<'a>),
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(target: &TargetHistory, reader: &'a Reader) -> Self {
        match reader {
            Reader::Docker(reader) => {
                Self::Docker(docker::Lookup::new(docker::Ledger::of_run(target), reader))
            }
            Reader::Pulumi(reader) => Self::Pulumi(pulumi::Lookup::of_run(target, reader)),
            Reader::Chainloop(reader) => Self::Chainloop(chainloop::Lookup::of_run(target, reader)),
        }
    }

    /// Reads back what became of a write.
    pub(crate) async fn settle(&self, sent: &Sent) -> Result<Verdict, ApiError> {
        match (self, sent) {
            (Self::Docker(lookup), Sent::Docker(operation)) => lookup.settle(operation).await,
            (Self::Pulumi(lookup), Sent::Pulumi(operation)) => lookup.settle(operation).await,
            (Self::Chainloop(lookup), Sent::Chainloop(operation)) => lookup.settle(operation).await,
            (Self::Docker(_) | Self::Pulumi(_) | Self::Chainloop(_), _) => Ok(Verdict::NotApplied),
        }
    }

    /// Takes down what a call left.
    pub(crate) fn record(&self, call: CallId, sent: &Sent, left: &Left) {
        match (self, sent) {
            (Self::Docker(lookup), _) => lookup.record(call, left),
            (Self::Pulumi(lookup), Sent::Pulumi(operation)) => lookup.record(operation),
            // The reading at the end tells what a document is.
            (Self::Pulumi(_) | Self::Chainloop(_), _) => {}
        }
    }
}
