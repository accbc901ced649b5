//! Checks the manifests of a Docker target and builds its desired policies.
//!
//! [`check`] takes all manifests of one target. Each string is parsed once into views (`view`), and
//! the table in `rules` runs every rule over them. Policies without errors become
//! [`CheckedPolicies::policies`]. Rules are pure functions from views to diagnostics; single documents are
//! checked in parallel.

pub(crate) mod access;
mod context;
mod desired;
mod gates;
mod lints;
mod locate;
mod mcp;
mod policy_tests;
mod rules;
mod size;
pub(crate) mod teams;
mod view;

use rayon::prelude::*;

use crate::service::diagnostics::{documents_with_errors, sort};
use model::diag::Diagnostic;
use model::docker::DesiredPolicy;

pub use access::{TargetGates, gates, gates_of_all};

pub use gates::check_gates;
pub use lints::lint;
pub use locate::{DeclaredNames, covered_place};

pub use context::PolicyInput;
pub use policy_tests::{
    CheckedTests, LARGEST_SUITE, LARGEST_TEST, check_test_targets, check_tests,
};
pub use teams::{KnownTeams, needs_server_teams, tests_need_server_teams};

use context::DockerRuleContext;

/// The outcome of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckedPolicies {
    /// The policies, in the order of the documents. One is missing if there is an error about it,
    /// or if the server has to confirm one of its teams: a caller that plans must refuse while
    /// there is any error.
    pub policies: Vec<DesiredPolicy>,
    /// The diagnostics, by document, in the order of the rules.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks all manifests of one target.
pub fn check(input: &PolicyInput<'_>) -> CheckedPolicies {
    let context = DockerRuleContext::new(input);
    let mut diagnostics = rules::run(&context);
    input.invalid.remove_consequences(&mut diagnostics);
    let mut blamed = documents_with_errors(&diagnostics);
    blamed.extend(input.invalid.incomplete.iter().map(|it| it.document.id));
    let outcomes: Vec<_> = context
        .policies
        .par_iter()
        .filter(|policy| {
            !blamed.contains(&policy.document)
                && context.knows_lists(policy)
                && !context.includes_list_of(policy, &blamed)
        })
        .map(|policy| desired::build(&context, policy))
        .collect();
    let mut policies = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        match outcome {
            Ok(policy) => policies.extend(policy),
            Err(diagnostic) => diagnostics.push(*diagnostic),
        }
    }
    sort(&mut diagnostics);
    CheckedPolicies {
        policies,
        diagnostics,
    }
}
