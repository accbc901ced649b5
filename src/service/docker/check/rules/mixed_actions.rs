//! `mixed-actions`: actions of several layers in one rule (contract: `RuleActions`).

use super::Findings;
use crate::service::docker::check::scene::Scene;
use crate::service::docker::check::view::{PolicyView, action};
use model::diag::{Code, Diagnostic};

pub(super) fn check(_: &Scene<'_>, policy: &PolicyView<'_>, found: &mut Findings) {
    for rule in policy.rules.iter().filter(|rule| rule.layer.is_none()) {
        let mut actions = rule
            .spec
            .actions
            .iter()
            .map(|spec| action(*spec))
            .enumerate();
        let Some((_, first)) = actions.next() else {
            continue;
        };
        let Some((index, other)) = actions.find(|(_, other)| other.layer() != first.layer()) else {
            continue;
        };
        let message = format!(
            "a rule mixes {} and {} actions",
            first.layer(),
            other.layer()
        );
        found.push(
            Diagnostic::new(Code::MixedActions, message, rule.item("actions", index))
                .label(format!("`{other}` is a {} action", other.layer()))
                .also(
                    rule.item("actions", 0),
                    format!("`{first}` is a {} action", first.layer()),
                )
                .help("make one rule for each kind of action"),
        );
    }
}
