//! Pairs of positions, and cycles among renames.

use std::collections::HashMap;

/// Pairs of live and desired objects, as positions in their lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pairing {
    /// As (live, desired), sorted by desired.
    pub pairs: Vec<(usize, usize)>,
    /// Live objects that nothing declares.
    pub only_live: Vec<usize>,
    /// Desired objects that do not exist.
    pub only_desired: Vec<usize>,
}

impl Pairing {
    /// The pairing of two lists of these lengths that consists of exactly these pairs.
    pub(crate) fn from_pairs(mut pairs: Vec<(usize, usize)>, live: usize, desired: usize) -> Self {
        pairs.sort_by_key(|(_, desired)| *desired);
        let mut free_live = vec![true; live];
        let mut free_desired = vec![true; desired];
        for (live, desired) in &pairs {
            free_live[*live] = false;
            free_desired[*desired] = false;
        }
        let open = |free: &[bool]| (0..free.len()).filter(|position| free[*position]).collect();
        Self {
            pairs,
            only_live: open(&free_live),
            only_desired: open(&free_desired),
        }
    }
}

/// Finds cycles among renames by depth-first search, each as positions in `renames`. In a cycle,
/// every object takes the current name of the next one: `a` → `b`, `b` → `a`. The cycles share no
/// renames; if there are cycles, at least one is found.
pub(super) fn rename_cycles(renames: &[(&str, &str)]) -> Vec<Vec<usize>> {
    let mut holders: HashMap<&str, Vec<usize>> = HashMap::new();
    for (position, (from, _)) in renames.iter().enumerate() {
        holders.entry(*from).or_default().push(position);
    }
    let nobody = Vec::new();
    let next = |position: usize| holders.get(renames[position].1).unwrap_or(&nobody);
    let mut seen = vec![false; renames.len()];
    let mut found = Vec::new();
    for start in 0..renames.len() {
        // The current path; each step with the number of its successors that were visited.
        let mut way = if seen[start] {
            Vec::new()
        } else {
            vec![(start, 0)]
        };
        seen[start] = true;
        while let Some((position, looked)) = way.last_mut() {
            let Some(then) = next(*position).get(*looked).copied() else {
                way.pop();
                continue;
            };
            *looked += 1;
            if let Some(first) = way.iter().position(|(step, _)| *step == then) {
                found.push(
                    way.split_off(first)
                        .into_iter()
                        .map(|(step, _)| step)
                        .collect(),
                );
            } else if !seen[then] {
                seen[then] = true;
                way.push((then, 0));
            }
        }
    }
    found
}
