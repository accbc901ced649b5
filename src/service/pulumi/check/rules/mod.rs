//! The rules, in files by subject, and the table that runs them.

pub(super) mod config;
mod declared;
mod entry;
mod groups;
mod kind_misplaced;
mod names;
pub(super) mod source;

use super::context::{PackView, PulumiGroupView, PulumiRuleContext};
use model::diag::Diagnostic;

/// A rule, by what it checks.
enum PackCheck {
    Pack(fn(&PackView<'_>, &mut Vec<Diagnostic>)),
    Group(fn(&PulumiRuleContext<'_>, &PulumiGroupView<'_>, &mut Vec<Diagnostic>)),
    /// All manifests of the target together.
    Target(fn(&PulumiRuleContext<'_>, &mut Vec<Diagnostic>)),
}

/// All rules. Diagnostics are reported in this order.
const RULES: &[PackCheck] = &[
    PackCheck::Target(kind_misplaced::check),
    PackCheck::Pack(names::check_pack),
    PackCheck::Group(names::check_group),
    PackCheck::Target(names::check_target_once),
    PackCheck::Target(names::check_confusable),
    PackCheck::Pack(names::check_policies_once),
    PackCheck::Group(names::check_group_once),
    PackCheck::Group(names::check_group_texts),
    PackCheck::Pack(config::check_schemas),
    PackCheck::Pack(source::check),
    PackCheck::Pack(source::check_runtime),
    PackCheck::Pack(entry::check),
    PackCheck::Pack(source::check_lock),
    PackCheck::Pack(declared::check),
    PackCheck::Group(groups::check_members),
    PackCheck::Group(groups::check_packs),
    PackCheck::Group(config::check_groups),
];

pub(super) fn run(context: &PulumiRuleContext<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for rule in RULES {
        match rule {
            PackCheck::Pack(check) => context
                .packs
                .iter()
                .for_each(|pack| check(pack, &mut found)),
            PackCheck::Group(check) => context
                .groups
                .iter()
                .for_each(|group| check(context, group, &mut found)),
            PackCheck::Target(check) => check(context, &mut found),
        }
    }
    found
}
