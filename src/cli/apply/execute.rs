//! Runs an approved plan, target by target, and reads back what it wrote.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use super::audit::AuditFile;
use super::interrupt;
use super::shared::{Applying, Earlier, Ended};
use crate::cli::connect::Session;
use crate::cli::console::Console;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::planning;
use crate::cli::progress::CallProgress;
use crate::cli::workspace::Archives;
use crate::plan::{Commit, Fingerprint, TargetPlan};
use crate::render;
use crate::render::text::{many, neutral, plural};
use crate::run::audit::AuditRecord;
use crate::run::journal;
use crate::run::journal::{End, EndedBy, FORMAT_VERSION, Journal, Record, RunId, RunKind};
use crate::run::{
    CallOutcome, Failure, Report, Run, Server, Settings, Stop, Tally, read_back_differs, run,
};
use crate::service::registry::{Reader, Writer};
use git::SignedBy;
use manifest::config::{Provider, Target};
use model::Live;

/// One run.
pub(super) struct Execution<'a> {
    pub(super) applying: &'a Applying,
    pub(super) kind: RunKind,
    pub(super) digest: Fingerprint,
    pub(super) provenance: Provenance,
    pub(super) session: &'a Session,
    /// The archives of policy packs.
    pub(super) archives: &'a Archives,
    pub(super) console: Console,
    /// What earlier runs of the same command leave.
    pub(super) earlier: Option<Earlier>,
}

/// Where what is applied comes from.
pub(super) struct Provenance {
    pub(super) commit: Option<Commit>,
    pub(super) tree: Option<Fingerprint>,
    pub(super) signed_by: Option<SignedBy>,
}

/// How a run stands after some of its targets.
#[derive(Default)]
struct Standing {
    tally: Tally,
    /// Something could not be read back as it should be.
    unverified: bool,
    /// A policy had moved before its first call.
    moved: bool,
    /// A call met what another writer had made under the same name.
    conflict: bool,
    /// Something changed that machines learn of later.
    follows: bool,
}

