//! One organization of the Docker AI Governance API, as commands use it.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::apply::{
    Ledger, PolicyLookup, PolicyRun, PolicyUndo, check_unmoved, read_back_differs, read_touched,
    replace_touched, undo_policies,
};
use super::client::{DockerReader, DockerWriter};
use super::plan::audit::audit_plan;
use super::plan::recompute::recomputed;
use super::plan::removed::removal_events;
use super::plan::{
    PolicyPlanRequest, drift, evaluate_gates, plan_gated, plan_undo, remaining_access,
};
use crate::plan::{
    AccessImpact, CallId, GateNames, GateOutcome, Gates, Mismatch, PlanEvent, PlannedCall,
    SentOperation, TargetDrift, TargetInfo, TargetPlan,
};
use crate::run::journal::TargetHistory;
use crate::run::service::{
    BeginError, BeginReading, CallError, CheckedCall, EventRequest, PlanError, PlanRequest,
    ReadFor, ReadOnly, Reads, ReadsBack, RunContext, ServiceError, UndoPlan, UndoRequest,
    VerifyError, WriteAnswer, Writes, logged,
};
use crate::run::{CallFailure, CallReport, LiveObject, StalePlan, StateAfterWrite, WriteOutcome};
use http::ApiError;
use http::operation::{ReadRequest, WriteRequest};
use model::docker::{DockerLiveState, DockerOperation, PolicyId};

/// An organization with its reader and, once they were read, its policies.
pub struct DockerTarget<W = ReadOnly> {
    info: TargetInfo,
    /// The short names of teams, each with the team's uuid.
    teams: BTreeMap<String, String>,
    reader: DockerReader,
    live: Option<DockerLiveState>,
    writer: W,
}

/// The writer of an organization, and the run that it makes.
pub struct PolicyWriter {
    writer: DockerWriter,
    run: Option<PolicyRun>,
}

impl DockerTarget {
    /// Creates a target whose live state was not read yet.
    pub fn new(info: TargetInfo, teams: BTreeMap<String, String>, reader: DockerReader) -> Self {
        Self {
            info,
            teams,
            reader,
            live: None,
            writer: ReadOnly,
        }
    }

    /// The same organization, with the means to write.
    pub fn with_writer(self, writer: DockerWriter) -> DockerTarget<PolicyWriter> {
        let Self {
            info,
            teams,
            reader,
            live,
            writer: ReadOnly,
        } = self;
        let writer = PolicyWriter { writer, run: None };
        DockerTarget {
            info,
            teams,
            reader,
            live,
            writer,
        }
    }
}

impl<W> DockerTarget<W> {
    /// The same organization with policies that were read elsewhere.
    #[must_use]
    pub fn with_live(self, live: DockerLiveState) -> Self {
        Self {
            live: Some(live),
            ..self
        }
    }

    /// What is planned from, with the live state.
    fn policy_request<'a>(
        &'a self,
        request: &PlanRequest<'a>,
    ) -> Result<PolicyPlanRequest<'a>, ServiceError>
    where
        W: Send + Sync,
    {
        let PlanRequest {
            desired,
            target,
            gates: _,
            locate,
        } = *request;
        self.accepts_target(target)?;
        Ok(PolicyPlanRequest {
            target: self.info.clone(),
            desired: &desired.policies,
            live: self.live()?,
            unmanaged: target.unmanaged.clone(),
            teams: &self.teams,
            locate,
        })
    }

    /// The policies.
    ///
    /// # Errors
    /// They were not read.
    pub fn live(&self) -> Result<&DockerLiveState, ServiceError> {
        self.live
            .as_ref()
            .ok_or_else(|| ServiceError::not_read(&self.info))
    }
}

impl DockerTarget {
    /// The policies, without the means to read them again.
    ///
    /// # Errors
    /// They were not read.
    pub fn into_live(self) -> Result<DockerLiveState, ServiceError> {
        let Self { info, live, .. } = self;
        live.ok_or_else(|| ServiceError::not_read(&info))
    }
}

