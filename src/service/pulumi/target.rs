//! One organization of Pulumi Cloud, as commands use it.

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::apply::{
    PackLookup, PackRun, PackSources, PackUndo, changed_meanwhile, check_unmoved,
    read_back_differs, undo_packs, versions_before,
};
use super::client::{PulumiReader, PulumiWriter};
use super::plan::removed::removal_events;
use super::plan::{
    PackPlanRequest, audit_packs, packs_drift, plan_packs, plan_packs_undo, recomputed_packs,
};
use crate::plan::{
    CallId, GateNames, GateOutcome, Gates, Mismatch, PlanEvent, PlanNote, PlannedCall,
    SentOperation, TargetDrift, TargetInfo, TargetPlan,
};
use crate::run::journal::TargetHistory;
use crate::run::service::{
    BeginError, BeginReading, CallError, CheckedCall, CleanUp, EventRequest, PlanError,
    PlanRequest, ReadFor, ReadOnly, Reads, ReadsBack, RunContext, ServiceError, UndoPlan,
    UndoRequest, VerifyError, WriteAnswer, Writes, logged,
};
use crate::run::{CallFailure, CallReport, LiveObject, StalePlan, StateAfterWrite, WriteOutcome};
use http::ApiError;
use http::operation::{ReadRequest, WriteRequest};
use manifest::config::{Target, Unmanaged};
use model::pulumi::{GroupChange, PackName, PulumiLiveState, PulumiOperation, VersionTag};

/// An organization with its reader and, once they were read, its packs and groups.
pub struct PulumiTarget<W = ReadOnly> {
    info: TargetInfo,
    reader: PulumiReader,
    live: Option<PulumiLiveState>,
    writer: W,
}

/// The writer of an organization, and the run that it makes.
pub struct PackWriter {
    writer: PulumiWriter,
    run: Option<PackRun>,
}

impl PulumiTarget {
    /// Creates a target whose live state was not read yet.
    pub fn new(info: TargetInfo, reader: PulumiReader) -> Self {
        Self {
            info,
            reader,
            live: None,
            writer: ReadOnly,
        }
    }

    /// The same organization, with the means to write.
    pub fn with_writer(self, writer: PulumiWriter) -> PulumiTarget<PackWriter> {
        let Self {
            info,
            reader,
            live,
            writer: ReadOnly,
        } = self;
        let writer = PackWriter { writer, run: None };
        PulumiTarget {
            info,
            reader,
            live,
            writer,
        }
    }
}

impl<W> PulumiTarget<W> {
    /// The packs and groups.
    ///
    /// # Errors
    /// They were not read.
    pub fn live(&self) -> Result<&PulumiLiveState, ServiceError> {
        self.live
            .as_ref()
            .ok_or_else(|| ServiceError::not_read(&self.info))
    }

    /// Reads the policies of versions, which the list of packs does not contain.
    async fn read_versions<'w>(
        &mut self,
        wanted: impl IntoIterator<Item = (&'w PackName, &'w VersionTag)>,
    ) -> Result<(), ApiError> {
        if let Some(live) = self.live.take() {
            self.live = Some(self.reader.with_versions(live, wanted).await?);
        }
        Ok(())
    }
}

fn operation<'s>(
    info: &TargetInfo,
    sent: &'s SentOperation,
) -> Result<&'s PulumiOperation, ServiceError> {
    match sent {
        SentOperation::Pulumi(operation) => Ok(operation),
        SentOperation::Docker(_) | SentOperation::Chainloop(_) => {
            Err(ServiceError::wrong(info, sent.provider()))
        }
    }
}

/// The version that a write enables in a group.
fn enabled_version(send: &PulumiOperation) -> Option<(&PackName, &VersionTag)> {
    match send {
        PulumiOperation::UpdateGroup {
            change: GroupChange::AddPack { pack, tag, .. },
            ..
        } => Some((pack, tag)),
        PulumiOperation::CreatePackVersion { .. }
        | PulumiOperation::PutArchive { .. }
        | PulumiOperation::CompletePackVersion { .. }
        | PulumiOperation::DeletePackVersion { .. }
        | PulumiOperation::DeletePack { .. }
        | PulumiOperation::CreateGroup { .. }
        | PulumiOperation::UpdateGroup { .. }
        | PulumiOperation::DeleteGroup { .. } => None,
    }
}

