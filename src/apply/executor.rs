//! Makes the calls of a plan in their order.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::agenda::Agenda;
use super::report::{CallOutcome, Report};
use crate::model::docker::{Operation, PolicyId};
use crate::plan::{Call, CallId, PolicyRef, TargetPlan};
use crate::provider::docker::Writer;
use crate::provider::http::ApiError;

/// What happens while a plan runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// A call was sent.
    Started(&'a Call),
    /// A call came back, or was left out since an earlier one failed.
    Finished(&'a Call, &'a CallOutcome),
}

/// Somebody who is told what happens while a plan runs.
pub trait Progress: Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// Runs all calls of a target's plan: each as soon as the calls that it waits for were confirmed. After a failure no
/// further call is sent; those on their way are waited for.
///
/// `at_once` bounds the calls on their way for this target.
pub async fn run(plan: &TargetPlan, writer: &Writer, at_once: usize, progress: &dyn Progress) -> Report {
    let run = Run { writer, progress, created: Mutex::default(), failed: AtomicBool::new(false) };
    let mut outcomes = Vec::with_capacity(plan.calls.len());
    let mut agenda = Agenda::new(&plan.calls);
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < at_once.max(1)
            && let Some(call) = agenda.next()
        {
            under_way.push(run.call(call));
        }
        let Some((id, outcome)) = under_way.next().await else { break };
        if matches!(outcome, CallOutcome::Applied) {
            agenda.done(id);
        }
        outcomes.push((id, outcome));
    }
    for call in agenda.waiting() {
        outcomes.push(run.leave_out(call));
    }
    Report::new(outcomes)
}

struct Run<'a> {
    writer: &'a Writer,
    progress: &'a dyn Progress,
    created: Mutex<HashMap<CallId, PolicyId>>,
    failed: AtomicBool,
}

impl Run<'_> {
    async fn call(&self, call: &Call) -> (CallId, CallOutcome) {
        if self.failed.load(Ordering::SeqCst) {
            return self.leave_out(call);
        }
        self.progress.event(Event::Started(call));
        let outcome = match self.send(call).await {
            Some(Ok(())) => CallOutcome::Applied,
            Some(Err(error)) => CallOutcome::Failed(error),
            None => CallOutcome::NotAttempted,
        };
        if !matches!(outcome, CallOutcome::Applied) {
            self.failed.store(true, Ordering::SeqCst);
        }
        self.progress.event(Event::Finished(call, &outcome));
        (call.id, outcome)
    }

    fn leave_out(&self, call: &Call) -> (CallId, CallOutcome) {
        self.progress.event(Event::Finished(call, &CallOutcome::NotAttempted));
        (call.id, CallOutcome::NotAttempted)
    }

    /// Sends a call; `None` if it adds a rule to a policy that no earlier call has made.
    async fn send(&self, call: &Call) -> Option<Result<(), ApiError>> {
        let writer = self.writer;
        let result = match &call.send {
            Operation::CreatePolicy { policy } => {
                writer.create_policy(policy).await.map(|live| self.remember(call.id, live.id))
            }
            Operation::UpdatePolicy { id, patch } => writer.update_policy(id, patch).await.map(drop),
            Operation::DeletePolicy { id } => writer.delete_policy(id).await.map(drop),
            Operation::CreateRule { policy, rule } => {
                let policy = self.resolve(policy)?;
                writer.create_rule(&policy, rule).await.map(drop)
            }
            Operation::UpdateRule { policy, id, patch } => writer.update_rule(policy, id, patch).await.map(drop),
            Operation::DeleteRule { policy, id } => writer.delete_rule(policy, id).await.map(drop),
        };
        Some(result)
    }

    fn remember(&self, call: CallId, id: PolicyId) {
        self.created.lock().unwrap_or_else(PoisonError::into_inner).insert(call, id);
    }

    fn resolve(&self, policy: &PolicyRef) -> Option<PolicyId> {
        match policy {
            PolicyRef::Existing(id) => Some(id.clone()),
            PolicyRef::CreatedBy(call) => {
                self.created.lock().unwrap_or_else(PoisonError::into_inner).get(call).cloned()
            }
        }
    }
}
