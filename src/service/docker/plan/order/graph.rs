//! Calls and what they wait for, without circles.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use petgraph::Direction;
use petgraph::acyclic::Acyclic;
use petgraph::data::Build as _;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;

use super::handover::Edge;
use crate::plan::Reason;
use crate::service::docker::plan::timeline::At;

/// Calls, and edges between them that never run in a circle.
pub(crate) struct Graph {
    graph: Acyclic<DiGraph<At, Reason>>,
    nodes: Vec<NodeIndex>,
    known: HashMap<(At, At), Reason>,
}

impl Graph {
    /// So many calls without edges; those that `natural` puts first are likely to come first.
    pub(crate) fn new(calls: usize, natural: impl Fn(At) -> u8) -> Self {
        let mut order: Vec<At> = (0..calls).collect();
        order.sort_by_key(|at| (natural(*at), *at));
        let mut graph: Acyclic<DiGraph<At, Reason>> = Acyclic::new();
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

    /// Adds all of these edges, or none if one would close a circle.
    pub(crate) fn add(&mut self, edges: &[Edge]) -> bool {
        let mut added = Vec::new();
        for Edge { first, then, why } in edges {
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

    /// An order of all calls that fits the edges and is as near as can be to the natural one.
    pub(crate) fn order(&self, natural: impl Fn(At) -> u8) -> Vec<At> {
        let mut waits: Vec<usize> = vec![0; self.nodes.len()];
        for (_, then) in self.known.keys() {
            waits[*then] += 1;
        }
        let free = (0..waits.len()).filter(|at| waits[*at] == 0);
        let mut free: BinaryHeap<Reverse<(u8, At)>> =
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

    /// What each call waits for, by the call that waits.
    pub(crate) fn waits(&self) -> BTreeMap<At, Vec<(At, Reason)>> {
        let mut waits: BTreeMap<At, Vec<(At, Reason)>> = BTreeMap::new();
        for ((first, then), why) in &self.known {
            waits.entry(*then).or_default().push((*first, *why));
        }
        waits
    }
}
