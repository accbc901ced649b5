//! The invariants of the design, on random states, with oracles that share no code with what they judge.

mod access;
mod brute;
mod coverage;
mod documented;
mod manifests;
mod oracle;
mod plan;
mod random;
mod sets;
mod steps;
mod worlds;
