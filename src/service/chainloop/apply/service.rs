//! Writes policies, checks each just before it is written, and reads back what became of it.

use super::rollback::before;
use super::settle::{decide, moved};
use crate::run::Failure;
use crate::run::journal::TargetHistory;
pub(crate) use crate::run::service::Answered;
use crate::run::{Left, Verdict};
use crate::service::chainloop::client::{Reader, Writer};
use http::{ApiError, Dated};
use model::chainloop::{DocumentKind, LiveDocument, LiveState, Operation, SentDocument};

/// What was there before a run, and a way to read what is there now.
pub(crate) struct Lookup<'a> {
    before: LiveState,
    reader: &'a Reader,
}

impl<'a> Lookup<'a> {
    /// What was there before an earlier run. A policy is written once in a run.
    pub(crate) fn of_run(target: &TargetHistory, reader: &'a Reader) -> Self {
        Self {
            before: before(target),
            reader,
        }
    }

    pub(crate) async fn settle(&self, send: &Operation) -> Result<Verdict, ApiError> {
        let found = self.find(send).await?;
        Ok(decide(
            send,
            self.reader.organization(),
            self.planned(send),
            found.as_ref(),
        ))
    }

    fn planned(&self, send: &Operation) -> Option<&LiveDocument> {
        self.before
            .document(DocumentKind::Policy, &send.document().name)
            .flatten()
    }

    /// The policy that a write is about, as it is now.
    async fn find(&self, send: &Operation) -> Result<Option<LiveDocument>, ApiError> {
        self.reader.policy(&send.document().name, None).await
    }
}

/// Makes the writes of a run.
pub(crate) struct Service<'a> {
    lookup: Lookup<'a>,
    writer: &'a Writer,
}

impl<'a> Service<'a> {
    pub(crate) fn new(before: LiveState, reader: &'a Reader, writer: &'a Writer) -> Self {
        Self {
            lookup: Lookup { before, reader },
            writer,
        }
    }

    pub(crate) fn lookup(&self) -> &Lookup<'a> {
        &self.lookup
    }

    /// Whether the policy is what the plan was made for. It is read each time: a write names no version that it replaces,
    /// and its answer does not say what it replaced.
    pub(crate) async fn check(&self, send: &Operation) -> Option<Failure> {
        let found = match self.lookup.find(send).await {
            Ok(found) => found,
            Err(error) => return Some(Failure::NotChecked(error)),
        };
        let (stale, difference) = moved(send, self.lookup.planned(send), found.as_ref())?;
        Some(Failure::Moved {
            stale,
            difference: Box::new(difference),
        })
    }

    pub(crate) async fn send(&self, send: &Operation) -> Result<Answered, ApiError> {
        let SentDocument {
            name,
            // The server computes it.
            digest: _,
            bytes,
        } = send.document();
        let Dated { what: (), date } = match send {
            Operation::CreatePolicy { .. } => self.writer.create(name, bytes).await?,
            Operation::UpdatePolicy { .. } => self.writer.update(name, bytes).await?,
        };
        Ok(Answered {
            left: Left::AsSent,
            overwrote: None,
            date,
        })
    }
}
