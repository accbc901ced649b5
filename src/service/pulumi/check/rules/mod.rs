//! The rules, one a file, and the table that runs them.

mod config;
mod config_schema;
mod kind_misplaced;
mod lock;
mod members;
mod names;
pub(super) mod runtime;
mod source;
mod taken;
mod unknown_pack;

use super::scene::{GroupView, PackView, Scene};
use model::diag::Diagnostic;

/// What a rule found.
type Findings = Vec<Diagnostic>;

/// What a rule looks at, each with all that it may ask of the rest.
enum Rule {
    /// Every pack.
    Pack(fn(&PackView<'_>, &mut Findings)),
    /// Every group.
    Group(fn(&Scene<'_>, &GroupView<'_>, &mut Findings)),
    /// All manifests of the target at once.
    Target(fn(&Scene<'_>, &mut Findings)),
}

/// All rules, in the order of their findings.
const RULES: &[Rule] = &[
    Rule::Target(kind_misplaced::check),
    Rule::Pack(names::check_pack),
    Rule::Group(names::check_group),
    Rule::Target(taken::check),
    Rule::Pack(taken::check_policies),
    Rule::Group(taken::check_group),
    Rule::Pack(config_schema::check),
    Rule::Pack(source::check),
    Rule::Pack(runtime::check),
    Rule::Pack(lock::check),
    Rule::Group(members::check),
    Rule::Group(unknown_pack::check),
    Rule::Group(config::check),
];

/// Runs all rules.
pub(super) fn run(scene: &Scene<'_>) -> Findings {
    let mut found = Findings::new();
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
