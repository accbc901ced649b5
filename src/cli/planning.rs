//! From manifests to a plan: what `plan` and `apply` share.

use futures_util::StreamExt as _;
use futures_util::stream;

use super::connect::Session;
use super::console::Console;
use super::exit::Exit;
use super::workspace::Workspace;
use crate::check::{Checked, CheckedTests, Teams};
use crate::diag::{Place, SourceMap};
use crate::manifest::config::Target;
use crate::model::docker::{DesiredPolicy, LiveState};
use crate::plan::{FORMAT_VERSION, Plan, Request, SourceRef, TargetPlan, plan_target};

/// A plan, with what it was made from.
pub(super) struct Planned {
    /// The plan.
    pub(super) plan: Plan,
    /// The live state of each target, in the plan's order.
    pub(super) live: Vec<LiveState>,
}

/// Why there is no plan; what is to be said has been said.
pub(super) struct NoPlan(pub(super) Exit);

/// Plans the chosen targets of a workspace. Findings and errors of all of them are shown before giving up.
///
/// # Errors
/// Manifests with errors, a target that could not be read, or anything unforeseen.
pub(super) async fn make(
    workspace: &Workspace,
    session: &Session,
    console: Console,
) -> anyhow::Result<Result<Planned, NoPlan>> {
    let targets = workspace.targets();
    let mut findings = Vec::new();
    let mut resolved = Vec::new();
    for target in &targets {
        let checked = resolve(workspace, session, target).await;
        resolved.push(checked.map(|checked| {
            findings.extend(checked.diagnostics);
            checked.policies
        }));
    }
    if workspace.report(workspace.agree(findings), console) {
        report_failures(&targets, resolved, console);
        return Ok(Err(NoPlan(Exit::Invalid)));
    }
    let reads = stream::iter(&targets).map(|target| read(session, target)).buffered(targets.len().max(1));
    let reads = reads.collect::<Vec<_>>().await;
    let mut planned = Planned { plan: empty(workspace), live: Vec::new() };
    let mut failed = false;
    for ((target, desired), live) in targets.iter().zip(resolved).zip(reads) {
        // Of the two failures of one target, the first says enough.
        match desired.and_then(|desired| Ok((desired, live?))) {
            Ok((desired, live)) => {
                planned.plan.targets.push(plan_one(workspace, session, target, &desired, &live)?);
                planned.live.push(live);
            }
            Err(error) => {
                failed = true;
                report_failure(target, error, console);
            }
        }
    }
    if failed { Ok(Err(NoPlan(Exit::Error))) } else { Ok(Ok(planned)) }
}

fn report_failures<T>(targets: &[&Target], results: Vec<anyhow::Result<T>>, console: Console) {
    for (target, result) in targets.iter().zip(results) {
        if let Err(error) = result {
            report_failure(target, error, console);
        }
    }
}

fn report_failure(target: &Target, error: anyhow::Error, console: Console) {
    console.warn(&super::render_error(&error.context(of(target)), console));
}

/// The target that an error is about.
pub(super) fn of(target: &Target) -> String {
    format!("target `{}`", target.name)
}

/// Checks a target's manifests; the server is asked for its teams only if a manifest names one that the
/// configuration does not.
pub(super) async fn resolve(workspace: &Workspace, session: &Session, target: &Target) -> anyhow::Result<Checked> {
    let teams = teams(session, target, workspace.needs_server_teams(target)).await?;
    Ok(workspace.check(target, &teams))
}

/// Like [`resolve`], for the policy tests of a target alone.
pub(super) async fn resolve_tests(
    workspace: &Workspace,
    session: &Session,
    target: &Target,
) -> anyhow::Result<CheckedTests> {
    let teams = teams(session, target, workspace.tests_need_server_teams(target)).await?;
    Ok(workspace.check_tests(target, &teams))
}

/// Like [`resolve`], for policies and policy tests: the teams are read once for both.
pub(super) async fn resolve_all(
    workspace: &Workspace,
    session: &Session,
    target: &Target,
) -> anyhow::Result<(Checked, CheckedTests)> {
    let needed = workspace.needs_server_teams(target) || workspace.tests_need_server_teams(target);
    let teams = teams(session, target, needed).await?;
    Ok((workspace.check(target, &teams), workspace.check_tests(target, &teams)))
}

async fn teams(session: &Session, target: &Target, needed: bool) -> anyhow::Result<Teams> {
    Ok(if needed { Teams::Known(session.reader(target)?.teams().await?) } else { Teams::Offline })
}

async fn read(session: &Session, target: &Target) -> anyhow::Result<LiveState> {
    Ok(session.reader(target)?.live_state().await?)
}

fn plan_one(
    workspace: &Workspace,
    session: &Session,
    target: &Target,
    desired: &[DesiredPolicy],
    live: &LiveState,
) -> anyhow::Result<TargetPlan> {
    let request = Request {
        target: session.info(target)?,
        desired,
        live,
        unmanaged: target.unmanaged,
        teams: &target.teams,
        locate: &|place| locate(workspace.sources(), place),
    };
    Ok(plan_target(&request))
}

pub(super) fn locate(sources: &SourceMap, place: &Place) -> SourceRef {
    SourceRef { file: sources.file(place.file()).name().to_owned(), line: sources.resolve(place).line }
}

fn empty(workspace: &Workspace) -> Plan {
    Plan {
        format_version: FORMAT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: workspace.commit(),
        targets: Vec::new(),
    }
}
