//! An acyclic graph of calls, built incrementally.
//!
//! An edge `first → then` means that `then` waits for `first`. Edges are added in sets, because a
//! set only keeps a decision as a whole: [`Graph::add`] adds all edges of a set or none.
//! `petgraph`'s [`Acyclic`] maintains a topological order incrementally, so a set that would close
//! a cycle is detected without a search of the complete graph.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use fixedbitset::FixedBitSet;
use petgraph::Direction;
use petgraph::acyclic::Acyclic;
use petgraph::data::Build as _;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;

use super::types::{CallDependency, CallId, DependencyReason, PlannedCall};

/// The position of a call in the list of calls.
pub(crate) type CallPosition = usize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PrecedenceEdge {
    pub(crate) first: CallPosition,
    pub(crate) then: CallPosition,
    pub(crate) why: DependencyReason,
}

pub(crate) struct CallGraph {
    graph: Acyclic<DiGraph<CallPosition, DependencyReason>>,
    nodes: Vec<NodeIndex>,
    known: HashMap<(CallPosition, CallPosition), DependencyReason>,
}

impl CallGraph {
    /// A graph without edges. Calls with a small `natural` rank come first in the initial
    /// topological order, which keeps later insertions cheap.
    pub(crate) fn new(calls: usize, natural: impl Fn(CallPosition) -> u8) -> Self {
        let mut order: Vec<CallPosition> = (0..calls).collect();
        order.sort_by_key(|at| (natural(*at), *at));
        let mut graph: Acyclic<DiGraph<CallPosition, DependencyReason>> = Acyclic::new();
        let mut nodes = vec![NodeIndex::end(); calls];
        for at in order {
            nodes[at] = graph.add_node(at);
        }
        Self {
            graph,
            nodes,
            known: HashMap::new(),
        }
    }

    /// Adds all of these edges. Returns `false` and leaves the graph unchanged if one closes a
    /// cycle.
    pub(crate) fn add(&mut self, edges: &[PrecedenceEdge]) -> bool {
        let mut added = Vec::new();
        for PrecedenceEdge { first, then, why } in edges {
            if self.known.contains_key(&(*first, *then)) {
                continue;
            }
            match self
                .graph
                .try_add_edge(self.nodes[*first], self.nodes[*then], *why)
            {
                Ok(edge) => {
                    self.known.insert((*first, *then), *why);
                    added.push((edge, (*first, *then)));
                }
                Err(_) => {
                    for (edge, known) in added.into_iter().rev() {
                        self.graph.remove_edge(edge);
                        self.known.remove(&known);
                    }
                    return false;
                }
            }
        }
        true
    }

    /// The topological order that follows the natural ranks most closely (Kahn's algorithm with a
    /// priority queue; ties are broken by position, so the result is deterministic).
    pub(crate) fn order(&self, natural: impl Fn(CallPosition) -> u8) -> Vec<CallPosition> {
        let mut waits: Vec<usize> = vec![0; self.nodes.len()];
        for (_, then) in self.known.keys() {
            waits[*then] += 1;
        }
        let free = (0..waits.len()).filter(|at| waits[*at] == 0);
        let mut free: BinaryHeap<Reverse<(u8, CallPosition)>> =
            free.map(|at| Reverse((natural(at), at))).collect();
        let mut order = Vec::with_capacity(waits.len());
        while let Some(Reverse((_, at))) = free.pop() {
            order.push(at);
            for edge in self
                .graph
                .edges_directed(self.nodes[at], Direction::Outgoing)
            {
                let then = self.graph[edge.target()];
                waits[then] -= 1;
                if waits[then] == 0 {
                    free.push(Reverse((natural(then), then)));
                }
            }
        }
        order
    }

    /// The predecessors of each call.
    pub(crate) fn waits(&self) -> BTreeMap<CallPosition, Vec<(CallPosition, DependencyReason)>> {
        let mut waits: BTreeMap<CallPosition, Vec<(CallPosition, DependencyReason)>> =
            BTreeMap::new();
        for ((first, then), why) in &self.known {
            waits.entry(*then).or_default().push((*first, *why));
        }
        waits
    }
}

/// Merges consecutive numbers with the same reason into one range.
pub(crate) fn ranges(mut before: Vec<(CallId, DependencyReason)>) -> Vec<CallDependency> {
    before.sort_unstable_by_key(|(id, why)| (*why, *id));
    let mut ranges: Vec<CallDependency> = Vec::new();
    for (id, why) in before {
        match ranges.last_mut() {
            Some(last) if last.why == why && last.last.0 + 1 == id.0 => last.last = id,
            _ => ranges.push(CallDependency {
                first: id,
                last: id,
                why,
            }),
        }
    }
    ranges
}

/// The transitive predecessors of each call.
pub(crate) struct Earlier(Vec<FixedBitSet>);

impl Earlier {
    pub(crate) fn new(calls: &[PlannedCall]) -> Self {
        let mut earlier: Vec<FixedBitSet> = Vec::with_capacity(calls.len());
        for call in calls {
            let mut own = FixedBitSet::with_capacity(calls.len());
            for after in &call.after {
                // Numbers begin at 1 and refer to earlier calls.
                for first in
                    (after.first.0..=after.last.0).filter_map(|number| usize::try_from(number).ok())
                {
                    let Some(before) = first.checked_sub(1).and_then(|at| earlier.get(at)) else {
                        continue;
                    };
                    own.union_with(before);
                    own.insert(first - 1);
                }
            }
            earlier.push(own);
        }
        Self(earlier)
    }

    pub(crate) fn has(&self, edge: &PrecedenceEdge) -> bool {
        self.before(edge.first, edge.then)
    }

    pub(crate) fn before(&self, first: CallPosition, then: CallPosition) -> bool {
        self.0
            .get(then)
            .is_some_and(|earlier| earlier.contains(first))
    }
}