fn objects(live: &PulumiLiveState) -> Vec<LiveObject> {
    let packs = live
        .packs
        .iter()
        .map(|pack| LiveObject::Pack(Box::new(pack.clone())));
    let groups = live
        .groups
        .iter()
        .map(|group| LiveObject::Group(Box::new(group.clone())));
    packs.chain(groups).collect()
}

fn keep_versions(target: &Target) -> Option<std::num::NonZeroU32> {
    target.pulumi().and_then(|settings| settings.keep_versions)
}

impl<W: Send + Sync> Reads for PulumiTarget<W> {
    fn info(&self) -> &TargetInfo {
        &self.info
    }

    fn read<'a>(&'a mut self, begin: BeginReading<'a>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let reader = self.reader.clone().with_progress(begin());
            let count = |live: &PulumiLiveState| live.packs.len() + live.groups.len();
            self.live = Some(logged(&self.info, reader.live_state(), count).await?);
            Ok(())
        })
    }

    fn read_more<'a>(
        &'a mut self,
        purpose: ReadFor<'a>,
        _: BeginReading<'a>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            match purpose {
                ReadFor::Manifests(desired) => {
                    let declared = desired.packs.iter().map(|pack| (pack.name(), pack.tag()));
                    let used = desired
                        .groups
                        .iter()
                        .flat_map(|group| group.policy_packs.iter().flatten());
                    let used = used.map(|pack| (&pack.pack, &pack.tag));
                    self.read_versions(declared.chain(used)).await
                }
                ReadFor::Plan(plan) => {
                    let sent = plan.calls.iter().filter_map(|call| call.send.pulumi());
                    self.read_versions(sent.filter_map(enabled_version)).await
                }
                // The plan shows the levels of what the groups had before, too.
                ReadFor::Undo(history) => {
                    let used = versions_before(history);
                    self.read_versions(used.iter().map(|(pack, tag)| (pack, tag)))
                        .await
                }
            }
        })
    }

    fn read_touched<'a>(
        &'a mut self,
        _: &'a TargetPlan,
        _: usize,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        // A call is compared with the whole, so all of it is read.
        Box::pin(async move {
            self.live = Some(self.reader.live_state().await?);
            Ok(())
        })
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Result<TargetPlan, PlanError> {
        let PlanRequest {
            desired,
            target,
            gates,
            locate,
        } = *request;
        self.accepts_target(target)?;
        let plan = plan_packs(&PackPlanRequest {
            target: self.info.clone(),
            packs: &desired.packs,
            groups: &desired.groups,
            live: self.live()?,
            unmanaged: target.unmanaged.clone(),
            keep_versions: keep_versions(target),
            locate,
        })
        .map_err(PlanError::Manifests);
        let mut plan = plan?;
        if !gates.is_empty() && !plan.enforcement.is_empty() {
            plan.notes.push(PlanNote::LevelsNotGated);
        }
        Ok(plan)
    }

    fn events(&self, request: &EventRequest<'_>) -> Result<Vec<PlanEvent>, ServiceError> {
        self.accepts(request.plan)?;
        Ok(removal_events(request))
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
        let PackUndo {
            desired,
            made,
            held,
        } = undo_packs(history, live, document, overwrite);
        let request = PackPlanRequest {
            target: self.info.clone(),
            packs: &[],
            groups: &desired,
            live,
            unmanaged: Unmanaged::Ignore.into(),
            keep_versions: None,
            locate,
        };
        Ok(UndoPlan {
            plan: plan_packs_undo(&request, &made).map_err(PlanError::Manifests),
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
        Ok(packs_drift(plan, self.live()?)?)
    }

    fn audit(&self, plan: &TargetPlan) -> Result<Vec<String>, ServiceError> {
        self.accepts(plan)?;
        let breaches = audit_packs(self.live()?, &plan.calls);
        Ok(breaches.iter().map(ToString::to_string).collect())
    }

    fn recompute(&self, plan: &TargetPlan, _: &PlanRequest<'_>) -> Result<TargetPlan, PlanError> {
        self.accepts(plan)?;
        Ok(recomputed_packs(plan, self.live()?)?)
    }

    fn gates(
        &self,
        plan: &TargetPlan,
        _: &Gates,
        _: &GateNames<'_>,
    ) -> Result<Vec<GateOutcome>, ServiceError> {
        // Packs do not decide about requests, which is what access gates are about.
        self.accepts(plan).map(|()| Vec::new())
    }

    fn recover(&self, history: &TargetHistory) -> Result<Box<dyn ReadsBack>, ServiceError> {
        self.accepts_history(history)?;
        Ok(Box::new(PulumiRecovery {
            info: self.info.clone(),
            lookup: PackLookup::of_run(history, self.reader.clone()),
        }))
    }

    fn call<'a>(&'a self, request: &'a ReadRequest) -> BoxFuture<'a, Result<Value, ApiError>> {
        Box::pin(self.reader.call(request))
    }
}

/// What an interrupted run left, with the means to read back its open calls.
struct PulumiRecovery {
    info: TargetInfo,
    lookup: PackLookup,
}

impl ReadsBack for PulumiRecovery {
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
        self.lookup.record(operation(&self.info, sent)?);
        Ok(())
    }
}

