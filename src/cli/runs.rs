//! `polwarden runs`: what the journals tell of earlier runs.

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::apply::audit::AuditFile;
use super::apply::journals;
use super::complete;
use super::console::Console;
use super::directory;
use super::error::CommandResult;
use super::exit::Exit;
use super::format::DataFormat;
use crate::render::runs::{self, RunReport};
use crate::render::text::neutral;
use crate::run::audit::AuditRecord;
use crate::run::journal;
use crate::run::journal::{FOLDER, RunHistory, RunId};

/// List previous runs or show one in full.
///
/// Reads the journals of this directory. No server is contacted.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden runs
  polwarden runs 20261122T093000123Z-1a2b3c4d
  polwarden runs last --format json
  polwarden runs last --audit-record audit.json")]
pub(super) struct RunsArgs {
    /// Run ID, journal file or `last` (default: list all runs).
    #[arg(value_name = "RUN", add = ArgValueCandidates::new(complete::runs))]
    run: Option<String>,
    #[command(flatten)]
    format: DataFormat,
    /// Write the audit record of the run to this file.
    ///
    /// The record is JSON: which commit made which call, and when the server applied it.
    #[arg(help_heading = "Output", long, value_name = "FILE", requires = "run")]
    audit_record: Option<Utf8PathBuf>,
}

impl RunsArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// There is no such run, or its journal cannot be read.
    pub(super) fn run(self, console: Console) -> CommandResult {
        directory::enter_project()?;
        let audit_record = self.audit_record.as_deref().map(directory::argument);
        let Some(run) = &self.run else {
            return list(self.format.is_json(), console);
        };
        let history = read(run)?;
        AuditFile::open(audit_record.as_deref(), Vec::new())?
            .write(AuditRecord::from_history(&history))?;
        print(&history, self.format.is_json(), console)
    }
}

/// Shows a run in full.
///
/// # Errors
/// The run is unknown, or its journal cannot be read.
pub(super) fn show(run: &str, json: bool, console: Console) -> CommandResult {
    print(&read(run)?, json, console)
}

fn read(run: &str) -> anyhow::Result<RunHistory> {
    Ok(RunHistory::read(&file(
        Some(run).filter(|run| *run != "last"),
    )?)?)
}

fn print(history: &RunHistory, json: bool, console: Console) -> CommandResult {
    let run = RunReport::complete(history);
    if json {
        console.print(&runs::json(vec![run])?)?;
    } else {
        console.print(&runs::human(&run, console.painter()))?;
    }
    Ok(Exit::Done)
}

/// The journal that is meant: of a run, by its id or its file, or else the last one.
///
/// # Errors
/// There is none.
pub(super) fn file(run: Option<&str>) -> anyhow::Result<Utf8PathBuf> {
    let Some(run) = run else {
        let last = journal::list()?.own.pop();
        return last.with_context(|| {
            format!("there is no journal in `{FOLDER}`, so there is no last run")
        });
    };
    let file = directory::argument(Utf8Path::new(run));
    let is_inside = file.starts_with(FOLDER);
    if file.is_file() && !is_inside {
        return Ok(file);
    }
    let path = if is_inside {
        file
    } else {
        journal::file_of(&run.parse::<RunId>()?)
    };
    let listed = journal::list()?;
    if let Some((_, reason)) = listed.ignored.iter().find(|(found, _)| *found == path) {
        bail!("the journal `{path}` is not used: {reason}");
    }
    if !listed.own.contains(&path) {
        bail!("there is no journal of a run `{run}`; `polwarden runs` shows those that there are");
    }
    Ok(path)
}

/// The runs that have a journal, the last one first. One that cannot be read is told, and hides no other.
///
/// # Errors
/// The folder cannot be read.
pub(super) fn list(json: bool, console: Console) -> CommandResult {
    let listed = journal::list()?;
    journals::warn_ignored(&listed, console);
    let mut files = listed.own;
    files.reverse();
    if files.is_empty() {
        console.status(&format!("No journals in `{FOLDER}`."));
    }
    let mut found = Vec::new();
    let mut exit = Exit::Done;
    for path in files {
        match RunHistory::read(&path) {
            Ok(history) => found.push(RunReport::summary(&history)),
            Err(error) => {
                exit = Exit::Error;
                console.warn(&neutral(&error.to_string()));
            }
        }
    }
    if json {
        console.print(&runs::json(found)?)?;
    } else {
        console.print(&found.iter().map(runs::line).collect::<String>())?;
    }
    Ok(exit)
}
