//! What a run, and every command that reads a server, needs from a service.
//!
//! [`Reads`] is all that planning sees: it has no method that changes a server. [`Writes`] adds
//! the methods that do; only the executor calls them. An object that implements these traits
//! belongs to one target of one service and contains its reader, its live state and, to write, its
//! writer. So a reader can never meet the live state or the writer of another service. What comes
//! from files (plans and journals) can still name another service: [`Reads::accepts`] refuses it
//! when the file is opened, and every method that takes a call refuses it too.
//!
//! Asynchronous methods return boxed futures, so that both traits are object safe.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;

use super::control::RunSettings;
use super::error::StalePlan;
use super::journal::TargetHistory;
use super::object::{LiveObject, ObjectDifference, StateAfterWrite, WriteOutcome};
use super::report::{CallFailure, CallReport};
use crate::plan::{
    AccessImpact, CallId, Commit, GateNames, GateOutcome, Gates, Mismatch, PlanEvent, PlannedCall,
    ResourceKind, SentOperation, SourceRef, TargetDrift, TargetInfo, TargetPlan,
};
use git::PackTree;
use http::ApiError;
use http::operation::{ReadRequest, WriteRequest};
use manifest::config::{Provider, Target};
use model::Desired;
use model::diag::{DocumentId, Place};

pub use super::error::{BeginError, CallError, PlanError, ServiceError, VerifyError};

/// Is called with how many objects were read, and how many are known so far.
pub type ReadProgress = Arc<dyn Fn(usize, usize) + Send + Sync>;

/// Begins to show the progress of a reading. A service calls it once it starts to read everything.
pub type BeginReading<'a> = &'a (dyn Fn() -> ReadProgress + Send + Sync);

/// What the further reading is for, once that is known.
#[derive(Clone, Copy)]
pub enum ReadFor<'a> {
    /// To compare with manifests.
    Manifests(&'a Desired),
    /// To compute again what a saved plan does.
    Plan(&'a TargetPlan),
    /// To undo a run.
    Undo(&'a TargetHistory),
}

/// Inputs of a plan, besides the live state.
#[derive(Clone, Copy)]
pub struct PlanRequest<'a> {
    /// What the manifests declare.
    pub desired: &'a Desired,
    /// The target as it is configured with these manifests.
    pub target: &'a Target,
    /// The access gates that the plan is held against.
    pub gates: &'a Gates,
    /// The line of a place.
    pub locate: &'a (dyn Fn(&Place) -> SourceRef + Sync),
}

/// Inputs for finding removed and renamed objects, besides the live state.
#[derive(Clone, Copy)]
pub struct EventRequest<'a> {
    /// The plan for the manifests.
    pub plan: &'a TargetPlan,
    /// What the manifests declare.
    pub desired: &'a Desired,
    /// The target as it is configured with these manifests.
    pub target: &'a Target,
    /// What the base revision declares, if it is known.
    pub base: Option<&'a Desired>,
    /// The line of a place.
    pub locate: &'a (dyn Fn(&Place) -> SourceRef + Sync),
    /// The line of a place at the base revision.
    pub locate_base: &'a (dyn Fn(&Place) -> SourceRef + Sync),
}

/// Inputs of the plan that undoes a run, besides the live state.
#[derive(Clone, Copy)]
pub struct UndoRequest<'a> {
    /// The run at this target, from its journal.
    pub history: &'a TargetHistory,
    pub target: &'a Target,
    /// Stands for the journal: it takes the place of the manifests.
    pub document: DocumentId,
    /// Undo what other clients changed since as well.
    pub overwrite: bool,
    /// The access gates that the plan is held against.
    pub gates: &'a Gates,
    /// The line of a place.
    pub locate: &'a (dyn Fn(&Place) -> SourceRef + Sync),
}

/// The plan that undoes a run, with notes for the user.
pub struct UndoPlan {
    /// The plan, or why the state before the run cannot be restored.
    pub plan: Result<TargetPlan, PlanError>,
    /// What stays as it is, and why.
    pub held: Vec<HeldUndo>,
    /// The names of policies that are created again, with new ids.
    pub created_again: Vec<String>,
}

