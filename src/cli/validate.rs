//! `polwarden validate`: what is wrong with the manifests.

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};
use rayon::prelude::*;

use super::connect::{Connect, Session};
use super::console::Console;
use super::exit::Exit;
use super::gates;
use super::planning;
use super::workspace::{At, Selection, Unusable, Workspace, is_error, unique};
use crate::check::Teams;
use crate::diag::{Diagnostic, SourceMap};
use crate::manifest::config::Target;
use crate::render::diagnostics::{Amount, Report, human};
use crate::render::text::many;

/// Check syntax, schema and meaning of all manifests of all targets, and show everything that is wrong.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  polwarden validate
  polwarden validate examples/quickstart
  polwarden validate --at origin/main
  polwarden validate --format json")]
pub(super) struct Validate {
    /// The directory of `polwarden.yaml`; the same as -C DIR.
    #[arg(value_name = "DIR")]
    path: Option<Utf8PathBuf>,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    connect: Connect,
    /// Ask the server for the names of teams that the configuration does not know. Nothing else is asked of it.
    #[arg(long)]
    live: bool,
    /// Take warnings for errors.
    #[arg(long)]
    strict: bool,
    /// Show all warnings. Without it, 20 of each code are shown, and how many more there are; JSON holds all.
    #[arg(long)]
    all_warnings: bool,
    /// How to show the findings on standard output.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How to show findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Human,
    /// For machines (`schemas/diagnostics.schema.json`).
    Json,
}

impl Validate {
    /// Runs the command.
    ///
    /// # Errors
    /// There is no configuration, or with `--live` a server cannot be read.
    pub(super) fn run(self, console: Console) -> anyhow::Result<Exit> {
        if let Some(path) = &self.path {
            super::enter(path)?;
        }
        match Workspace::read(&self.selection, &self.at)? {
            Err(Unusable { sources, diagnostics }) => self.show(&sources, diagnostics, 0, console),
            Ok(workspace) => {
                let (meaning, unread) = if self.live {
                    super::runtime()?.block_on(self.live_findings(&workspace, console))?
                } else {
                    let targets = workspace.targets();
                    let check = |target: &&Target| {
                        let mut checked = workspace.check(target, &Teams::Offline);
                        let gates = gates::offline(&workspace, target, &checked);
                        let lints = workspace.lint(target, &checked);
                        checked.diagnostics.extend(gates.into_iter().chain(lints));
                        let tests = workspace.check_tests(target, &Teams::Offline).diagnostics;
                        checked.diagnostics.into_iter().chain(tests)
                    };
                    (targets.par_iter().flat_map_iter(check).collect(), false)
                };
                let mut findings = workspace.findings().to_vec();
                findings.extend(workspace.agree(meaning));
                findings.extend(workspace.check_test_targets());
                let exit = self.show(workspace.sources(), findings, workspace.files(), console)?;
                Ok(if unread && exit == Exit::Done { Exit::Error } else { exit })
            }
        }
    }

    /// The findings of all targets, and whether any target could not be read, which is told at once.
    async fn live_findings(&self, workspace: &Workspace, console: Console) -> anyhow::Result<(Vec<Diagnostic>, bool)> {
        let targets = workspace.targets();
        let session = Session::open(&self.connect, &targets).await?;
        let (mut findings, mut failed) = (Vec::new(), false);
        for target in targets {
            match planning::resolve_all(workspace, &session, target).await {
                Ok((policies, tests)) => {
                    findings.extend(gates::offline(workspace, target, &policies));
                    findings.extend(workspace.lint(target, &policies));
                    findings.extend(policies.diagnostics.into_iter().chain(tests.diagnostics));
                }
                Err(error) => {
                    failed = true;
                    console.warn(&super::render_error(&error.context(planning::of(target)), console));
                }
            }
        }
        session.close().await;
        Ok((findings, failed))
    }

    fn show(
        &self,
        sources: &SourceMap,
        findings: Vec<Diagnostic>,
        files: usize,
        console: Console,
    ) -> anyhow::Result<Exit> {
        let findings = unique(findings);
        let errors = findings.iter().filter(|finding| is_error(finding)).count();
        let warnings = findings.len() - errors;
        match self.format {
            Format::Human => {
                // What is to go away is shown.
                let amount = if self.all_warnings || self.strict { Amount::All } else { Amount::Few };
                console.print(&human(sources, &findings, amount, console.painter().is_coloured()))?;
                console.print(&closing(errors, warnings, files))?;
            }
            Format::Json => {
                let mut json = serde_json::to_string_pretty(&Report::new(sources, &findings))?;
                json.push('\n');
                console.print(&json)?;
            }
        }
        let failing: Vec<&Diagnostic> = findings.iter().filter(|finding| self.strict || is_error(finding)).collect();
        Ok(match failing.as_slice() {
            [] => Exit::Done,
            failing if failing.iter().all(|finding| gates::is_about_gates(finding)) => Exit::Failed,
            _ => Exit::Invalid,
        })
    }
}

fn closing(errors: usize, warnings: usize, files: usize) -> String {
    let files = many(files, "manifest file");
    match (errors, warnings) {
        (0, 0) => format!("{files}: valid\n"),
        (0, _) => format!("{files}: valid, {}\n", many(warnings, "warning")),
        (_, 0) => format!("{files}: {}\n", many(errors, "error")),
        (_, _) => format!("{files}: {}, {}\n", many(errors, "error"), many(warnings, "warning")),
    }
}
