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
use crate::cli::progress::CallProgress;
use crate::plan::{Commit, Fingerprint, TargetPlan};
use crate::render;
use crate::render::text::{count_of, neutral, plural};
use crate::run::audit::AuditRecord;
use crate::run::journal;
use crate::run::journal::{
    EndedBy, FORMAT_VERSION, Journal, JournalRecord, RunEnd, RunId, RunKind,
};
use crate::run::service::{VerifyError, Writes};
use crate::run::{
    CallFailure, CallOutcome, CallReport, CallTally, RunSettings, StopSignal, TargetRun, run,
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
    /// What earlier runs of the same command leave.
    pub(super) earlier: Option<EarlierRuns>,
}

/// Where what is applied comes from.
pub(super) struct Provenance {
    pub(super) commit: Option<Commit>,
    pub(super) tree: Option<Fingerprint>,
    pub(super) signed_by: Option<SignedBy>,
}

/// What earlier runs of the same command leave.
pub(crate) struct EarlierRuns {
    /// Whoever may ask to stop.
    pub(super) stop: StopSignal,
    /// Their audit records.
    pub(super) audit: Vec<AuditRecord>,
}

/// How a run ended.
pub(crate) struct RunResult {
    pub(crate) exit: Exit,
    /// Something was applied.
    pub(super) wrote: bool,
    /// Why it makes sense to plan again at once: another writer took a name. It holds what the next run goes on from.
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

/// How a run stands after some of its targets.
#[derive(Default)]
struct RunSummary {
    tally: CallTally,
    /// Something could not be read back as it should be.
    unverified: bool,
    /// A policy had moved before its first call.
    moved: bool,
    /// A call met what another writer had made under the same name.
    conflict: bool,
    /// Something changed that machines learn of later.
    follows: bool,
}

impl RunSummary {
    /// Whether to plan again what a conflict left. Where more is amiss than that, whoever ran this looks first: a run
    /// that follows and ends well must not hide it.
    fn can_replan(&self) -> bool {
        let Self {
            tally,
            unverified,
            moved,
            conflict,
            follows: _,
        } = self;
        *conflict && tally.overwrote == 0 && tally.unknown == 0 && !unverified && !moved
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
        for ((plan, target), mut service) in pairs.iter().zip(services) {
            if plan.calls.is_empty() {
                continue;
            }
            console.print(&format!("\nApplying to {}:\n", neutral(&target.name)))?;
            let report = match self.run_target(plan, &mut *service, &journal, &stop).await {
                Ok(report) => report,
                // What was done elsewhere must still be told, and the other targets do not depend on this one.
                Err(error) => {
                    CommandError::from(error.context(planning::label(target))).print(console);
                    let not_attempted = plan.calls.len();
                    standing.tally = standing.tally.merged_with(CallTally {
                        not_attempted,
                        ..CallTally::default()
                    });
                    continue;
                }
            };
            standing.tally = standing.tally.merged_with(report.tally());
            standing.follows |= registry::service(target.provider()).takes_effect_later;
            standing.moved |= is_stale(&report);
            let conflict = report.has_conflict();
            if service.replans_conflicts() {
                standing.conflict |= conflict;
            } else {
                standing.moved |= conflict;
            }
            standing.unverified |= match self.verify(plan, target, &*service, &report).await {
                Ok(verified) => !verified,
                Err(error) => {
                    CommandError::from(error).print(console);
                    true
                }
            };
        }
        let (audit, exit) = close(&standing, &journal, audit, console).await?;
        let conflict =
            (standing.can_replan() && !stop.is_requested()).then_some(EarlierRuns { stop, audit });
        Ok(RunResult {
            exit,
            wrote: standing.tally.applied > 0,
            conflict,
        })
    }

    async fn begin_journal(&self, pairs: &[(&TargetPlan, &Target)]) -> anyhow::Result<Journal> {
        let time = Timestamp::now();
        let Provenance {
            commit,
            tree,
            signed_by,
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
        };
        journal::create(run, self.journal)
            .await
            .context("nothing was applied")
    }