/// Something that a rollback leaves as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldUndo {
    /// The kind of the object: a policy, a pack or a group.
    pub resource: ResourceKind,
    /// Its name.
    pub name: String,
    /// The part of it, a rule for example, if one is concerned.
    pub part: Option<String>,
    /// Why.
    pub why: HeldUndoReason,
}

/// Why a rollback leaves something as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldUndoReason {
    /// Another client changed it after the run. `planned` is the state after the run, `found` the live state.
    ChangedSince(Box<ObjectDifference>),
    /// Something else has its name now.
    NameTaken,
    /// It contains something that this version does not support.
    NotUnderstood(String),
    /// The outcome of the run's call is unknown.
    Unknown,
    /// The run published it: deleted, its tag would never be free again.
    Published,
    /// The run deleted a version of it, which cannot come back.
    Retired,
    /// The run made it, and the service documents no way to delete it.
    NoDelete,
}

/// Inputs of a run of one target, besides its plan.
#[derive(Clone, Copy)]
pub struct RunContext<'a> {
    /// How the run is made.
    pub settings: RunSettings,
    /// The sources of policy packs, from which archives are made again.
    pub sources: &'a [PackTree],
    /// The commit that is applied.
    pub commit: Option<&'a Commit>,
}

/// What the answer to a call says.
pub struct WriteAnswer {
    /// What the call left.
    pub left: StateAfterWrite,
    /// The state just before the call, if the answer contains it.
    pub replaced: ReplacedState,
    /// When, by the server's clock.
    pub date: Option<Timestamp>,
}

/// The state that a call replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplacedState {
    /// The state that the plan expected, or the answer does not tell.
    Expected,
    /// The desired state, which another client had made just before: the call changed nothing.
    Desired,
    /// Another state, which another client had made just before.
    Changed(ObjectDifference),
}

/// What a check just before a call found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckedCall {
    /// The object is in the expected state, so the call is sent.
    Send,
    /// Another client made the desired state, so the call is not sent.
    Adopted(Box<StateAfterWrite>),
}

/// A call at the end of a run that removes what the run began and did not finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanUp {
    /// The name of the object.
    pub name: String,
    /// The part that is removed.
    pub part: String,
    /// The request.
    pub send: SentOperation,
}

/// One target of one service: it reads, compares and plans, and has no way to write.
pub trait Reads: Send + Sync {
    /// Which target this is.
    fn info(&self) -> &TargetInfo;

    /// Reads everything that the service can list. A service without a list reads nothing here.
    fn read<'a>(&'a mut self, begin: BeginReading<'a>) -> BoxFuture<'a, Result<(), ApiError>>;

