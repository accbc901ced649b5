//! `policy-name-taken`, `group-name-taken` and `input-name-taken`: what may be there once only.

use std::collections::HashMap;

use super::Findings;
use crate::service::chainloop::check::scene::{Head, Scene};
use model::chainloop::DocumentKind;
use model::diag::{Code, Diagnostic, Path, Place};

pub(super) fn check(scene: &Scene<'_>, found: &mut Findings) {
    let mut first = HashMap::new();
    for document in &scene.documents {
        let kind = document.native.kind();
        let name = document.native.metadata().name.as_str();
        let place = Place::value(document.id, Path::root().key("metadata").key("name"));
        let code = match kind {
            DocumentKind::Policy => Code::PolicyNameTaken,
            DocumentKind::PolicyGroup => Code::GroupNameTaken,
        };
        let message = || {
            format!(
                "two documents of the target `{}` are the {} `{name}`",
                scene.target.name,
                kind.words()
            )
        };
        let help = "keep one of them, or give one another name: the name is what identifies it";
        once(&mut first, (kind, name), place, code, message, help, found);
    }
}

pub(super) fn check_inputs(_: &Scene<'_>, head: &Head<'_>, found: &mut Findings) {
    let mut first = HashMap::new();
    for (index, input) in head.inputs.iter().enumerate() {
        let message = || format!("two inputs are called `{}`", input.name);
        let help = "give one of them another name: arguments are given by it";
        let place = head.input(index, "name");
        once(
            &mut first,
            input.name.as_str(),
            place,
            Code::InputNameTaken,
            message,
            help,
            found,
        );
    }
}

/// A finding at each place but the first.
fn once<K: std::hash::Hash + Eq>(
    first: &mut HashMap<K, Place>,
    key: K,
    place: Place,
    code: Code,
    message: impl FnOnce() -> String,
    help: &str,
    found: &mut Findings,
) {
    match first.get(&key) {
        Some(first) => {
            let finding = Diagnostic::new(code, message(), place)
                .label("this one")
                .also(first.clone(), "and this one");
            found.push(finding.help(help));
        }
        None => {
            first.insert(key, place);
        }
    }
}
