//! `polwarden plan`: what would have to be done.

use std::fs::File;
use std::io::Read as _;

use anyhow::Context as _;
use camino::Utf8PathBuf;
use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::complete;
use super::connect::{Connect, Session};
use super::console::Console;
use super::directory;
use super::error::{CommandError, CommandResult, FailureKind, OpenWorkspaceError};
use super::exit::Exit;
use super::format::{OutputArgs, OutputFormat, PlanFormats};
use super::gates::GateArgs;
use super::planning::{self, Against, Planned};
use super::reporter::DiagnosticReporter;
use super::steps::StepArgs;
use super::team_names;
use super::three_way::{self, BaseManifests};
use super::tree::RevisionArgs;
use super::watch::PlanWatcher;
use super::workspace::{Project, TargetSelection, WorkingDirectory};
use crate::plan::{Plan, plan_digest};
use crate::render;
use crate::render::annotations::{Annotation, PackDiagnostics, RepositoryPrefix};
use crate::render::layout::Layout;
use crate::render::text::{neutral, shell_word};
use crate::workspace::state;

/// Maximum size of a private key in bytes. A longer file is not a key.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// Show the changes required to match the manifests (read-only).
///
/// Shows what the change opens and closes, the API calls, and the guards and access gates that refuse it. Exits with 4 if an
/// access gate fails. Nothing is written to the server.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden plan
  polwarden plan --detailed-exitcode --out plan.json
  polwarden plan --policy GitLab --policy 'AI services'
  polwarden plan --out plan.json --sign ~/.ssh/id_ed25519
  polwarden plan --allow-widening 'tcp **.example.com:443' --base origin/main
  polwarden plan --watch --endpoint docker=embedded
  polwarden plan --format github --output markdown=comment.md --output html=plan.html
  polwarden plan examples/quickstart --endpoint docker=embedded")]
pub(super) struct PlanArgs {
    /// Exit with 2 if changes are pending.
    #[arg(long)]
    detailed_exitcode: bool,
    /// Exit with 8 if the server drifted from the base revision.
    ///
    /// Unmanaged policies count unless they are ignored or listed as known.
    #[arg(long)]
    fail_on_drift: bool,
    /// Plan again when a file changes, until Ctrl-C.
    ///
    /// The live state is read again each time.
    #[arg(long, conflicts_with_all = ["at", "staged", "output", "out", "detailed_exitcode", "fail_on_drift"])]
    watch: bool,
    #[command(flatten)]
    directory: WorkingDirectory,
    #[command(flatten)]
    selection: TargetSelection,
    /// Plan only this policy, pack or group (repeatable).
    ///
    /// Such a plan is partial: it ignores deletions and unmanaged policies, and it cannot be saved.
    #[arg(help_heading = "Input", long, value_name = "NAME", conflicts_with_all = ["out", "fail_on_drift"], add = ArgValueCandidates::new(complete::policies))]
    policy: Vec<String>,
    #[command(flatten)]
    at: RevisionArgs,
    #[command(flatten)]
    gates: GateArgs,
    #[command(flatten)]
    steps: StepArgs,
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    output: OutputArgs<PlanFormats>,
    /// Save the plan to this file, for `polwarden apply FILE`.
    #[arg(help_heading = "Output", long, value_name = "FILE")]
    out: Option<Utf8PathBuf>,
    /// Sign the saved plan with this OpenSSH private key.
    ///
    /// The signature is written to FILE.sig, for `polwarden apply FILE --verify`.
    #[arg(help_heading = "Output", long, value_name = "KEY", requires = "out")]
    sign: Option<Utf8PathBuf>,
}

