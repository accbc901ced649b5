//! Writes policies, checks each just before it is written, and reads back what became of it.

use super::outcome::{decide, moved};
use super::rollback::before;
use super::touched::DocumentBasis;
use crate::run::CallFailure;
use crate::run::StalePlan;
use crate::run::journal::TargetHistory;
use crate::run::service::{CheckedCall, ReplacedState, WriteAnswer};
use crate::run::{StateAfterWrite, WriteOutcome};
use crate::service::chainloop::client::{ChainloopReader, ChainloopWriter};
use http::{ApiError, DatedAnswer};
use model::chainloop::{
    ChainloopLiveState, ChainloopOperation, DocumentKind, LiveDocument, SentDocument,
};

/// The state before a run, and a reader for the current state.
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
    /// What the plan was made from, beyond the documents that it writes.
    basis: DocumentBasis,
    writer: ChainloopWriter,
}

impl DocumentRun {
    /// Starts a run with the documents that its plan touches, as they were read just now.
    pub fn new(
        before: ChainloopLiveState,
        basis: DocumentBasis,
        reader: ChainloopReader,
        writer: ChainloopWriter,
    ) -> Self {
        Self {
            lookup: DocumentLookup { before, reader },
            basis,
            writer,
        }
    }

    /// Reads the documents that the plan leaves as they are again, and returns what changed. Those that
    /// it writes are read before each write.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn changes(&self) -> Result<Vec<StalePlan>, ApiError> {
        self.basis.changes(&self.lookup.reader).await
    }

    /// The current state.
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
    pub async fn check_before(
        &self,
        send: &ChainloopOperation,
    ) -> Result<CheckedCall, CallFailure> {
        let found = self
            .lookup
            .find(send)
            .await
            .map_err(CallFailure::NotChecked)?;
        match moved(send, self.lookup.planned(send), found.as_ref()) {
            None => Ok(CheckedCall::Send),
            Some(_)
                if found
                    .as_ref()
                    .is_some_and(|found| self.is_desired(send, found)) =>
            {
                Ok(CheckedCall::Adopted(Box::new(StateAfterWrite::AsSent)))
            }
            Some((stale, difference)) => Err(CallFailure::Stale {
                stale,
                difference: Box::new(difference),
            }),
        }
    }

    fn is_desired(&self, send: &ChainloopOperation, found: &LiveDocument) -> bool {
        found.is_of(self.lookup.reader.organization()) && found.digest == send.document().digest
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
            replaced: ReplacedState::Expected,
            date,
        })
    }
}
