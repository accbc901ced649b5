//! Runs an approved plan, target by target, and reads back what it wrote.

use anyhow::Context as _;
use camino::Utf8Path;
use jiff::Timestamp;

use super::audit::AuditFile;
use super::interrupt;
use crate::cli::console::Console;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::planning;
use crate::cli::progress::{CallProgress, WaitingFor};
use crate::plan::{Commit, Fingerprint, TargetPlan};
use crate::render;
use crate::render::annotations::{Annotation, PackDiagnostics, RepositoryPrefix};
use crate::render::apply_events::ApplyEvent;
use crate::render::layout::Layout;
use crate::render::plan::target_heading;
use crate::render::runs::RunReport;
use crate::render::text::neutral;
use crate::run::audit::AuditRecord;
use crate::run::journal;
use crate::run::journal::{
    EndedBy, FORMAT_VERSION, FolderLock, Journal, JournalRecord, RunEnd, RunHistory, RunId, RunKind,
};
use crate::run::service::{VerifyError, Writes};
use crate::run::{
    CallCounts, CallFailure, CallOutcome, CallReport, Remedy, RunSettings, StopSignal, TargetRun,
    remedy, run,
};
use crate::service::registry;
use git::{PackTree, SignedBy};
use manifest::config::Target;

/// One run.
pub(super) struct Execution<'a> {
    /// The maximum number of concurrent requests.
    pub(super) concurrency: usize,
    /// The file of the journal, if it is not the default one.
    pub(super) journal: Option<&'a Utf8Path>,
    /// A file for the audit record of this run.
    pub(super) audit_record: Option<&'a Utf8Path>,
    pub(super) kind: RunKind,
    pub(super) digest: Fingerprint,
    pub(super) provenance: Provenance,
    /// The sources of policy packs.
    pub(super) sources: &'a [PackTree],
    pub(super) console: Console,
    /// The lock of the journal folder.
    pub(super) lock: Option<&'a FolderLock>,
    /// Where the files are, from the top of the repository.
    pub(super) prefix: &'a RepositoryPrefix,
    /// What earlier runs of the same command leave.
    pub(super) earlier: Option<EarlierRuns>,
}

/// Who signed what is applied, if a signature was required and verified.
#[derive(Debug, Clone, Default)]
pub(crate) struct VerifiedSigners {
    /// The signer of the commit.
    pub(super) commit: Option<SignedBy>,
    /// The signer of the saved plan.
    pub(super) plan: Option<SignedBy>,
}

/// Where what is applied comes from.
pub(super) struct Provenance {
    pub(super) commit: Option<Commit>,
    pub(super) tree: Option<Fingerprint>,
    pub(super) signers: VerifiedSigners,
}

/// What earlier runs of the same command leave.
pub(crate) struct EarlierRuns {
    /// The signal with which the user asks the run to stop.
    pub(super) stop: StopSignal,
    /// Their audit records.
    pub(super) audit: Vec<AuditRecord>,
}

/// How a run ended.
pub(crate) struct RunResult {
    pub(crate) exit: Exit,
    /// Something was applied.
    pub(super) wrote: bool,
    /// The earlier runs, if another client took a name and a new plan is made at once.
    pub(super) conflict: Option<EarlierRuns>,
}

impl RunResult {
    /// A run that had nothing to do.
    pub(super) fn without_calls() -> Self {
        Self {
            exit: Exit::Done,
            wrote: false,
            conflict: None,
        }
    }

    /// Whether there was something to do, and none of it was done.
    pub(super) fn nothing_applied(&self) -> bool {
        !self.wrote && self.exit != Exit::Done
    }

    /// As the end of a command that may have written in an earlier run already.
    #[must_use]
    pub(super) fn after(self, wrote: bool) -> Self {
        let Self {
            exit,
            wrote: wrote_too,
            conflict,
        } = self;
        let exit = if wrote && exit != Exit::Done {
            Exit::Partial
        } else {
            exit
        };
        Self {
            exit,
            wrote: wrote || wrote_too,
            conflict,
        }
    }
}

