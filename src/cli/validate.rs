//! `polwarden validate`: what is wrong with the manifests; and `polwarden lint`, which also looks for rules that
//! most likely do not mean what they say.

use anyhow::bail;
use clap::Args;
use rayon::prelude::*;

use super::connect::{Connect, Session};
use super::console::Console;
use super::error::{
    CommandError, CommandResult, FailureKind, InvalidConfiguration, OpenWorkspaceError,
};
use super::exit::Exit;
use super::format::{DiagnosticFormats, OutputArgs, OutputFormat};
use super::gates;
use super::planning;
use super::reporter::{file_names, unique};
use super::tree::RevisionArgs;
use super::workspace::{PathArgs, PathFilter, Project, TargetSelection, Workspace};
use crate::render;
use crate::render::annotations::{Annotation, PackDiagnostics, RepositoryPrefix};
use crate::render::diagnostics::{DiagnosticAmount, DiagnosticsReport, explain_hint, human};
use crate::render::paint::Painter;
use crate::render::text::count_of;
use crate::service::diagnostics::{is_error, is_warning};
use crate::service::registry::{Checked, ServerFacts};
use manifest::config::Target;
use model::diag::{Code, Diagnostic, SourceMap};

/// Check syntax, schema, meaning and access gates of all files.
///
/// Reports all errors and warnings of all targets in one run. Exits with 3 if the manifests are invalid. No server is
/// contacted without --live.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden validate
  polwarden validate examples/quickstart
  polwarden validate policies/a.yaml policies/shared
  polwarden validate --at origin/main
  polwarden validate --format json
  polwarden validate --format github --output sarif=findings.sarif")]
pub(super) struct ValidateArgs {
    /// Ask the server for the names of teams, and for nothing else.
    ///
    /// Use it if manifests name teams that the configuration does not define.
    #[arg(long)]
    live: bool,
    /// Treat warnings as errors.
    #[arg(long)]
    strict: bool,
    /// Show all warnings (default: 20 of each code).
    ///
    /// JSON output always contains all warnings.
    #[arg(long)]
    all_warnings: bool,
    #[command(flatten)]
    paths: PathArgs,
    #[command(flatten)]
    selection: TargetSelection,
    #[command(flatten)]
    at: RevisionArgs,
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    output: OutputArgs<DiagnosticFormats>,
}

/// Validate, and warn about rules that are probably mistakes.
///
/// Checks everything that `validate` checks. Also warns about rules that never decide, that other rules cover, that could be
/// one rule, that leave a name open or that open everything.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden lint
  polwarden lint --strict
  polwarden lint --all-warnings --target production
  polwarden explain rule-never-matches")]
pub(super) struct LintArgs {
    #[command(flatten)]
    validate: ValidateArgs,
}

impl LintArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// As for `validate`.
    pub(super) fn run(self, console: Console) -> CommandResult {
        self.validate.run_to(ValidationDepth::Lints, console)
    }
}

/// How much is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValidationDepth {
    /// What is wrong.
    Errors,
    /// What most likely is not meant, too. It takes longer, since all rules of a target are held against each other.
    Lints,
}

impl ValidationDepth {
    /// The command that looks so far.
    fn command(self) -> &'static str {
        match self {
            Self::Errors => "validate",
            Self::Lints => "lint",
        }
    }

    fn lints(self, workspace: &Workspace, target: &Target, checked: &Checked) -> Vec<Diagnostic> {
        match self {
            Self::Errors => Vec::new(),
            Self::Lints => workspace.lint(target, checked),
        }
    }
}