impl Standing {
    /// Whether to plan again what a conflict left. Where more is amiss than that, whoever ran this looks first: a run
    /// that follows and ends well must not hide it.
    fn may_go_on(&self) -> bool {
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
        before: Vec<Live>,
    ) -> anyhow::Result<Ended> {
        let console = self.console;
        let Earlier { stop, audit } = self.earlier.take().unwrap_or_else(|| {
            let stop = Stop::default();
            interrupt::watch(&stop, console);
            Earlier {
                stop,
                audit: Vec::new(),
            }
        });
        let audit = AuditFile::open(self.applying.audit_record.as_deref(), audit)?;
        let journal = self.begin_journal(pairs).await?;
        let mut standing = Standing::default();
        for ((plan, target), before) in pairs.iter().zip(before) {
            if plan.calls.is_empty() {
                continue;
            }
            console.print(&format!("\nApplying to {}:\n", neutral(&target.name)))?;
            let report = match self
                .run_target(plan, target, &before, &journal, &stop)
                .await
            {
                Ok(report) => report,
                // What was done elsewhere must still be told, and the other targets do not depend on this one.
                Err(error) => {
                    CommandError::from(error.context(planning::of(target))).print(console);
                    let not_attempted = plan.calls.len();
                    standing.tally = standing.tally.plus(Tally {
                        not_attempted,
                        ..Tally::default()
                    });
                    continue;
                }
            };
            standing.tally = standing.tally.plus(report.tally());
            standing.follows |= target.provider() == Provider::Docker;
            standing.moved |= has_moved(&report);
            let conflict = report.met_a_conflict();
            match target.provider() {
                // What is planned again would write a whole document over that of another writer.
                Provider::Chainloop => standing.moved |= conflict,
                Provider::Docker | Provider::Pulumi => standing.conflict |= conflict,
            }
            standing.unverified |= match self.verify(plan, target, &before, &report).await {
                Ok(verified) => !verified,
                Err(error) => {
                    CommandError::from(error).print(console);
                    true
                }
            };
        }
        let (audit, exit) = close(&standing, &journal, audit, console).await?;
        let conflict =
            (standing.may_go_on() && !stop.is_asked()).then_some(Earlier { stop, audit });
        Ok(Ended {
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
        let run = journal::Run {
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
        journal::begin(run, self.applying.journal.as_deref())
            .await
            .context("nothing was applied")
    }

    async fn run_target(
        &self,
        plan: &TargetPlan,
        target: &Target,
        before: &Live,
        journal: &Journal,
        stop: &Stop,
    ) -> anyhow::Result<Report> {
        let reader = self.session.reader(target)?;
        let writer = self.session.writer(target)?;
        let progress = CallProgress::new(self.console, plan.calls.len());
        let settings = Settings {
            at_once: self.applying.connect.concurrency.get(),
            ..Settings::default()
        };
        let archives = self.archives.of(target, plan);
        let metadata = self.metadata();
        let server = match (before, &reader, &writer) {
            (Live::Docker(before), Reader::Docker(reader), Writer::Docker(writer)) => {
                Server::Docker {
                    before: before.clone(),
                    reader,
                    writer,
                }
            }
            (Live::Pulumi(before), Reader::Pulumi(reader), Writer::Pulumi(writer)) => {
                let archives = &archives;
                let metadata = &metadata;
                Server::Pulumi {
                    before: before.clone(),
                    reader,
                    writer,
                    archives,
                    metadata,
                }
            }
            (Live::Chainloop(before), Reader::Chainloop(reader), Writer::Chainloop(writer)) => {
                if !target.chainloop().is_some_and(|settings| settings.writes) {
                    bail!(
                        "the target does not set `writes: true`, so that no policy of it is written"
                    );
                }
                Server::Chainloop {
                    before: before.clone(),
                    reader,
                    writer,
                }
            }
            (Live::Docker(_) | Live::Pulumi(_) | Live::Chainloop(_), _, _) => {
                bail!("what is live is of another service than the target")
            }
        };
        let report = run(Run {
            plan,
            server,
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

    /// Where a version is published from.
    fn metadata(&self) -> BTreeMap<String, String> {
        let Some(commit) = &self.provenance.commit else {
            return BTreeMap::new();
        };
        let dirty = ("git.dirty".to_owned(), commit.dirty.to_string());
        let branch = commit
            .branch
            .clone()
            .map(|branch| ("git.headName".to_owned(), branch));
        [("git.head".to_owned(), commit.id.clone()), dirty]
            .into_iter()
            .chain(branch)
            .collect()
    }

    /// Reads back what was written, and says what is not as it should be.
    async fn verify(
        &self,
        plan: &TargetPlan,
        target: &Target,
        before: &Live,
        report: &Report,
    ) -> anyhow::Result<bool> {
        let console = self.console;
        if report.applied() == 0 {
            return Ok(true);
        }
        let actual = self.applying.read(plan, target, self.session).await;
        let actual = actual.context("what was written could not be read back")?;
        let mismatches = read_back_differs(plan, before, report, &actual);
        let mismatches = mismatches.context("the applied calls make no state")?;
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
    standing: &Standing,
    journal: &Journal,
    audit: AuditFile,
    console: Console,
) -> anyhow::Result<(Vec<AuditRecord>, Exit)> {
    let ended = end_journal(journal, &standing.tally).await;
    console.print(&format!("\n{}\n", closing(standing)))?;
    if let Err(error) = ended {
        CommandError::from(error).print(console);
    }
    let told = audit.tell(journal.path(), console);
    if standing.tally.missing() > 0 || standing.tally.overwrote > 0 {
        console.say(&format!(
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

async fn end_journal(journal: &Journal, tally: &Tally) -> Result<(), journal::JournalError> {
    let end = End {
        time: Timestamp::now(),
        by: EndedBy::Run,
        applied: tally.applied,
        not_applied: tally.missing() - tally.unknown,
        unknown: tally.unknown,
    };
    journal.write(&Record::End(end)).await
}

fn has_moved(report: &Report) -> bool {
    let moved =
        |outcome: &CallOutcome| matches!(outcome, CallOutcome::Failed(Failure::Moved { .. }));
    report.outcomes().iter().any(|(_, outcome)| moved(outcome))
}

fn exit(standing: &Standing) -> Exit {
    let Standing {
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

fn closing(standing: &Standing) -> String {
    let Standing {
        tally,
        unverified,
        moved: _,
        conflict: _,
        follows,
    } = standing;
    let applied = many(tally.applied, "call");
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
