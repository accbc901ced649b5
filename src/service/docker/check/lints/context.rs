//! The rules of a target, as lints see them.

use access::{ResourcePosition, UsageReport};
use manifest::Document;
use model::diag::Place;
use model::docker::{DesiredPolicy, DesiredRule};

use crate::service::docker::check::locate::resource_place;

#[derive(Clone, Copy)]
pub(super) struct DeclaredRule<'a> {
    pub(super) policy: &'a DesiredPolicy,
    pub(super) rule: &'a DesiredRule,
}

/// The input of a lint.
pub(super) struct LintContext<'a> {
    pub(super) documents: &'a [&'a Document],
    /// In the order of the usage analysis.
    pub(super) rules: Vec<DeclaredRule<'a>>,
    pub(super) usage: UsageReport,
}

impl LintContext<'_> {
    /// Whether this version knows all settings of a rule. The effect of the others is unknown.
    pub(super) fn is_understood(&self, rule: usize) -> bool {
        self.rules.get(rule).is_some_and(|declared| {
            let own = declared.rule.rule.extensions.set_names();
            own.chain(declared.policy.extensions.set_names())
                .next()
                .is_none()
        })
    }

    pub(super) fn rule_place(&self, rule: usize) -> Option<Place> {
        self.rules
            .get(rule)
            .map(|declared| declared.policy.rule_place(declared.rule))
    }

    /// Where a resource is declared: in the rule, or in a list that it includes.
    pub(super) fn resource_place(&self, spot: ResourcePosition) -> Option<Place> {
        let declared = self.rules.get(spot.rule)?;
        let place = resource_place(
            self.documents,
            declared.policy.document,
            declared.rule.index,
            self.text(spot)?,
        );
        place.or_else(|| self.rule_place(spot.rule))
    }

    pub(super) fn text(&self, spot: ResourcePosition) -> Option<&str> {
        Some(
            &self
                .usage
                .rules
                .get(spot.rule)?
                .resources
                .get(spot.resource)?
                .resource,
        )
    }

    /// The name of a rule, with the name of its policy unless that is the policy of `beside`.
    pub(super) fn name(&self, rule: usize, beside: usize) -> String {
        let Some((named, beside)) = self.rules.get(rule).zip(self.rules.get(beside)) else {
            return String::new();
        };
        let name = &named.rule.rule.name;
        if named.policy.document == beside.policy.document {
            format!("rule \"{name}\"")
        } else {
            format!("rule \"{name}\" of policy \"{}\"", named.policy.name)
        }
    }
}