impl ValidateArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// There is no configuration, or with `--live` a server cannot be read.
    pub(super) fn run(self, console: Console) -> CommandResult {
        self.run_to(ValidationDepth::Errors, console)
    }

    /// Runs `validate`, or `lint`.
    ///
    /// # Errors
    /// As for `run`.
    pub(super) fn run_to(self, depth: ValidationDepth, console: Console) -> CommandResult {
        let filter = self.paths.enter()?;
        self.output.sink().check()?;
        let workspace = match Project::open(&self.selection, &self.at) {
            // Files that are named are read, or it is an error.
            Ok(project) if filter.is_everything() => project.load_to_validate(),
            Ok(project) => project.load(),
            Err(OpenWorkspaceError::Invalid(invalid)) => {
                let InvalidConfiguration {
                    sources,
                    diagnostics,
                    prefix,
                } = *invalid;
                if let Some(workspace) =
                    Workspace::open_valid_targets(&self.selection, &self.at, diagnostics.clone())
                {
                    let mut findings = workspace.findings().to_vec();
                    findings.extend(offline_findings(depth, &workspace));
                    // A target with errors may use the list.
                    findings.retain(|finding| finding.code != Code::ListUnused);
                    let read = ValidationInput::of(depth, &workspace, &filter);
                    return self.show(&read, findings, console);
                }
                let read = ValidationInput {
                    depth,
                    sources: &sources,
                    files: 0,
                    prefix: &prefix,
                    filter: &PathFilter::default(),
                };
                return self.show(&read, diagnostics, console);
            }
            Err(error) => return Err(error.into()),
        };
        let (meaning, unread) = if self.live {
            super::runtime()?.block_on(self.live_findings(depth, &workspace, console))?
        } else {
            (offline_findings(depth, &workspace), false)
        };
        let mut findings = workspace.findings().to_vec();
        findings.extend(workspace.target_diagnostics(meaning));
        findings.extend(workspace.check_test_targets());
        let read = ValidationInput::of(depth, &workspace, &filter);
        let exit = self.show(&read, findings, console)?;
        if unread && exit == Exit::Done {
            return Err(CommandError::reported(FailureKind::Error));
        }
        Ok(exit)
    }

    /// The findings of all targets, and whether any target could not be read, which is told at once.
    async fn live_findings(
        &self,
        depth: ValidationDepth,
        workspace: &Workspace,
        console: Console,
    ) -> anyhow::Result<(Vec<Diagnostic>, bool)> {
        let targets = workspace.targets();
        let session = Session::open(&self.connect, &targets, console).await?;
        let mut findings = Vec::new();
        let mut failed = false;
        for target in targets {
            match planning::resolve_all(workspace, &session, target).await {
                Ok((policies, tests)) => {
                    findings.extend(gates::offline_gate_diagnostics(
                        workspace, target, &policies,
                    ));
                    findings.extend(depth.lints(workspace, target, &policies));
                    findings.extend(policies.diagnostics.into_iter().chain(tests.diagnostics));
                }
                Err(error) => {
                    failed = true;
                    CommandError::from(error.context(planning::label(target))).print(console);
                }
            }
        }
        session.close().await;
        Ok((findings, failed))
    }

    fn show(
        &self,
        read: &ValidationInput<'_>,
        findings: Vec<Diagnostic>,
        console: Console,
    ) -> CommandResult {
        let (findings, left_out) = read.restrict(unique(findings))?;
        if left_out > 0 {
            console.status(&format!(
                "Not shown: {} in other files.",
                count_of(left_out, "error")
            ));
        }
        let told = if self.output.sink().includes_diagnostics() {
            let placed = findings
                .iter()
                .map(|finding| Annotation::of_file(read.sources, finding))
                .collect();
            PackDiagnostics::new(placed, file_names(read.sources))
        } else {
            PackDiagnostics::default()
        };
        let told = if self.strict { told.strict() } else { told };
        self.output.sink().write(console, |format, layout| {
            Ok(Some(self.render(
                read,
                &findings,
                &told,
                format,
                layout.painter,
            )?))
        })?;
        let failing: Vec<&Diagnostic> = findings
            .iter()
            .filter(|finding| is_error(finding) || self.strict && is_warning(finding))
            .collect();
        Ok(match failing.as_slice() {
            [] => Exit::Done,
            failing
                if failing
                    .iter()
                    .all(|finding| gates::is_gate_diagnostic(finding)) =>
            {
                Exit::Failed
            }
            _ => Exit::Invalid,
        })
    }

    fn render(
        &self,
        read: &ValidationInput<'_>,
        findings: &[Diagnostic],
        told: &PackDiagnostics,
        format: OutputFormat,
        painter: Painter,
    ) -> anyhow::Result<String> {
        let ValidationInput {
            depth,
            sources,
            files,
            prefix,
            filter: _,
        } = read;
        let errors = findings.iter().filter(|finding| is_error(finding)).count();
        let warnings = findings
            .iter()
            .filter(|finding| is_warning(finding))
            .count();
        let closing = closing(errors, warnings, *files);
        Ok(match format {
            OutputFormat::Human => {
                // What is to go away is shown.
                let amount = if self.all_warnings || self.strict {
                    DiagnosticAmount::All
                } else {
                    DiagnosticAmount::Few
                };
                human(sources, findings, amount, painter.is_colored())
                    + &explain_hint(sources, findings)
                    + &closing
            }
            OutputFormat::Json => {
                serde_json::to_string_pretty(&DiagnosticsReport::new(sources, findings))? + "\n"
            }
            OutputFormat::Markdown => render::markdown::findings(
                depth.command(),
                told,
                &self.output.comment(self.selection.names()),
            ),
            OutputFormat::Github => render::github::github(None, told, prefix),
            OutputFormat::Gitlab => render::gitlab::gitlab(told, prefix)?,
            OutputFormat::Sarif => render::sarif::sarif(told, prefix)?,
            OutputFormat::Junit => render::junit::findings(depth.command(), told, prefix)?,
            OutputFormat::Html => {
                bail!("findings alone have no HTML; `plan --format html` shows findings too")
            }
        })
    }
}

