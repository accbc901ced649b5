//! `polwarden fmt`: manifests in their canonical form.

mod files;

pub(super) use files::replace;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use rayon::prelude::*;
use similar::TextDiff;

use super::console::Console;
use super::directory;
use super::error::{CommandError, CommandResult};
use super::exit::Exit;
use super::tree::{RevisionArgs, SourceTree};
use crate::render::diagnostics::{DiagnosticAmount, human};
use crate::render::paint::Painter;
use crate::render::text::{neutral, neutral_lines};
use git::{FileProblem, Source as _};
use manifest::MAX_BYTES;
use manifest::format;
use manifest::format::FormatError;
use model::diag::SourceMap;

/// Format manifests.
///
/// Orders keys, sorts lists, removes duplicates and keeps comments. The meaning of the manifests stays the same.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden fmt
  polwarden fmt policies/team-a
  polwarden fmt --check --diff
  polwarden fmt --check --staged")]
pub(super) struct FmtArgs {
    /// Files and folders to format.
    ///
    /// They are relative to the directory that the command works in. Default: polwarden.yaml and all manifests of all
    /// targets.
    #[arg(value_name = "PATH")]
    paths: Vec<Utf8PathBuf>,
    /// List unformatted files and exit with 1 if there are any; write nothing.
    #[arg(long)]
    check: bool,
    /// Show the changes; write nothing.
    #[arg(long)]
    diff: bool,
    #[command(flatten)]
    at: RevisionArgs,
}

/// What became of one file.
enum FormatOutcome {
    /// It is in canonical form.
    Canonical,
    /// JSON has no place for comments and no canonical form here.
    Json,
    /// It is not.
    Changed {
        before: std::sync::Arc<str>,
        after: String,
    },
    /// It cannot be read, as a text for people.
    Unreadable(String),
    /// The formatter failed its own check.
    Defect(String),
}

/// How many files came to what.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct FormatTally {
    canonical: usize,
    json: usize,
    changed: usize,
    unreadable: usize,
    defects: usize,
}

impl FmtArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// There is no configuration, or a file cannot be written.
    pub(super) fn run(self, console: Console) -> CommandResult {
        let dry = self.check || self.diff;
        directory::enter_project()?;
        let tree = match self.at.is_work_tree() {
            true => SourceTree::work_tree()?,
            false if dry => SourceTree::open(&self.at)?,
            false => {
                return Err(CommandError::error(
                    "nothing is written to a revision or to what is staged; add --check or --diff",
                ));
            }
        };
        let paths: Vec<_> = self
            .paths
            .iter()
            .map(|path| directory::argument(path))
            .collect();
        let found = files::find(&tree, &paths, console)?;
        for problem in &found.problems {
            console.warn(&problem_text(problem));
        }
        let color = console.error_painter().is_colored();
        let outcomes: Vec<FormatOutcome> = found
            .files
            .par_iter()
            .map(|path| outcome(&tree, path, color))
            .collect();
        let mut tally = FormatTally {
            unreadable: found.problems.len() + found.invalid,
            ..FormatTally::default()
        };
        for (path, outcome) in found.files.iter().zip(outcomes) {
            self.apply_outcome(&tree, path, outcome, &mut tally, console)?;
        }
        console.status(&tally.closing(dry));
        Ok(tally.exit(self.check))
    }

    /// Writes or shows one file.
    fn apply_outcome(
        &self,
        tree: &SourceTree,
        path: &Utf8PathBuf,
        outcome: FormatOutcome,
        tally: &mut FormatTally,
        console: Console,
    ) -> anyhow::Result<()> {
        match outcome {
            FormatOutcome::Canonical => tally.canonical += 1,
            FormatOutcome::Json => tally.json += 1,
            FormatOutcome::Unreadable(text) => {
                tally.unreadable += 1;
                console.warn(&text);
            }
            FormatOutcome::Defect(text) => {
                tally.defects += 1;
                console.warn(&text);
            }
            FormatOutcome::Changed { before, after } => {
                tally.changed += 1;
                if self.diff {
                    console.print(&diff(path, &before, &after, console.painter()))?;
                }
                if self.check {
                    console.print(&format!("would change {}\n", neutral(path.as_str())))?;
                } else if let (false, SourceTree::Work(tree)) = (self.diff, tree) {
                    files::replace(tree, path, &before, &after)
                        .with_context(|| format!("cannot write `{path}`"))?;
                    console.print(&format!("formatted {}\n", neutral(path.as_str())))?;
                }
            }
        }
        Ok(())
    }
}

