//! The rules, in files by subject, and the table that runs them.
//!
//! To add a rule, write a `pub(super) fn check_…` in the file of its subject and add it to
//! [`RULES`]. Its code needs a row in `docs/reference/rules.md`; a test checks this.

mod actions;
pub(super) mod cedar;
mod confusable;
mod extensions;
mod fields;
mod limits;
mod lists;
pub(super) mod names;
mod patterns;
pub(super) mod teams;
mod values;
mod wildcards;

use rayon::prelude::*;

use super::context::DockerRuleContext;
use super::view::{DockerPolicyView, EntryGroup, ListView};
use model::diag::Diagnostic;

/// A rule, by what it checks.
enum PolicyCheck {
    /// Each policy.
    Policy(fn(&DockerRuleContext<'_>, &DockerPolicyView<'_>, &mut Vec<Diagnostic>)),
    /// Each ResourceList.
    List(fn(&ListView<'_>, &mut Vec<Diagnostic>)),
    /// Each list of resources, in rules and in ResourceLists.
    Group(fn(&EntryGroup<'_>, &mut Vec<Diagnostic>)),
    /// All manifests of the target together.
    Target(fn(&DockerRuleContext<'_>, &mut Vec<Diagnostic>)),
}

/// All rules. Diagnostics are reported in this order.
const RULES: &[PolicyCheck] = &[
    PolicyCheck::Policy(names::check_policy),
    PolicyCheck::List(names::check_list),
    PolicyCheck::Policy(fields::check_policy),
    PolicyCheck::List(fields::check_list),
    PolicyCheck::Policy(fields::check_profile),
    PolicyCheck::Policy(extensions::check),
    PolicyCheck::Policy(values::check_policy_not_empty),
    PolicyCheck::Group(values::check_group_not_empty),
    PolicyCheck::Policy(teams::check),
    PolicyCheck::Policy(names::check_rule_names),
    PolicyCheck::Policy(actions::check_layers),
    PolicyCheck::Policy(actions::check_domains),
    PolicyCheck::Policy(fields::check_resources),
    PolicyCheck::Policy(lists::check_references),
    PolicyCheck::Group(patterns::check),
    PolicyCheck::Policy(cedar::check),
    PolicyCheck::Policy(limits::check_policy),
    PolicyCheck::Target(limits::check_target),
    PolicyCheck::Target(names::check_policy_names),
    PolicyCheck::Target(lists::check_names),
    PolicyCheck::Target(names::check_policy_aliases),
    PolicyCheck::Target(names::check_removed_names),
    PolicyCheck::Policy(values::check_policy_duplicates),
    PolicyCheck::Group(values::check_group_duplicates),
    PolicyCheck::Group(patterns::check_uppercase),
    PolicyCheck::Group(wildcards::check_undocumented),
    PolicyCheck::Policy(wildcards::check_policy),
    PolicyCheck::List(wildcards::check_list),
    PolicyCheck::Policy(actions::check_unreadable),
    PolicyCheck::Policy(actions::check_udp),
    PolicyCheck::Target(lists::check_unused),
    PolicyCheck::Policy(confusable::check_rules),
    PolicyCheck::Target(confusable::check_target),
];

/// Runs all rules. Documents are checked in parallel, but the order of diagnostics is fixed.
pub(super) fn run(context: &DockerRuleContext<'_>) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = context.lists.par_iter().flat_map_iter(check_list).collect();
    let policies: Vec<Vec<Diagnostic>> = context
        .policies
        .par_iter()
        .map(|policy| check_policy(context, policy))
        .collect();
    found.extend(policies.into_iter().flatten());
    for rule in RULES {
        if let PolicyCheck::Target(check) = rule {
            check(context, &mut found);
        }
    }
    found
}

fn check_policy(context: &DockerRuleContext<'_>, policy: &DockerPolicyView<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for rule in RULES {
        match rule {
            PolicyCheck::Policy(check) => check(context, policy, &mut found),
            PolicyCheck::Group(check) => {
                for group in policy.rules.iter().filter_map(|rule| rule.group.as_ref()) {
                    check(group, &mut found);
                }
            }
            PolicyCheck::List(_) | PolicyCheck::Target(_) => {}
        }
    }
    found
}

fn check_list(list: &ListView<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for rule in RULES {
        match rule {
            PolicyCheck::List(check) => check(list, &mut found),
            PolicyCheck::Group(check) => {
                for group in &list.groups {
                    check(group, &mut found);
                }
            }
            PolicyCheck::Policy(_) | PolicyCheck::Target(_) => {}
        }
    }
    found
}