/// The findings of all targets, as far as they can be known without a server.
fn offline_findings(depth: ValidationDepth, workspace: &Workspace) -> Vec<Diagnostic> {
    let check = |target: &&Target| {
        let mut checked = workspace.check(target, &ServerFacts::offline());
        let gates = gates::offline_gate_diagnostics(workspace, target, &checked);
        let lints = depth.lints(workspace, target, &checked);
        checked.diagnostics.extend(gates.into_iter().chain(lints));
        let tests = workspace
            .check_tests(target, &ServerFacts::offline())
            .diagnostics;
        checked.diagnostics.into_iter().chain(tests)
    };
    let targets = workspace.targets();
    targets.par_iter().flat_map_iter(check).collect()
}

/// What was read.
struct ValidationInput<'a> {
    depth: ValidationDepth,
    sources: &'a SourceMap,
    /// How many manifests.
    files: usize,
    prefix: &'a RepositoryPrefix,
    /// The files whose diagnostics are shown.
    filter: &'a PathFilter,
}

impl<'a> ValidationInput<'a> {
    fn of(depth: ValidationDepth, workspace: &'a Workspace, filter: &'a PathFilter) -> Self {
        let names = workspace.sources().files().map(|(_, file)| file.name());
        Self {
            depth,
            sources: workspace.sources(),
            files: if filter.is_everything() {
                workspace.files()
            } else {
                names.filter(|name| filter.contains(name)).count()
            },
            prefix: workspace.prefix(),
            filter,
        }
    }

    /// The diagnostics of the files that are shown, and the number of errors in the others.
    ///
    /// # Errors
    /// A path contains no file that was read, so its files are not known to be valid.
    fn restrict(&self, findings: Vec<Diagnostic>) -> CommandResult<(Vec<Diagnostic>, usize)> {
        if self.filter.is_everything() {
            return Ok((findings, 0));
        }
        // A file that cannot be read is a source too.
        let names = self.sources.files().map(|(_, file)| file.name());
        if let Some(path) = self.filter.without_files(names).first() {
            return Err(CommandError::error(format!(
                "no manifest in `{path}` is read for the chosen targets; check the path and `paths` in {}",
                manifest::config::FILE_NAME
            )));
        }
        let is_shown = |finding: &Diagnostic| {
            let label = finding.labels.first();
            label.is_none_or(|label| {
                let file = self.sources.file(label.place.file());
                self.filter.contains(file.name())
            })
        };
        let (shown, others): (Vec<_>, Vec<_>) = findings.into_iter().partition(is_shown);
        Ok((
            shown,
            others.iter().filter(|finding| is_error(finding)).count(),
        ))
    }
}

fn closing(errors: usize, warnings: usize, files: usize) -> String {
    let files = count_of(files, "manifest file");
    match (errors, warnings) {
        (0, 0) => format!("{files}: valid\n"),
        (0, _) => format!("{files}: valid, {}\n", count_of(warnings, "warning")),
        (_, 0) => format!("{files}: {}\n", count_of(errors, "error")),
        (_, _) => format!(
            "{files}: {}, {}\n",
            count_of(errors, "error"),
            count_of(warnings, "warning")
        ),
    }
}
