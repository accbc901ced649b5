//! From manifests to a plan: what `plan` and `apply` share.

use futures_util::StreamExt as _;
use futures_util::stream;

use super::connect::Session;
use super::console::Console;
use super::exit::Exit;
use super::workspace::Workspace;
use crate::check::Teams;
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
    let mut desired = Vec::new();
    let mut failed = false;
    for target in &targets {
        match resolve(workspace, session, target).await {
            Ok(checked) => {
                findings.extend(checked.diagnostics);
                desired.push(checked.policies);
            }
            Err(error) => {
                failed = true;
                console.warn(&super::render_error(&error.context(of(target)), console));
            }
        }
    }
    if workspace.report(workspace.agree(findings), console) {
        return Ok(Err(NoPlan(Exit::Invalid)));
    }
    if failed {
        return Ok(Err(NoPlan(Exit::Error)));
    }
    let reads = stream::iter(&targets).map(|target| read(session, target)).buffered(targets.len().max(1));
    let mut planned = Planned { plan: empty(workspace), live: Vec::new() };
    for ((target, desired), live) in targets.iter().zip(&desired).zip(reads.collect::<Vec<_>>().await) {
        match live {
            Ok(live) => {
                planned.plan.targets.push(plan_one(workspace, session, target, desired, &live)?);
                planned.live.push(live);
            }
            Err(error) => {
                failed = true;
                console.warn(&super::render_error(&error.context(of(target)), console));
            }
        }
    }
    if failed { Ok(Err(NoPlan(Exit::Error))) } else { Ok(Ok(planned)) }
}

fn of(target: &Target) -> String {
    format!("target `{}`", target.name)
}

/// Checks a target's manifests; the server is asked for its teams only if a manifest names one that the
/// configuration does not.
pub(super) async fn resolve(
    workspace: &Workspace,
    session: &Session,
    target: &Target,
) -> anyhow::Result<crate::check::Checked> {
    if !workspace.needs_server_teams(target) {
        return Ok(workspace.check(target, &Teams::Offline));
    }
    let teams = session.reader(target)?.teams().await?;
    Ok(workspace.check(target, &Teams::Known(teams)))
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
