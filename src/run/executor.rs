//! Makes the calls of a plan in their order, as far as they can be made.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use thiserror::Error;

use super::agenda::Agenda;
use super::journal::{Journal, JournalError, Record};
use super::report::{CallOutcome, Failure, Report};
use super::sender::Sender;
use super::service::{BeginError, RunContext, Writes};
use super::settings::Settings;
use super::stop::Stop;
use crate::plan::{Call, Commit, TargetPlan};
use git::PackTree;

/// What happens while a plan runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// A call is about to be made.
    Started(&'a Call),
    /// A call came out in some way, or will not be made.
    Finished(&'a Call, &'a CallOutcome),
}

/// Somebody who is told what happens while a plan runs.
pub trait Progress: Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// Why a run did not begin. Nothing was sent.
#[derive(Debug, Error)]
pub enum RunError {
    /// The plan cannot be run at this target.
    #[error(transparent)]
    Begin(#[from] BeginError),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// All that running the plan of one target needs.
pub struct Run<'a> {
    /// The plan.
    pub plan: &'a TargetPlan,
    /// The target's service, with the live state that the plan is checked against.
    pub service: &'a mut dyn Writes,
    /// The sources of policy packs.
    pub sources: &'a [PackTree],
    /// The commit that is applied.
    pub commit: Option<&'a Commit>,
    /// Where every call is written down before it is made.
    pub journal: &'a Journal,
    /// Asks the run to stop.
    pub stop: &'a Stop,
    /// Is told what happens.
    pub progress: &'a dyn Progress,
    /// How.
    pub settings: Settings,
}

/// Runs the calls of a target's plan: each as soon as the calls that it waits for were confirmed. When one fails, those
/// that wait for it and the further ones about the same thing are blocked, and all others go on.
///
/// # Errors
/// The run cannot begin, or the journal cannot hold what is there before; then nothing was sent.
pub async fn run(run: Run<'_>) -> Result<Report, RunError> {
    let Run {
        plan,
        service,
        sources,
        commit,
        journal,
        stop,
        progress,
        settings,
    } = run;
    let context = RunContext {
        settings,
        sources,
        commit,
    };
    let objects = service.begin(plan, context)?;
    let target = plan.target.name.as_str();
    journal
        .write(&Record::Before {
            target: target.to_owned(),
            objects,
        })
        .await?;
    // From here on it is shared by all calls under way.
    let service: &dyn Writes = service;
    let sender = Sender::new(plan, service, journal, stop, settings);
    let mut outcomes = Vec::with_capacity(plan.calls.len());
    let mut agenda = Agenda::new(&plan.calls);
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < settings.at_once.max(1)
            && !stop.is_asked()
            && let Some(call) = agenda.next()
        {
            progress.event(Event::Started(call));
            let made = sender.make(call);
            under_way.push(async move { (call, made.await) });
        }
        let Some((call, outcome)) = under_way.next().await else {
            break;
        };
        progress.event(Event::Finished(call, &outcome));
        match &outcome {
            CallOutcome::Applied(_) => agenda.done(call.id),
            CallOutcome::Overwrote(_) => {
                agenda.stop_all_of(call.id);
                agenda.done(call.id);
            }
            CallOutcome::Failed(Failure::Journal(_)) => {
                // Nothing can be written down any more, so nothing more is sent.
                stop.ask();
                agenda.failed(call.id);
            }
            CallOutcome::Failed(_) | CallOutcome::Blocked { .. } | CallOutcome::NotAttempted => {
                agenda.failed(call.id)
            }
        }
        outcomes.push((call.id, outcome));
        for (call, by) in agenda.take_blocked() {
            outcomes.push(left_out(progress, call, CallOutcome::Blocked { by }));
        }
    }
    for call in agenda.rest() {
        outcomes.push(left_out(progress, call, CallOutcome::NotAttempted));
    }
    let cleaned = sender.clean_up(plan.calls.len()).await;
    // The answers that are still in line; without them the next run reads back what is known already.
    let _ = journal.store().await;
    Ok(Report::new(outcomes, cleaned))
}

fn left_out(
    progress: &dyn Progress,
    call: &Call,
    outcome: CallOutcome,
) -> (crate::plan::CallId, CallOutcome) {
    progress.event(Event::Finished(call, &outcome));
    (call.id, outcome)
}
