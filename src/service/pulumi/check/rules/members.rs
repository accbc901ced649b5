//! `invalid-value`: members that a group of this type cannot have.

use super::Findings;
use crate::service::pulumi::check::scene::{GroupView, Scene};
use model::diag::{Code, Diagnostic, Path, Place};
use model::pulumi::EntityType;

pub(super) fn check(_: &Scene<'_>, group: &GroupView<'_>, found: &mut Findings) {
    let spec = &group.manifest.spec;
    let has_stacks = spec
        .stacks
        .as_ref()
        .is_some_and(|stacks| !stacks.is_empty());
    match spec.entity_type {
        EntityType::Accounts if has_stacks => {
            let place = Place::key(group.document, Path::root().key("spec").key("stacks"));
            found.push(
                Diagnostic::new(
                    Code::InvalidValue,
                    "a group of accounts has no stacks",
                    place,
                )
                .help("leave `stacks` out, or write `entityType: stacks`"),
            );
        }
        EntityType::Accounts | EntityType::Stacks => {}
    }
}
