//! How often random values are of the kind that a property is about.

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;

/// How many of two hundred values, the same in every run, are what a property is about. A property that rarely meets
/// its case says nothing, whatever it asserts.
pub(crate) fn of_two_hundred<S: Strategy>(values: S, is: impl Fn(S::Value) -> bool) -> usize {
    let mut runner = TestRunner::deterministic();
    (0..200)
        .filter(|_| is(values.new_tree(&mut runner).unwrap().current()))
        .count()
}
