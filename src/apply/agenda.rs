//! Which calls may be made next.

use std::collections::{BTreeSet, HashMap};

use crate::plan::{After, Call, CallId};

/// The calls of a plan, by whether they may be made, wait for another, or are done.
///
/// A call that waits watches one call that it waits for; once that is done it looks for the next one. So each pair of
/// calls is looked at once at most.
pub(super) struct Agenda<'p> {
    calls: HashMap<CallId, &'p Call>,
    ready: BTreeSet<CallId>,
    watchers: HashMap<CallId, Vec<CallId>>,
    done: BTreeSet<CallId>,
}

impl<'p> Agenda<'p> {
    pub(super) fn new(calls: &'p [Call]) -> Self {
        let mut agenda = Self {
            calls: calls.iter().map(|call| (call.id, call)).collect(),
            ready: BTreeSet::new(),
            watchers: HashMap::new(),
            done: BTreeSet::new(),
        };
        for call in calls {
            agenda.place(call);
        }
        agenda
    }

    /// The call with the lowest number that may be made now; it is handed out once.
    pub(super) fn next(&mut self) -> Option<&'p Call> {
        let id = self.ready.pop_first()?;
        self.calls.get(&id).copied()
    }

    /// A call was made: others may follow.
    pub(super) fn done(&mut self, id: CallId) {
        self.done.insert(id);
        for watcher in self.watchers.remove(&id).unwrap_or_default() {
            if let Some(call) = self.calls.get(&watcher).copied() {
                self.place(call);
            }
        }
    }

    /// The calls that still wait for another.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &'p Call> {
        let ids: BTreeSet<CallId> = self.watchers.values().flatten().copied().collect();
        ids.into_iter().filter_map(|id| self.calls.get(&id).copied())
    }

    fn place(&mut self, call: &Call) {
        let numbers = call.after.iter().flat_map(|After { first, last, why: _ }| (first.0..=last.0).map(CallId));
        match numbers.into_iter().find(|id| !self.done.contains(id)) {
            Some(missing) => self.watchers.entry(missing).or_default().push(call.id),
            None => drop(self.ready.insert(call.id)),
        }
    }
}
