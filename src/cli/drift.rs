//! `polwarden drift`: what servers hold that no merged manifest wants.

use anyhow::Context as _;
use clap::Args;

use super::connect::{Connect, Session};
use super::console::Console;
use super::directory;
use super::error::{CommandError, CommandResult, FailureKind, OpenWorkspaceError};
use super::exit::Exit;
use super::format::{DriftFormats, OutputArgs, OutputFormat};
use super::gates::GateSources;
use super::planning::{self, Against, Planned};
use super::reporter::DiagnosticReporter;
use super::team_names;
use super::tree::RevisionArgs;
use super::workspace::{Project, TargetSelection, WorkingDirectory, Workspace};
use crate::plan::{
    self, DRIFT_FORMAT_VERSION, DriftReport, GateNames, GateOutcome, SourceRef, TargetPlan,
};
use crate::render;
use crate::render::annotations::{Annotation, RepositoryPrefix};
use crate::run::service::Reads;
use crate::service::registry;
use git::{Revision, RevisionError, RevisionPath};
use manifest::config;
use manifest::config::Target;
use model::diag::Place;

/// Detect changes made outside of polwarden.
///
/// Compares the live policies with the manifests of the commit that is checked out. Shows each difference, since when it
/// exists, what it opens and closes, and the commands that keep or undo it. Exits with 8 if there is drift and with 4 if an
/// access gate fails on the live state. Nothing is written to the server.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden drift
  polwarden drift --at origin/main --format json
  polwarden drift --format github --output markdown=drift.md --output sarif=drift.sarif
  polwarden import --only 'AI services'        keeps the drift of a policy
  polwarden apply                              undoes the drift")]
pub(super) struct DriftArgs {
    #[command(flatten)]
    directory: WorkingDirectory,
    #[command(flatten)]
    selection: TargetSelection,
    #[command(flatten)]
    at: RevisionArgs,
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    output: OutputArgs<DriftFormats>,
}

impl DriftArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// What is live or what is wanted cannot be read.
    pub(super) fn run(self, console: Console) -> CommandResult {
        super::runtime()?.block_on(self.run_async(console))
    }

    async fn run_async(self, console: Console) -> CommandResult {
        self.directory.enter()?;
        self.output.sink().check()?;
        let reporter = DiagnosticReporter::beside(&self.output.sink(), console);
        let project = match Project::open(&self.selection, &self.revision(console)) {
            Ok(project) => project,
            Err(OpenWorkspaceError::Invalid(invalid)) => {
                let prefix = invalid.prefix.clone();
                invalid.report(&reporter);
                let invalid = CommandError::reported(FailureKind::Invalid);
                return Err(invalid.with_report(|| self.write(None, reporter, &prefix, console)));
            }
            Err(error) => return Err(error.into()),
        };
        let prefix = project.prefix().clone();
        let against = Against {
            gate_sources: &GateSources::none(),
            before: None,
            only: &[],
        };
        let planned = planning::plan_all_with_reporter(
            project,
            &self.connect,
            &against,
            Session::reads,
            &reporter,
            console,
        )
        .await;
        let planned = match planned {
            Ok(planned) => planned,
            Err(error) => {
                return Err(error.with_report(|| self.write(None, reporter, &prefix, console)));
            }
        };
        let report = report(&planned);
        let mut shown = None;
        if let Ok(report) = &report {
            let targets = planned.workspace.targets();
            shown = team_names::drift_for_text(report, &targets, &planned.session).await;
        }
        planned.session.close().await;
        let report = report?;
        let reports = (&report, shown.as_ref().unwrap_or(&report));
        self.write(Some(reports), reporter, &prefix, console)?;
        let mut gates = report.targets.iter().flat_map(|target| &target.gates);
        Ok(if gates.any(|gate| !gate.passes()) {
            Exit::Failed
        } else if report.drifted {
            Exit::Drift
        } else {
            Exit::Done
        })
    }

    /// Writes what drifted, or what kept it from being known, in all formats that are asked for.
    fn write(
        &self,
        reports: Option<(&DriftReport, &DriftReport)>,
        reporter: DiagnosticReporter,
        prefix: &RepositoryPrefix,
        console: Console,
    ) -> anyhow::Result<()> {
        // The second report is the same one with names of teams for people.
        let (exact, report) = reports.unzip();
        let findings = reporter
            .findings()
            .with(report.map(Annotation::of_drift).unwrap_or_default());
        let said = report.map_or_else(
            || "No report: the manifests are invalid.".to_owned(),
            render::drift::summary,
        );
        self.output.sink().write(console, |format, layout| {
            Ok(match format {
                OutputFormat::Human => report.map(|report| render::drift::human(report, layout)),
                OutputFormat::Json => exact.map(render::drift::json).transpose()?,
                OutputFormat::Markdown => Some(render::markdown::drift(
                    report,
                    &findings,
                    &self.output.comment(self.selection.names()),
                )),
                OutputFormat::Github => {
                    Some(render::github::github(Some(&said), &findings, prefix))
                }
                OutputFormat::Gitlab => Some(render::gitlab::gitlab(&findings, prefix)?),
                OutputFormat::Sarif => Some(render::sarif::sarif(&findings, prefix)?),
                OutputFormat::Junit => Some(render::junit::drift(report, &findings, prefix)?),
                OutputFormat::Html => Some(render::html::drift(report, &findings)),
            })
        })
    }

    /// What is merged is what is committed: an edit that is not committed yet is no drift. The work tree is compared
    /// only where nothing is committed; a repository that cannot be read is an error of whoever reads HEAD next.
    fn revision(&self, console: Console) -> RevisionArgs {
        if !self.at.is_work_tree() {
            return self.at.clone();
        }
        let head = RevisionPath::head();
        let committed =
            match Revision::open_containing(directory::start(), &head, config::FILE_NAME) {
                Ok(found) => found.is_some(),
                Err(RevisionError::NoRepository { .. }) => return self.at.clone(),
                Err(RevisionError::NoRevision { .. } | RevisionError::NoFolder { .. }) => false,
                Err(
                    RevisionError::InvalidRepository { .. }
                    | RevisionError::Owner { .. }
                    | RevisionError::Unsupported { .. }
                    | RevisionError::NotFetched { .. }
                    | RevisionError::Conflicts
                    | RevisionError::Shallow { .. }
                    | RevisionError::NoCommit { .. }
                    | RevisionError::Unreadable { .. }
                    | RevisionError::NoIndex { .. }
                    | RevisionError::Index { .. }
                    | RevisionError::NoBranch { .. }
                    | RevisionError::UnknownBase { .. }
                    | RevisionError::NoMergeBase { .. },
                ) => true,
            };
        if committed {
            return RevisionArgs::revision(head);
        }
        console.status("HEAD has no configuration here yet: the work tree is compared.");
        self.at.clone()
    }
}

