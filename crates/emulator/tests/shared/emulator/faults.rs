//! Faults from their texts.

use emulator::DockerFault;

pub(crate) fn faults(specs: &[&str]) -> Vec<DockerFault> {
    specs.iter().map(|spec| spec.parse().unwrap()).collect()
}