fn outcome(tree: &SourceTree, path: &Utf8PathBuf, color: bool) -> FormatOutcome {
    if path.extension() == Some("json") {
        return FormatOutcome::Json;
    }
    let before = match tree.read(path, MAX_BYTES) {
        Ok(text) => text,
        Err(kind) => {
            return FormatOutcome::Unreadable(problem_text(&FileProblem {
                path: path.clone(),
                kind,
            }));
        }
    };
    match format::format(&before) {
        Ok(after) if *after == *before => FormatOutcome::Canonical,
        Ok(after) => FormatOutcome::Changed { before, after },
        Err(FormatError::Unreadable(unreadable)) => {
            let mut sources = SourceMap::default();
            let file = sources.add(path.as_str(), before);
            FormatOutcome::Unreadable(
                human(
                    &sources,
                    &[unreadable.diagnostic(file)],
                    DiagnosticAmount::All,
                    color,
                )
                .trim_end()
                .to_owned()
                    + "\n",
            )
        }
        Err(error @ FormatError::ChangesMeaning(_)) => {
            FormatOutcome::Defect(format!("`{}`: {error}", neutral(path.as_str())))
        }
    }
}

fn problem_text(problem: &FileProblem) -> String {
    let FileProblem { path, kind } = problem;
    format!(
        "`{}` cannot be used: {}; {}",
        neutral(path.as_str()),
        neutral(&kind.to_string()),
        kind.help()
    )
}

impl FormatTally {
    /// The last line.
    fn closing(self, dry: bool) -> String {
        let Self {
            canonical,
            json,
            changed,
            unreadable,
            defects,
        } = self;
        let count = |number: usize, what: &str| (number > 0).then(|| format!("{number} {what}"));
        let parts = [
            count(changed, if dry { "would change" } else { "formatted" }),
            count(canonical, "already canonical"),
            count(json, "left alone (JSON)"),
            count(unreadable, "not readable"),
            count(defects, "left alone because of a defect"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            "No files.".to_owned()
        } else {
            format!("Files: {}.", parts.join(", "))
        }
    }

    fn exit(self, check: bool) -> Exit {
        let Self {
            canonical: _,
            json: _,
            changed,
            unreadable,
            defects,
        } = self;
        if unreadable > 0 {
            Exit::Invalid
        } else if defects > 0 || (check && changed > 0) {
            Exit::Error
        } else {
            Exit::Done
        }
    }
}

/// The difference between a file's text and its canonical form.
fn diff(path: &Utf8Path, before: &str, after: &str, paint: Painter) -> String {
    let diff = TextDiff::from_lines(before, after);
    let path = neutral(path.as_str());
    let text = diff
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{path}"), &format!("b/{path}"))
        .to_string();
    let mut shown = String::with_capacity(text.len());
    for line in text.lines() {
        let line = neutral_lines(line);
        let painted = match line.as_bytes().first() {
            _ if line.starts_with("--- ") || line.starts_with("+++ ") => paint.strong(&line),
            Some(b'-') => paint.bad(&line),
            Some(b'+') => paint.good(&line),
            Some(b'@') => paint.dim(&line),
            Some(_) | None => line.into_owned(),
        };
        shown.push_str(&painted);
        shown.push('\n');
    }
    shown
}
