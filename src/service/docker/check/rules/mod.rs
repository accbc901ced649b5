//! The rules, in files by subject, and the table that runs them.
//!
//! To add a rule, write a `pub(super) fn check_…` in the file of its subject and add it to
//! [`RULES`]. Its code needs a row in `docs/rules.md`; a test checks this.

mod actions;
pub(super) mod cedar;
mod fields;
mod limits;
mod lists;
pub(super) mod names;
mod patterns;
pub(super) mod teams;
mod values;
mod wildcards;

use rayon::prelude::*;

use super::scene::Scene;
use super::view::{Group, ListView, PolicyView};
use model::diag::Diagnostic;

/// A rule, by what it checks.
enum Rule {
    /// Each policy.
    Policy(fn(&Scene<'_>, &PolicyView<'_>, &mut Vec<Diagnostic>)),
    /// Each ResourceList.
    List(fn(&ListView<'_>, &mut Vec<Diagnostic>)),
    /// Each list of resources, in rules and in ResourceLists.
    Group(fn(&Group<'_>, &mut Vec<Diagnostic>)),
    /// All manifests of the target together.
    Target(fn(&Scene<'_>, &mut Vec<Diagnostic>)),
}

/// All rules. Diagnostics are reported in this order.
const RULES: &[Rule] = &[
    Rule::Policy(names::check_policy),
    Rule::List(names::check_list),
    Rule::Policy(fields::check_policy),
    Rule::List(fields::check_list),
    Rule::Policy(fields::check_profile),
    Rule::Policy(values::check_policy_not_empty),
    Rule::Group(values::check_group_not_empty),
    Rule::Policy(teams::check),
    Rule::Policy(names::check_rule_names),
    Rule::Policy(actions::check_layers),
    Rule::Policy(actions::check_domains),
    Rule::Policy(fields::check_resources),
    Rule::Policy(lists::check_references),
    Rule::Group(patterns::check),
    Rule::Policy(cedar::check),
    Rule::Policy(limits::check_policy),
    Rule::Target(limits::check_target),
    Rule::Target(names::check_policy_names),
    Rule::Target(lists::check_names),
    Rule::Target(names::check_policy_aliases),
    Rule::Policy(values::check_policy_duplicates),
    Rule::Group(values::check_group_duplicates),
    Rule::Group(patterns::check_uppercase),
    Rule::Group(wildcards::check_undocumented),
    Rule::Policy(wildcards::check_policy),
    Rule::List(wildcards::check_list),
    Rule::Policy(actions::check_unreadable),
    Rule::Policy(actions::check_udp),
    Rule::Target(lists::check_unused),
];

/// Runs all rules. Documents are checked in parallel, but the order of diagnostics is fixed.
pub(super) fn run(scene: &Scene<'_>) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = scene.lists.par_iter().flat_map_iter(on_list).collect();
    let policies: Vec<Vec<Diagnostic>> = scene
        .policies
        .par_iter()
        .map(|policy| on_policy(scene, policy))
        .collect();
    found.extend(policies.into_iter().flatten());
    for rule in RULES {
        if let Rule::Target(check) = rule {
            check(scene, &mut found);
        }
    }
    found
}

fn on_policy(scene: &Scene<'_>, policy: &PolicyView<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for rule in RULES {
        match rule {
            Rule::Policy(check) => check(scene, policy, &mut found),
            Rule::Group(check) => {
                for group in policy.rules.iter().filter_map(|rule| rule.group.as_ref()) {
                    check(group, &mut found);
                }
            }
            Rule::List(_) | Rule::Target(_) => {}
        }
    }
    found
}

fn on_list(list: &ListView<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for rule in RULES {
        match rule {
            Rule::List(check) => check(list, &mut found),
            Rule::Group(check) => {
                for group in &list.groups {
                    check(group, &mut found);
                }
            }
            Rule::Policy(_) | Rule::Target(_) => {}
        }
    }
    found
}
