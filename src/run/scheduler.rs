//! Which calls may be made next, and which never will be.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::plan::{CallDependency, CallId, PlannedCall, Subject};

/// The calls of a plan, by whether they may be made, wait for another, are done, or are lost.
///
/// A call that waits watches one call that it waits for; once that is done it looks for the next one. So each pair of
/// calls is looked at once at most.
pub(crate) struct CallScheduler<'p> {
    calls: HashMap<CallId, &'p PlannedCall>,
    ready: BTreeSet<CallId>,
    watchers: HashMap<CallId, Vec<CallId>>,
    done: BTreeSet<CallId>,
    /// Calls that failed or are blocked, each with the call whose failure is the reason.
    lost: BTreeMap<CallId, CallId>,
    /// What stands by itself and of which a call failed, each with that call.
    stopped: HashMap<Subject, CallId>,
    /// Blocked calls that nobody was told of yet, each with the call that failed.
    blocked: Vec<(&'p PlannedCall, CallId)>,
}

impl<'p> CallScheduler<'p> {
    pub(crate) fn new(calls: &'p [PlannedCall]) -> Self {
        let mut scheduler = Self {
            calls: calls.iter().map(|call| (call.id, call)).collect(),
            ready: BTreeSet::new(),
            watchers: HashMap::new(),
            done: BTreeSet::new(),
            lost: BTreeMap::new(),
            stopped: HashMap::new(),
            blocked: Vec::new(),
        };
        scheduler.place_all(calls.iter().map(|call| call.id).collect());
        scheduler
    }

    /// The call with the lowest number that may be made now; it is handed out once.
    pub(crate) fn next(&mut self) -> Option<&'p PlannedCall> {
        let id = self.ready.pop_first()?;
        self.calls.get(&id).copied()
    }

    /// A call was made: others may follow.
    pub(crate) fn done(&mut self, id: CallId) {
        self.done.insert(id);
        self.release(id);
    }

    /// A call failed: those that wait for it, and further ones of its policy or the like, are blocked.
    pub(crate) fn failed(&mut self, id: CallId) {
        self.lost.insert(id, id);
        self.stop_subject(id);
        self.release(id);
    }

    /// No further call about what this call is about is to be made.
    pub(crate) fn stop_subject(&mut self, id: CallId) {
        if let Some(call) = self.calls.get(&id) {
            self.stopped.entry(call.subject()).or_insert(id);
            // What is ready looks again whether it may still be made.
            let ready = std::mem::take(&mut self.ready);
            self.place_all(ready.into_iter().collect());
        }
    }

    /// The calls that are blocked since this was asked last, each with the call whose failure is the reason.
    pub(crate) fn take_blocked(&mut self) -> Vec<(&'p PlannedCall, CallId)> {
        std::mem::take(&mut self.blocked)
    }

    /// The calls that were never handed out and are not blocked: there are some only if a run stops early.
    pub(crate) fn rest(&self) -> Vec<&'p PlannedCall> {
        let waiting = self.watchers.values().flatten().copied();
        let ids: BTreeSet<CallId> = self.ready.iter().copied().chain(waiting).collect();
        ids.into_iter()
            .filter_map(|id| self.calls.get(&id).copied())
            .collect()
    }

    fn release(&mut self, id: CallId) {
        let watchers = self.watchers.remove(&id).unwrap_or_default();
        self.place_all(watchers);
    }

    fn place_all(&mut self, mut open: Vec<CallId>) {
        open.reverse();
        while let Some(id) = open.pop() {
            let Some(call) = self.calls.get(&id).copied() else {
                continue;
            };
            match self.readiness(call) {
                CallReadiness::Ready => drop(self.ready.insert(id)),
                CallReadiness::Waiting(missing) => {
                    self.watchers.entry(missing).or_default().push(id)
                }
                CallReadiness::Blocked(by) => {
                    self.lost.insert(id, by);
                    self.blocked.push((call, by));
                    open.extend(self.watchers.remove(&id).unwrap_or_default());
                }
            }
        }
    }

    fn readiness(&self, call: &PlannedCall) -> CallReadiness {
        if let Some(by) = self.stopped.get(&call.subject()) {
            return CallReadiness::Blocked(*by);
        }
        let mut waits = None;
        for CallDependency {
            first,
            last,
            why: _,
        } in &call.after
        {
            if let Some((_, by)) = self.lost.range(*first..=*last).next() {
                return CallReadiness::Blocked(*by);
            }
            let missing = || {
                (first.0..=last.0)
                    .map(CallId)
                    .find(|id| !self.done.contains(id))
            };
            waits = waits.or_else(missing);
        }
        waits.map_or(CallReadiness::Ready, CallReadiness::Waiting)
    }
}

