//! One organization of Chainloop, as commands use it.

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::apply::{
    DocumentBasis, DocumentLookup, DocumentRun, DocumentUndo, check_unmoved, documents_touched,
    keep_touched, read_back_differs, read_touched, undo_documents,
};
use super::client::{ChainloopReader, ChainloopWriter};
use super::plan::{
    DocumentPlanRequest, audit_documents, documents_drift, plan_documents, recomputed_documents,
};
use crate::plan::{
    CallId, DocumentStatus, GateNames, GateOutcome, Gates, Mismatch, PlannedCall, SentOperation,
    TargetDrift, TargetInfo, TargetPlan,
};
use crate::run::journal::TargetHistory;
use crate::run::service::{
    BeginError, BeginReading, CallError, CheckedCall, PlanError, PlanRequest, ReadFor, ReadOnly,
    Reads, ReadsBack, RunContext, ServiceError, UndoPlan, UndoRequest, VerifyError, WriteAnswer,
    Writes, logged,
};
use crate::run::{CallFailure, CallReport, LiveObject, StalePlan, StateAfterWrite, WriteOutcome};
use http::ApiError;
use http::operation::{ReadRequest, WriteRequest};
use manifest::config::Target;
use model::chainloop::{ChainloopLiveState, ChainloopOperation, DocumentKind, PolicyName};

/// An organization with its reader and, once they were read, the documents that it was asked for.
pub struct ChainloopTarget<W = ReadOnly> {
    info: TargetInfo,
    reader: ChainloopReader,
    live: Option<ChainloopLiveState>,
    writer: W,
}

/// The writer of an organization, and the run that it makes.
pub struct DocumentWriter {
    writer: ChainloopWriter,
    /// `writes: true` in the configuration of the target.
    allowed: bool,
    run: Option<DocumentRun>,
}

impl ChainloopTarget {
    /// Creates a target whose live state was not read yet.
    pub fn new(info: TargetInfo, reader: ChainloopReader) -> Self {
        Self {
            info,
            reader,
            live: None,
            writer: ReadOnly,
        }
    }

    /// The same organization, with the means to write. A run starts only if writes are `allowed`.
    pub fn with_writer(
        self,
        writer: ChainloopWriter,
        allowed: bool,
    ) -> ChainloopTarget<DocumentWriter> {
        let Self {
            info,
            reader,
            live,
            writer: ReadOnly,
        } = self;
        let writer = DocumentWriter {
            writer,
            allowed,
            run: None,
        };
        ChainloopTarget {
            info,
            reader,
            live,
            writer,
        }
    }
}

impl<W> ChainloopTarget<W> {
    /// The documents that were asked for.
    ///
    /// # Errors
    /// Nothing was read.
    pub fn live(&self) -> Result<&ChainloopLiveState, ServiceError> {
        self.live
            .as_ref()
            .ok_or_else(|| ServiceError::not_read(&self.info))
    }

    async fn read_documents(
        &mut self,
        wanted: Vec<(DocumentKind, PolicyName)>,
        begin: BeginReading<'_>,
    ) -> Result<(), ApiError> {
        let reader = self
            .reader
            .clone()
            .with_progress(begin())
            .with_documents(wanted);
        let live = logged(&self.info, reader.live_state(), |live| live.found().count());
        self.live = Some(live.await?);
        Ok(())
    }
}

fn operation<'s>(
    info: &TargetInfo,
    sent: &'s SentOperation,
) -> Result<&'s ChainloopOperation, ServiceError> {
    match sent {
        SentOperation::Chainloop(operation) => Ok(operation),
        SentOperation::Docker(_) | SentOperation::Pulumi(_) => {
            Err(ServiceError::wrong(info, sent.provider()))
        }
    }
}

fn writes(target: &Target) -> bool {
    target.chainloop().is_some_and(|settings| settings.writes)
}

impl<W: Send + Sync> Reads for ChainloopTarget<W> {
    fn info(&self) -> &TargetInfo {
        &self.info
    }

    fn read<'a>(&'a mut self, _: BeginReading<'a>) -> BoxFuture<'a, Result<(), ApiError>> {
        // There is no list: what to ask for is known only once its purpose is.
        self.live = Some(ChainloopLiveState::default());
        Box::pin(std::future::ready(Ok(())))
    }