fn report(planned: &Planned<dyn Reads>) -> anyhow::Result<DriftReport> {
    let Planned {
        workspace,
        session: _,
        plan,
        services,
    } = planned;
    let all = workspace.targets();
    let mut targets = Vec::new();
    for (target_plan, service) in plan.targets.iter().zip(services) {
        let name = &target_plan.target.name;
        let target = all.iter().find(|target| target.name == *name);
        let target = target.with_context(|| format!("target `{name}` is not configured"))?;
        let drift = service.drift(target_plan);
        let mut drift = drift.with_context(|| planning::label(target))?;
        drift.managed = registry::managed(&workspace.documents(target));
        drift.gates = live_gates(workspace, target, target_plan, &**service)
            .with_context(|| planning::label(target))?;
        targets.push(drift);
    }
    Ok(DriftReport {
        format_version: DRIFT_FORMAT_VERSION,
        tool_version: plan.tool_version.clone(),
        drifted: targets.iter().any(plan::TargetDrift::is_drift),
        commit: plan.commit.clone(),
        targets,
    })
}

/// The gates of a target on everything that is live, as if there were no calls to make.
fn live_gates(
    workspace: &Workspace,
    target: &Target,
    plan: &TargetPlan,
    service: &dyn Reads,
) -> anyhow::Result<Vec<GateOutcome>> {
    let gates = GateSources::none().gates(workspace, target);
    if gates.is_empty() {
        return Ok(Vec::new());
    }
    let mut live_only = plan.clone();
    live_only.calls.clear();
    let declared = registry::declared_names(&workspace.documents(target));
    let source = |place: Option<&Place>| {
        let place = place?;
        Some(SourceRef::locate(workspace.sources(), place))
    };
    let places = GateNames {
        rule: &|policy, rule| source(declared.rule(policy, rule)),
        policy: &|policy| source(declared.policy(policy)),
        teams: target.teams(),
    };
    let mut outcomes = service.gates(&live_only, &gates, &places)?;
    // Without calls there is no state before the plan to compare with.
    for breach in outcomes
        .iter_mut()
        .flat_map(|outcome| &mut outcome.breaches)
    {
        breach.already = false;
    }
    Ok(outcomes)
}