enum CallReadiness {
    Ready,
    Waiting(CallId),
    Blocked(CallId),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{DependencyReason, PlannedOperation};
    use model::docker::{DockerOperation, PolicyId};

    fn call(id: u32, policy: &str, after: &[(u32, u32)]) -> PlannedCall {
        let after = after.iter().map(|(first, last)| CallDependency {
            first: CallId(*first),
            last: CallId(*last),
            why: DependencyReason::DeniesFirst,
        });
        let send = PlannedOperation::Docker(DockerOperation::DeletePolicy {
            id: PolicyId::new(policy),
        });
        PlannedCall {
            id: CallId(id),
            after: after.collect(),
            name: policy.to_owned(),
            part: None,
            why: None,
            send,
        }
    }

    fn drain(scheduler: &mut CallScheduler<'_>) -> Vec<u32> {
        std::iter::from_fn(|| scheduler.next())
            .map(|call| call.id.0)
            .collect()
    }

    fn blocked(scheduler: &mut CallScheduler<'_>) -> Vec<(u32, u32)> {
        let mut blocked: Vec<_> = scheduler
            .take_blocked()
            .into_iter()
            .map(|(call, by)| (call.id.0, by.0))
            .collect();
        blocked.sort_unstable();
        blocked
    }

    #[test]
    fn calls_follow_those_that_they_wait_for() {
        let calls = [
            call(1, "a", &[]),
            call(2, "b", &[]),
            call(3, "c", &[(1, 2)]),
            call(4, "d", &[(3, 3)]),
        ];
        let mut scheduler = CallScheduler::new(&calls);
        assert_eq!(drain(&mut scheduler), [1, 2]);
        scheduler.done(CallId(1));
        assert_eq!(drain(&mut scheduler), [0; 0]);
        scheduler.done(CallId(2));
        assert_eq!(drain(&mut scheduler), [3]);
        scheduler.done(CallId(3));
        assert_eq!(drain(&mut scheduler), [4]);
        assert_eq!(
            (blocked(&mut scheduler), scheduler.rest().len()),
            (vec![], 0)
        );
    }

    #[test]
    fn a_failure_blocks_what_waits_for_it_and_its_policy_and_nothing_else() {
        let calls = [
            call(1, "a", &[]),
            call(2, "a", &[]),
            call(3, "b", &[(1, 1)]),
            call(4, "c", &[(3, 3)]),
            call(5, "d", &[]),
            call(6, "d", &[(5, 5)]),
            call(7, "a", &[(5, 5)]),
        ];
        let mut scheduler = CallScheduler::new(&calls);
        assert_eq!(scheduler.next().map(|call| call.id.0), Some(1));
        scheduler.failed(CallId(1));
        assert_eq!(blocked(&mut scheduler), [(2, 1), (3, 1), (4, 1)]);
        assert_eq!(drain(&mut scheduler), [5]);
        scheduler.done(CallId(5));
        assert_eq!(drain(&mut scheduler), [6]);
        assert_eq!(blocked(&mut scheduler), [(7, 1)]);
        assert!(scheduler.rest().is_empty());
    }

    #[test]
    fn what_was_never_handed_out_is_the_rest() {
        let calls = [
            call(1, "a", &[]),
            call(2, "b", &[]),
            call(3, "c", &[(1, 2)]),
        ];
        let mut scheduler = CallScheduler::new(&calls);
        scheduler.next();
        assert_eq!(
            scheduler
                .rest()
                .iter()
                .map(|call| call.id.0)
                .collect::<Vec<_>>(),
            [2, 3]
        );
    }
}
