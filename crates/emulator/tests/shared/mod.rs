//! What these tests share with the tests of the root package, which includes both modules by path.

pub(crate) mod contract;
pub(crate) mod emulator;
