//! Access decisions, differences and bounds on random rules, compared with oracles that share no
//! code with the engine.

mod access;
mod atoms;
mod bounds;
#[path = "../shared/brute.rs"]
mod brute;
#[path = "../shared/cases.rs"]
mod cases;
mod documented;
mod mcp_gates;
mod random;
mod rows;
mod sets;
mod suite;
mod usage;
#[path = "../shared/worlds.rs"]
mod worlds;

use cases::cases;
