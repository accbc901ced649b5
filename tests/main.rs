//! All tests that stand outside the library, in one binary.

// `cfg(test)` is always on here; it tells clippy that helpers are tests too, where `unwrap` is right.
#[cfg(test)]
mod contract;
#[cfg(test)]
mod emulator;