impl PlanArgs {
    /// What `apply --dry-run` does.
    pub(super) fn for_dry_run(
        directory: Option<Utf8PathBuf>,
        selection: TargetSelection,
        at: RevisionArgs,
        gates: GateArgs,
        steps: StepArgs,
        connect: Connect,
        format: OutputFormat,
    ) -> Self {
        Self {
            directory: WorkingDirectory::new(directory),
            selection,
            policy: Vec::new(),
            at,
            gates,
            steps,
            connect,
            detailed_exitcode: false,
            fail_on_drift: false,
            output: OutputArgs::on_standard_output(format),
            watch: false,
            out: None,
            sign: None,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    /// Anything that keeps the plan from being made, apart from invalid manifests.
    pub(super) fn run(self, console: Console) -> CommandResult {
        super::runtime()?.block_on(self.run_async(console))
    }

    pub(super) async fn run_async(self, console: Console) -> CommandResult {
        self.directory.enter()?;
        if self.watch {
            self.watch(console).await
        } else {
            self.run_once(console).await
        }
    }

    /// Plans again and again. What is wrong with the manifests, or with the server, is shown and waited out.
    async fn watch(&self, console: Console) -> CommandResult {
        if self.output.format() != OutputFormat::Human {
            return Err(CommandError::error(
                "--watch shows plans to a person; leave --format out",
            ));
        }
        if std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false")) {
            return Err(CommandError::error(
                "--watch is for a person, and the variable CI says that nobody is there; leave --watch out",
            ));
        }
        let mut watch = PlanWatcher::start()?;
        let work = async {
            loop {
                watch.change(&self.selection).await?;
                console.clear()?;
                if let Err(error) = self.run_once(console).await {
                    error.print(console);
                }
                console.status("Watching for changes; Ctrl-C ends it.");
            }
        };
        tokio::select! {
            // First, so that an interrupt is heard from the beginning.
            biased;
            heard = tokio::signal::ctrl_c() => Ok(heard.map(|()| Exit::Done).context("interrupts cannot be noticed")?),
            ended = work => ended,
        }
    }

    async fn run_once(&self, console: Console) -> CommandResult {
        self.output.sink().check()?;
        let reporter = DiagnosticReporter::beside(&self.output.sink(), console);
        let project = match Project::open(&self.selection, &self.at) {
            Ok(project) => project,
            Err(OpenWorkspaceError::Invalid(invalid)) => {
                let prefix = invalid.prefix.clone();
                invalid.report(&reporter);
                let invalid = CommandError::reported(FailureKind::Invalid);
                return Err(
                    invalid.with_report(|| self.write(None, reporter.findings(), &prefix, console))
                );
            }
            Err(error) => return Err(error.into()),
        };
        let gate_sources = self.gates.gate_sources(&self.at, console)?;
        if self.fail_on_drift && gate_sources.base().is_none() {
            return Err(CommandError::error(
                "--fail-on-drift needs the revision that drift is seen from; name it with --base",
            ));
        }
        let prefix = project.prefix().clone();
        // The origin of changes is known only for all of them.
        let base = gate_sources.base().filter(|_| self.policy.is_empty());
        let before = base
            .map(|base| BaseManifests::read(base, console))
            .transpose()?
            .flatten();
        let against = Against {
            gate_sources: &gate_sources,
            before: before.as_ref(),
            only: &self.policy,
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
        let Planned {
            mut plan,
            session,
            workspace,
            services: _,
        } = match planned {
            Ok(planned) => planned,
            Err(error) => {
                return Err(
                    error.with_report(|| self.write(None, reporter.findings(), &prefix, console))
                );
            }
        };
        // `apply` never makes a partial plan, so the digest of one could only be expected in vain.
        if plan.only.is_empty() {
            plan.digest = Some(plan_digest(&plan)?);
        }
        let shown = team_names::plan_for_text(&plan, &workspace.targets(), &session).await;
        session.close().await;
        if self.fail_on_drift && plan.origins.is_none() {
            return Err(CommandError::error(
                "whether the server drifted was not found out, as the base revision cannot be compared; name one with valid manifests with --base",
            ));
        }
        if let Some(path) = &self.out {
            let path = directory::argument(path);
            let json = render::plan::json(&plan)?;
            let signature = self.signature(&json)?;
            state::write_private(path.as_std_path(), json)
                .with_context(|| format!("cannot write the plan to `{path}`"))?;
            if let Some(signature) = signature {
                let path = state::signature_path(&path);
                state::write_private(path.as_std_path(), signature)
                    .with_context(|| format!("cannot write the signature to `{path}`"))?;
            }
        }
        let shown = shown.as_ref().unwrap_or(&plan);
        self.write(Some((&plan, shown)), reporter.findings(), &prefix, console)?;
        if plan.failed_gates().next().is_some() {
            return Ok(Exit::Failed);
        }
        self.steps.check(&plan)?;
        if self.fail_on_drift && three_way::has_drift(&plan) {
            return Ok(Exit::Drift);
        }
        Ok(if self.detailed_exitcode && !plan.is_empty() {
            Exit::Pending
        } else {
            Exit::Done
        })
    }

    /// The signature of a plan, if one is asked for.
    fn signature(&self, plan: &str) -> anyhow::Result<Option<String>> {
        let Some(path) = &self.sign else {
            return Ok(None);
        };
        let path = directory::argument(path);
        // The path may be a pipe, whose size is not known.
        let mut key = String::new();
        File::open(&path)
            .and_then(|file| file.take(MAX_KEY_BYTES).read_to_string(&mut key))
            .with_context(|| format!("cannot read the key `{path}`"))?;
        let signature = git::sign_plan(&key, plan.as_bytes());
        Ok(Some(signature.with_context(|| {
            format!("cannot sign the plan with `{path}`")
        })?))
    }

    /// Writes the plan, or what kept it from being made, in all formats that are asked for. The second
    /// plan is the same one with names of teams for people.
    fn write(
        &self,
        plans: Option<PlanPair<'_>>,
        diagnostics: PackDiagnostics,
        prefix: &RepositoryPrefix,
        console: Console,
    ) -> anyhow::Result<()> {
        let written = WrittenPlan {
            plans,
            human: &|plan, layout| self.human(plan, layout),
            diagnostics,
            prefix,
        };
        write_plan(&self.output, self.selection.names(), written, console)
    }

    /// The plan, with the digest of the file that it is written to.
    fn human(&self, plan: &Plan, layout: Layout) -> String {
        let mut text = render::plan::human(plan, self.next(plan).as_deref(), layout);
        if let (Some(path), Some(digest)) = (&self.out, &plan.digest) {
            text.push_str(&layout.wrap(
                &format!("Plan file: {}", neutral(path.as_str())),
                "",
                "  ",
            ));
            text.push_str(&format!("Digest: {digest}\n"));
        }
        text
    }

    /// The command that applies the plan, unless it cannot be applied.
    fn next(&self, plan: &Plan) -> Option<String> {
        let is_partial = !plan.only.is_empty();
        let is_refused = plan.failed_gates().next().is_some();
        if plan.is_empty() || is_partial || is_refused || self.at.is_staged() {
            return None;
        }
        let mut words = vec!["polwarden".to_owned()];
        let directory = directory::entered();
        match (&self.out, directory) {
            (Some(file), directory) => {
                let directory = directory.map(|path| ["-C".to_owned(), path.into_string()]);
                words.extend(directory.into_iter().flatten());
                words.extend(["apply".to_owned(), file.to_string()]);
            }
            (None, directory) => {
                words.push("apply".to_owned());
                words.extend(directory.map(Utf8PathBuf::into_string));
                let at = self.at.at.as_ref();
                words.extend(
                    at.into_iter()
                        .flat_map(|at| ["--at".to_owned(), at.to_string()]),
                );
                let targets = self.selection.names().iter();
                words.extend(targets.flat_map(|name| ["--target".to_owned(), name.clone()]));
            }
        }
        words.extend(self.connect.repeated()?);
        let is_single = plan.targets.len() == 1;
        for target in &plan.targets {
            if let Some(requires) = &target.requires {
                words.push("--ack".to_owned());
                words.push(if is_single {
                    requires.clone()
                } else {
                    format!("{}:{requires}", target.target.name)
                });
            }
        }
        let words: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
        Some(neutral(&words.join(" ")).into_owned())
    }
}

/// The plan for machines, and the same plan with names of teams for people.
pub(super) type PlanPair<'a> = (&'a Plan, &'a Plan);

/// What [`write_plan`] writes.
pub(super) struct WrittenPlan<'a> {
    /// Without plans, the diagnostics say why.
    pub(super) plans: Option<PlanPair<'a>>,
    pub(super) human: &'a dyn Fn(&Plan, Layout) -> String,
    pub(super) diagnostics: PackDiagnostics,
    pub(super) prefix: &'a RepositoryPrefix,
}

/// Writes a plan, or the diagnostics that kept it from being made, in all requested formats.
pub(super) fn write_plan(
    output: &OutputArgs<PlanFormats>,
    targets: &[String],
    written: WrittenPlan<'_>,
    console: Console,
) -> anyhow::Result<()> {
    let WrittenPlan {
        plans,
        human,
        diagnostics,
        prefix,
    } = written;
    let (exact, plan) = plans.unzip();
    let findings = diagnostics.with(plan.map(Annotation::of_plan).unwrap_or_default());
    let said = plan.map_or_else(
        || "No plan: the manifests are invalid.".to_owned(),
        render::plan::summary,
    );
    output.sink().write(console, |format, layout| {
        Ok(match format {
            OutputFormat::Human => plan.map(|plan| human(plan, layout)),
            OutputFormat::Json => exact.map(render::plan::json).transpose()?,
            OutputFormat::Markdown => Some(render::markdown::plan(
                plan,
                &findings,
                &output.comment(targets),
            )),
            OutputFormat::Github => Some(render::github::github(Some(&said), &findings, prefix)),
            OutputFormat::Gitlab => Some(render::gitlab::gitlab(&findings, prefix)?),
            OutputFormat::Sarif => Some(render::sarif::sarif(&findings, prefix)?),
            OutputFormat::Junit => Some(render::junit::plan(plan, &findings, prefix)?),
            OutputFormat::Html => Some(render::html::html(plan, &findings)),
        })
    })
}
