//! The invariants of the design, on random states, with oracles that share no code with what they judge.

mod access;
mod bounds;
mod brute;
mod cases;
mod documented;
mod documents;
mod fewest;
mod manifests;
mod oracle;
mod packs;
mod plan;
mod random;
mod recompute;
mod sets;
mod steps;
mod suite;
mod three_way;
mod usage;
mod worlds;

pub(crate) use cases::{cases, of_two_hundred};