/// The state of a run after some of its targets.
#[derive(Default)]
struct RunSummary {
    calls: CallCounts,
    /// What to do before the missing calls can succeed.
    remedy: Option<Remedy>,
    /// Something could not be read back as it should be.
    unverified: bool,
    /// A policy had moved before its first call.
    moved: bool,
    /// The live state changed before the first call, so nothing was sent to a target.
    stale: bool,
    /// A call failed because another client created an object with the same name.
    conflict: bool,
    /// Something changed that sandboxes pick up later.
    follows: bool,
    /// The calls that failed, with their errors.
    failures: Vec<String>,
    /// What is left to be opened and closed at targets whose calls were not all made.
    access: Vec<String>,
}

impl RunSummary {
    /// Whether to make a new plan after a conflict. Other failures need the attention of the user first, and a
    /// successful second run must not hide them.
    fn can_replan(&self) -> bool {
        let Self {
            calls,
            remedy: _,
            unverified,
            moved,
            stale,
            conflict,
            follows: _,
            failures: _,
            access: _,
        } = self;
        (*conflict || *stale) && calls.replaced == 0 && calls.unknown == 0 && !unverified && !moved
    }
}

impl Execution<'_> {
    pub(super) async fn run(
        mut self,
        pairs: &[(&TargetPlan, &Target)],
        services: Vec<Box<dyn Writes>>,
    ) -> anyhow::Result<RunResult> {
        let console = self.console;
        let EarlierRuns { stop, audit } = self.earlier.take().unwrap_or_else(|| {
            let stop = StopSignal::default();
            interrupt::stop_on_signals(&stop, console);
            EarlierRuns {
                stop,
                audit: Vec::new(),
            }
        });
        let audit = AuditFile::open(self.audit_record, audit)?;
        let journal = self.begin_journal(pairs).await?;
        let mut standing = RunSummary::default();
        let mut failed = Vec::new();
        for ((plan, target), mut service) in pairs.iter().zip(services) {
            if plan.calls.is_empty() {
                continue;
            }
            console.announce(&format!(
                "\nApplying to {}:\n",
                target_heading(&plan.target)
            ));
            let report = match self.run_target(plan, &mut *service, &journal, &stop).await {
                Ok(report) => report,
                // Results of other targets must still be reported, and the other targets do not depend on this one.
                Err(error) => {
                    CommandError::from(error.context(planning::label(target))).print(console);
                    standing.calls += CallCounts {
                        skipped: plan.calls.len(),
                        ..CallCounts::default()
                    };
                    standing.remedy = standing.remedy.max(Some(Remedy::ResolveError));
                    continue;
                }
            };
            failed.extend(Annotation::of_failed_calls(plan, report.outcomes()));
            let outcomes = report.outcomes().iter();
            let failures = outcomes.clone();
            let failures = failures.filter_map(|(call, outcome)| {
                let call = plan.calls.iter().find(|planned| planned.id == *call)?;
                render::report::failure_line(call, outcome)
            });
            standing.failures.extend(failures);
            standing.calls += report.counts();
            standing.remedy = standing
                .remedy
                .max(remedy(outcomes.map(|(_, outcome)| outcome)));
            // The policies of an embedded service have no effect.
            standing.follows |= registry::service(target.provider()).takes_effect_later
                && !plan.target.is_embedded();
            standing.moved |= is_stale(&report);
            for stale in report.stale() {
                if service.replans_conflicts() {
                    standing.stale = true;
                } else {
                    standing.moved = true;
                }
                CommandError::stale(stale.to_string()).print(console);
            }
            let conflict = report.has_conflict();
            if service.replans_conflicts() {
                standing.conflict |= conflict;
            } else {
                standing.moved |= conflict;
            }
            let is_unverified = match self.verify(plan, target, &*service, &report).await {
                Ok(verified) => !verified,
                Err(error) => {
                    CommandError::from(error).print(console);
                    true
                }
            };
            standing.unverified |= is_unverified;
            let counts = report.counts();
            if counts.missing() > 0 || counts.replaced > 0 || is_unverified {
                let access = self.remaining_access(plan, &*service).await;
                let name = (pairs.len() > 1).then(|| format!("{}: ", neutral(&plan.target.name)));
                let name = name.unwrap_or_default();
                standing
                    .access
                    .extend(access.map(|access| format!("{name}{access}")));
            }
        }
        if console.has_annotations() {
            let failed = PackDiagnostics::new(failed, Vec::new());
            console.announce(&render::github::github(None, &failed, self.prefix));
        }
        let (audit, exit) = close(&standing, &self.kind, &journal, audit, console).await;
        let conflict =
            (standing.can_replan() && !stop.is_requested()).then_some(EarlierRuns { stop, audit });
        Ok(RunResult {
            exit,
            wrote: standing.calls.applied > 0,
            conflict,
        })
    }

    async fn begin_journal(&self, pairs: &[(&TargetPlan, &Target)]) -> anyhow::Result<Journal> {
        let time = Timestamp::now();
        let Provenance {
            commit,
            tree,
            signers:
                VerifiedSigners {
                    commit: signed_by,
                    plan: plan_signed_by,
                },
        } = &self.provenance;
        let touched = pairs.iter().filter(|(plan, _)| !plan.calls.is_empty());
        let run = journal::RunStart {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            run: RunId::new(time),
            time,
            kind: self.kind.clone(),
            targets: touched.map(|(plan, _)| plan.target.clone()).collect(),
            plan: self.digest.clone(),
            commit: commit.clone(),
            tree: tree.clone(),
            signed_by: signed_by.clone(),
            plan_signed_by: plan_signed_by.clone(),
        };
        let id = run.run.clone();
        let journal = journal::create(run, self.journal)
            .await
            .context("nothing was applied")?;
        if let Some(lock) = self.lock {
            lock.name_run(&id);
        }
        self.console.emit(&ApplyEvent::RunStarted {
            run: id,
            journal: journal.path().to_string(),
        });
        Ok(journal)
    }

    async fn run_target(
        &self,
        plan: &TargetPlan,
        service: &mut dyn Writes,
        journal: &Journal,
        stop: &StopSignal,
    ) -> anyhow::Result<CallReport> {
        let progress = CallProgress::new(self.console, &plan.target.name, plan.calls.len());
        let settings = RunSettings {
            at_once: self.concurrency,
            ..RunSettings::default()
        };
        let report = run(TargetRun {
            plan,
            service,
            sources: self.sources,
            commit: self.provenance.commit.as_ref(),
            journal,
            stop,
            progress: &progress,
            settings,
        })
        .await;
        progress.finish();
        let report = report?;
        for cleaned in report.cleaned_up() {
            self.console.warn(&render::report::cleaned_up(
                cleaned,
                self.console.error_painter(),
            ));
        }
        Ok(report)
    }

    /// The access that remains to be opened and closed, if it can be determined; `None` if the service
    /// has no access rules.
    async fn remaining_access(&self, plan: &TargetPlan, service: &dyn Writes) -> Option<String> {
        let _waiting = WaitingFor::new(self.console, "Reading what is open now:");
        match service.remaining_access(plan).await {
            Ok(access) => access.as_ref().map(render::report::remaining_access),
            Err(error) => Some(format!("not checked: {}", neutral(&error.to_string()))),
        }
    }

    /// Reads the written objects, and returns differences from the expected state.
    async fn verify(
        &self,
        plan: &TargetPlan,
        target: &Target,
        service: &dyn Writes,
        report: &CallReport,
    ) -> anyhow::Result<bool> {
        let console = self.console;
        let counts = report.counts();
        if counts.applied + counts.adopted == 0 {
            return Ok(true);
        }
        let at_once = self.concurrency;
        let _waiting = WaitingFor::new(console, "Reading the written objects:");
        let mismatches = match service.verify(plan, report, at_once).await {
            Ok(mismatches) => mismatches,
            Err(VerifyError::Read(error)) => {
                let error = anyhow::Error::from(error).context(planning::label(target));
                return Err(error.context("cannot read the written objects"));
            }
            Err(error @ (VerifyError::Replay(_) | VerifyError::Service(_))) => {
                return Err(anyhow::Error::from(error).context("the applied calls make no state"));
            }
        };
        for mismatch in &mismatches {
            let text = mismatch.to_string();
            console.warn(&format!(
                "{}: {}",
                console.error_painter().bad("read back"),
                neutral(&text)
            ));
        }
        Ok(mismatches.is_empty())
    }
}

