//! The rules, in files by subject, and the table that runs them.

pub(super) mod config;
mod groups;
mod kind_misplaced;
mod names;
pub(super) mod source;

use super::scene::{GroupView, PackView, Scene};
use model::diag::Diagnostic;

/// A rule, by what it checks.
enum Rule {
    Pack(fn(&PackView<'_>, &mut Vec<Diagnostic>)),
    Group(fn(&Scene<'_>, &GroupView<'_>, &mut Vec<Diagnostic>)),
    /// All manifests of the target together.
    Target(fn(&Scene<'_>, &mut Vec<Diagnostic>)),
}

/// All rules. Diagnostics are reported in this order.
const RULES: &[Rule] = &[
    Rule::Target(kind_misplaced::check),
    Rule::Pack(names::check_pack),
    Rule::Group(names::check_group),
    Rule::Target(names::check_target_once),
    Rule::Pack(names::check_policies_once),
    Rule::Group(names::check_group_once),
    Rule::Pack(config::check_schemas),
    Rule::Pack(source::check),
    Rule::Pack(source::check_runtime),
    Rule::Pack(source::check_lock),
    Rule::Group(groups::check_members),
    Rule::Group(groups::check_packs),
    Rule::Group(config::check_groups),
];

pub(super) fn run(scene: &Scene<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for rule in RULES {
        match rule {
            Rule::Pack(check) => scene.packs.iter().for_each(|pack| check(pack, &mut found)),
            Rule::Group(check) => scene
                .groups
                .iter()
                .for_each(|group| check(scene, group, &mut found)),
            Rule::Target(check) => check(scene, &mut found),
        }
    }
    found
}
