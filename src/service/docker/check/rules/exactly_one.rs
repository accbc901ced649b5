//! `exactly-one`: fields of which exactly one must be there.

use super::Findings;
use crate::service::docker::check::scene::Scene;
use crate::service::docker::check::view::{ListView, PolicyView};
use model::diag::{Code, Diagnostic, Path, Place};

pub(super) fn check_policy(_: &Scene<'_>, policy: &PolicyView<'_>, found: &mut Findings) {
    let spec = &policy.manifest.spec;
    match (&spec.rules, &spec.cedar) {
        (Some(_), Some(_)) => found.push(
            Diagnostic::new(
                Code::ExactlyOne,
                "a policy holds both rules and Cedar text",
                cedar(policy, None),
            )
            .label("the Cedar text")
            .also(
                Place::key(policy.document, Path::root().key("spec").key("rules")),
                "the rules",
            )
            .help("keep `rules` or `cedar`, or make two policies"),
        ),
        (None, None) => found.push(
            Diagnostic::new(
                Code::ExactlyOne,
                "a policy holds neither rules nor Cedar text",
                Place::key(policy.document, Path::root().key("spec")),
            )
            .help("add `rules`, or `rules: []` for a policy that allows nothing"),
        ),
        (Some(_), None) | (None, Some(_)) => {}
    }
    let Some(spec) = &spec.cedar else { return };
    match (&spec.text, &spec.file) {
        (Some(_), Some(_)) => found.push(
            Diagnostic::new(
                Code::ExactlyOne,
                "Cedar text is given twice",
                cedar(policy, Some("file")),
            )
            .label("as a file")
            .also(cedar(policy, Some("text")), "and as text")
            .help("keep `text` or `file`"),
        ),
        (None, None) => found.push(
            Diagnostic::new(
                Code::ExactlyOne,
                "a Cedar policy has no text",
                cedar(policy, None),
            )
            .help(
                "add `text` with the statements, or `file` with the path of a file that holds them",
            ),
        ),
        (Some(_), None) | (None, Some(_)) => {}
    }
}

fn cedar(policy: &PolicyView<'_>, field: Option<&str>) -> Place {
    let path = Path::root().key("spec").key("cedar");
    Place::key(policy.document, field.into_iter().fold(path, Path::key))
}

pub(super) fn check_list(list: &ListView<'_>, found: &mut Findings) {
    let at = |field| Place::key(list.document, Path::root().key("spec").key(field));
    match list.groups.as_slice() {
        [_] => {}
        [] => found.push(
            Diagnostic::new(
                Code::ExactlyOne,
                "a ResourceList holds nothing",
                Place::key(list.document, Path::root().key("spec")),
            )
            .help("add one of `hosts`, `paths` and `httpResources`"),
        ),
        [first, second, ..] => found.push(
            Diagnostic::new(
                Code::ExactlyOne,
                "a ResourceList holds entries of two kinds",
                at(second.field),
            )
            .label("and these")
            .also(at(first.field), "these entries")
            .help("make one list for each kind: a rule can use only one of them"),
        ),
    }
}
