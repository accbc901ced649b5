//! Lints of meaning: rules that never decide, rules that are covered by others, rules that could be
//! merged, and rules that allow everything.
//!
//! They consider all policies of a target together, because the rules of several policies apply to
//! the same person. All of them are warnings: the manifests are valid, but probably do not express
//! what was intended.

mod apex;
mod merge;
mod unused;
mod wide;

use super::locate::resource_place;
use access::{Entangled, ReachingRule, Spot, Usage, usage};
use manifest::Document;
use model::diag::{Code, Diagnostic, Place};
use model::docker::{Content, DesiredPolicy, DesiredRule};

/// Probable mistakes in the rules of a target. Policies with errors are not included; adding them
/// would not remove any of the diagnostics.
pub fn lint(documents: &[&Document], policies: &[DesiredPolicy]) -> Vec<Diagnostic> {
    let mut rules = Vec::new();
    for policy in policies {
        if let Content::Rules(declared) = &policy.content {
            rules.extend(declared.iter().map(|rule| Declared { policy, rule }));
        }
    }
    let reaching: Vec<ReachingRule<'_>> = rules
        .iter()
        .map(|declared| ReachingRule {
            rule: &declared.rule.rule,
            scope: &declared.policy.scope,
        })
        .collect();
    let usage = match usage(&reaching) {
        Ok(usage) => usage,
        Err(error) => {
            return policies
                .first()
                .map(|policy| entangled(policy, error))
                .into_iter()
                .collect();
        }
    };
    let scene = Scene {
        documents,
        rules,
        usage,
    };
    let mut found = Vec::new();
    unused::check(&scene, &mut found);
    merge::check(&scene, &mut found);
    apex::check(&scene, &mut found);
    wide::check(&scene, &mut found);
    found
}

fn entangled(policy: &DesiredPolicy, error: Entangled) -> Diagnostic {
    let message = "what the rules of this target are good for was not worked out";
    Diagnostic::new(Code::RulesEntangled, message, policy.place()).help(error.to_string())
}

#[derive(Clone, Copy)]
struct Declared<'a> {
    policy: &'a DesiredPolicy,
    rule: &'a DesiredRule,
}

/// The input of a lint.
struct Scene<'a> {
    documents: &'a [&'a Document],
    /// In the order of the usage analysis.
    rules: Vec<Declared<'a>>,
    usage: Usage,
}

impl Scene<'_> {
    fn rule_place(&self, rule: usize) -> Option<Place> {
        self.rules
            .get(rule)
            .map(|declared| declared.policy.rule_place(declared.rule))
    }

    /// Where a resource is declared: in the rule, or in a list that it includes.
    fn resource_place(&self, spot: Spot) -> Option<Place> {
        let declared = self.rules.get(spot.rule)?;
        let place = resource_place(
            self.documents,
            declared.policy.document,
            declared.rule.index,
            self.text(spot)?,
        );
        place.or_else(|| self.rule_place(spot.rule))
    }

    fn text(&self, spot: Spot) -> Option<&str> {
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
    fn name(&self, rule: usize, beside: usize) -> String {
        let (Some(named), Some(beside)) = (self.rules.get(rule), self.rules.get(beside)) else {
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
