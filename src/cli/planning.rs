//! From manifests to a plan: what `plan` and `apply` share.

use std::collections::BTreeSet;

use anyhow::{Context as _, anyhow};
use rayon::prelude::*;
use tokio::task::JoinSet;

use super::connect::{Connect, Open, Session};
use super::console::Console;
use super::error::{CommandError, CommandResult, FailureKind};
use super::gates::GateSources;
use super::reporter::DiagnosticReporter;
use super::three_way::{self, BaseDesired, BaseManifests};
use super::workspace::{Project, Workspace};
use crate::plan::{
    BasePlan, ConfigVersions, EventKind, FORMAT_VERSION, Gates, Origins, Plan, PlanEvent,
    SourceRef, TargetOrigins, TargetPlan, config_events, manifest_events, required_acknowledgement,
};
use crate::render::text::neutral;
use crate::run::service::{EventRequest, PlanError, PlanRequest, ReadFor, Reads};
use crate::service::diagnostics::is_error;
use crate::service::registry;
use crate::service::registry::{Checked, CheckedTests, ServerFacts};
use manifest::config::{Target, Unmanaged};
use model::Desired;
use model::diag::{Diagnostic, Path, Place, did_you_mean};

/// A plan, with what it was made from.
pub(super) struct Planned<T: ?Sized> {
    /// The manifests that it was made from.
    pub(super) workspace: Workspace,
    /// The connections that the live state was read through.
    pub(super) session: Session,
    pub(super) plan: Plan,
    /// The service of each target with the live state, in the plan's order.
    pub(super) services: Vec<Box<T>>,
}

/// Plans the selected targets. The diagnostics and errors of all targets are shown before it fails.
///
/// The live state is read while the manifests are parsed and checked. Errors in manifests are reported first and
/// independent of the servers; then nothing waits for an answer.
///
/// `open` says whether the services can also write afterwards. Planning itself knows no more of them than [`Reads`].
///
/// # Errors
/// The manifests are invalid, which is shown; or a service cannot be reached, or does not answer as expected.
pub(super) async fn plan_all<T: Reads + ?Sized + 'static>(
    project: Project,
    connect: &Connect,
    gate_sources: &GateSources,
    open: Open<T>,
    console: Console,
) -> CommandResult<Planned<T>> {
    plan_all_with_reporter(
        project,
        connect,
        &Against {
            gate_sources,
            before: None,
            only: &[],
        },
        open,
        &DiagnosticReporter::for_diagnostics(console),
        console,
    )
    .await
}

/// The gates of plans, and the base for recognizing drift.
pub(super) struct Against<'a> {
    /// The gates.
    pub(super) gate_sources: &'a GateSources,
    /// The manifests of the base revision; without them, no difference is reported as drift.
    pub(super) before: Option<&'a BaseManifests>,
    /// The names that a partial plan is limited to; none for a complete plan.
    pub(super) only: &'a [String],
}

/// Like [`plan_all`], for a command that reports diagnostics in its own way.
///
/// # Errors
/// As for [`plan_all`].
pub(super) async fn plan_all_with_reporter<T: Reads + ?Sized + 'static>(
    project: Project,
    connect: &Connect,
    against: &Against<'_>,
    open: Open<T>,
    reporter: &DiagnosticReporter,
    console: Console,
) -> CommandResult<Planned<T>> {
    let session = match Session::open(connect, &project.targets(), console).await {
        Ok(session) => session,
        Err(error) => {
            check_offline(&project.load(), reporter)?;
            return Err(error.into());
        }
    };
    let readings = PendingReads::start(&session, &project.targets(), open);
    let workspace = project.load();
    match plan_targets(&workspace, &session, against, readings, reporter, console).await {
        Ok((plan, services)) => Ok(Planned {
            workspace,
            session,
            plan,
            services,
        }),
        Err(error) => {
            session.close().await;
            Err(error)
        }
    }
}

