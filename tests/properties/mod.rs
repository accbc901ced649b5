//! The invariants of the design, on random states, with oracles that share no code with what they judge.

mod manifests;
mod oracle;
mod plan;
mod worlds;
