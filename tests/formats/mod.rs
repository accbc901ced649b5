//! Output formats: golden files, the schemas that others publish, and texts that try to break out.

pub(crate) mod browser;
mod cut;
mod drift;
mod golden;
mod hostile;
mod mutated_plans;
mod published;
mod runner;
mod world;
