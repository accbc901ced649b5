//! The tests of the emulator that need no access to its internals, in one binary.

extern crate polwarden_emulator as emulator;

// The attribute tells clippy that these are tests, where `unwrap` is allowed.
#[cfg(test)]
mod chainloop;
#[cfg(test)]
mod docker;
#[cfg(test)]
mod pulumi;
#[cfg(test)]
mod shared;
