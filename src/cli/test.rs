//! `polwarden test`: whether the policies allow and deny what the policy tests say.

use anyhow::{Context as _, bail};
use clap::Args;

use super::connect::{Connect, Session};
use super::console::Console;
use super::error::CommandResult;
use super::exit::Exit;
use super::format::{self, Comment, Format, Output, Sink};
use super::planning;
use super::statements;
use super::tree::At;
use super::workspace::{Selection, WorkingDirectory, Workspace};
use crate::plan::SourceRef;
use crate::render;
use crate::render::decided::Locator;
use crate::render::findings::{Finding, Findings, Prefix};
use crate::render::paint::Painter;
use crate::render::policy_tests::{
    self, Asked, CoverageReport, TargetReport, TestReport, TestResult,
};
use crate::render::text::neutral;
use crate::service::docker::check::{CheckedTests, resource_place};
use access::{CedarStatement, CoveredRule, Expectation, Policies};
use manifest::config::Target;
use model::diag::{Diagnostic, Place};
use model::docker::{Content, DesiredPolicy, LiveContent, LiveState};

/// Run the policy tests: ask every request of every PolicyTest, and compare the answers with what is expected. Exits
/// with 4 if any differs, and with 1 if there is no test to run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  polwarden test
  polwarden test --coverage
  polwarden test --filter mirrors --format junit
  polwarden test --format github --output junit=tests.xml
  polwarden test --at origin/main
  polwarden test --live")]
pub(super) struct Test {
    #[command(flatten)]
    directory: WorkingDirectory,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    connect: Connect,
    /// Only what holds this text in `TEST / CASE / REQUEST`, whatever the case of its letters.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Ask about what the server holds instead of the manifests.
    #[arg(long)]
    live: bool,
    /// Name the rules, resources and Cedar statements that decide none of the requests.
    #[arg(long)]
    coverage: bool,
    /// How to show the results on standard output.
    #[arg(long, value_parser = Format::among(format::TEST), default_value = "human")]
    format: Format,
    /// Write them to a file in a format too; may be given more than once.
    #[arg(long, value_name = "FORMAT=FILE", value_parser = Output::among(format::TEST))]
    output: Vec<Output>,
    #[command(flatten)]
    comment: Comment,
}

/// What the tests of a target are asked of.
enum State {
    Desired(Vec<DesiredPolicy>),
    Live(LiveState),
}

impl Test {
    /// Runs the command.
    ///
    /// # Errors
    /// There is nothing to run, or what is asked about cannot be read.
    pub(super) fn run(self, console: Console) -> CommandResult {
        super::runtime()?.block_on(self.run_async(console))
    }

    async fn run_async(&self, console: Console) -> CommandResult {
        self.directory.enter()?;
        self.sink().check()?;
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
        let read = self.read(&workspace, &session, &targets, console).await;
        session.close().await;
        let mut reports = Vec::new();
        for (target, state, expectations) in read? {
            reports.push(
                self.ask(&workspace, target, &state, &expectations)
                    .with_context(|| planning::of(target))?,
            );
        }
        let report = TestReport::new(
            if self.live {
                Asked::Live
            } else {
                Asked::Desired
            },
            reports,
        );
        let prefix = workspace.prefix();
        self.sink().write(console, |format, painter| {
            Ok(Some(self.render(&report, prefix, format, painter)?))
        })?;
        Ok(if report.failed > 0 {
            Exit::Failed
        } else {
            Exit::Done
        })
    }

