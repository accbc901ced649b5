//! Faults from their texts.

use emulator::Fault;

pub(crate) fn faults(specs: &[&str]) -> Vec<Fault> {
    specs.iter().map(|spec| spec.parse().unwrap()).collect()
}
