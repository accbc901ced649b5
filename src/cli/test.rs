//! `polwarden test`: whether the policies allow and deny what the policy tests say.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use clap::Args;

use super::connect::{Connect, Session};
use super::console::Console;
use super::error::CommandResult;
use super::exit::Exit;
use super::format::{OutputArgs, OutputFormat, TestFormats};
use super::planning;
use super::statements;
use super::tree::RevisionArgs;
use super::workspace::{TargetSelection, WorkingDirectory, Workspace};
use crate::plan::SourceRef;
use crate::render;
use crate::render::annotations::{Annotation, PackDiagnostics, RepositoryPrefix};
use crate::render::decided::Locator;
use crate::render::paint::Painter;
use crate::render::policy_tests::{
    self, CoverageReport, TargetReport, TestReport, TestResult, TestedState,
};
use crate::render::text::neutral;
use crate::service::registry;
use crate::service::registry::{CheckedTests, LivePolicies};
use access::{CedarStatement, CoveredRule, Expectation, OrganizationPolicies};
use manifest::config::Target;
use model::Desired;
use model::diag::{Diagnostic, Place};

/// Run the policy tests.
///
/// Decides every request of every PolicyTest and compares the answers with the expected ones. Exits with 4 if an answer
/// differs, and with 1 if no test was found.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden test
  polwarden test --coverage
  polwarden test --filter mirrors --format junit
  polwarden test --format github --output junit=tests.xml
  polwarden test --at origin/main
  polwarden test --live")]
pub(super) struct TestArgs {
    /// Run only requests with this text in `TEST / CASE / REQUEST`.
    ///
    /// Upper and lower case are equal.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Exit with 0 if there are no policy tests (for new repositories).
    #[arg(long)]
    allow_no_tests: bool,
    /// Report rules, resources and Cedar statements that decide no request.
    #[arg(long)]
    coverage: bool,
    #[command(flatten)]
    directory: WorkingDirectory,
    #[command(flatten)]
    selection: TargetSelection,
    #[command(flatten)]
    at: RevisionArgs,
    #[command(flatten)]
    connect: Connect,
    /// Test the live policies instead of the manifests.
    #[arg(help_heading = "Input", long)]
    live: bool,
    #[command(flatten)]
    output: OutputArgs<TestFormats>,
}

/// What the tests of a target are asked of.
enum TestedPolicies {
    Desired(Desired),
    Live(LivePolicies),
}

