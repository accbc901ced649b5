//! The tests of traffic that need no access to its internals, in one binary.

extern crate polwarden_traffic as traffic;

// The attribute tells clippy that these are tests, where `unwrap` is allowed.
#[cfg(test)]
mod read;
