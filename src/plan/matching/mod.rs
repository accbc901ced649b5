//! Which live object is which declared one.
//!
//! Policies are known by their names, and by the old names that manifests declare ([`policies`]). The rules of a policy
//! are paired so that the calls are the fewest, then the patches the smallest, then as a person would do it
//! ([`rules`]).

mod assign;
mod likeness;
mod policies;
mod rules;

pub(super) use policies::{Costs, Paired, Policies, pair_policies};
pub(super) use rules::{Names, nearest, pair_rules};

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
        let (mut free_live, mut free_desired) = (vec![true; live], vec![true; desired]);
        for (live, desired) in &pairs {
            free_live[*live] = false;
            free_desired[*desired] = false;
        }
        let open = |free: &[bool]| (0..free.len()).filter(|position| free[*position]).collect();
        Self { pairs, only_live: open(&free_live), only_desired: open(&free_desired) }
    }
}

/// The rings among renames, each as positions in `renames`: every one of a ring takes the name that the next has.
/// Names must not repeat, neither among those that are given up nor among those that are taken.
fn rings(renames: &[(&str, &str)]) -> Vec<Vec<usize>> {
    let holders: std::collections::HashMap<&str, usize> =
        renames.iter().enumerate().map(|(position, (from, _))| (*from, position)).collect();
    let mut seen = vec![false; renames.len()];
    let mut found = Vec::new();
    for start in 0..renames.len() {
        let mut path = Vec::new();
        let mut at = Some(start);
        while let Some(position) = at.filter(|position| !seen[*position]) {
            seen[position] = true;
            path.push(position);
            at = holders.get(renames[position].1).copied();
        }
        // A walk that meets an earlier walk is the tail of a chain; one that meets itself has gone round.
        if let Some(first) = at.and_then(|position| path.iter().position(|step| *step == position)) {
            found.push(path.split_off(first));
        }
    }
    found
}

#[cfg(test)]
mod tests;
