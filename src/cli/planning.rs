//! From manifests to a plan: what `plan` and `apply` share.

mod one;

use anyhow::anyhow;
use rayon::prelude::*;
use tokio::task::JoinSet;

use super::connect::{Connect, Session};
use super::console::Console;
use super::exit::Exit;
use super::gates::GateKeeper;
use super::references;
use super::teller::Teller;
use super::three_way::Before;
use super::workspace::{Project, Workspace, is_error};
use crate::plan::{FORMAT_VERSION, Origins, Plan, SourceRef, TargetOrigins, TargetPlan};
use crate::service::docker::check::{Checked, CheckedTests, Teams};
use manifest::config::{Provider, Target};
use model::diag::{Diagnostic, Place, SourceMap};
use model::{Live, chainloop};
use one::{One, deepened};

pub(super) use one::read_documents;

/// A plan, with what it was made from.
pub(super) struct Planned {
    /// The manifests that it was made from.
    pub(super) workspace: Workspace,
    /// The connections that the live state was read through.
    pub(super) session: Session,
    /// The plan.
    pub(super) plan: Plan,
    /// The live state of each target, in the plan's order.
    pub(super) live: Vec<Live>,
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
    make_telling(
        project,
        connect,
        &Against {
            keeper,
            before: None,
        },
        &Teller::showing(console),
        console,
    )
    .await
}

/// What plans are held to, and what drift is seen from.
pub(super) struct Against<'a> {
    /// The gates.
    pub(super) keeper: &'a GateKeeper,
    /// The manifests of the base revision; without them, no difference is told to be drift.
    pub(super) before: Option<&'a Before>,
}

/// Like [`make`], for a command that does something else with findings than to show them.
///
/// # Errors
/// As for `make`.
pub(super) async fn make_telling(
    project: Project,
    connect: &Connect,
    against: &Against<'_>,
    teller: &Teller,
    console: Console,
) -> anyhow::Result<Result<Planned, Exit>> {
    let session = match Session::open(connect, &project.targets(), console).await {
        Ok(session) => session,
        Err(error) => {
            return if is_invalid(&project.load(), teller) {
                Ok(Err(Exit::Invalid))
            } else {
                Err(error)
            };
        }
    };
    let reads = Reads::start(&session, &project.targets());
    let workspace = project.load();
    let made = plan_targets(&workspace, &session, against, reads, teller, console).await;
    match made {
        Ok(Ok((plan, live))) => Ok(Ok(Planned {
            workspace,
            session,
            plan,
            live,
        })),
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
) -> anyhow::Result<Result<(Plan, Vec<Live>), Exit>> {
    let reads = Reads::start(session, &workspace.targets());
    plan_targets(
        workspace,
        session,
        &Against {
            keeper,
            before: None,
        },
        reads,
        &Teller::of_errors(console),
        console,
    )
    .await
}

/// Whether manifests have errors that can be seen without a server; they are shown.
fn is_invalid(workspace: &Workspace, teller: &Teller) -> bool {
    let checked = workspace
        .targets()
        .into_iter()
        .map(|target| workspace.check(target, &Teams::Offline));
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
    against: &Against<'_>,
    reads: Reads,
    teller: &Teller,
    console: Console,
) -> anyhow::Result<Result<(Plan, Vec<Live>), Exit>> {
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
    if workspace.tell(workspace.agree(findings), teller) {
        report_failures(&targets, resolved, console);
        return Ok(Err(Exit::Invalid));
    }
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
        One {
            workspace,
            session,
            target,
            keeper: against.keeper,
            base,
        }
    });
    let each: Vec<One<'_>> = each.collect();
    let mut outcomes = Vec::new();
    let mut late = Vec::new();
    for (target, ended) in targets.iter().zip(plan_each(&each, resolved, reads).await) {
        match ended {
            Ok(Ok(outcome)) => outcomes.push((*target, Ok(outcome))),
            Ok(Err(findings)) => late.extend(findings),
            Err(error) => outcomes.push((*target, Err(error))),
        }
    }
    // What only the server can tell to be wrong with the manifests.
    if !late.is_empty() {
        teller.tell(workspace.sources(), late);
        let failed = outcomes
            .into_iter()
            .filter_map(|(target, outcome)| Some((target, outcome.err()?)));
        failed.for_each(|(target, error)| report_failure(target, error, console));
        return Ok(Err(Exit::Invalid));
    }
    let mut plan = empty(workspace);
    plan.origins = wanted.map(|(before, _)| Origins {
        base: before.commit(),
        targets: Vec::new(),
    });
    Ok(collect(plan, outcomes, console))
}