impl TestArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// There is nothing to run, or what is asked about cannot be read.
    pub(super) fn run(self, console: Console) -> CommandResult {
        super::runtime()?.block_on(self.run_async(console))
    }

    async fn run_async(&self, console: Console) -> CommandResult {
        self.directory.enter()?;
        self.output.sink().check()?;
        let workspace = Workspace::open(&self.selection, &self.at)?;
        let targets = workspace.targets();
        let needs_teams = |target: &&Target| {
            workspace.tests_need_server_teams(target)
                || (!self.live && workspace.needs_server_teams(target))
        };
        let needs_server = self.live || targets.iter().any(needs_teams);
        let session = Session::open(
            &self.connect,
            if needs_server { &targets } else { &[] },
            console,
        )
        .await?;
        let mut addresses = BTreeMap::new();
        for target in targets.iter().filter(|_| self.live) {
            addresses.insert(target.name.clone(), session.info(target)?.address());
        }
        let read = self.read(&workspace, &session, &targets, console).await;
        session.close().await;
        let mut reports = Vec::new();
        for (target, state, expectations) in read? {
            let mut report = self
                .ask(&workspace, target, &state, &expectations)
                .with_context(|| planning::label(target))?;
            report.address = addresses.get(&target.name).cloned();
            reports.push(report);
        }
        let report = TestReport::new(
            if self.live {
                TestedState::Live
            } else {
                TestedState::Desired
            },
            reports,
        );
        let prefix = workspace.prefix();
        self.output.sink().write(console, |format, layout| {
            Ok(Some(self.render(
                &report,
                prefix,
                format,
                layout.painter,
            )?))
        })?;
        Ok(if report.failed > 0 {
            Exit::Failed
        } else {
            Exit::Done
        })
    }

    fn render(
        &self,
        report: &TestReport,
        prefix: &RepositoryPrefix,
        format: OutputFormat,
        painter: Painter,
    ) -> anyhow::Result<String> {
        Ok(match format {
            OutputFormat::Human => policy_tests::human(report, painter),
            OutputFormat::Json => policy_tests::json(report)?,
            OutputFormat::Junit => policy_tests::junit(report, prefix)?,
            OutputFormat::Markdown => {
                render::markdown::policy_tests(report, &self.output.comment(self.selection.names()))
            }
            OutputFormat::Github => {
                let failures = PackDiagnostics::new(Annotation::of_tests(report), Vec::new());
                render::github::github(Some(&policy_tests::summary(report)), &failures, prefix)
            }
            OutputFormat::Gitlab | OutputFormat::Sarif | OutputFormat::Html => {
                bail!("`test` has no such format")
            }
        })
    }

    /// The tests of all targets, and what they are asked of.
    async fn read<'t>(
        &self,
        workspace: &Workspace,
        session: &Session,
        targets: &[&'t Target],
        console: Console,
    ) -> CommandResult<Vec<(&'t Target, TestedPolicies, Vec<Expectation>)>> {
        let mut findings: Vec<Diagnostic> = workspace.check_test_targets();
        let mut read = Vec::new();
        for target in targets {
            let (
                desired,
                CheckedTests {
                    expectations,
                    diagnostics,
                },
            ) = if self.live {
                (
                    None,
                    planning::resolve_tests(workspace, session, target)
                        .await
                        .with_context(|| planning::label(target))?,
                )
            } else {
                let both = planning::resolve_all(workspace, session, target).await;
                let (checked, tests) = both.with_context(|| planning::label(target))?;
                findings.extend(checked.diagnostics);
                (Some(checked.desired), tests)
            };
            findings.extend(diagnostics);
            read.push((*target, desired, expectations));
        }
        workspace.report(workspace.target_diagnostics(findings), console)?;
        self.choose(&mut read)?;
        let mut with_state = Vec::new();
        for (target, desired, expectations) in read {
            let state = match desired {
                Some(desired) => TestedPolicies::Desired(desired),
                None => TestedPolicies::Live(
                    live_policies(session, target, console)
                        .await
                        .with_context(|| planning::label(target))?,
                ),
            };
            with_state.push((target, state, expectations));
        }
        Ok(with_state)
    }

    /// Keeps what is asked for; that must be something: a run that asks nothing proves nothing.
    fn choose<T>(&self, read: &mut [(&Target, T, Vec<Expectation>)]) -> anyhow::Result<()> {
        let all: usize = read
            .iter()
            .map(|(_, _, expectations)| expectations.len())
            .sum();
        if all == 0 && self.allow_no_tests {
            return Ok(());
        }
        if all == 0 {
            bail!(
                "there are no policy tests; write a `polwarden/v1` PolicyTest under a path of a target \
                 (docs/reference/testing.md shows how)"
            );
        }
        let Some(filter) = &self.filter else {
            return Ok(());
        };
        let wanted = filter.to_lowercase();
        for (_, _, expectations) in read.iter_mut() {
            expectations.retain(
                |Expectation {
                     test,
                     case,
                     question,
                     ..
                 }| {
                    format!("{test} / {case} / {question}")
                        .to_lowercase()
                        .contains(&wanted)
                },
            );
        }
        if read
            .iter()
            .all(|(_, _, expectations)| expectations.is_empty())
        {
            bail!(
                "no request of the {all} in the policy tests holds `{filter}` in `TEST / CASE / REQUEST`"
            );
        }
        Ok(())
    }

    fn ask(
        &self,
        workspace: &Workspace,
        target: &Target,
        state: &TestedPolicies,
        expectations: &[Expectation],
    ) -> anyhow::Result<TargetReport> {
        let policies = match state {
            TestedPolicies::Desired(desired) => OrganizationPolicies::Desired(&desired.policies),
            TestedPolicies::Live(live) => OrganizationPolicies::Live(live),
        };
        let place = |place: &Place| SourceRef::locate(workspace.sources(), place);
        let statement =
            |statement: &CedarStatement<'_>| statements::locate(workspace, target, statement);
        let locator = Locator {
            place: &place,
            statement: &statement,
        };
        let outcomes = access::ask(policies, expectations)?;
        let results = expectations.iter().zip(&outcomes);
        let results = results
            .map(|(expectation, outcome)| TestResult::new(expectation, outcome, locator))
            .collect();
        let coverage = if self.coverage {
            let coverage = access::coverage(policies, &outcomes)?;
            let resource = |rule: &CoveredRule<'_>, text: &str| {
                declared_source(workspace, target, state, rule, text)
            };
            Some(CoverageReport::new(&coverage, locator, &resource))
        } else {
            None
        };
        Ok(TargetReport {
            name: target.name.clone(),
            organization: target.organization.clone(),
            address: None,
            results,
            coverage,
        })
    }
}

/// Where the manifests write a resource of a rule.
fn declared_source(
    workspace: &Workspace,
    target: &Target,
    state: &TestedPolicies,
    covered: &CoveredRule<'_>,
    resource: &str,
) -> Option<SourceRef> {
    let desired = match state {
        TestedPolicies::Desired(desired) => desired,
        TestedPolicies::Live(_) => return None,
    };
    let documents = workspace.documents(target);
    let place = registry::resource_place(&documents, &desired.policies, covered, resource)?;
    Some(SourceRef::locate(workspace.sources(), &place))
}

/// What the server holds. What this version does not understand of it answers nothing, which must be told.
async fn live_policies(
    session: &Session,
    target: &Target,
    console: Console,
) -> anyhow::Result<LivePolicies> {
    let state = session.policies(target).await?;
    for (policy, why) in registry::not_understood(&state) {
        let policy = neutral(policy);
        let why = neutral(why);
        console.warn(&format!(
            "warning: live policy \"{policy}\" is not understood in full, and that part answers nothing: it {why}"
        ));
    }
    Ok(state)
}
