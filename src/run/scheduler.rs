//! Schedules the calls of a plan: list scheduling over a directed acyclic graph that changes while
//! it is executed, because calls fail.
//!
//! A call is ready once every call that it waits for is done. A plan may contain thousands of calls,
//! and a dependency is a range of calls (`after: 1..=900`), so counting the open predecessors of
//! each call would need one edge per pair. Instead, each waiting call watches a single unfinished
//! predecessor, like the watched literals of a SAT solver. When that call is done, the waiting call
//! looks for the next unfinished one. Most edges are therefore never visited.
//!
//! A failure blocks the calls that wait for the failed call, and their successors. It also stops
//! later calls for the same policy (or pack, group, document), even if no edge connects them: their
//! content was planned for a state that was not reached.
//!
//! Example: call 3 waits for 1 and 2. It watches 1; when 1 is done, it watches 2. If 2 fails, 3 is
//! blocked, and the report names 2 as the reason.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::plan::{CallDependency, CallId, PlannedCall, Subject};

/// The calls of a plan by state: ready, waiting, in progress, done, or blocked. A call that was
/// handed out by [`next`](Self::next) is in progress and in none of the collections.
pub(crate) struct CallScheduler<'p> {
    calls: HashMap<CallId, &'p PlannedCall>,
    ready: BTreeSet<CallId>,
    /// The waiting calls, each under the one predecessor that it watches.
    watchers: HashMap<CallId, Vec<CallId>>,
    done: BTreeSet<CallId>,
    /// Calls that failed or are blocked, each with the call whose failure is the reason.
    lost: BTreeMap<CallId, CallId>,
    /// The objects for which no further calls are made, each with the call that failed.
    stopped: HashMap<Subject, CallId>,
    /// Blocked calls that are not reported yet, each with the call that failed.
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
        scheduler.classify(calls.iter().map(|call| call.id).collect());
        scheduler
    }

    /// Hands out the ready call with the lowest number, once.
    pub(crate) fn next(&mut self) -> Option<&'p PlannedCall> {
        let id = self.ready.pop_first()?;
        self.calls.get(&id).copied()
    }

    /// Marks a call as done, which may make waiting calls ready.
    pub(crate) fn done(&mut self, id: CallId) {
        self.done.insert(id);
        self.release(id);
    }

    /// Marks a call as failed. Blocks the calls that wait for it and all later calls for the same
    /// object.
    pub(crate) fn failed(&mut self, id: CallId) {
        self.lost.insert(id, id);
        self.stop_subject(id);
        self.release(id);
    }

    /// Blocks all further calls for the object of this call, for example its policy.
    pub(crate) fn stop_subject(&mut self, id: CallId) {
        if let Some(call) = self.calls.get(&id) {
            self.stopped.entry(call.subject()).or_insert(id);
            // Ready calls for this object are blocked now, so all ready calls are classified again.
            let ready = std::mem::take(&mut self.ready);
            self.classify(ready.into_iter().collect());
        }
    }

    /// Withdraws a call that was handed out and is not begun, if a failure blocks it now. Returns the
    /// call that failed.
    pub(crate) fn withdraw_blocked(&mut self, call: &PlannedCall) -> Option<CallId> {
        match self.readiness(call) {
            CallReadiness::Blocked(by) => {
                self.lost.insert(call.id, by);
                self.release(call.id);
                Some(by)
            }
            CallReadiness::Ready | CallReadiness::Waiting(_) => None,
        }
    }

    /// The calls that were blocked since the last call of this function, each with the call whose
    /// failure is the reason.
    pub(crate) fn take_blocked(&mut self) -> Vec<(&'p PlannedCall, CallId)> {
        std::mem::take(&mut self.blocked)
    }

    /// The calls that were never handed out and are not blocked. There are some only if a run stops
    /// early.
    pub(crate) fn unstarted(&self) -> Vec<&'p PlannedCall> {
        let waiting = self.watchers.values().flatten().copied();
        let ids: BTreeSet<CallId> = self.ready.iter().copied().chain(waiting).collect();
        ids.into_iter()
            .filter_map(|id| self.calls.get(&id).copied())
            .collect()
    }

    fn release(&mut self, id: CallId) {
        let watchers = self.watchers.remove(&id).unwrap_or_default();
        self.classify(watchers);
    }

    /// Decides for each of these calls whether it is ready, waits, or is blocked. A stack replaces
    /// recursion, because a blocked call blocks its watchers and chains can be thousands of calls
    /// long.
    fn classify(&mut self, mut open: Vec<CallId>) {
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
            (blocked(&mut scheduler), scheduler.unstarted().len()),
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
        assert!(scheduler.unstarted().is_empty());
    }

    /// A call whose intent is written is not sent if a failure blocks it meanwhile, and neither is what
    /// waits for it.
    #[test]
    fn a_prepared_call_is_withdrawn_after_a_failure() {
        let calls = [
            call(1, "a", &[]),
            call(2, "a", &[]),
            call(3, "b", &[]),
            call(4, "c", &[(2, 2)]),
        ];
        let mut scheduler = CallScheduler::new(&calls);
        assert_eq!(drain(&mut scheduler), [1, 2, 3]);
        assert_eq!(scheduler.withdraw_blocked(&calls[1]), None);
        scheduler.failed(CallId(1));
        assert_eq!(blocked(&mut scheduler), []);
        assert_eq!(scheduler.withdraw_blocked(&calls[1]), Some(CallId(1)));
        assert_eq!(scheduler.withdraw_blocked(&calls[2]), None);
        assert_eq!(blocked(&mut scheduler), [(4, 1)]);
        assert_eq!(blocked(&mut scheduler), []);
    }

    /// After a change of another client was replaced, nothing more is done to the same object, but other
    /// calls go on.
    #[test]
    fn a_stopped_object_blocks_its_calls_and_not_those_that_wait_for_them() {
        let calls = [
            call(1, "a", &[]),
            call(2, "a", &[(1, 1)]),
            call(3, "b", &[(1, 1)]),
            call(4, "c", &[(2, 2)]),
        ];
        let mut scheduler = CallScheduler::new(&calls);
        assert_eq!(drain(&mut scheduler), [1]);
        scheduler.stop_subject(CallId(1));
        scheduler.done(CallId(1));
        assert_eq!(drain(&mut scheduler), [3]);
        assert_eq!(blocked(&mut scheduler), [(2, 1), (4, 1)]);
    }

    /// The ends of a range of dependencies count, and neighbors do not.
    #[test]
    fn a_range_of_dependencies_includes_both_ends() {
        for (failed, is_blocked) in [(1, false), (2, true), (3, true), (4, true), (5, false)] {
            let calls = [
                call(1, "a", &[]),
                call(2, "b", &[]),
                call(3, "c", &[]),
                call(4, "d", &[]),
                call(5, "e", &[]),
                call(6, "f", &[(2, 4)]),
            ];
            let mut scheduler = CallScheduler::new(&calls);
            assert_eq!(drain(&mut scheduler), [1, 2, 3, 4, 5]);
            for id in 1..=5 {
                if id == failed {
                    scheduler.failed(CallId(id));
                } else {
                    assert!(scheduler.ready.is_empty() || id == 5);
                    scheduler.done(CallId(id));
                }
            }
            let ready = drain(&mut scheduler);
            assert_eq!(ready.is_empty(), is_blocked, "{failed}");
            assert_eq!(blocked(&mut scheduler).len(), usize::from(is_blocked));
        }
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
                .unstarted()
                .iter()
                .map(|call| call.id.0)
                .collect::<Vec<_>>(),
            [2, 3]
        );
    }
}