    /// Reads what more is needed for a purpose, after [`read`](Self::read).
    fn read_more<'a>(
        &'a mut self,
        purpose: ReadFor<'a>,
        begin: BeginReading<'a>,
    ) -> BoxFuture<'a, Result<(), ApiError>>;

    /// Reads again at least what a plan touches or creates. What is not read again stays as the plan was made from
    /// it.
    fn read_touched<'a>(
        &'a mut self,
        plan: &'a TargetPlan,
        at_once: usize,
    ) -> BoxFuture<'a, Result<(), ApiError>>;

    /// Whether a plan and all its calls are for this target's service.
    ///
    /// # Errors
    /// They are for another one.
    fn accepts(&self, plan: &TargetPlan) -> Result<(), ServiceError> {
        accept(self.info(), plan)
    }

    /// Whether all calls of a journal are for this target's service.
    ///
    /// # Errors
    /// They are for another one.
    fn accepts_history(&self, history: &TargetHistory) -> Result<(), ServiceError> {
        let calls = history.calls.iter();
        is_for(self.info(), calls.map(|made| made.intent.send.provider()))
    }

    /// Whether a target is configured for this target's service.
    ///
    /// # Errors
    /// It is for another one.
    fn accepts_target(&self, target: &Target) -> Result<(), ServiceError> {
        is_for(self.info(), std::iter::once(target.provider()))
    }

    /// Plans the calls that close the difference between the manifests and the live state.
    ///
    /// # Errors
    /// What only the server can tell to be wrong with the manifests; or nothing was read.
    fn plan(&self, request: &PlanRequest<'_>) -> Result<TargetPlan, PlanError>;

    /// What became of objects that no manifest declares any more. The lines in the configuration are
    /// not known here. A service that cannot list its objects finds nothing.
    ///
    /// # Errors
    /// Nothing was read, or the plan is for another service.
    fn events(&self, _: &EventRequest<'_>) -> Result<Vec<PlanEvent>, ServiceError> {
        Ok(Vec::new())
    }

    /// Plans the calls that undo a run.
    ///
    /// # Errors
    /// As for [`plan`](Self::plan).
    fn undo(&self, request: &UndoRequest<'_>) -> Result<UndoPlan, PlanError>;

    /// What a plan touches and is no longer what the plan was made from.
    ///
    /// # Errors
    /// Nothing was read, or the plan is for another service.
    fn stale(&self, plan: &TargetPlan) -> Result<Vec<StalePlan>, ServiceError>;

    /// What the live state has that the manifests of a plan do not want.
    ///
    /// # Errors
    /// The calls do not fit the live state, or it was not read.
    fn drift(&self, plan: &TargetPlan) -> Result<TargetDrift, PlanError>;

    /// Guarantees that the calls of a plan would break. A plan that was just made breaks none.
    ///
    /// # Errors
    /// Nothing was read, or the plan is for another service.
    fn audit(&self, plan: &TargetPlan) -> Result<Vec<String>, ServiceError>;

    /// The same plan with everything computed again that follows from its calls, the live state and
    /// the manifests of `request`.
    ///
    /// # Errors
    /// The calls do not fit the live state, or it was not read.
    fn recompute(
        &self,
        plan: &TargetPlan,
        request: &PlanRequest<'_>,
    ) -> Result<TargetPlan, PlanError>;

    /// Checks the calls of a plan against access gates. Returns no outcomes if the service has no gates.
    ///
    /// # Errors
    /// Nothing was read, or the plan is for another service.
    fn gates(
        &self,
        plan: &TargetPlan,
        gates: &Gates,
        names: &GateNames<'_>,
    ) -> Result<Vec<GateOutcome>, ServiceError>;

    /// What an interrupted run left, as its journal has it, to read back its open calls.
    ///
    /// # Errors
    /// A call of the journal is for another service.
    fn recover(&self, history: &TargetHistory) -> Result<Box<dyn ReadsBack>, ServiceError>;

    /// Whether it is safe to plan again what a conflict with another client left.
    fn replans_conflicts(&self) -> bool {
        true
    }

    /// Makes one reading request of the service's API, as it is.
    fn call<'a>(&'a self, request: &'a ReadRequest) -> BoxFuture<'a, Result<Value, ApiError>>;
}

/// Reads back the outcome of calls.
pub trait ReadsBack: Send + Sync {
    /// Reads back the outcome of a call whose answer is missing.
    fn resolve<'a>(
        &'a self,
        sent: &'a SentOperation,
    ) -> BoxFuture<'a, Result<WriteOutcome, CallError>>;

    /// Takes note of what a call left.
    ///
    /// # Errors
    /// The call is for another service.
    fn record(
        &self,
        call: CallId,
        sent: &SentOperation,
        left: &StateAfterWrite,
    ) -> Result<(), ServiceError>;
}

/// One target of one service, with its writer. Only a run uses it.
pub trait Writes: Reads {
    /// Starts a run: from here on the live state is what was there before it. Answers the objects
    /// that the plan touches, for the journal. Nothing is sent.
    ///
    /// # Errors
    /// The plan is for another service, nothing was read, or the target does not allow writes.
    fn begin(
        &mut self,
        plan: &TargetPlan,
        context: RunContext<'_>,
    ) -> Result<Vec<LiveObject>, BeginError>;