    fn read_more<'a>(
        &'a mut self,
        purpose: ReadFor<'a>,
        begin: BeginReading<'a>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        let wanted: Vec<(DocumentKind, PolicyName)> = match purpose {
            ReadFor::Manifests(desired) => {
                let declared = desired.documents.iter();
                declared
                    .map(|document| (document.kind, document.name.clone()))
                    .collect()
            }
            ReadFor::Plan(plan) => {
                let shown = plan.documents.iter().filter_map(DocumentStatus::key);
                let sent = plan.calls.iter().filter_map(|call| call.send.chainloop());
                let written = sent.map(|send| (DocumentKind::Policy, send.document().name.clone()));
                shown.chain(written).collect()
            }
            ReadFor::Undo(history) => documents_touched(history),
        };
        Box::pin(self.read_documents(wanted, begin))
    }

    fn read_touched<'a>(
        &'a mut self,
        plan: &'a TargetPlan,
        _: usize,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let touched = read_touched(plan, &self.reader).await?;
            // The others stay as the plan was made from them, so that the run notices if they change.
            let live = self.live.get_or_insert_default();
            live.documents.extend(touched.documents);
            Ok(())
        })
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Result<TargetPlan, PlanError> {
        let PlanRequest {
            desired,
            target,
            gates: _,
            locate,
        } = *request;
        self.accepts_target(target)?;
        Ok(plan_documents(&DocumentPlanRequest {
            target: self.info.clone(),
            documents: &desired.documents,
            live: self.live()?,
            writes: writes(target),
            locate,
        }))
    }

    fn undo(&self, request: &UndoRequest<'_>) -> Result<UndoPlan, PlanError> {
        let UndoRequest {
            history,
            target,
            document,
            overwrite,
            gates: _,
            locate,
        } = *request;
        self.accepts_target(target)?;
        self.accepts_history(history)?;
        let live = self.live()?;
        let DocumentUndo { desired, held } = undo_documents(history, live, document, overwrite);
        Ok(UndoPlan {
            plan: Ok(plan_documents(&DocumentPlanRequest {
                target: self.info.clone(),
                documents: &desired,
                live,
                writes: writes(target),
                locate,
            })),
            held,
            created_again: Vec::new(),
        })
    }

    fn stale(&self, plan: &TargetPlan) -> Result<Vec<StalePlan>, ServiceError> {
        self.accepts(plan)?;
        Ok(check_unmoved(plan, self.live()?))
    }

    fn drift(&self, plan: &TargetPlan) -> Result<TargetDrift, PlanError> {
        self.accepts(plan)?;
        Ok(documents_drift(plan, self.live()?)?)
    }

    fn audit(&self, plan: &TargetPlan) -> Result<Vec<String>, ServiceError> {
        self.accepts(plan)?;
        let breaches = audit_documents(plan, self.live()?);
        Ok(breaches.iter().map(ToString::to_string).collect())
    }

    fn recompute(&self, plan: &TargetPlan, _: &PlanRequest<'_>) -> Result<TargetPlan, PlanError> {
        self.accepts(plan)?;
        Ok(recomputed_documents(plan, self.live()?)?)
    }

    fn gates(
        &self,
        plan: &TargetPlan,
        _: &Gates,
        _: &GateNames<'_>,
    ) -> Result<Vec<GateOutcome>, ServiceError> {
        // Documents do not decide about requests, which is what access gates are about.
        self.accepts(plan).map(|()| Vec::new())
    }

    fn recover(&self, history: &TargetHistory) -> Result<Box<dyn ReadsBack>, ServiceError> {
        self.accepts_history(history)?;
        Ok(Box::new(ChainloopRecovery {
            info: self.info.clone(),
            lookup: DocumentLookup::of_run(history, self.reader.clone()),
        }))
    }

    fn replans_conflicts(&self) -> bool {
        // It would write a whole document over that of another client.
        false
    }

    fn call<'a>(&'a self, request: &'a ReadRequest) -> BoxFuture<'a, Result<Value, ApiError>> {
        Box::pin(self.reader.call(request))
    }
}

/// What an interrupted run left, with the means to read back its open calls.
struct ChainloopRecovery {
    info: TargetInfo,
    lookup: DocumentLookup,
}

