//! Makes the calls of a plan in their order, as far as they can be made.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::agenda::Agenda;
use super::journal::{Journal, JournalError, Record};
use super::object::Object;
use super::report::{CallOutcome, Failure, Report};
use super::sender::Sender;
use super::service::Service;
use super::stop::Stop;
use crate::plan::{Call, TargetPlan};
use crate::service::docker::client::{Reader, Writer};
use model::docker::LiveState;
use model::{chainloop, pulumi};

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

/// How a plan is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How many calls may be under way at a time: 16.
    pub at_once: usize,
    /// How often a call is made again that surely was not applied though no usable answer came: 4.
    pub repeats: usize,
    /// The first wait before that; each further one is twice as long: 200 ms.
    pub first_wait: Duration,
    /// How long a reading counts as "just before" the first call of a policy; after that the policy is read again: 1 s.
    pub fresh: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            at_once: 16,
            repeats: 4,
            first_wait: Duration::from_millis(200),
            fresh: Duration::from_secs(1),
        }
    }
}

/// A service that a plan is run at: what the plan touches there, as it was read just now; who reads back what is in
/// doubt; and who makes the calls.
pub enum Server<'a> {
    /// The Docker AI Governance API.
    Docker {
        /// The policies.
        before: LiveState,
        /// Reads.
        reader: &'a Reader,
        /// Writes.
        writer: &'a Writer,
    },
    /// Pulumi Cloud.
    Pulumi {
        /// The packs and groups.
        before: pulumi::LiveState,
        /// Reads.
        reader: &'a crate::service::pulumi::client::Reader,
        /// Writes.
        writer: &'a crate::service::pulumi::client::Writer,
        /// The archives that the calls upload.
        archives: &'a BTreeMap<model::digest::ArchiveDigest, Arc<[u8]>>,
        /// What is sent along with a version: the commit that it is published from. No plan holds it, so that a plan is
        /// the same on a branch and once that is merged.
        metadata: &'a BTreeMap<String, String>,
    },
    /// Chainloop.
    Chainloop {
        /// The documents.
        before: chainloop::LiveState,
        /// Reads.
        reader: &'a crate::service::chainloop::client::Reader,
        /// Writes.
        writer: &'a crate::service::chainloop::client::Writer,
    },
}

impl Server<'_> {
    /// What the journal keeps of what was there before.
    fn objects(&self) -> Vec<Object> {
        match self {
            Self::Docker { before, .. } => before.policies.iter().map(Object::policy).collect(),
            Self::Pulumi { before, .. } => {
                let packs = before.packs.iter().map(Object::pack);
                packs
                    .chain(before.groups.iter().map(Object::group))
                    .collect()
            }
            Self::Chainloop { before, .. } => before.found().map(Object::document).collect(),
        }
    }
}

/// All that running the plan of one target needs.
pub struct Run<'a> {
    /// The plan.
    pub plan: &'a TargetPlan,
    /// The service, and what it held just now.
    pub server: Server<'a>,
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
/// The journal cannot hold what is there before; then nothing was sent.
pub async fn run(run: Run<'_>) -> Result<Report, JournalError> {
    let Run {
        plan,
        server,
        journal,
        stop,
        progress,
        settings,
    } = run;
    let objects = server.objects();
    let target = plan.target.name.as_str();
    journal
        .write(&Record::Before {
            target: target.to_owned(),
            objects,
        })
        .await?;
    let sender = Sender::new(
        plan,
        Service::new(server, settings),
        journal,
        stop,
        settings,
    );
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
