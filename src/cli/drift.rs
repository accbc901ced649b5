//! `polwarden drift`: what servers hold that no merged manifest wants.

use std::path::Path;

use anyhow::Context as _;
use camino::Utf8PathBuf;
use clap::Args;

use super::connect::Connect;
use super::console::Console;
use super::exit::Exit;
use super::format::{self, Format};
use super::gates::GateKeeper;
use super::planning::{self, Planned};
use super::tree::At;
use super::workspace::{Project, Selection};
use crate::manifest::config;
use crate::plan::{self, DRIFT_FORMAT_VERSION, DriftReport};
use crate::render;
use crate::repo::{Revision, RevisionError};

/// Show what somebody else changed at the server: how what is live differs from the manifests of the commit that is
/// checked out, since when, and what the difference opens and closes. Exits with 8 if there is any. Nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  polwarden drift
  polwarden drift --at origin/main --format json
  polwarden apply                    undoes it")]
pub(super) struct Drift {
    /// The directory of `polwarden.yaml`; the same as -C DIR.
    #[arg(value_name = "DIR")]
    path: Option<Utf8PathBuf>,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    connect: Connect,
    /// How to show the drift on standard output.
    #[arg(long, value_parser = Format::among(format::DRIFT), default_value = "human")]
    format: Format,
}

impl Drift {
    /// Runs the command.
    ///
    /// # Errors
    /// What is live or what is wanted cannot be read.
    pub(super) fn run(self, console: Console) -> anyhow::Result<Exit> {
        super::runtime()?.block_on(self.run_async(console))
    }

    async fn run_async(self, console: Console) -> anyhow::Result<Exit> {
        if let Some(path) = &self.path {
            super::enter(path)?;
        }
        let project = match Project::open_at(&self.selection, &self.revision(console), console)? {
            Ok(project) => project,
            Err(exit) => return Ok(exit),
        };
        let planned = match planning::make(project, &self.connect, &GateKeeper::none(), console).await? {
            Ok(planned) => planned,
            Err(exit) => return Ok(exit),
        };
        let report = report(&planned);
        planned.session.close().await;
        let report = report?;
        if self.format == Format::Json {
            console.print(&render::drift::json(&report)?)?;
        } else {
            console.print(&render::drift::human(&report, console.painter()))?;
        }
        Ok(if report.drifted { Exit::Drift } else { Exit::Done })
    }

    /// What is merged is what is committed: an edit that is not committed yet is no drift. The work tree is compared
    /// only where nothing is committed; a repository that cannot be read is an error of whoever reads HEAD next.
    fn revision(&self, console: Console) -> At {
        if !self.at.is_work_tree() {
            return self.at.clone();
        }
        let committed = match Revision::open(Path::new("."), "HEAD") {
            Ok(head) => head.holds(config::FILE_NAME),
            Err(RevisionError::NoRepository { .. }) => return self.at.clone(),
            Err(RevisionError::NoRevision { .. } | RevisionError::NoFolder { .. }) => false,
            Err(
                RevisionError::Repository { .. }
                | RevisionError::Shallow { .. }
                | RevisionError::NoCommit { .. }
                | RevisionError::Unreadable { .. }
                | RevisionError::NoIndex { .. }
                | RevisionError::Index { .. }
                | RevisionError::NoBranch { .. }
                | RevisionError::NoMergeBase { .. },
            ) => true,
        };
        if committed {
            return At::revision("HEAD");
        }
        console.say("HEAD has no configuration here yet: the work tree is compared.");
        self.at.clone()
    }
}

fn report(planned: &Planned) -> anyhow::Result<DriftReport> {
    let Planned { workspace, session: _, plan, live } = planned;
    let all = workspace.targets();
    let mut targets = Vec::new();
    for (target_plan, live) in plan.targets.iter().zip(live) {
        let name = &target_plan.target.name;
        let target = all.iter().find(|target| target.name == *name);
        let target = target.with_context(|| format!("target `{name}` is not configured"))?;
        targets.push(plan::drift(target_plan, live, &target.teams).with_context(|| planning::of(target))?);
    }
    Ok(DriftReport {
        format_version: DRIFT_FORMAT_VERSION,
        tool_version: plan.tool_version.clone(),
        drifted: targets.iter().any(plan::TargetDrift::is_drift),
        commit: plan.commit.clone(),
        targets,
    })
}
