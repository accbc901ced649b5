//! Saved plans with changes: they are refused or shown, and never make the program panic.

use polwarden::plan::{Plan, plan_digest};
use proptest::prelude::*;
use serde_json::Value;

use super::world::{Words, render};
use crate::mutated_bytes::{CASES, mutated_bytes};
use crate::mutated_json::mutated_json;

fn plan() -> Value {
    serde_json::to_value(Words::ordinary().plan()).unwrap()
}

/// Reads a plan as `apply` does, and shows it in all formats.
fn read_and_show(text: &[u8]) {
    let Ok(plan) = serde_json::from_slice::<Plan>(text) else {
        return;
    };
    plan_digest(&plan).unwrap();
    for (format, text) in render(Some(&plan), &Words::ordinary().findings()) {
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\0']), "{format}");
    }
}

proptest! {
    #![proptest_config(crate::properties::cases(CASES))]

    #[test]
    fn bytes_of_a_plan_never_panic(text in mutated_bytes(vec![plan().to_string()])) {
        read_and_show(&text);
    }

    #[test]
    fn values_of_a_plan_never_panic(plan in mutated_json(plan())) {
        read_and_show(plan.to_string().as_bytes());
    }
}
