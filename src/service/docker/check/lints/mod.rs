//! Lints of meaning: rules that never decide, rules that are covered by others, rules that could be
//! merged, and rules that allow everything.
//!
//! They consider all policies of a target together, because the rules of several policies apply to
//! the same person. All of them are warnings: the manifests are valid, but probably do not express
//! what was intended.

mod apex;
mod merge;
mod scene;
mod unused;
mod wide;

use access::{Entangled, ReachingRule, usage};
use manifest::Document;
use model::diag::{Code, Diagnostic};
use model::docker::{Content, DesiredPolicy};
use scene::{Declared, Scene};

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