    /// Reads the live state again just before the first call, and compares it with the state that the
    /// plan was made from: reading many objects is not atomic, so a plan may be made from a mixture of
    /// states. Returns what changed, apart from calls of the plan that another client has made.
    ///
    /// # Errors
    /// It could not be read, or no run was started.
    fn confirm<'a>(
        &'a self,
        plan: &'a TargetPlan,
        at_once: usize,
    ) -> BoxFuture<'a, Result<Vec<StalePlan>, CallError>>;

    /// What a call sends, with the ids that earlier calls were answered; nothing if one is missing.
    ///
    /// # Errors
    /// The call is for another service, or no run was started.
    fn prepare(&self, call: &PlannedCall) -> Result<Option<SentOperation>, ServiceError>;

    /// Checks just before a call whether its object is in the state that the plan expects.
    fn check_before<'a>(
        &'a self,
        call: CallId,
        sent: &'a SentOperation,
    ) -> BoxFuture<'a, Result<CheckedCall, CallFailure>>;

    /// Sends a call, once.
    fn send<'a>(&'a self, sent: &'a SentOperation)
    -> BoxFuture<'a, Result<WriteAnswer, CallError>>;

    /// Reads back the outcome of a call whose answer does not tell it.
    fn resolve<'a>(
        &'a self,
        sent: &'a SentOperation,
    ) -> BoxFuture<'a, Result<WriteOutcome, CallError>>;

    /// Takes note of what a call left.
    ///
    /// # Errors
    /// The call is for another service, or no run was started.
    fn record(
        &self,
        call: CallId,
        sent: &SentOperation,
        left: &StateAfterWrite,
    ) -> Result<(), ServiceError>;

    /// Takes note that the outcome of a call is unknown.
    ///
    /// # Errors
    /// The call is for another service, or no run was started.
    fn record_unknown(&self, sent: &SentOperation) -> Result<(), ServiceError>;

    /// The calls that remove what this run began and did not finish.
    fn unfinished(&self) -> Vec<CleanUp> {
        Vec::new()
    }

    /// Reads the objects that the run wrote. Returns differences from the result of the applied calls.
    fn verify<'a>(
        &'a self,
        plan: &'a TargetPlan,
        report: &'a CallReport,
        at_once: usize,
    ) -> BoxFuture<'a, Result<Vec<Mismatch>, VerifyError>>;

    /// Reads the live state, and answers what a run that did not make all its calls leaves to be opened
    /// and closed; nothing where the service has no access rules.
    fn remaining_access<'a>(
        &'a self,
        _: &'a TargetPlan,
    ) -> BoxFuture<'a, Result<Option<AccessImpact>, VerifyError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Whether the configuration of the target allows writes.
    fn allows_writes(&self) -> bool {
        true
    }

    /// Makes one writing request of the service's API, as it is.
    fn call_write<'a>(
        &'a self,
        request: &'a WriteRequest,
    ) -> BoxFuture<'a, Result<Value, ApiError>>;
}

/// The writer of a target that has none: [`Reads`] is all that such a target implements.
#[derive(Debug, Clone, Copy)]
pub struct ReadOnly;

/// Whether a plan and all its calls are for a target's service.
///
/// # Errors
/// They are for another one.
pub fn accept(info: &TargetInfo, plan: &TargetPlan) -> Result<(), ServiceError> {
    let calls = plan.calls.iter().map(|call| call.send.provider());
    is_for(info, std::iter::once(plan.target.provider).chain(calls))
}

fn is_for(
    info: &TargetInfo,
    providers: impl IntoIterator<Item = Provider>,
) -> Result<(), ServiceError> {
    match providers.into_iter().find(|found| *found != info.provider) {
        None => Ok(()),
        Some(found) => Err(ServiceError::wrong(info, found)),
    }
}

/// Reads everything of a target, and logs how long that took.
///
/// # Errors
/// As the reading.
pub async fn logged<S>(
    info: &TargetInfo,
    reading: impl Future<Output = Result<S, ApiError>>,
    count: impl Fn(&S) -> usize,
) -> Result<S, ApiError> {
    let since = Instant::now();
    let live = reading.await?;
    tracing::info!(
        target_name = %info.name,
        objects = count(&live),
        took = ?since.elapsed(),
        "read the live state"
    );
    Ok(live)
}
