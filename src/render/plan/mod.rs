//! Plans, for people and for machines.

pub(crate) mod access;
pub(crate) mod documents;
pub(crate) mod gates;
mod human;
mod sections;
mod tree;
pub(crate) mod words;

pub(crate) use human::{enforcement_section, heading as target_heading};
pub use human::{human, summary};
pub(crate) use sections::{Section, sections, unmanaged_line};
pub(crate) use tree::{Line, changes_of, heading, line_end, line_of, tree};

use crate::plan::Plan;
use crate::render::text::neutral_json;

/// The plan as JSON, indented, with a newline at the end: the form that `apply` reads back. What could
/// steer a terminal is escaped in it.
///
/// # Errors
/// Passes on what the serializer says; plain data gives it no reason to.
pub fn json(plan: &Plan) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(plan)?;
    text.push('\n');
    Ok(neutral_json(&text).into_owned())
}