    fn sink(&self) -> Sink<'_> {
        Sink {
            format: self.format,
            outputs: &self.output,
        }
    }

    fn render(
        &self,
        report: &TestReport,
        prefix: &Prefix,
        format: Format,
        painter: Painter,
    ) -> anyhow::Result<String> {
        Ok(match format {
            Format::Human => policy_tests::human(report, painter),
            Format::Json => policy_tests::json(report)?,
            Format::Junit => policy_tests::junit(report)?,
            Format::Markdown => {
                render::markdown::policy_tests(report, &self.comment.options(&self.selection))
            }
            Format::Github => {
                let failures = Findings::new(Finding::of_tests(report), Vec::new());
                render::github::github(Some(&policy_tests::summary(report)), &failures, prefix)
            }
            Format::Gitlab | Format::Sarif | Format::Html => bail!("`test` has no such format"),
        })
    }

    /// The tests of all targets, and what they are asked of.
    async fn read<'t>(
        &self,
        workspace: &Workspace,
        session: &Session,
        targets: &[&'t Target],
        console: Console,
    ) -> CommandResult<Vec<(&'t Target, State, Vec<Expectation>)>> {
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
                        .with_context(|| planning::of(target))?,
                )
            } else {
                let both = planning::resolve_all(workspace, session, target).await;
                let (checked, tests) = both.with_context(|| planning::of(target))?;
                findings.extend(checked.diagnostics);
                (Some(checked.policies), tests)
            };
            findings.extend(diagnostics);
            read.push((*target, desired, expectations));
        }
        workspace.report(workspace.agree(findings), console)?;
        self.choose(&mut read)?;
        let mut with_state = Vec::new();
        for (target, desired, expectations) in read {
            let state = match desired {
                Some(policies) => State::Desired(policies),
                None => State::Live(
                    live(session, target, console)
                        .await
                        .with_context(|| planning::of(target))?,
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
        if all == 0 {
            bail!(
                "there are no policy tests; write a `polwarden/v1` PolicyTest under a path of a target \
                 (docs/testing.md shows how)"
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
        state: &State,
        expectations: &[Expectation],
    ) -> anyhow::Result<TargetReport> {
        let policies = match state {
            State::Desired(policies) => Policies::Desired(policies),
            State::Live(live) => Policies::Live(live),
        };
        let place = |place: &Place| planning::locate(workspace.sources(), place);
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
            let resource =
                |rule: &CoveredRule<'_>, text: &str| written(workspace, target, state, rule, text);
            Some(CoverageReport::new(&coverage, locator, &resource))
        } else {
            None
        };
        Ok(TargetReport {
            name: target.name.clone(),
            organization: target.organization.clone(),
            results,
            coverage,
        })
    }
}

/// Where the manifests write a resource of a rule.
fn written(
    workspace: &Workspace,
    target: &Target,
    state: &State,
    covered: &CoveredRule<'_>,
    resource: &str,
) -> Option<SourceRef> {
    let policies = match state {
        State::Desired(policies) => policies,
        State::Live(_) => return None,
    };
    let policy = policies.get(covered.rule.position.policy)?;
    let rule = match &policy.content {
        Content::Rules(rules) => rules.get(covered.rule.position.rule)?,
        Content::Cedar(_) => return None,
    };
    let place = resource_place(
        &workspace.documents(target),
        policy.document,
        rule.index,
        resource,
    )?;
    Some(planning::locate(workspace.sources(), &place))
}

/// What the server holds. What this version does not understand of it answers nothing, which must be told.
async fn live(session: &Session, target: &Target, console: Console) -> anyhow::Result<LiveState> {
    let state = session.docker_live(target).await?;
    for policy in &state.policies {
        let whys: Vec<&str> = match &policy.content {
            LiveContent::Rules(rules) => rules
                .iter()
                .filter_map(|rule| rule.rule.as_ref().err())
                .map(|o| &*o.why)
                .collect(),
            LiveContent::Opaque(opaque) => vec![&opaque.why],
            LiveContent::Cedar(_) => Vec::new(),
        };
        for why in whys {
            let policy = neutral(&policy.name);
            let why = neutral(why);
            console.warn(&format!(
                "warning: live policy \"{policy}\" is not understood in full, and that part answers nothing: it {why}"
            ));
        }
    }
    Ok(state)
}
