//! Renders the answer to `explain`.

mod change;

use schemars::JsonSchema;
use serde::Serialize;

use super::decided::{DecidedBy, DecidingRuleReport, FailedStatement, Locator};
use super::paint::Painter;
use super::policy_tests::decision_case;
use super::text::{neutral, neutral_hosts};
use access::{
    AccessRequest, Answer, ApplicableRules, CedarDecision, CedarRequest, Decider, DecisionCase,
    UnknownCause,
};
use change::RemedyReport;

/// The answer about one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Whether the organization's policies allow the request. Local and kit denies apply in addition, cloud sandboxes are not
    /// governed, and users of several governed organizations are denied.
    pub decision: Answer,
    /// Why the decision is unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<UnknownCause>,
    /// The decision for each value of attributes that an `mcp` request omits. All conditions in
    /// `when` must be true.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<DecisionCase>,
    /// The rules or statements that decide; empty if nothing matches, which means denied by default.
    pub rules: Vec<DecidedBy>,
    /// The statements of Cedar policies that could not be evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<FailedStatement>>,
    /// The request.
    pub request: String,
    /// The name of the target.
    pub target: String,
    /// The change that leads to the other decision; absent for Cedar policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<RemedyReport>,
}

impl Explanation {
    /// Evaluates rules.
    pub fn of_rules(
        pool: &ApplicableRules<'_>,
        request: &AccessRequest,
        target: &str,
        locator: Locator<'_>,
    ) -> Self {
        let access::AttributedDecision {
            decision,
            unknown,
            rules,
        } = pool.decide(request);
        let named = rules.into_iter();
        let named = named.map(|(rule, resource)| {
            DecidedBy::Rule(DecidingRuleReport::new(rule, resource, locator))
        });
        let is_known = unknown.is_empty();
        Self {
            decision: Answer::new(decision, &unknown),
            unknown,
            cases: Vec::new(),
            rules: named.collect(),
            errors: None,
            request: request.to_string(),
            target: target.to_owned(),
            change: is_known.then(|| RemedyReport::new(request, pool.remedy(request), locator)),
        }
    }

    /// Converts the answer of Cedar policies.
    pub fn of_cedar(
        answer: CedarDecision<'_>,
        request: &CedarRequest,
        target: &str,
        locator: Locator<'_>,
    ) -> Self {
        let CedarDecision {
            decision,
            unknown,
            statements,
            failures,
            cases,
        } = answer;
        let rules = statements
            .into_iter()
            .map(|statement| DecidedBy::new(&Decider::Statement(statement), locator));
        Self {
            decision: Answer::new(decision, &unknown),
            unknown,
            cases,
            rules: rules.collect(),
            errors: Some(
                failures
                    .iter()
                    .map(|failure| FailedStatement::new(failure, locator))
                    .collect(),
            ),
            request: format!("mcp {request}"),
            target: target.to_owned(),
            change: None,
        }
    }

    /// Whether a registration is denied because its permit requires an approval.
    fn is_unapproved(&self) -> bool {
        self.decision == Answer::Deny
            && self.rules.iter().any(|rule| match rule {
                DecidedBy::Statement(statement) => statement.approval.is_some(),
                DecidedBy::Rule(_) => false,
            })
    }

    /// For people. With `many`, the target is named.
    pub fn human(&self, many: bool, painter: Painter) -> String {
        let Self {
            decision,
            unknown,
            cases,
            rules,
            errors,
            request,
            target,
            change,
        } = self;
        let said = match decision {
            Answer::Allow => painter.good("allowed"),
            Answer::Approval => painter.notice("approval required"),
            Answer::Deny => painter.bad("denied"),
            Answer::Unknown => painter.notice("unknown"),
        };
        let at = if many {
            format!(" at {}", neutral(target))
        } else {
            String::new()
        };
        let mut text = format!("{said}{at}: {}\n", neutral_hosts(request));
        for UnknownCause { policy, reason } in unknown {
            let about = policy.as_ref().map(|policy| {
                format!(
                    "policy \"{}\" contains something that this version does not understand: ",
                    neutral(policy)
                )
            });
            let about = about.unwrap_or_default();
            text.push_str(&format!("  {about}{}\n", neutral(reason)));
        }
        for case in cases {
            text.push_str(&format!("    {}\n", decision_case(case)));
        }
        for rule in rules {
            text.push_str(&format!("  by {}\n", rule.human(painter)));
        }
        for error in errors.iter().flatten() {
            text.push_str(&format!(
                "  {} {}\n",
                painter.notice("!"),
                error.human(painter)
            ));
        }
        match change {
            _ if *decision == Answer::Unknown => {}
            Some(change) => text.push_str(&change.human(painter)),
            None => text.push_str(match (decision, rules.is_empty()) {
                (Answer::Deny | Answer::Unknown, true) => {
                    "  no statement permits it; to allow it, add a `permit` that matches it\n"
                }
                _ if self.is_unapproved() => {
                    "  a registration cannot ask for an approval; remove `@requireApproval`\n"
                }
                (Answer::Deny | Answer::Unknown, false) => {
                    "  a `forbid` wins over every `permit`; to allow it, narrow these statements\n"
                }
                (Answer::Approval, _) => {
                    "  the person is asked; without an approval, the request is denied\n"
                }
                (Answer::Allow, _) => {
                    "  to deny it, narrow these statements, or add a `forbid` that matches it\n"
                }
            }),
        }
        text
    }
}
