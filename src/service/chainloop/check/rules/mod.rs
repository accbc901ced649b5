//! The rules, in files by subject, and the table that runs them.

mod arguments;
mod names;
mod reference;
mod scripts;
mod spelling;

use super::context::{
    ChainloopGroupView, ChainloopPolicyView, ChainloopRuleContext, DocumentHeader,
};
use model::diag::Diagnostic;

/// A rule, by what it checks.
enum DocumentCheck {
    /// The head of each policy, including embedded ones, and of each group.
    Head(fn(&ChainloopRuleContext<'_>, &DocumentHeader<'_>, &mut Vec<Diagnostic>)),
    /// Each policy, including embedded ones.
    Policy(fn(&ChainloopRuleContext<'_>, &ChainloopPolicyView<'_>, &mut Vec<Diagnostic>)),
    Group(fn(&ChainloopRuleContext<'_>, &ChainloopGroupView<'_>, &mut Vec<Diagnostic>)),
    /// All documents of the target together.
    Target(fn(&ChainloopRuleContext<'_>, &mut Vec<Diagnostic>)),
}

/// All rules. Diagnostics are reported in this order.
const RULES: &[DocumentCheck] = &[
    DocumentCheck::Policy(spelling::check_policy),
    DocumentCheck::Group(spelling::check_group),
    DocumentCheck::Head(names::check),
    DocumentCheck::Head(names::check_organization),
    DocumentCheck::Target(names::check_target),
    DocumentCheck::Target(names::check_confusable),
    DocumentCheck::Head(names::check_inputs),
    DocumentCheck::Head(arguments::check_inputs),
    DocumentCheck::Policy(scripts::check_policy_source),
    DocumentCheck::Group(scripts::check_group_source),
    DocumentCheck::Policy(scripts::check_policy_material),
    DocumentCheck::Group(scripts::check_group_material),
    DocumentCheck::Policy(scripts::check_phases),
    DocumentCheck::Policy(reference::check_policy),
    DocumentCheck::Group(reference::check_group),
    DocumentCheck::Target(arguments::check),
];

pub(super) fn run(context: &ChainloopRuleContext<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let heads = context.headers();
    for rule in RULES {
        match rule {
            DocumentCheck::Head(check) => heads
                .iter()
                .for_each(|head| check(context, head, &mut found)),
            DocumentCheck::Policy(check) => context
                .policies
                .iter()
                .for_each(|policy| check(context, policy, &mut found)),
            DocumentCheck::Group(check) => context
                .groups
                .iter()
                .for_each(|group| check(context, group, &mut found)),
            DocumentCheck::Target(check) => check(context, &mut found),
        }
    }
    found
}
