//! The rules, in files by subject, and the table that runs them.

mod arguments;
mod names;
pub(super) mod reference;
mod scripts;
mod spelling;

use super::scene::{GroupView, Head, PolicyView, Scene};
use model::diag::Diagnostic;

/// A rule, by what it checks.
enum Rule {
    /// The head of each policy, including embedded ones, and of each group.
    Head(fn(&Scene<'_>, &Head<'_>, &mut Vec<Diagnostic>)),
    /// Each policy, including embedded ones.
    Policy(fn(&PolicyView<'_>, &mut Vec<Diagnostic>)),
    Group(fn(&Scene<'_>, &GroupView<'_>, &mut Vec<Diagnostic>)),
    /// All documents of the target together.
    Target(fn(&Scene<'_>, &mut Vec<Diagnostic>)),
}

/// All rules. Diagnostics are reported in this order.
const RULES: &[Rule] = &[
    Rule::Policy(spelling::check_policy),
    Rule::Group(spelling::check_group),
    Rule::Head(names::check),
    Rule::Head(names::check_organization),
    Rule::Target(names::check_target),
    Rule::Head(names::check_inputs),
    Rule::Head(arguments::check_inputs),
    Rule::Policy(scripts::check_policy_source),
    Rule::Group(scripts::check_group_source),
    Rule::Policy(scripts::check_policy_material),
    Rule::Group(scripts::check_group_material),
    Rule::Policy(scripts::check_phases),
    Rule::Policy(reference::check_policy),
    Rule::Group(reference::check_group),
    Rule::Target(arguments::check),
];

pub(super) fn run(scene: &Scene<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let heads = scene.heads();
    for rule in RULES {
        match rule {
            Rule::Head(check) => heads.iter().for_each(|head| check(scene, head, &mut found)),
            Rule::Policy(check) => scene
                .policies
                .iter()
                .for_each(|policy| check(policy, &mut found)),
            Rule::Group(check) => scene
                .groups
                .iter()
                .for_each(|group| check(scene, group, &mut found)),
            Rule::Target(check) => check(scene, &mut found),
        }
    }
    found
}