impl PulumiTarget<PackWriter> {
    fn run(&self) -> Result<&PackRun, ServiceError> {
        self.writer
            .run
            .as_ref()
            .ok_or_else(|| ServiceError::not_started(&self.info))
    }
}

impl Writes for PulumiTarget<PackWriter> {
    fn begin(
        &mut self,
        plan: &TargetPlan,
        context: RunContext<'_>,
    ) -> Result<Vec<LiveObject>, BeginError> {
        self.accepts(plan)?;
        let before = self.live()?.clone();
        let objects = objects(&before);
        self.writer.run = Some(PackRun::new(
            before,
            self.reader.clone(),
            self.writer.writer.clone(),
            PackSources::of(plan, context),
            context.settings,
        ));
        Ok(objects)
    }

    fn confirm<'a>(
        &'a self,
        plan: &'a TargetPlan,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<StalePlan>, CallError>> {
        Box::pin(async move { Ok(self.run()?.confirm(plan).await?) })
    }

    fn prepare(&self, call: &PlannedCall) -> Result<Option<SentOperation>, ServiceError> {
        self.run()?;
        match call.send.pulumi() {
            Some(send) => Ok(Some(SentOperation::Pulumi(send.clone()))),
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
        let operation = operation(&self.info, sent)?;
        self.run()?.record(operation);
        Ok(())
    }

    fn record_unknown(&self, sent: &SentOperation) -> Result<(), ServiceError> {
        let operation = operation(&self.info, sent)?;
        self.run()?.record_unknown(operation);
        Ok(())
    }

    fn unfinished(&self) -> Vec<CleanUp> {
        let run = self.writer.run.as_ref();
        let versions = run.into_iter().flat_map(PackRun::incomplete_versions);
        let delete =
            |(pack, version, operation): (PackName, VersionTag, PulumiOperation)| CleanUp {
                name: pack.to_string(),
                part: version.to_string(),
                send: SentOperation::Pulumi(operation),
            };
        versions.map(delete).collect()
    }

    fn verify<'a>(
        &'a self,
        plan: &'a TargetPlan,
        report: &'a CallReport,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<Mismatch>, VerifyError>> {
        Box::pin(async move {
            let before = self.run()?.before();
            let actual = self.reader.live_state().await.map_err(VerifyError::Read)?;
            let mut mismatches = read_back_differs(plan, before, report, &actual)?;
            let changed = changed_meanwhile(plan, before, &actual);
            mismatches.extend(changed.iter().map(StalePlan::during_run));
            Ok(mismatches)
        })
    }

    fn call_write<'a>(
        &'a self,
        request: &'a WriteRequest,
    ) -> BoxFuture<'a, Result<Value, ApiError>> {
        Box::pin(self.writer.writer.call(request))
    }
}
