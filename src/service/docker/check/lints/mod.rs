//! Lints of meaning: rules that never decide, rules that are covered by others, rules that could be
//! merged, denies of only some names of the own machine, and rules that allow everything.
//!
//! They consider all policies of a target together, because the rules of several policies apply to
//! the same person. All of them are warnings: the manifests are valid, but probably do not express
//! what was intended.

mod apex;
mod context;
mod loopback;
mod merge;
mod unused;
mod wide;

use access::{RuleWithScope, TooComplex, usage};
use context::{DeclaredRule, LintContext};
use manifest::Document;
use model::diag::{Code, Diagnostic};
use model::docker::{DesiredPolicy, PolicyContent};

/// Probable mistakes in the rules of a target. Policies with errors are not included; adding them
/// would not remove any of the diagnostics.
pub fn lint(documents: &[&Document], policies: &[DesiredPolicy]) -> Vec<Diagnostic> {
    let mut rules = Vec::new();
    for policy in policies {
        if let PolicyContent::Rules(declared) = &policy.content {
            rules.extend(declared.iter().map(|rule| DeclaredRule { policy, rule }));
        }
    }
    let reaching: Vec<RuleWithScope<'_>> = rules
        .iter()
        .map(|declared| RuleWithScope {
            rule: &declared.rule.rule,
            scope: &declared.policy.scope,
        })
        .collect();
    let usage = match usage(&reaching) {
        Ok(usage) => usage,
        Err(error) => {
            return policies
                .first()
                .map(|policy| too_complex(policy, error))
                .into_iter()
                .collect();
        }
    };
    let context = LintContext {
        documents,
        rules,
        usage,
    };
    let mut found = Vec::new();
    unused::check(&context, &mut found);
    merge::check(&context, &mut found);
    apex::check(&context, &mut found);
    loopback::check(&context, &mut found);
    wide::check(&context, &mut found);
    found
}

fn too_complex(policy: &DesiredPolicy, error: TooComplex) -> Diagnostic {
    let message = "the use of the rules of this target was not analyzed";
    Diagnostic::new(Code::RulesEntangled, message, policy.place()).help(error.to_string())
}