impl ReadsBack for ChainloopRecovery {
    fn resolve<'a>(
        &'a self,
        sent: &'a SentOperation,
    ) -> BoxFuture<'a, Result<WriteOutcome, CallError>> {
        Box::pin(async move {
            let operation = operation(&self.info, sent)?;
            Ok(self.lookup.resolve(operation).await?)
        })
    }

    fn record(
        &self,
        _: CallId,
        sent: &SentOperation,
        _: &StateAfterWrite,
    ) -> Result<(), ServiceError> {
        // A run writes a document once, so no later call depends on it.
        operation(&self.info, sent).map(drop)
    }
}

impl ChainloopTarget<DocumentWriter> {
    fn run(&self) -> Result<&DocumentRun, ServiceError> {
        self.writer
            .run
            .as_ref()
            .ok_or_else(|| ServiceError::not_started(&self.info))
    }
}

impl Writes for ChainloopTarget<DocumentWriter> {
    fn begin(
        &mut self,
        plan: &TargetPlan,
        _: RunContext<'_>,
    ) -> Result<Vec<LiveObject>, BeginError> {
        self.accepts(plan)?;
        if !self.allows_writes() {
            return Err(BeginError::Refused(
                "the target does not set `writes: true`, so its policies are not written",
            ));
        }
        let before = keep_touched(self.live()?.clone(), plan);
        let objects = before
            .found()
            .map(|document| LiveObject::Document(Box::new(document.clone())))
            .collect();
        let basis = DocumentBasis::new(plan, self.live()?.clone());
        self.writer.run = Some(DocumentRun::new(
            before,
            basis,
            self.reader.clone(),
            self.writer.writer.clone(),
        ));
        Ok(objects)
    }

    fn confirm<'a>(
        &'a self,
        _: &'a TargetPlan,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<StalePlan>, CallError>> {
        Box::pin(async move { Ok(self.run()?.changes().await?) })
    }

    fn prepare(&self, call: &PlannedCall) -> Result<Option<SentOperation>, ServiceError> {
        self.run()?;
        match call.send.chainloop() {
            Some(send) => Ok(Some(SentOperation::Chainloop(send.clone()))),
            None => Err(ServiceError::wrong(&self.info, call.send.provider())),
        }
    }

    fn check_before<'a>(
        &'a self,
        _: CallId,
        sent: &'a SentOperation,
    ) -> BoxFuture<'a, Result<CheckedCall, CallFailure>> {
        Box::pin(async move {
            let operation = operation(&self.info, sent)?;
            self.run()?.check_before(operation).await
        })
    }

    fn send<'a>(
        &'a self,
        sent: &'a SentOperation,
    ) -> BoxFuture<'a, Result<WriteAnswer, CallError>> {
        Box::pin(async move {
            let operation = operation(&self.info, sent)?;
            Ok(self.run()?.send(operation).await?)
        })
    }

    fn resolve<'a>(
        &'a self,
        sent: &'a SentOperation,
    ) -> BoxFuture<'a, Result<WriteOutcome, CallError>> {
        Box::pin(async move {
            let operation = operation(&self.info, sent)?;
            Ok(self.run()?.lookup().resolve(operation).await?)
        })
    }

    fn record(
        &self,
        _: CallId,
        sent: &SentOperation,
        _: &StateAfterWrite,
    ) -> Result<(), ServiceError> {
        // A run writes a document once, so no later call depends on it.
        operation(&self.info, sent).map(drop)
    }

    fn record_unknown(&self, sent: &SentOperation) -> Result<(), ServiceError> {
        operation(&self.info, sent).map(drop)
    }

    fn verify<'a>(
        &'a self,
        plan: &'a TargetPlan,
        report: &'a CallReport,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<Mismatch>, VerifyError>> {
        Box::pin(async move {
            let before = self.run()?.before();
            let actual = read_touched(plan, &self.reader).await;
            let actual = actual.map_err(VerifyError::Read)?;
            let mut mismatches = read_back_differs(plan, before, report, &actual)?;
            let changed = self.run()?.changes().await.map_err(VerifyError::Read)?;
            mismatches.extend(changed.iter().map(StalePlan::during_run));
            Ok(mismatches)
        })
    }

    fn allows_writes(&self) -> bool {
        self.writer.allowed
    }

    fn call_write<'a>(
        &'a self,
        request: &'a WriteRequest,
    ) -> BoxFuture<'a, Result<Value, ApiError>> {
        Box::pin(self.writer.writer.call(request))
    }
}