/// Makes another plan for the same manifests from the current live state. Diagnostics of the manifests are repeated
/// only if they are errors.
///
/// # Errors
/// As for [`plan_all`].
pub(super) async fn plan_again<T: Reads + ?Sized + 'static>(
    workspace: &Workspace,
    session: &Session,
    gate_sources: &GateSources,
    open: Open<T>,
    console: Console,
) -> CommandResult<(Plan, Vec<Box<T>>)> {
    let readings = PendingReads::start(session, &workspace.targets(), open);
    plan_targets(
        workspace,
        session,
        &Against {
            gate_sources,
            before: None,
            only: &[],
        },
        readings,
        &DiagnosticReporter::of_errors(console),
        console,
    )
    .await
}

/// Reports the errors of manifests that can be found without a server.
fn check_offline(workspace: &Workspace, reporter: &DiagnosticReporter) -> CommandResult<()> {
    let checked = workspace
        .targets()
        .into_iter()
        .map(|target| workspace.check(target, &ServerFacts::offline()));
    let findings: Vec<_> = checked.flat_map(|checked| checked.diagnostics).collect();
    let findings = workspace.target_diagnostics(findings);
    // Warnings that need the server would be noise if the server cannot be reached.
    let errors: Vec<_> = findings.into_iter().filter(is_error).collect();
    if errors.is_empty() && !workspace.diagnostics().iter().any(is_error) {
        return Ok(());
    }
    workspace.report_to(errors, reporter)
}

async fn plan_targets<T: Reads + ?Sized + 'static>(
    workspace: &Workspace,
    session: &Session,
    against: &Against<'_>,
    readings: PendingReads<T>,
    reporter: &DiagnosticReporter,
    console: Console,
) -> CommandResult<(Plan, Vec<Box<T>>)> {
    let targets = workspace.targets();
    let mut findings = Vec::new();
    let mut resolved = Vec::new();
    for target in &targets {
        let checked = resolve(workspace, session, target).await;
        findings.extend(
            checked
                .iter()
                .flat_map(|checked| checked.diagnostics.iter().cloned()),
        );
        resolved.push(checked);
    }
    if let Err(invalid) = workspace.report_to(workspace.target_diagnostics(findings), reporter) {
        let failed = targets.iter().zip(resolved);
        return Err(invalid
            .with_related(failed.filter_map(|(target, checked)| {
                checked.err().map(|error| failure(target, error))
            })));
    }
    limit_to(against.only, &mut resolved)?;
    let wanted = match against.before {
        Some(before) => before
            .wanted(&targets, session, console)
            .await?
            .map(|wanted| (before, wanted)),
        None => None,
    };
    let each = targets.iter().enumerate().map(|(position, target)| {
        let base = wanted
            .as_ref()
            .and_then(|(before, wanted)| Some((*before, wanted.get(position)?)));
        TargetPlanning {
            workspace,
            target,
            gate_sources: against.gate_sources,
            base,
            is_partial: !against.only.is_empty(),
        }
    });
    let each: Vec<TargetPlanning<'_>> = each.collect();
    let mut outcomes = Vec::new();
    let mut late = Vec::new();
    let mut failures = Vec::new();
    for (target, ended) in targets
        .iter()
        .zip(plan_each(&each, resolved, session, readings).await)
    {
        match ended {
            Ok(outcome) => outcomes.push(outcome),
            Err(TargetError::Invalid(findings)) => late.extend(findings),
            Err(TargetError::Failed(error)) => failures.push(failure(target, error)),
        }
    }
    if !late.is_empty() {
        reporter.report(workspace.sources(), late);
        return Err(CommandError::reported(FailureKind::Invalid).with_related(failures));
    }
    CommandError::join(failures)?;
    let mut plan = empty(workspace, console);
    plan.only = against.only.to_vec();
    plan.origins = wanted.map(|(before, _)| Origins {
        base: before.commit(),
        targets: Vec::new(),
    });
    if let Some(base) = against.gate_sources.base_config() {
        let (head, document) = workspace.config();
        let events = config_events(&ConfigVersions {
            base,
            head,
            document,
            sources: workspace.sources(),
        });
        let chosen = |event: &PlanEvent| {
            let name = event.target.as_deref();
            name.is_none_or(|name| targets.iter().any(|target| target.name == name))
        };
        let events = events.context("the configurations cannot be compared")?;
        plan.events.extend(events.into_iter().filter(chosen));
    }
    let mut services = Vec::new();
    for (
        Outcome {
            plan: mut target,
            origins,
            events,
            service,
        },
        config,
    ) in outcomes.into_iter().zip(&targets)
    {
        let required = required_acknowledgement(&target, &config.limits);
        let required = required.context("the plan cannot be serialized")?;
        // The plan of `apply` is the complete one, which has another mark.
        let required = required.filter(|_| against.only.is_empty());
        target.requires = required.map(|required| required.to_string());
        plan.events.extend(events);
        plan.targets.push(target);
        if let Some(all) = &mut plan.origins {
            all.targets.extend(origins);
        }
        services.push(service);
    }
    Ok((plan, services))
}

