//! `input-default-unused`: an input that must be given and has a default.

use super::Findings;
use crate::service::chainloop::check::scene::{Head, Scene};
use model::diag::{Code, Diagnostic};

pub(super) fn check(_: &Scene<'_>, head: &Head<'_>, found: &mut Findings) {
    for (index, input) in head.inputs.iter().enumerate() {
        // An empty default is none to the engine.
        let default = input
            .default
            .as_deref()
            .is_some_and(|default| !default.is_empty());
        if input.required == Some(true) && default {
            let message = format!(
                "the input `{}` must be given, and has a default",
                input.name
            );
            found.push(
                Diagnostic::new(
                    Code::InputDefaultUnused,
                    message,
                    head.input(index, "default"),
                )
                .label("this default")
                .also(head.input(index, "required"), "and this")
                .help("remove one of the two: the engine refuses a policy with both"),
            );
        }
    }
}
