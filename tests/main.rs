//! All tests that stand outside the library, in one binary.

#[cfg(test)]
mod check;
