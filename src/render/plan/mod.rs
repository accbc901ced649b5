//! Renders plans.

pub(crate) mod access;
pub(crate) mod access_view;
pub(crate) mod documents;
pub(crate) mod events;
pub(crate) mod gates;
mod human;
pub(crate) mod overview;
pub(crate) mod patterns;
mod sections;
mod tree;
pub(crate) mod wording;

pub(crate) use human::{
    access_rules, enforcement_section, heading as target_heading, partial_notice, revisions,
};
pub use human::{human, summary};
pub(crate) use sections::{PlanSection, SectionLine, sections, unmanaged_line};
pub(crate) use tree::{TreeDetail, TreeLine, change_tree, changes_of, heading, tree, tree_with};

use crate::plan::Plan;
use crate::render::text::neutral_json;

/// The plan as indented JSON with a final newline, which `apply` can read. Characters that could
/// control a terminal are escaped.
///
/// # Errors
/// The plan cannot be serialized, which does not happen for plain data.
pub fn json(plan: &Plan) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(plan)?;
    text.push('\n');
    Ok(neutral_json(&text).into_owned())
}