/// Limits the desired state of all targets to the objects with these names, if there are any names.
///
/// # Errors
/// No manifest of the targets declares one of them.
fn limit_to(names: &[String], resolved: &mut [anyhow::Result<Checked>]) -> CommandResult<()> {
    if names.is_empty() {
        return Ok(());
    }
    let all: BTreeSet<String> = resolved
        .iter()
        .flatten()
        .flat_map(|checked| registry::desired_names(&checked.desired))
        .collect();
    for name in names {
        if !all.contains(name) {
            let near = did_you_mean(all.iter().map(String::as_str), name);
            let hint = near.map_or_else(
                || "`polwarden list` shows the live policies".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(CommandError::error(format!(
                "no manifest of the chosen targets declares a policy `{name}`; {hint}"
            )));
        }
    }
    for checked in resolved.iter_mut().flatten() {
        registry::retain_desired(&mut checked.desired, &|name| {
            names.iter().any(|n| n == name)
        });
    }
    Ok(())
}

/// Why a target has no plan. Like [`CommandError`], it does not implement `std::error::Error`.
pub(super) enum TargetError {
    /// Its manifests are invalid, which only the live state may show.
    Invalid(Vec<Diagnostic>),
    /// Anything else.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for TargetError {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<PlanError> for TargetError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Manifests(findings) => Self::Invalid(findings),
            PlanError::Replay(_) | PlanError::Service(_) => Self::Failed(error.into()),
        }
    }
}

/// Waits for the live state, then plans all targets on all cores. The results keep the order of the targets.
async fn plan_each<T: Reads + ?Sized + 'static>(
    each: &[TargetPlanning<'_>],
    resolved: Vec<anyhow::Result<Checked>>,
    session: &Session,
    mut readings: PendingReads<T>,
) -> Vec<Result<Outcome<T>, TargetError>> {
    let mut live: Vec<Option<anyhow::Result<Box<T>>>> = each.iter().map(|_| None).collect();
    // A signal can end the waiting, and nothing ends the planning but its end.
    while let Some((position, read)) = readings.next().await {
        let (Some(Ok(checked)), Some(live)) = (resolved.get(position), live.get_mut(position))
        else {
            continue;
        };
        *live = Some(match read {
            Ok(service) => read_more(service, &checked.desired, session).await,
            Err(error) => Err(error),
        });
    }
    let pairs: Vec<_> = each.iter().zip(resolved).zip(live).collect();
    let planning = || {
        let ended = pairs.into_par_iter().map(|((one, checked), live)| {
            // Of the two failures of one target, the first says enough.
            let checked = checked?;
            let service = live.unwrap_or_else(|| Err(anyhow!("the reading was stopped")))?;
            one.plan(&checked.desired, service)
        });
        ended.collect()
    };
    tokio::task::block_in_place(planning)
}

