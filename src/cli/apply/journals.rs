//! Recovery of interrupted runs: the outcome of their open calls is determined before anything else is done.

use anyhow::Context as _;
use camino::Utf8PathBuf;

use super::shared::ApplyOptions;
use crate::cli::connect::Session;
use crate::cli::console::Console;
use crate::render;
use crate::render::text::{count_of, neutral};
use crate::run::journal;
use crate::run::journal::{
    CallResult, Journal, JournalError, JournalFiles, JournalRecord, RunHistory,
};
use crate::run::{RecoveredCall, end_of, resolve};
use manifest::config::Target;

/// Finishes the journals that are unfinished, as far as they are about the chosen targets.
///
/// # Errors
/// One of them is being written by another run, cannot be read, or what it is about cannot be read back.
pub(crate) async fn recover_journals(
    applying: &ApplyOptions,
    targets: &[&Target],
    console: Console,
) -> anyhow::Result<()> {
    let listed = journal::list()?;
    warn_ignored(&listed, console);
    let mut files = readable(listed.own, console)?;
    files.extend(applying.journal.clone().filter(|path| path.is_file()));
    let mut session = None;
    let mut result = Ok(());
    for path in files {
        if journal::unfinished(&path)?.is_none() {
            continue;
        }
        if session.is_none() {
            session = Some(Session::open(&applying.connect, targets, console).await?);
        }
        if let Some(session) = &session {
            result = recover_journal(path, session, targets, console).await;
        }
        if result.is_err() {
            break;
        }
    }
    if let Some(session) = session {
        session.close().await;
    }
    result
}

/// The journals that can be read. One that is invalid belongs to no run that could be finished, so
/// it stops no other run.
///
/// # Errors
/// A later version wrote one of them, so that a run of it may be unfinished.
fn readable(files: Vec<Utf8PathBuf>, console: Console) -> Result<Vec<Utf8PathBuf>, JournalError> {
    let mut found = Vec::new();
    for path in files {
        match journal::unfinished(&path) {
            Ok(_) => found.push(path),
            Err(error @ (JournalError::Later { .. } | JournalError::Locked { .. })) => {
                return Err(error);
            }
            Err(error) => console.warn(&format!(
                "Ignored an invalid file: {}",
                neutral(&error.to_string())
            )),
        }
    }
    Ok(found)
}

/// Names the files of the state folder that are not used.
pub(crate) fn warn_ignored(listed: &JournalFiles, console: Console) {
    for (path, reason) in &listed.ignored {
        console.warn(&format!(
            "Ignored `{}`: {}",
            neutral(path.as_str()),
            neutral(reason)
        ));
    }
}

async fn recover_journal(
    path: Utf8PathBuf,
    session: &Session,
    targets: &[&Target],
    console: Console,
) -> anyhow::Result<()> {
    let journal = Journal::open(&path)?;
    // It may have been finished just before it was locked.
    let Some(history) = journal::unfinished(&path)? else {
        return Ok(());
    };
    let open = history.open_calls().count();
    console.warn(&format!(
        "Run {} of {} was interrupted; checking {} with unknown outcome.",
        history.run.run,
        history.run.time,
        count_of(open, "call")
    ));
    if history.unreadable > 0 {
        console.warn(&format!(
            "Ignoring {} of its lines that cannot be read.",
            history.unreadable
        ));
    }
    let mut resolved = Vec::new();
    for (name, target) in &history.targets {
        if target.calls.iter().all(|made| made.answer.is_some()) {
            continue;
        }
        let Some(matching_target) = matching_target(&history, name, targets, session)? else {
            console.warn(&format!(
                "The calls of target `{}` were not checked: the target is not selected or has another endpoint. Journal: {}.",
                neutral(name),
                neutral(path.as_str())
            ));
            return Ok(());
        };
        let found = resolve(name, target, &*session.reads(matching_target)?).await;
        resolved.extend(found.with_context(|| {
            format!("target `{name}`: cannot determine the outcome of the open calls")
        })?);
    }
    for RecoveredCall { intent, answer } in &resolved {
        journal.note(&JournalRecord::Answer(Box::new(answer.clone())));
        let what =
            render::report::describe_sent(&intent.send, &intent.name, intent.part.as_deref());
        let became = match answer.result {
            CallResult::Applied(_) => "was applied",
            CallResult::Adopted(_) => "was adopted",
            CallResult::Failed => "was not applied",
            CallResult::Unknown => {
                "has an unknown outcome, because another client changed the object"
            }
        };
        console.warn(&format!("  {what}: {became}"));
    }
    journal
        .write(&JournalRecord::End(end_of(&history, &resolved)))
        .await?;
    Ok(())
}

/// The chosen target that a name in a journal means, if it is the same in every respect.
fn matching_target<'a>(
    history: &RunHistory,
    name: &str,
    targets: &[&'a Target],
    session: &Session,
) -> anyhow::Result<Option<&'a Target>> {
    let Some(target) = targets.iter().find(|target| target.name == name) else {
        return Ok(None);
    };
    let info = session.info(target)?;
    Ok(history.run.targets.contains(&info).then_some(*target))
}