    async fn run_target(
        &self,
        plan: &TargetPlan,
        service: &mut dyn Writes,
        journal: &Journal,
        stop: &StopSignal,
    ) -> anyhow::Result<CallReport> {
        let progress = CallProgress::new(self.console, plan.calls.len());
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

    /// Reads back what was written, and says what is not as it should be.
    async fn verify(
        &self,
        plan: &TargetPlan,
        target: &Target,
        service: &dyn Writes,
        report: &CallReport,
    ) -> anyhow::Result<bool> {
        let console = self.console;
        if report.applied() == 0 {
            return Ok(true);
        }
        let at_once = self.concurrency;
        let mismatches = match service.verify(plan, report, at_once).await {
            Ok(mismatches) => mismatches,
            Err(VerifyError::Read(error)) => {
                let error = anyhow::Error::from(error).context(planning::label(target));
                return Err(error.context("what was written could not be read back"));
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

/// Ends the journal, and tells how the run ended. Gives the audit records up to here, and the exit code.
async fn close(
    standing: &RunSummary,
    journal: &Journal,
    audit: AuditFile,
    console: Console,
) -> anyhow::Result<(Vec<AuditRecord>, Exit)> {
    let ended = end_journal(journal, &standing.tally).await;
    console.print(&format!("\n{}\n", summary_line(standing)))?;
    if let Err(error) = ended {
        CommandError::from(error).print(console);
    }
    let told = audit.report(journal.path(), console);
    if standing.tally.missing() > 0 || standing.tally.overwrote > 0 {
        console.status(&format!(
            "The journal of this run is {}.",
            neutral(journal.path().as_str())
        ));
    }
    let exit = exit(standing);
    Ok(match told {
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
    })
}

async fn end_journal(journal: &Journal, tally: &CallTally) -> Result<(), journal::JournalError> {
    let end = RunEnd {
        time: Timestamp::now(),
        by: EndedBy::Run,
        applied: tally.applied,
        not_applied: tally.missing() - tally.unknown,
        unknown: tally.unknown,
    };
    journal.write(&JournalRecord::End(end)).await
}

fn is_stale(report: &CallReport) -> bool {
    let moved =
        |outcome: &CallOutcome| matches!(outcome, CallOutcome::Failed(CallFailure::Stale { .. }));
    report.outcomes().iter().any(|(_, outcome)| moved(outcome))
}

fn exit(standing: &RunSummary) -> Exit {
    let RunSummary {
        tally,
        unverified,
        moved,
        conflict: _,
        follows: _,
    } = standing;
    if tally.missing() == 0 && tally.overwrote == 0 && !unverified {
        return Exit::Done;
    }
    match (tally.applied, tally.unknown) {
        (0, 0) if *moved => Exit::Stale,
        (0, 0) => Exit::Error,
        (_, _) => Exit::Partial,
    }
}

fn summary_line(standing: &RunSummary) -> String {
    let RunSummary {
        tally,
        unverified,
        moved: _,
        conflict: _,
        follows,
    } = standing;
    let applied = count_of(tally.applied, "call");
    let one = tally.applied == 1;
    let them = if one { "it" } else { "them" };
    let they = if one { "it" } else { "they" };
    let mut text = match (tally.missing(), unverified) {
        (0, false) if tally.overwrote > 0 => {
            format!("Applied {applied}. Run `polwarden plan` to see where it stands.")
        }
        (0, false) if *follows => {
            format!("Applied {applied} and read {them} back. Machines follow within five minutes.")
        }
        (0, false) => format!("Applied {applied} and read {them} back."),
        (0, true) => format!(
            "Applied {applied}; that the server holds what {they} wrote is not confirmed. Run `polwarden plan` to \
             see where it stands."
        ),
        (missing, _) => format!(
            "Applied {applied}; {} not applied ({}). Run `polwarden apply` again to finish.",
            plural(missing, "was", "were"),
            render::report::not_applied(tally)
        ),
    };
    if tally.overwrote > 0 {
        text.push_str(&format!(
            "\n{} of the applied calls replaced what another writer had set just before; the journal holds it.",
            tally.overwrote
        ));
    }
    text
}
