//! Executes the calls of a plan: takes ready calls from the scheduler, keeps a limited number of
//! them in progress, and writes each outcome to the journal before a call that depends on it starts.
//!
//! It is a pipeline of two stages. While calls are in progress, the intents of as many further calls
//! that are ready are written to the journal, so that the next free slot sends immediately. A
//! failure in the meantime may block a prepared call: it is not sent, and its intent is canceled.
//!
//! Calls in progress are never canceled. A canceled request may have reached the server, so its
//! outcome would be unknown. When a run is interrupted, no further call starts and the calls in
//! progress are completed.

use std::collections::VecDeque;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use thiserror::Error;

use super::control::{RunSettings, StopSignal};
use super::counts::SkipReason;
use super::journal::{Journal, JournalError, JournalRecord};
use super::report::{CallFailure, CallOutcome, CallReport};
use super::scheduler::CallScheduler;
use super::sender::{CallSender, PreparedCall};
use super::service::{BeginError, CallError, RunContext, Writes};
use crate::plan::{Commit, PlannedCall, TargetPlan};
use git::PackTree;

/// What happens while a plan runs.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// A call is about to be made.
    Started(&'a PlannedCall),
    /// A call came out in some way, or will not be made.
    Finished(&'a PlannedCall, &'a CallOutcome),
}

/// Receives the events of a run.
pub trait RunObserver: Sync {
    /// Called for each event.
    fn event(&self, event: RunEvent<'_>);
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
    /// The live state could not be read again.
    #[error("the live state could not be read again before the first call")]
    Confirm(#[source] CallError),
}

/// All that running the plan of one target needs.
pub struct TargetRun<'a> {
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
    pub stop: &'a StopSignal,
    /// Receives the events of the run.
    pub progress: &'a dyn RunObserver,
    /// Concurrency, retries and waits.
    pub settings: RunSettings,
}

/// Runs the calls of a target's plan: each as soon as the calls that it waits for were confirmed. When one fails, those
/// that wait for it and the further ones about the same thing are blocked, and all others go on.
///
/// # Errors
/// The run cannot begin, the live state cannot be read again, or the journal cannot be written. Nothing
/// was sent then.
pub async fn run(run: TargetRun<'_>) -> Result<CallReport, RunError> {
    let TargetRun {
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
        .write(&JournalRecord::Before {
            target: target.to_owned(),
            calls: Some(plan.calls.len()),
            objects,
        })
        .await?;
    // From here on it is shared by all concurrent calls.
    let service: &dyn Writes = service;
    let sender = CallSender::new(plan, service, journal, stop, settings);
    let stale = service.confirm(plan, settings.at_once).await;
    let stale = stale.map_err(RunError::Confirm)?;
    if !stale.is_empty() {
        let calls = plan.calls.iter();
        let skipped = calls.map(|call| {
            let outcome = sender.skip(call, SkipReason::PlanStale);
            left_out(progress, call, outcome)
        });
        let report = CallReport::new(skipped.collect(), Vec::new()).with_stale(stale);
        let _ = journal.store().await;
        return Ok(report);
    }
    let mut outcomes = Vec::with_capacity(plan.calls.len());
    let mut scheduler = CallScheduler::new(&plan.calls);
    let at_once = settings.at_once.max(1);
    let mut preparing = FuturesUnordered::new();
    let mut prepared = VecDeque::new();
    let mut under_way = FuturesUnordered::new();
    let mut exhausted = false;
    loop {
        let ends = || stop.is_requested() || exhausted;
        while preparing.len() + prepared.len() < at_once
            && !ends()
            && let Some(call) = scheduler.next()
        {
            let written = sender.prepare(call);
            preparing.push(async move { (call, written.await) });
        }
        while under_way.len() < at_once
            && let Some(next) = prepared.pop_front()
        {
            let PreparedCall { call, .. } = next;
            let reason = match scheduler.withdraw_blocked(call) {
                Some(by) => Some(SkipReason::AfterFailure { call: by }),
                None => ends().then_some(SkipReason::Stopped),
            };
            if let Some(reason) = reason {
                outcomes.push(left_out(progress, call, sender.skip(call, reason)));
                continue;
            }
            progress.event(RunEvent::Started(call));
            let made = sender.execute(next);
            under_way.push(async move { (call, made.await) });
        }
        let (call, outcome) = tokio::select! {
            // Sending has priority: an answer frees a slot.
            biased;
            Some(finished) = under_way.next() => finished,
            Some((call, written)) = preparing.next() => match written {
                Ok(ready) => {
                    prepared.push_back(ready);
                    continue;
                }
                Err(outcome) => (call, outcome),
            },
            else => break,
        };
        progress.event(RunEvent::Finished(call, &outcome));
        match &outcome {
            CallOutcome::Applied(_) | CallOutcome::Adopted => scheduler.done(call.id),
            CallOutcome::Replaced(_) => {
                scheduler.stop_subject(call.id);
                scheduler.done(call.id);
            }
            CallOutcome::Failed(CallFailure::Journal(_)) => {
                // Nothing can be written down any more, so nothing more is sent.
                stop.ask();
                scheduler.failed(call.id);
            }
            CallOutcome::Failed(failure) => {
                // The server refuses every further call of this target too.
                exhausted |= failure.is_rate_limited();
                scheduler.failed(call.id);
            }
            CallOutcome::Unknown { .. } | CallOutcome::Skipped(_) => scheduler.failed(call.id),
        }
        outcomes.push((call.id, outcome));
        for (skipped, by) in scheduler.take_blocked() {
            let outcome = sender.skip(skipped, SkipReason::AfterFailure { call: by });
            outcomes.push(left_out(progress, skipped, outcome));
        }
    }
    for call in scheduler.unstarted() {
        let outcome = sender.skip(call, SkipReason::Stopped);
        outcomes.push(left_out(progress, call, outcome));
    }
    let cleaned = sender.clean_up(plan.calls.len()).await;
    // The answers that are still queued. Without them, the next run would have to read objects with a known outcome.
    let _ = journal.store().await;
    Ok(CallReport::new(outcomes, cleaned))
}

fn left_out(
    progress: &dyn RunObserver,
    call: &PlannedCall,
    outcome: CallOutcome,
) -> (crate::plan::CallId, CallOutcome) {
    progress.event(RunEvent::Finished(call, &outcome));
    (call.id, outcome)
}
