//! All tests that stand outside the library, in one binary.

mod manifest;
