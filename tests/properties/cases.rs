//! How many random cases a property is tried on.

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, TestRunner};

/// So many cases, times `POLWARDEN_TEST_CASES`: rare faults are looked for with `POLWARDEN_TEST_CASES=50`.
pub(crate) fn cases(usual: u32) -> Config {
    let times = std::env::var("POLWARDEN_TEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_u32);
    Config {
        cases: usual.saturating_mul(times),
        ..Config::default()
    }
}

/// How many of two hundred values, the same in every run, are what a property is about. A property that rarely meets
/// its case says nothing, whatever it asserts.
pub(crate) fn of_two_hundred<S: Strategy>(values: S, is: impl Fn(S::Value) -> bool) -> usize {
    let mut runner = TestRunner::deterministic();
    (0..200)
        .filter(|_| is(values.new_tree(&mut runner).unwrap().current()))
        .count()
}