/// Ends the journal, and prints the result of the run. Returns the audit records so far, and the exit code.
async fn close(
    standing: &RunSummary,
    kind: &RunKind,
    journal: &Journal,
    audit: AuditFile,
    console: Console,
) -> (Vec<AuditRecord>, Exit) {
    let ended = end_journal(journal, standing.calls).await;
    let history = RunHistory::of(journal).context("no audit record");
    let title = history.as_ref().ok().map(|history| {
        let title = console.layout().parts(&RunReport::summary(history).title());
        format!("{}\n  ", console.painter().strong(title.trim_end()))
    });
    let title = title.unwrap_or_default();
    console.announce(&format!(
        "\n{title}{}",
        summary(standing, kind, console.layout())
    ));
    if let Err(error) = ended {
        CommandError::from(error).print(console);
    }
    if let Ok(history) = &history {
        console.emit(&ApplyEvent::RunEnded {
            run: history.run.run.clone(),
            calls: standing.calls,
            next: next_command(standing, kind),
        });
    }
    let told = history.and_then(|history| audit.report(&history, console));
    if standing.calls.missing() > 0 || standing.calls.replaced > 0 {
        console.status(&format!(
            "The journal of this run is {}.",
            neutral(journal.path().as_str())
        ));
    }
    let exit = exit(standing);
    match told {
        Ok(audit) => (audit, exit),
        Err(error) => {
            CommandError::from(error).print(console);
            // What was done is done; that it is not recorded is an error all the same.
            (
                Vec::new(),
                if exit == Exit::Done {
                    Exit::Error
                } else {
                    exit
                },
            )
        }
    }
}

