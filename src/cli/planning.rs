//! From manifests to a plan: what `plan` and `apply` share.

use anyhow::anyhow;
use tokio::task::JoinSet;

use super::connect::{Connect, Session};
use super::console::Console;
use super::exit::Exit;
use super::gates::GateKeeper;
use super::teller::Teller;
use super::workspace::{Project, Workspace, is_error};
use crate::check::{Checked, CheckedTests, Teams};
use crate::diag::{Diagnostic, Place, SourceMap};
use crate::manifest::config::Target;
use crate::model::docker::{DesiredPolicy, LiveState};
use crate::plan::{FORMAT_VERSION, Plan, Request, SourceRef, TargetPlan, plan_gated};

/// A plan, with what it was made from.
pub(super) struct Planned {
    /// The manifests that it was made from.
    pub(super) workspace: Workspace,
    /// The connections that the live state was read through.
    pub(super) session: Session,
    /// The plan.
    pub(super) plan: Plan,
    /// The live state of each target, in the plan's order.
    pub(super) live: Vec<LiveState>,
}

/// Plans the chosen targets. Findings and errors of all of them are shown before giving up.
///
/// The servers are asked while the manifests are read and checked. Manifests with errors are told of first, whatever
/// the servers say, and nobody waits for an answer then.
///
/// # Errors
/// No connection, or anything unforeseen. What has an exit code of its own is the inner error.
pub(super) async fn make(
    project: Project,
    connect: &Connect,
    keeper: &GateKeeper,
    console: Console,
) -> anyhow::Result<Result<Planned, Exit>> {
    make_telling(project, connect, keeper, &Teller::showing(console), console).await
}

/// Like [`make`], for a command that does something else with findings than to show them.
///
/// # Errors
/// As for `make`.
pub(super) async fn make_telling(
    project: Project,
    connect: &Connect,
    keeper: &GateKeeper,
    teller: &Teller,
    console: Console,
) -> anyhow::Result<Result<Planned, Exit>> {
    let session = match Session::open(connect, &project.targets()).await {
        Ok(session) => session,
        Err(error) => return if is_invalid(&project.load(), teller) { Ok(Err(Exit::Invalid)) } else { Err(error) },
    };
    let reads = Reads::start(&session, &project.targets());
    let workspace = project.load();
    let made = plan_targets(&workspace, &session, keeper, reads, teller, console).await;
    match made {
        Ok(Ok((plan, live))) => Ok(Ok(Planned { workspace, session, plan, live })),
        Ok(Err(exit)) => {
            session.close().await;
            Ok(Err(exit))
        }
        Err(error) => {
            session.close().await;
            Err(error)
        }
    }
}

/// Plans once more for the same manifests, from what is live now. What was told of the manifests is told again only if
/// it is an error.
///
/// # Errors
/// As for [`make`].
pub(super) async fn again(
    workspace: &Workspace,
    session: &Session,
    keeper: &GateKeeper,
    console: Console,
) -> anyhow::Result<Result<(Plan, Vec<LiveState>), Exit>> {
    let reads = Reads::start(session, &workspace.targets());
    plan_targets(workspace, session, keeper, reads, &Teller::of_errors(console), console).await
}

/// Whether manifests have errors that can be seen without a server; they are shown.
fn is_invalid(workspace: &Workspace, teller: &Teller) -> bool {
    let checked = workspace.targets().into_iter().map(|target| workspace.check(target, &Teams::Offline));
    let findings: Vec<_> = checked.flat_map(|checked| checked.diagnostics).collect();
    let findings = workspace.agree(findings);
    // Warnings about what only the server can tell would be noise beside the error that it cannot be asked.
    let errors = |finding: &&Diagnostic| is_error(finding);
    workspace.findings().iter().chain(&findings).any(is_error)
        && workspace.tell(findings.iter().filter(errors).cloned().collect(), teller)
}

async fn plan_targets(
    workspace: &Workspace,
    session: &Session,
    keeper: &GateKeeper,
    mut reads: Reads,
    teller: &Teller,
    console: Console,
) -> anyhow::Result<Result<(Plan, Vec<LiveState>), Exit>> {
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
    if workspace.tell(workspace.agree(findings), teller) {
        report_failures(&targets, resolved, console);
        return Ok(Err(Exit::Invalid));
    }
    let mut outcomes: Vec<Option<anyhow::Result<(TargetPlan, LiveState)>>> = targets.iter().map(|_| None).collect();
    // Whoever is read first is planned first; the order of the plan is that of the configuration.
    while let Some((position, live)) = reads.next().await {
        if let (Some(target), Some(desired)) = (targets.get(position), resolved.get_mut(position)) {
            // Of the two failures of one target, the first says enough.
            let desired = std::mem::replace(desired, Ok(Vec::new()));
            let both = desired.and_then(|desired| Ok((desired, live?)));
            outcomes[position] = Some(both.and_then(|(desired, live)| {
                Ok((plan_one(workspace, session, target, keeper, &desired, &live)?, live))
            }));
        }
    }
    let (mut plan, mut states, mut failed) = (empty(workspace), Vec::new(), false);
    for (target, outcome) in targets.iter().zip(outcomes) {
        match outcome.unwrap_or_else(|| Err(anyhow!("the reading was stopped"))) {
            Ok((target, live)) => {
                plan.targets.push(target);
                states.push(live);
            }
            Err(error) => {
                failed = true;
                report_failure(target, error, console);
            }
        }
    }
    Ok(if failed { Err(Exit::Error) } else { Ok((plan, states)) })
}

/// The readings of the live state of all targets, under way. Dropping it gives them up.
struct Reads {
    tasks: JoinSet<(usize, anyhow::Result<LiveState>)>,
}

impl Reads {
    fn start(session: &Session, targets: &[&Target]) -> Self {
        let mut tasks = JoinSet::new();
        for (position, target) in targets.iter().enumerate() {
            let reader = session.reader(target);
            tasks.spawn(async move {
                let live = async { Ok(reader?.live_state().await?) };
                (position, live.await)
            });
        }
        Self { tasks }
    }

    /// The next target that is read, by its position; nothing once all are.
    async fn next(&mut self) -> Option<(usize, anyhow::Result<LiveState>)> {
        loop {
            // A reading that did not end by itself is missed by whoever waits for all.
            if let Ok(read) = self.tasks.join_next().await? {
                return Some(read);
            }
        }
    }
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

/// The teams of a target, where the configuration alone does not tell them.
///
/// # Errors
/// The server does not tell them.
pub(super) async fn teams(session: &Session, target: &Target, needed: bool) -> anyhow::Result<Teams> {
    Ok(if needed { Teams::Known(session.reader(target)?.teams().await?) } else { Teams::Offline })
}

fn plan_one(
    workspace: &Workspace,
    session: &Session,
    target: &Target,
    keeper: &GateKeeper,
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
    Ok(plan_gated(&request, &keeper.gates(workspace, target)))
}

pub(super) fn locate(sources: &SourceMap, place: &Place) -> SourceRef {
    SourceRef { file: sources.file(place.file()).name().to_owned(), line: sources.resolve(place).line }
}

fn empty(workspace: &Workspace) -> Plan {
    Plan {
        format_version: FORMAT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: workspace.commit(),
        tree: Some(workspace.tree_digest()),
        digest: None,
        origins: None,
        targets: Vec::new(),
    }
}
