//! Modules that the tests of the root package share. It includes them by path.

pub(crate) mod contract;
pub(crate) mod emulator;