async fn end_journal(journal: &Journal, calls: CallCounts) -> Result<(), journal::JournalError> {
    let end = RunEnd {
        time: Timestamp::now(),
        by: EndedBy::Run,
        calls,
    };
    journal.finish(&JournalRecord::End(end)).await
}

fn is_stale(report: &CallReport) -> bool {
    let moved =
        |outcome: &CallOutcome| matches!(outcome, CallOutcome::Failed(CallFailure::Stale { .. }));
    report.outcomes().iter().any(|(_, outcome)| moved(outcome))
}

fn exit(standing: &RunSummary) -> Exit {
    let RunSummary {
        calls,
        remedy: _,
        unverified,
        moved,
        stale,
        conflict: _,
        follows: _,
        failures: _,
        access: _,
    } = standing;
    if calls.missing() == 0 && calls.replaced == 0 && !unverified {
        return Exit::Done;
    }
    match (calls.applied, calls.unknown) {
        (0, 0) if *moved || *stale => Exit::Stale,
        (0, 0) => Exit::Error,
        (_, _) => Exit::Partial,
    }
}

/// The summary repeats at most this many failed calls.
const MOST_FAILURES: usize = 3;

/// The calls by outcome, the failures, what was read back, and the next command.
fn summary(standing: &RunSummary, kind: &RunKind, layout: Layout) -> String {
    let RunSummary {
        calls,
        remedy: _,
        unverified,
        moved: _,
        stale: _,
        conflict: _,
        follows,
        failures,
        access,
    } = standing;
    let mut text = format!("{}\n", render::report::counts(calls));
    for line in access {
        text.push_str(&layout.wrap(&format!("Access now: {line}"), "  ", "    "));
    }
    for failure in failures.iter().take(MOST_FAILURES) {
        text.push_str(&layout.wrap(&format!("Failed: {failure}"), "  ", "    "));
    }
    if failures.len() > MOST_FAILURES {
        let more = failures.len() - MOST_FAILURES;
        text.push_str(&format!("  … and {more} more, shown above\n"));
    }
    if *unverified {
        text.push_str("  Not confirmed: the server does not show the state that the calls make.\n");
    } else if calls.missing() == 0 && calls.replaced == 0 {
        text.push_str("  Read back: the server has the desired state.");
        if *follows {
            text.push_str(" Sandboxes pick the change up within five minutes.");
        }
        text.push('\n');
    }
    if calls.replaced > 0 {
        text.push_str("  The journal contains the state that was replaced.\n");
    }
    if let Some(next) = next_command(standing, kind) {
        text.push_str(&format!("Next: {next}\n"));
    }
    text
}

/// The next command, if the run did not complete the plan.
fn next_command(standing: &RunSummary, kind: &RunKind) -> Option<String> {
    let command = match kind {
        RunKind::Apply | RunKind::Call(_) => "polwarden apply".to_owned(),
        RunKind::Rollback(run) => format!("polwarden rollback {run}"),
    };
    match standing.remedy {
        Some(remedy) => Some(render::report::next_step(remedy, &command)),
        None if standing.unverified || standing.calls.replaced > 0 => {
            Some("polwarden plan (it compares the manifests with the live state)".to_owned())
        }
        None => None,
    }
}
