//! The client against servers that fail in every way.

// The attribute tells clippy that these are tests, where `unwrap` is allowed.
#[cfg(test)]
mod faults;