/// Reads what more has to be known to compare a target with what is desired.
async fn read_more<T: Reads + ?Sized>(
    mut service: Box<T>,
    desired: &Desired,
    session: &Session,
) -> anyhow::Result<Box<T>> {
    let purpose = ReadFor::Manifests(desired);
    service.read_more(purpose, &session.begin_reading()).await?;
    Ok(service)
}

/// Inputs of the plan of one target, besides the desired and the live state.
struct TargetPlanning<'a> {
    workspace: &'a Workspace,
    target: &'a Target,
    gate_sources: &'a GateSources,
    base: Option<(&'a BaseManifests, &'a BaseDesired)>,
    /// Whether some manifests of the target were left out.
    is_partial: bool,
}

impl TargetPlanning<'_> {
    /// Makes the plan.
    ///
    /// # Errors
    /// Compared with the live state, the manifests are invalid.
    fn plan<T: Reads + ?Sized>(
        &self,
        desired: &Desired,
        service: Box<T>,
    ) -> Result<Outcome<T>, TargetError> {
        let Self {
            workspace,
            target,
            gate_sources,
            base,
            is_partial,
        } = self;
        let mut gates = gate_sources.gates(workspace, target);
        let old = match base {
            Some((before, wanted)) => {
                let old = before.plan(wanted, &*service)?;
                gates.base = Some(old.as_ref().map(BasePlan::from).unwrap_or_default());
                Some(old)
            }
            None => None,
        };
        if *is_partial {
            return self.plan_partially(desired, &gates, service);
        }
        let plan = service.plan(&PlanRequest {
            desired,
            target,
            gates: &gates,
            locate: &|place| SourceRef::locate(workspace.sources(), place),
        })?;
        let origins = old.map(|old| three_way::origins(&plan, old.as_ref()));
        let removed = service.events(&EventRequest {
            plan: &plan,
            desired,
            target,
            base: base.and_then(|(_, wanted)| wanted.desired()),
            locate: &|place| SourceRef::locate(workspace.sources(), place),
            locate_base: &|place| {
                let sources = base.map_or(workspace.sources(), |(before, _)| {
                    before.workspace().sources()
                });
                SourceRef::locate(sources, place)
            },
        });
        let mut events = removed.map_err(PlanError::from)?;
        for event in &mut events {
            event.source = event.source.take().or_else(|| self.setting(&event.event));
        }
        if let Some((before, _)) = base {
            let before = before.workspace().manifests();
            events.extend(manifest_events(before, workspace.manifests(), target));
        }
        Ok(Outcome {
            plan,
            origins,
            events,
            service,
        })
    }

    /// A plan of some policies. The others are not known to be unmanaged, so nothing is deleted and no event is
    /// reported.
    fn plan_partially<T: Reads + ?Sized>(
        &self,
        desired: &Desired,
        gates: &Gates,
        service: Box<T>,
    ) -> Result<Outcome<T>, TargetError> {
        let mut target = self.target.clone();
        target.unmanaged = Unmanaged::Ignore.into();
        let mut plan = service.plan(&PlanRequest {
            desired,
            target: &target,
            gates,
            locate: &|place| SourceRef::locate(self.workspace.sources(), place),
        })?;
        plan.unmanaged.clear();
        Ok(Outcome {
            plan,
            origins: None,
            events: Vec::new(),
            service,
        })
    }

    /// The line in the configuration that an event is about: the target where `removed` is to be
    /// added, or the entry of `removed`.
    fn setting(&self, event: &EventKind) -> Option<SourceRef> {
        let (config, document) = self.workspace.config();
        let mut targets = config.targets.iter();
        let index = targets.position(|target| target.name == self.target.name)?;
        let path = Path::root().key("targets").index(index);
        let path = match event {
            EventKind::RemovedStillLive { .. } => path.key("name"),
            EventKind::RemovedNotLive { name } => {
                let mut removed = self.target.unmanaged.removed.iter();
                path.key("removed")
                    .index(removed.position(|removed| removed == name)?)
            }
            EventKind::ProbableRename { .. }
            | EventKind::ConfusableName { .. }
            | EventKind::ConfigChanged { .. }
            | EventKind::ProtectionRemoved { .. }
            | EventKind::TestRemoved { .. }
            | EventKind::ManifestNotRead { .. } => return None,
        };
        let place = Place::value(document, path);
        Some(SourceRef::locate(self.workspace.sources(), &place))
    }
}

