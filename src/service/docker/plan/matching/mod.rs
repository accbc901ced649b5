//! Which live object is which declared one.
//!
//! Policies are known by their names, and by the old names that manifests declare ([`policies`]). The rules of a policy
//! are paired so that the calls are the fewest, then the patches the smallest, then as a person would do it
//! ([`rules`]).

mod assign;
mod likeness;
mod policies;
mod rules;

use std::collections::HashMap;

pub(super) use policies::{Costs, Paired, Policies, pair_policies, temporary_name};
pub(super) use rules::{nearest, pair_rules};

/// Live and desired objects side by side, as positions in their lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pairing {
    /// Pairs of live and desired, in the order of the desired ones.
    pub pairs: Vec<(usize, usize)>,
    /// Live ones that nothing declares.
    pub only_live: Vec<usize>,
    /// Desired ones that do not exist.
    pub only_desired: Vec<usize>,
}

impl Pairing {
    /// The pairing of two lists of these lengths, in which these pairs are made and no others.
    pub(super) fn of(mut pairs: Vec<(usize, usize)>, live: usize, desired: usize) -> Self {
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

/// Rings among renames, each as positions in `renames`: every one of a ring takes the name that the next has. No two
/// rings share a rename; if there is any ring, at least one is found.
fn rings(renames: &[(&str, &str)]) -> Vec<Vec<usize>> {
    let mut holders: HashMap<&str, Vec<usize>> = HashMap::new();
    for (position, (from, _)) in renames.iter().enumerate() {
        holders.entry(*from).or_default().push(position);
    }
    let nobody = Vec::new();
    let next = |position: usize| holders.get(renames[position].1).unwrap_or(&nobody);
    let mut seen = vec![false; renames.len()];
    let mut found = Vec::new();
    for start in 0..renames.len() {
        // The way from the start, each step with how many of those behind it were looked at.
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

#[cfg(test)]
mod tests;
