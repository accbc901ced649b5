//! Armed faults: they count requests as they arrive and decide which faults apply.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::kind::{Access, Fault, FaultKind, OperationName};
use super::select::RequestClass;

/// The faults of an emulator and their counters.
#[derive(Debug)]
pub(crate) struct ActiveFaults<O, C> {
    faults: Vec<Fault<O, C>>,
    counts: Mutex<RequestCounters<O>>,
}

#[derive(Debug)]
struct RequestCounters<O> {
    requests: u64,
    reads: u64,
    writes: u64,
    operations: BTreeMap<O, u64>,
    /// How often each fault was applied.
    struck: Vec<u64>,
}

/// A request that has arrived.
#[derive(Debug, Clone)]
pub(crate) struct ArrivedRequest<O> {
    /// Its position in the order of arrival, from 1.
    pub(crate) seq: u64,
    pub(crate) operation: Option<O>,
    /// The indexes of the faults that apply.
    pub(crate) met: Vec<usize>,
}

impl<O: OperationName, C> ActiveFaults<O, C> {
    pub(crate) fn new(faults: Vec<Fault<O, C>>) -> Self {
        let struck = vec![0; faults.len()];
        let counts = RequestCounters {
            requests: 0,
            reads: 0,
            writes: 0,
            operations: BTreeMap::new(),
            struck,
        };
        Self {
            faults,
            counts: Mutex::new(counts),
        }
    }

    /// Counts a request and selects its faults: all that prepare it, and the first that ends it.
    pub(crate) fn count_request(&self, operation: Option<O>) -> ArrivedRequest<O> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.count(operation);
        let mut met = Vec::new();
        let mut ended = false;
        for (place, fault) in self.faults.iter().enumerate() {
            let is_end = fault.kind.ending().is_some();
            if (is_end && ended) || !counts.strikes(place, fault, operation) {
                continue;
            }
            ended |= is_end;
            if let Some(struck) = counts.struck.get_mut(place) {
                *struck += 1;
            }
            met.push(place);
        }
        ArrivedRequest {
            seq: counts.requests,
            operation,
            met,
        }
    }

    /// The faults of an arrival, with their indexes.
    pub(crate) fn faults_of<'a>(
        &'a self,
        arrival: &'a ArrivedRequest<O>,
    ) -> impl Iterator<Item = (usize, &'a Fault<O, C>)> {
        arrival
            .met
            .iter()
            .filter_map(|place| self.faults.get(*place).map(|fault| (*place, fault)))
    }

    /// Undoes the count of a fault that had nothing to change.
    pub(crate) fn undo_strike(&self, place: usize) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(struck) = counts.struck.get_mut(place) {
            *struck = struck.saturating_sub(1);
        }
    }
}

impl<O: OperationName> RequestCounters<O> {
    fn count(&mut self, operation: Option<O>) {
        self.requests += 1;
        let Some(operation) = operation else { return };
        *self.operations.entry(operation).or_default() += 1;
        match operation.access() {
            Access::Read => self.reads += 1,
            Access::Write => self.writes += 1,
            Access::Neither => {}
        }
    }

    /// Whether a fault applies to the request that was just counted.
    fn strikes<C>(&self, place: usize, fault: &Fault<O, C>, operation: Option<O>) -> bool {
        let access = operation.map(O::access);
        if matches!(fault.kind, FaultKind::OtherWriter(_))
            && matches!(access, None | Some(Access::Neither))
        {
            // There is no organization to change.
            return false;
        }
        let n = match fault.at.among {
            RequestClass::Requests => Some(self.requests),
            RequestClass::Reads => (access == Some(Access::Read)).then_some(self.reads),
            RequestClass::Writes => (access == Some(Access::Write)).then_some(self.writes),
            RequestClass::Operation(wanted) => self
                .operations
                .get(&wanted)
                .copied()
                .filter(|_| operation == Some(wanted)),
        };
        let struck = self.struck.get(place).copied().unwrap_or_default();
        n.is_some_and(|n| fault.at.selects(n))
            && fault.at.times.is_none_or(|times| struck < times.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::{DockerInterference, DockerOperationId};

    fn met(faults: &[&str], requests: &[Option<DockerOperationId>]) -> Vec<Vec<usize>> {
        let armed: ActiveFaults<DockerOperationId, DockerInterference> =
            ActiveFaults::new(faults.iter().map(|text| text.parse().unwrap()).collect());
        requests
            .iter()
            .map(|operation| armed.count_request(*operation).met)
            .collect()
    }

    const LIST: Option<DockerOperationId> = Some(DockerOperationId::ListPolicies);
    const CREATE: Option<DockerOperationId> = Some(DockerOperationId::CreateRule);
    const SIGN_IN: Option<DockerOperationId> = Some(DockerOperationId::SignIn);

    #[test]
    fn each_selection_counts_its_own_requests() {
        let requests = [SIGN_IN, LIST, CREATE, None, CREATE, LIST];
        for (fault, wanted) in [
            ("reset@2", vec![2]),
            ("reset@4", vec![4]),
            ("reset@read:2", vec![6]),
            ("reset@writes", vec![3, 5]),
            ("reset@createRule:2", vec![5]),
            ("reset@signIn", vec![1]),
            ("reset@write:2..", vec![5]),
            ("reset@3..4", vec![3, 4]),
            ("reset@times=2", vec![1, 2]),
            ("reset@writes,once", vec![3]),
            ("add-policy@1..4", vec![2, 3]),
            ("reset@deleteRule", vec![]),
        ] {
            let met = met(&[fault], &requests);
            let struck: Vec<usize> = (1..=6).filter(|n| !met[n - 1].is_empty()).collect();
            assert_eq!(struck, wanted, "{fault}");
        }
    }

    #[test]
    fn one_fault_ends_a_request_and_the_others_are_not_used_up() {
        let met = met(
            &["delay=1ms", "after-500@once", "reset@once", "delay=2ms@2"],
            &[CREATE, CREATE, CREATE],
        );
        assert_eq!(met, [vec![0, 1], vec![0, 2, 3], vec![0]]);
    }

    #[test]
    fn a_strike_that_was_taken_back_comes_again() {
        let armed: ActiveFaults<DockerOperationId, DockerInterference> =
            ActiveFaults::new(vec!["add-rule@once".parse().unwrap()]);
        assert_eq!(armed.count_request(CREATE).met, [0]);
        armed.undo_strike(0);
        assert_eq!(armed.count_request(CREATE).met, [0]);
        assert_eq!(armed.count_request(CREATE).met, Vec::<usize>::new());
    }
}
