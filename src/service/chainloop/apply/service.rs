//! Writes policies, checks each just before it is written, and reads back what became of it.

use super::outcome::{decide, moved};
use super::rollback::before;
use crate::run::CallFailure;
use crate::run::journal::TargetHistory;
use crate::run::service::WriteAnswer;
use crate::run::{StateAfterWrite, WriteOutcome};
use crate::service::chainloop::client::{ChainloopReader, ChainloopWriter};
use http::{ApiError, DatedAnswer};
use model::chainloop::{
    ChainloopLiveState, ChainloopOperation, DocumentKind, LiveDocument, SentDocument,
};

/// What was there before a run, and a way to read what is there now.
pub struct DocumentLookup {
    before: ChainloopLiveState,
    reader: ChainloopReader,
}

impl DocumentLookup {
    /// What was there before an earlier run. A policy is written once in a run.
    pub fn of_run(target: &TargetHistory, reader: ChainloopReader) -> Self {
        Self {
            before: before(target),
            reader,
        }
    }

    /// Reads back the outcome of a call.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn resolve(&self, send: &ChainloopOperation) -> Result<WriteOutcome, ApiError> {
        let found = self.find(send).await?;
        Ok(decide(
            send,
            self.reader.organization(),
            self.planned(send),
            found.as_ref(),
        ))
    }

    fn planned(&self, send: &ChainloopOperation) -> Option<&LiveDocument> {
        self.before
            .document(DocumentKind::Policy, &send.document().name)
            .flatten()
    }

    /// The policy that a write is about, as it is now.
    async fn find(&self, send: &ChainloopOperation) -> Result<Option<LiveDocument>, ApiError> {
        self.reader.policy(&send.document().name, None).await
    }
}

/// Makes the writes of a run.
pub struct DocumentRun {
    lookup: DocumentLookup,
    writer: ChainloopWriter,
}

impl DocumentRun {
    /// Starts a run with the documents that its plan touches, as they were read just now.
    pub fn new(
        before: ChainloopLiveState,
        reader: ChainloopReader,
        writer: ChainloopWriter,
    ) -> Self {
        Self {
            lookup: DocumentLookup { before, reader },
            writer,
        }
    }

    /// What is known now.
    pub fn lookup(&self) -> &DocumentLookup {
        &self.lookup
    }

    /// The documents that the plan touches, as they were before the run.
    pub fn before(&self) -> &ChainloopLiveState {
        &self.lookup.before
    }

    /// Whether the policy is what the plan was made for. It is read each time: a write names no version that it replaces,
    /// and its answer does not say what it replaced.
    ///
    /// # Errors
    /// It was changed, or cannot be read.
    pub async fn check_before(&self, send: &ChainloopOperation) -> Result<(), CallFailure> {
        let found = self
            .lookup
            .find(send)
            .await
            .map_err(CallFailure::NotChecked)?;
        match moved(send, self.lookup.planned(send), found.as_ref()) {
            None => Ok(()),
            Some((stale, difference)) => Err(CallFailure::Stale {
                stale,
                difference: Box::new(difference),
            }),
        }
    }

    /// Sends a call.
    ///
    /// # Errors
    /// The service refused it, or gave no usable answer.
    pub async fn send(&self, send: &ChainloopOperation) -> Result<WriteAnswer, ApiError> {
        let SentDocument {
            name,
            // The server computes it.
            digest: _,
            bytes,
        } = send.document();
        let DatedAnswer { what: (), date } = match send {
            ChainloopOperation::CreatePolicy { .. } => self.writer.create(name, bytes).await?,
            ChainloopOperation::UpdatePolicy { .. } => self.writer.update(name, bytes).await?,
        };
        Ok(WriteAnswer {
            left: StateAfterWrite::AsSent,
            overwrote: None,
            date,
        })
    }
}
