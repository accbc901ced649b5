//! `limit-exceeded`: the number of policies and rules (FACTS, "Limits"). The size of a policy is
//! checked in `size`.

use crate::service::docker::check::context::DockerRuleContext;
use crate::service::docker::check::view::DockerPolicyView;
use model::diag::{Code, Diagnostic, Path, Place};

/// Rules per policy.
const MOST_RULES: usize = 250;
/// Policies per organization.
const MOST_POLICIES: usize = 100;

pub(super) fn check_policy(
    _: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let used = policy.rules.len();
    if used > MOST_RULES {
        let message = format!(
            "the policy `{}` exceeds the rule limit of the service",
            policy.manifest.metadata.name
        );
        let place = Place::key(policy.document, Path::root().key("spec").key("rules"));
        found.push(
            Diagnostic::new(Code::LimitExceeded, message, place)
                .label(format!("{used} of {MOST_RULES} rules"))
                .help(
                    "merge rules that differ only in their resources, or split the policy in two",
                ),
        );
    }
}

pub(super) fn check_target(context: &DockerRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    let used = context.policies.len();
    if let Some(first_over) = context.policies.get(MOST_POLICIES) {
        let message = format!(
            "the target `{}` exceeds the policy limit of the service",
            context.target.name
        );
        found.push(
            Diagnostic::new(Code::LimitExceeded, message, first_over.name_place())
                .label(format!(
                    "{used} of {MOST_POLICIES} policies; this one exceeds the limit"
                ))
                .help("merge policies that have the same scope"),
        );
    }
}
