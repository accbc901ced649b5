//! The invariants of the design, on random states, with oracles that share no code with what they judge.

mod access;
mod bounds;
mod brute;
mod documented;
mod manifests;
mod oracle;
mod plan;
mod steps;
mod suite;
mod worlds;
