//! The rules, one a file, and the table that runs them.

mod arguments;
mod inputs;
mod material;
mod names;
mod organization;
mod phases;
pub(super) mod reference;
mod source;
mod spelling;
mod taken;

use super::scene::{GroupView, Head, PolicyView, Scene};
use model::diag::Diagnostic;

/// What a rule found.
type Findings = Vec<Diagnostic>;

/// What a rule looks at.
enum Rule {
    /// The head of every policy, embedded ones too, and of every group.
    Head(fn(&Scene<'_>, &Head<'_>, &mut Findings)),
    /// Every policy, embedded ones too.
    Policy(fn(&PolicyView<'_>, &mut Findings)),
    /// Every group.
    Group(fn(&Scene<'_>, &GroupView<'_>, &mut Findings)),
    /// All documents of the target at once.
    Target(fn(&Scene<'_>, &mut Findings)),
}

/// All rules, in the order of their findings.
const RULES: &[Rule] = &[
    Rule::Policy(spelling::check_policy),
    Rule::Group(spelling::check_group),
    Rule::Head(names::check),
    Rule::Head(organization::check),
    Rule::Target(taken::check),
    Rule::Head(taken::check_inputs),
    Rule::Head(inputs::check),
    Rule::Policy(source::check_policy),
    Rule::Group(source::check_group),
    Rule::Policy(material::check_policy),
    Rule::Group(material::check_group),
    Rule::Policy(phases::check),
    Rule::Policy(reference::check_policy),
    Rule::Group(reference::check_group),
    Rule::Target(arguments::check),
];

/// Runs all rules.
pub(super) fn run(scene: &Scene<'_>) -> Findings {
    let mut found = Findings::new();
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
