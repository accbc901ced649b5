//! Renders the answer to `explain`.

mod change;

use schemars::JsonSchema;
use serde::Serialize;

use super::decided::{DecidedBy, DecidingRuleReport, FailedStatement, Locator};
use super::paint::Painter;
use super::text::neutral;
use access::{AccessRequest, ApplicableRules, CedarDecision, CedarRequest, Decider};
use change::RemedyReport;
use model::docker::Decision;

/// The answer about one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Whether the request is allowed.
    pub decision: Decision,
    /// The rules or statements that decide; none where nothing matches, which denies.
    pub rules: Vec<DecidedBy>,
    /// The statements of Cedar policies that could not be evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<FailedStatement>>,
    /// The request.
    pub request: String,
    /// The name of the target.
    pub target: String,
    /// What would have to change for the other decision; not for Cedar policies, where anything can decide.
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
        let access::AttributedDecision { decision, rules } = pool.decide(request);
        let named = rules.into_iter();
        let named = named.map(|(rule, resource)| {
            DecidedBy::Rule(DecidingRuleReport::new(rule, resource, locator))
        });
        Self {
            decision,
            rules: named.collect(),
            errors: None,
            request: request.to_string(),
            target: target.to_owned(),
            change: Some(RemedyReport::new(request, pool.remedy(request), locator)),
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
            statements,
            failures,
        } = answer;
        let rules = statements
            .into_iter()
            .map(|statement| DecidedBy::new(&Decider::Statement(statement), locator));
        Self {
            decision,
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

    /// For people. With `many`, the target is named.
    pub fn human(&self, many: bool, painter: Painter) -> String {
        let Self {
            decision,
            rules,
            errors,
            request,
            target,
            change,
        } = self;
        let said = match decision {
            Decision::Allow => painter.good("allowed"),
            Decision::Deny => painter.bad("denied"),
        };
        let at = if many {
            format!(" at {}", neutral(target))
        } else {
            String::new()
        };
        let mut text = format!("{said}{at}: {}\n", neutral(request));
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
            Some(change) => text.push_str(&change.human(painter)),
            None => text.push_str(match (decision, rules.is_empty()) {
                (Decision::Deny, true) => {
                    "  no statement permits it; to allow it, add a `permit` that matches it\n"
                }
                (Decision::Deny, false) => {
                    "  a `forbid` wins over every `permit`; to allow it, narrow these statements\n"
                }
                (Decision::Allow, _) => {
                    "  to deny it, narrow these statements, or add a `forbid` that matches it\n"
                }
            }),
        }
        text
    }
}
