//! All tests that stand outside the library, in one binary.

// The attribute tells clippy that these are tests, where `unwrap` is welcome.
#[cfg(test)]
mod check;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod emulator;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod format;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod manifest;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod skip;
#[cfg(test)]
mod wiring;