/// What comes of one target: its plan, where its differences come from, and its service with what it was made from.
struct Outcome<T: ?Sized> {
    plan: TargetPlan,
    origins: Option<TargetOrigins>,
    events: Vec<PlanEvent>,
    service: Box<T>,
}

/// The concurrent readings of the live state of all targets. Dropping it cancels them.
struct PendingReads<T: ?Sized> {
    tasks: JoinSet<(usize, anyhow::Result<Box<T>>)>,
}

impl<T: Reads + ?Sized + 'static> PendingReads<T> {
    fn start(session: &Session, targets: &[&Target], open: Open<T>) -> Self {
        let mut tasks = JoinSet::new();
        for (position, target) in targets.iter().enumerate() {
            let opened = open(session, target);
            let begin = session.begin_reading();
            tasks.spawn(async move {
                let read = async {
                    let mut service = opened?;
                    service.read(&begin).await?;
                    Ok(service)
                };
                (position, read.await)
            });
        }
        Self { tasks }
    }

    /// The next target that is read, by its position; nothing once all are.
    async fn next(&mut self) -> Option<(usize, anyhow::Result<Box<T>>)> {
        loop {
            // The caller that waits for all readings notices one that was aborted.
            if let Ok(read) = self.tasks.join_next().await? {
                return Some(read);
            }
        }
    }
}

fn failure(target: &Target, error: anyhow::Error) -> CommandError {
    error.context(label(target)).into()
}

/// The target that an error is about.
pub(super) fn label(target: &Target) -> String {
    format!("target `{}`", target.name)
}

/// Checks a target's manifests; the server is asked for its teams only if a manifest names one that the
/// configuration does not.
pub(super) async fn resolve(
    workspace: &Workspace,
    session: &Session,
    target: &Target,
) -> anyhow::Result<Checked> {
    let facts = facts(
        workspace,
        session,
        target,
        workspace.needs_server_teams(target),
    )
    .await?;
    Ok(workspace.check(target, &facts))
}

/// Like [`resolve`], for the policy tests of a target alone.
pub(super) async fn resolve_tests(
    workspace: &Workspace,
    session: &Session,
    target: &Target,
) -> anyhow::Result<CheckedTests> {
    let needed = workspace.tests_need_server_teams(target);
    let facts = registry::team_facts(session.connections(), target, needed).await?;
    Ok(workspace.check_tests(target, &facts))
}

/// Like [`resolve`], for policies and policy tests: the teams are read once for both.
pub(super) async fn resolve_all(
    workspace: &Workspace,
    session: &Session,
    target: &Target,
) -> anyhow::Result<(Checked, CheckedTests)> {
    let needed = workspace.needs_server_teams(target) || workspace.tests_need_server_teams(target);
    let facts = facts(workspace, session, target, needed).await?;
    Ok((
        workspace.check(target, &facts),
        workspace.check_tests(target, &facts),
    ))
}

async fn facts(
    workspace: &Workspace,
    session: &Session,
    target: &Target,
    teams: bool,
) -> anyhow::Result<ServerFacts> {
    let documents = workspace.documents(target);
    Ok(registry::facts(session.connections(), target, &documents, teams).await?)
}

fn empty(workspace: &Workspace, console: Console) -> Plan {
    let commit = workspace.commit().unwrap_or_else(|error| {
        console.warn(&format!(
            "The plan names no commit: {}",
            neutral(&error.to_string())
        ));
        None
    });
    Plan {
        format_version: FORMAT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        commit,
        tree: Some(workspace.tree_digest()),
        digest: None,
        only: Vec::new(),
        origins: None,
        events: Vec::new(),
        targets: Vec::new(),
    }
}
