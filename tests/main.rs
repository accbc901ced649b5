//! The tests of the program, in one binary.

// The attribute tells clippy that these are tests, where `unwrap` is allowed.
#[cfg(test)]
mod check;
#[cfg(test)]
mod cli;
#[cfg(test)]
#[path = "../crates/emulator/tests/shared/contract/mod.rs"]
mod contract;
#[cfg(test)]
#[path = "../crates/emulator/tests/shared/emulator/mod.rs"]
mod emulator;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod format;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod git_command;
#[cfg(test)]
mod manifest;
#[cfg(test)]
mod mutated_bytes;
#[cfg(test)]
mod mutated_json;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod skip;
#[cfg(test)]
mod views;
#[cfg(test)]
mod wiring;