fn operation<'s>(
    info: &TargetInfo,
    sent: &'s SentOperation,
) -> Result<&'s DockerOperation<PolicyId>, ServiceError> {
    match sent {
        SentOperation::Docker(operation) => Ok(operation),
        SentOperation::Pulumi(_) | SentOperation::Chainloop(_) => {
            Err(ServiceError::wrong(info, sent.provider()))
        }
    }
}

impl<W: Send + Sync> Reads for DockerTarget<W> {
    fn info(&self) -> &TargetInfo {
        &self.info
    }

    fn read<'a>(&'a mut self, begin: BeginReading<'a>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let reader = self.reader.clone().with_progress(begin());
            let live = logged(&self.info, reader.live_state(), |live| live.policies.len());
            self.live = Some(live.await?);
            Ok(())
        })
    }

    fn read_more<'a>(
        &'a mut self,
        _: ReadFor<'a>,
        _: BeginReading<'a>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        // The list of policies contains all there is to know.
        Box::pin(std::future::ready(Ok(())))
    }

    fn read_touched<'a>(
        &'a mut self,
        plan: &'a TargetPlan,
        at_once: usize,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let touched = read_touched(plan, &self.reader, at_once).await?;
            self.live = Some(match self.live.take() {
                Some(known) => replace_touched(known, plan, touched),
                None => touched,
            });
            Ok(())
        })
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Result<TargetPlan, PlanError> {
        let gates = request.gates;
        Ok(plan_gated(&self.policy_request(request)?, gates))
    }

    fn events(&self, request: &EventRequest<'_>) -> Result<Vec<PlanEvent>, ServiceError> {
        self.accepts(request.plan)?;
        Ok(removal_events(request, self.live()?))
    }

    fn undo(&self, request: &UndoRequest<'_>) -> Result<UndoPlan, PlanError> {
        let UndoRequest {
            history,
            target,
            document,
            overwrite,
            gates,
            locate,
        } = *request;
        self.accepts_target(target)?;
        self.accepts_history(history)?;
        let live = self.live()?;
        let PolicyUndo {
            desired,
            made,
            held,
            again,
        } = undo_policies(history, live, document, overwrite);
        let request = PolicyPlanRequest {
            target: self.info.clone(),
            desired: &desired,
            live,
            unmanaged: target.unmanaged.clone(),
            teams: &self.teams,
            locate,
        };
        Ok(UndoPlan {
            plan: Ok(plan_undo(&request, &made, gates)),
            held,
            created_again: again,
        })
    }

    fn stale(&self, plan: &TargetPlan) -> Result<Vec<StalePlan>, ServiceError> {
        self.accepts(plan)?;
        Ok(check_unmoved(plan, self.live()?))
    }

    fn drift(&self, plan: &TargetPlan) -> Result<TargetDrift, PlanError> {
        self.accepts(plan)?;
        Ok(drift(plan, self.live()?, &self.teams)?)
    }

    fn audit(&self, plan: &TargetPlan) -> Result<Vec<String>, ServiceError> {
        self.accepts(plan)?;
        let breaches = audit_plan(self.live()?, plan);
        Ok(breaches.iter().map(ToString::to_string).collect())
    }

    fn recompute(
        &self,
        plan: &TargetPlan,
        request: &PlanRequest<'_>,
    ) -> Result<TargetPlan, PlanError> {
        self.accepts(plan)?;
        Ok(recomputed(plan, &self.policy_request(request)?)?)
    }

    fn gates(
        &self,
        plan: &TargetPlan,
        gates: &Gates,
        names: &GateNames<'_>,
    ) -> Result<Vec<GateOutcome>, ServiceError> {
        self.accepts(plan)?;
        Ok(evaluate_gates(self.live()?, &plan.calls, gates, names))
    }

    fn recover(&self, history: &TargetHistory) -> Result<Box<dyn ReadsBack>, ServiceError> {
        self.accepts_history(history)?;
        let lookup = PolicyLookup::new(Ledger::of_run(history), self.reader.clone());
        Ok(Box::new(DockerRecovery {
            info: self.info.clone(),
            lookup,
        }))
    }

    fn call<'a>(&'a self, request: &'a ReadRequest) -> BoxFuture<'a, Result<Value, ApiError>> {
        Box::pin(self.reader.call(request))
    }
}