/// What came of planning one target; the findings are what only the server can tell to be wrong with its manifests.
type Ended = anyhow::Result<Result<Outcome, Vec<Diagnostic>>>;

/// Waits for what is live, then plans all targets on all cores. What comes is in their order.
async fn plan_each(
    each: &[One<'_>],
    resolved: Vec<anyhow::Result<Checked>>,
    mut reads: Reads,
) -> Vec<Ended> {
    let mut live: Vec<Option<anyhow::Result<Live>>> = each.iter().map(|_| None).collect();
    // A signal can end the waiting, and nothing ends the planning but its end.
    while let Some((position, read)) = reads.next().await {
        let (Some(one), Some(Ok(desired)), Some(live)) = (
            each.get(position),
            resolved.get(position),
            live.get_mut(position),
        ) else {
            continue;
        };
        *live = Some(match read {
            Ok(read) => deepened(one.session, one.target, desired, read).await,
            Err(error) => Err(error),
        });
    }
    let pairs: Vec<_> = each.iter().zip(resolved).zip(live).collect();
    let planning = || {
        let ended = pairs.into_par_iter().map(|((one, desired), live)| {
            // Of the two failures of one target, the first says enough.
            let desired = desired?;
            one.plan(
                &desired,
                live.unwrap_or_else(|| Err(anyhow!("the reading was stopped")))?,
            )
        });
        ended.collect()
    };
    tokio::task::block_in_place(planning)
}

/// What comes of one target: its plan, where its differences come from, and what it was made from.
struct Outcome {
    plan: TargetPlan,
    origins: Option<TargetOrigins>,
    live: Live,
}

/// Puts the targets into a plan; the failures of all of them are told.
fn collect(
    mut plan: Plan,
    outcomes: Vec<(&Target, anyhow::Result<Outcome>)>,
    console: Console,
) -> Result<(Plan, Vec<Live>), Exit> {
    let mut states = Vec::new();
    let mut failed = false;
    for (target, outcome) in outcomes {
        match outcome {
            Ok(Outcome {
                plan: target,
                origins,
                live,
            }) => {
                plan.targets.push(target);
                if let Some(all) = &mut plan.origins {
                    all.targets.extend(origins);
                }
                states.push(live);
            }
            Err(error) => {
                failed = true;
                report_failure(target, error, console);
            }
        }
    }
    if failed {
        Err(Exit::Error)
    } else {
        Ok((plan, states))
    }
}

/// The readings of the live state of all targets, under way. Dropping it gives them up.
struct Reads {
    tasks: JoinSet<(usize, anyhow::Result<Live>)>,
}

impl Reads {
    fn start(session: &Session, targets: &[&Target]) -> Self {
        let mut tasks = JoinSet::new();
        for (position, target) in targets.iter().enumerate() {
            if target.provider() == Provider::Chainloop {
                // There is no list: what to ask for is known once the manifests are.
                tasks.spawn(async move {
                    (
                        position,
                        Ok(Live::Chainloop(chainloop::LiveState::default())),
                    )
                });
                continue;
            }
            let reading = session.reading(target);
            tasks.spawn(async move {
                let live = async { Ok(reading?.live_state().await?) };
                (position, live.await)
            });
        }
        Self { tasks }
    }

    /// The next target that is read, by its position; nothing once all are.
    async fn next(&mut self) -> Option<(usize, anyhow::Result<Live>)> {
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
pub(super) async fn resolve(
    workspace: &Workspace,
    session: &Session,
    target: &Target,
) -> anyhow::Result<Checked> {
    let teams = teams(session, target, workspace.needs_server_teams(target)).await?;
    let schemas = references::schemas(workspace, session, target).await?;
    Ok(workspace.check_with(target, &teams, &schemas))
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
    let schemas = references::schemas(workspace, session, target).await?;
    Ok((
        workspace.check_with(target, &teams, &schemas),
        workspace.check_tests(target, &teams),
    ))
}

/// The teams of a target, where the configuration alone does not tell them.
///
/// # Errors
/// The server does not tell them.
pub(super) async fn teams(
    session: &Session,
    target: &Target,
    needed: bool,
) -> anyhow::Result<Teams> {
    Ok(if needed {
        Teams::Known(session.docker_reader(target)?.teams().await?)
    } else {
        Teams::Offline
    })
}

pub(super) fn locate(sources: &SourceMap, place: &Place) -> SourceRef {
    SourceRef {
        file: sources.file(place.file()).name().to_owned(),
        line: sources.resolve(place).line,
    }
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
