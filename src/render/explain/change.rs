//! The change that would reverse a decision, in words and as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::render::decided::{DecidingRuleReport, Locator};
use crate::render::paint::Painter;
use crate::render::text::{neutral, neutral_hosts};
use access::{AccessRequest, Addition, Remedy};
use model::docker::{Decision, Layer};

/// The change that leads to the other decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Change")]
#[serde(rename_all = "camelCase")]
pub struct RemedyReport {
    /// Whether the question is about an HTTP request, which two layers decide together.
    #[serde(skip)]
    http: bool,
    /// The other decision.
    to: Decision,
    /// The layers that decide now; if no rule matches, all layers that could.
    layers: Vec<Layer>,
    /// The rules that must no longer match the request.
    lose: Vec<DecidingRuleReport>,
    /// The resources that an allow rule must contain in addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    add: Option<AdditionReport>,
}

/// A resource that an allow rule needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Add")]
#[serde(rename_all = "camelCase")]
struct AdditionReport {
    /// The resource, in the syntax of rules.
    resource: String,
    /// The allow rule with the most similar resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<DecidingRuleReport>,
}

impl RemedyReport {
    pub(super) fn new(
        request: &AccessRequest,
        remedy: Remedy<'_, '_>,
        locator: Locator<'_>,
    ) -> Self {
        let rule = |rule, resource| DecidingRuleReport::new(rule, resource, locator);
        let Remedy {
            to,
            layers,
            lose,
            add,
        } = remedy;
        let lose = lose
            .into_iter()
            .map(|(pooled, resource)| rule(pooled, resource))
            .collect();
        let add = add.map(|Addition { resource, nearest }| AdditionReport {
            resource,
            nearest: nearest.map(|(pooled, resource)| rule(pooled, resource)),
        });
        let http = matches!(request, AccessRequest::Http { .. });
        Self {
            http,
            to,
            layers,
            lose,
            add,
        }
    }

    /// The lines for people, indented.
    pub(super) fn human(&self, painter: Painter) -> String {
        let Self {
            http,
            to,
            layers,
            lose,
            add,
        } = self;
        let mut text = String::new();
        if *http && !lose.is_empty() {
            text.push_str(&format!("  {}\n", layer(*to, layers)));
        }
        let all = if lose.len() == 1 { "the" } else { "every" };
        match (to, lose.is_empty()) {
            (Decision::Deny, _) => {
                text.push_str(&format!(
                    "  to deny it, take it out of {all} rule above, or add a deny rule that matches it\n"
                ));
            }
            (Decision::Allow, false) => {
                text.push_str(&format!(
                    "  a deny wins over every allow; to allow it, take it out of {all} deny above\n"
                ));
            }
            (Decision::Allow, true) => text.push_str("  no rule matches it, which denies\n"),
        }
        let lead = if lose.is_empty() {
            "to allow it"
        } else {
            "nothing else allows it yet; then"
        };
        match add {
            None if *to == Decision::Allow => {
                text.push_str("  it is allowed then: other rules let it through already\n")
            }
            None => {}
            Some(AdditionReport {
                resource,
                nearest: None,
            }) => {
                text.push_str(&format!(
                    "  {lead}, add an allow rule with the resource `{}`\n",
                    neutral_hosts(resource)
                ));
            }
            Some(AdditionReport {
                resource,
                nearest:
                    Some(DecidingRuleReport {
                        policy,
                        rule,
                        resource: like,
                        source,
                    }),
            }) => {
                let source = source
                    .as_ref()
                    .map(|source| format!(" ({}:{})", neutral(&source.file), source.line));
                text.push_str(&format!(
                    "  {lead}, add `{}` to the resources of rule \"{}\" in policy \"{}\"{}, which has `{}`, or add an allow rule\n",
                    neutral_hosts(resource),
                    neutral(rule),
                    neutral(policy),
                    painter.dim(&source.unwrap_or_default()),
                    neutral(like),
                ));
            }
        }
        text
    }
}

/// The layer that decides an HTTP request.
fn layer(to: Decision, layers: &[Layer]) -> &'static str {
    let http = layers.contains(&Layer::Http);
    let network = layers.contains(&Layer::Network);
    match (to, network, http) {
        (Decision::Allow, true, false) => {
            "the network layer decides: a network deny is a floor that no HTTP rule reopens"
        }
        (Decision::Allow, true, true) => {
            "both layers deny it: the connection, and the HTTP request on it"
        }
        (Decision::Allow, false, _) => {
            "the HTTP layer decides: an HTTP deny overrides what the network layer allows"
        }
        (Decision::Deny, true, false) => {
            "the network layer decides: a network allow lets every HTTP request through that no HTTP deny takes out"
        }
        (Decision::Deny, true, true) => "both layers allow it; each would be sufficient",
        (Decision::Deny, false, _) => {
            "the HTTP layer decides: no network rule says anything about the connection"
        }
    }
}
