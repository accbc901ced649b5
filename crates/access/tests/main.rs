//! The tests of the access engine that need no access to its internals, in one binary.

extern crate polwarden_access as access;

// The attribute tells clippy that these are tests, where `unwrap` is allowed.
#[cfg(test)]
mod properties;
#[cfg(test)]
mod readings;
#[cfg(test)]
mod remedy;
