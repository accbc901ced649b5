//! The invariants of the design, on random states, with oracles that share no code with what they judge.

#[path = "../../crates/access/tests/shared/brute.rs"]
mod brute;
#[path = "../../crates/access/tests/shared/cases.rs"]
mod cases;
mod document_rules;
mod documents;
mod extensions;
mod fewest;
mod frequency;
mod inputs;
mod manifests;
mod oracle;
mod packs;
mod plan;
mod recompute;
mod steps;
mod three_way;
#[path = "../../crates/access/tests/shared/worlds.rs"]
mod worlds;

pub(crate) use cases::cases;
pub(crate) use frequency::of_two_hundred;
