//! Pairs live objects with declared ones.
//!
//! Policies are paired by name and by declared aliases (`policies`). The rules of a policy are
//! paired so that the number of calls is minimal, then the size of the patches (`rules`). Both
//! are assignment problems with the constraint that renames form no cycle.

mod assign;
mod pairing;
mod policies;
mod rules;
mod similarity;

pub(super) use pairing::Pairing;
pub(super) use policies::{
    PairingCosts, PairingInput, PolicyPairing, pair_policies, temporary_name,
};
pub(super) use rules::{nearest, pair_rules, pair_weights};

#[cfg(test)]
mod tests;
