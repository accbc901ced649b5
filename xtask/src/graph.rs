//! Cycles in directed graphs.

use std::collections::{BTreeMap, BTreeSet};

use crate::resolve::Edges;

/// A directed graph of names.
pub type UseGraph = BTreeMap<String, BTreeSet<String>>;

/// Builds a graph from the edges between files; `name` maps both ends of an edge to their nodes.
pub fn graph(edges: &Edges, name: impl Fn(&str, &str) -> (String, String)) -> UseGraph {
    let mut graph = UseGraph::new();
    for (from, to) in edges.keys() {
        let (from, to) = name(from, to);
        if from != to {
            graph.entry(from).or_default().insert(to);
        }
    }
    graph
}

/// The strongly connected components with more than one node, sorted. Each node of a component
/// reaches each other one, so a component is a set of cycles that share nodes.
///
/// The graphs have hundreds of nodes, so every node's reach is simply collected.
pub fn cycles(graph: &UseGraph) -> Vec<Vec<String>> {
    let reach: BTreeMap<&String, BTreeSet<&String>> = graph
        .keys()
        .map(|start| {
            let mut reached = BTreeSet::new();
            let mut open = vec![start];
            while let Some(node) = open.pop() {
                for next in graph.get(node).into_iter().flatten() {
                    if reached.insert(next) {
                        open.push(next);
                    }
                }
            }
            (start, reached)
        })
        .collect();
    let mut components = BTreeSet::new();
    for (node, reached) in &reach {
        let component: Vec<String> = reached
            .iter()
            .filter(|other| reach.get(**other).is_some_and(|back| back.contains(node)))
            .map(|other| (*other).clone())
            .collect();
        if component.len() > 1 {
            components.insert(component);
        }
    }
    components.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_found_and_chains_are_not() {
        let mut edges = Edges::new();
        for pair in ["a b", "b c", "c b", "c d", "e f", "f g", "g e", "h h"] {
            let (from, to) = pair.split_once(' ').unwrap();
            edges.insert((from.into(), to.into()), 1);
        }
        let graph = graph(&edges, |from, to| (from.into(), to.into()));
        assert_eq!(cycles(&graph), [vec!["b", "c"], vec!["e", "f", "g"]]);
    }
}
