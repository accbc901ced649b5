//! The rules, one a file, and the table that runs them.
//!
//! To add a rule: write a file with `pub(super) fn check(…)`, name it as a module here, and give it a line in
//! [`RULES`]. A code it reports needs a row in `docs/rules.md`; a test says so.

mod alias_taken;
pub(super) mod cedar;
mod duplicate_value;
mod empty_list;
mod exactly_one;
mod host_uppercase;
mod limits;
mod list_name_taken;
mod list_unused;
mod mixed_actions;
mod mixed_domains;
pub(super) mod names;
mod patterns;
mod policy_name_taken;
mod profile_lacks;
mod resource_kind;
mod rule_names;
pub(super) mod teams;
mod udp_allowed;
mod unknown_list;
mod wildcard_gap;
mod wildcard_undocumented;
mod write_without_read;

use rayon::prelude::*;

use super::scene::Scene;
use super::view::{Group, ListView, PolicyView};
use model::diag::Diagnostic;

/// What a rule found.
pub(super) type Findings = Vec<Diagnostic>;

/// What a rule looks at, each with all that it may ask of the rest.
enum Rule {
    /// Every policy.
    Policy(fn(&Scene<'_>, &PolicyView<'_>, &mut Findings)),
    /// Every ResourceList.
    List(fn(&ListView<'_>, &mut Findings)),
    /// Every list of resources, in rules and in ResourceLists.
    Group(fn(&Group<'_>, &mut Findings)),
    /// All manifests of the target at once.
    Target(fn(&Scene<'_>, &mut Findings)),
}

/// All rules, in the order of their findings.
const RULES: &[Rule] = &[
    Rule::Policy(names::check_policy),
    Rule::List(names::check_list),
    Rule::Policy(exactly_one::check_policy),
    Rule::List(exactly_one::check_list),
    Rule::Policy(profile_lacks::check),
    Rule::Policy(empty_list::check_policy),
    Rule::Group(empty_list::check_group),
    Rule::Policy(teams::check),
    Rule::Policy(rule_names::check),
    Rule::Policy(mixed_actions::check),
    Rule::Policy(mixed_domains::check),
    Rule::Policy(resource_kind::check),
    Rule::Policy(unknown_list::check),
    Rule::Group(patterns::check),
    Rule::Policy(cedar::check),
    Rule::Policy(limits::check_policy),
    Rule::Target(limits::check_target),
    Rule::Target(policy_name_taken::check),
    Rule::Target(list_name_taken::check),
    Rule::Target(alias_taken::check),
    Rule::Policy(duplicate_value::check_policy),
    Rule::Group(duplicate_value::check_group),
    Rule::Group(host_uppercase::check),
    Rule::Group(wildcard_undocumented::check),
    Rule::Policy(wildcard_gap::check_policy),
    Rule::List(wildcard_gap::check_list),
    Rule::Policy(write_without_read::check),
    Rule::Policy(udp_allowed::check),
    Rule::Target(list_unused::check),
];

/// Runs all rules; documents in parallel, findings in a fixed order.
pub(super) fn run(scene: &Scene<'_>) -> Findings {
    let mut found: Findings = scene.lists.par_iter().flat_map_iter(on_list).collect();
    let policies: Vec<Findings> = scene
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

fn on_policy(scene: &Scene<'_>, policy: &PolicyView<'_>) -> Findings {
    let mut found = Findings::new();
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

fn on_list(list: &ListView<'_>) -> Findings {
    let mut found = Findings::new();
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