/// What an interrupted run left, with the means to read back its open calls.
struct DockerRecovery {
    info: TargetInfo,
    lookup: PolicyLookup,
}

impl ReadsBack for DockerRecovery {
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
        call: CallId,
        sent: &SentOperation,
        left: &StateAfterWrite,
    ) -> Result<(), ServiceError> {
        operation(&self.info, sent)?;
        self.lookup.record(call, left);
        Ok(())
    }
}

impl DockerTarget<PolicyWriter> {
    fn run(&self) -> Result<&PolicyRun, ServiceError> {
        self.writer
            .run
            .as_ref()
            .ok_or_else(|| ServiceError::not_started(&self.info))
    }
}

impl Writes for DockerTarget<PolicyWriter> {
    fn begin(
        &mut self,
        plan: &TargetPlan,
        context: RunContext<'_>,
    ) -> Result<Vec<LiveObject>, BeginError> {
        self.accepts(plan)?;
        let run = PolicyRun::new(
            plan,
            self.live()?,
            self.reader.clone(),
            self.writer.writer.clone(),
            context.settings,
        );
        let before = run.before().policies.iter();
        let objects = before.map(LiveObject::policy).collect();
        self.writer.run = Some(run);
        Ok(objects)
    }

    fn confirm<'a>(
        &'a self,
        plan: &'a TargetPlan,
        at_once: usize,
    ) -> BoxFuture<'a, Result<Vec<StalePlan>, CallError>> {
        Box::pin(async move { Ok(self.run()?.confirm(plan, at_once).await?) })
    }

    fn prepare(&self, call: &PlannedCall) -> Result<Option<SentOperation>, ServiceError> {
        let run = self.run()?;
        match call.send.docker() {
            Some(send) => Ok(run.prepare(send).map(SentOperation::Docker)),
            None => Err(ServiceError::wrong(&self.info, call.send.provider())),
        }
    }

    fn check_before<'a>(
        &'a self,
        call: CallId,
        sent: &'a SentOperation,
    ) -> BoxFuture<'a, Result<CheckedCall, CallFailure>> {
        Box::pin(async move {
            let operation = operation(&self.info, sent)?;
            self.run()?.check_before(call, operation).await
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
        call: CallId,
        sent: &SentOperation,
        left: &StateAfterWrite,
    ) -> Result<(), ServiceError> {
        operation(&self.info, sent)?;
        self.run()?.lookup().record(call, left);
        Ok(())
    }

    fn record_unknown(&self, sent: &SentOperation) -> Result<(), ServiceError> {
        // Every call is complete in itself: an unknown outcome changes nothing for the others.
        operation(&self.info, sent).map(drop)
    }

    fn verify<'a>(
        &'a self,
        plan: &'a TargetPlan,
        report: &'a CallReport,
        at_once: usize,
    ) -> BoxFuture<'a, Result<Vec<Mismatch>, VerifyError>> {
        Box::pin(async move {
            let run = self.run()?;
            let actual = read_touched(plan, &self.reader, at_once).await;
            let actual = actual.map_err(VerifyError::Read)?;
            let mut mismatches = read_back_differs(plan, run.before(), report, &actual)?;
            let changed = run.changed_meanwhile(at_once).await;
            let changed = changed.map_err(VerifyError::Read)?;
            mismatches.extend(changed.iter().map(StalePlan::during_run));
            Ok(mismatches)
        })
    }

    fn remaining_access<'a>(
        &'a self,
        plan: &'a TargetPlan,
    ) -> BoxFuture<'a, Result<Option<AccessImpact>, VerifyError>> {
        Box::pin(async move {
            let before = self.run()?.before();
            let live = self.reader.live_state().await.map_err(VerifyError::Read)?;
            let access = remaining_access(plan, before, &live)?;
            Ok(Some(access.with_team_names(&self.teams)))
        })
    }

    fn call_write<'a>(
        &'a self,
        request: &'a WriteRequest,
    ) -> BoxFuture<'a, Result<Value, ApiError>> {
        Box::pin(self.writer.writer.call(request))
    }
}
