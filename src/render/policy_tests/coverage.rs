//! The coverage of rules by policy tests.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use crate::plan::SourceRef;
use crate::render::decided::{DecidingStatement, Locator};
use crate::render::paint::Painter;
use crate::render::text::{count_of, neutral};
use access::{Coverage, CoveredRule, CoveredStatement};

/// A coverage ratio. An item is covered if it decided a request of a test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Share")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CoverageShare {
    /// Number of covered items.
    pub exercised: usize,
    /// Total number of items.
    pub total: usize,
    /// The ratio as a percentage with one decimal; 100 if there are no items.
    pub percent: f64,
}

/// The coverage of the tests of a target.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CoverageReport {
    /// Coverage of rules.
    pub rules: CoverageShare,
    /// Coverage of the resources of all rules.
    pub resources: CoverageShare,
    /// Coverage of the statements of Cedar policies.
    pub statements: CoverageShare,
    /// The rules that are partly covered or not covered.
    pub uncovered: Vec<UncoveredRule>,
    /// The statements that are not covered.
    pub uncovered_statements: Vec<DecidingStatement>,
}

/// A rule with resources that are not covered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Uncovered")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UncoveredRule {
    /// The name of the policy.
    pub policy: String,
    /// The name of the rule.
    pub rule: String,
    /// Whether another resource of the rule is covered.
    pub exercised: bool,
    /// Where it is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
    /// The resources that are not covered.
    pub resources: Vec<UncoveredResource>,
}

/// A resource that is not covered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UncoveredResource {
    /// The resource as written.
    pub resource: String,
    /// The place of the resource: in the rule, or in a list that the rule uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}

impl CoverageShare {
    fn of(flags: impl Iterator<Item = bool>) -> Self {
        let mut exercised = 0_usize;
        let mut total = 0_usize;
        for flag in flags {
            exercised += usize::from(flag);
            total += 1;
        }
        // In tenths of a percent, rounded down, so that 100 means all.
        let tenths = (exercised * 1000).checked_div(total).unwrap_or(1000);
        Self {
            exercised,
            total,
            percent: f64::from(u32::try_from(tenths).unwrap_or(1000)) / 10.0,
        }
    }

    fn human(self, noun: &str) -> String {
        let Self {
            exercised,
            total,
            percent,
        } = self;
        format!("{exercised} of {} ({percent:.1} %)", count_of(total, noun))
    }
}

impl CoverageReport {
    /// `resource` finds where a rule's resource is declared.
    pub fn new(
        coverage: &Coverage<'_>,
        locator: Locator<'_>,
        resource: &dyn Fn(&CoveredRule<'_>, &str) -> Option<SourceRef>,
    ) -> Self {
        let Coverage { rules, statements } = coverage;
        let uncovered = rules.iter().filter_map(|covered| {
            let missed = covered.resources.iter().filter(|(_, exercised)| !exercised);
            let resources: Vec<_> = missed
                .map(|(text, _)| UncoveredResource {
                    resource: text.clone(),
                    source: resource(covered, text),
                })
                .collect();
            (!resources.is_empty()).then(|| UncoveredRule {
                policy: covered.rule.policy.to_owned(),
                rule: covered.rule.rule.name.to_string(),
                exercised: covered.is_exercised(),
                source: covered.rule.place.as_ref().map(locator.place),
                resources,
            })
        });
        let missed = statements.iter().filter(|covered| !covered.exercised);
        Self {
            rules: CoverageShare::of(rules.iter().map(CoveredRule::is_exercised)),
            resources: CoverageShare::of(
                rules
                    .iter()
                    .flat_map(|rule| rule.resources.iter().map(|(_, exercised)| *exercised)),
            ),
            statements: CoverageShare::of(statements.iter().map(|covered| covered.exercised)),
            uncovered: uncovered.collect(),
            uncovered_statements: missed
                .map(
                    |CoveredStatement {
                         statement,
                         exercised: _,
                     }| DecidingStatement::new(statement, locator),
                )
                .collect(),
        }
    }

    pub(super) fn summary(&self) -> String {
        let Self {
            rules,
            resources,
            statements,
            uncovered: _,
            uncovered_statements: _,
        } = self;
        let shares = [
            (rules, "rule"),
            (resources, "resource"),
            (statements, "Cedar statement"),
        ];
        let there = shares.into_iter().filter(|(share, _)| share.total > 0);
        let parts: Vec<String> = there.map(|(share, noun)| share.human(noun)).collect();
        if parts.is_empty() {
            "no rules".to_owned()
        } else {
            parts.join(", ")
        }
    }

    pub(super) fn human(&self, painter: Painter) -> String {
        let Self {
            rules: _,
            resources: _,
            statements: _,
            uncovered,
            uncovered_statements,
        } = self;
        let mut text = format!(
            "  {}\n",
            painter.strong(&format!("Coverage: {}", self.summary()))
        );
        let at = |source: Option<&SourceRef>| {
            let place =
                source.map(|SourceRef { file, line }| format!("  {}:{line}", neutral(file)));
            painter.dim(&place.unwrap_or_default())
        };
        for UncoveredRule {
            policy,
            rule,
            exercised,
            source,
            resources,
        } in uncovered
        {
            let how = if *exercised {
                "exercised in part"
            } else {
                "not exercised"
            };
            let named = format!(
                "policy \"{}\", rule \"{}\" is {how}",
                neutral(policy),
                neutral(rule)
            );
            let _ = writeln!(text, "    {named}{}", at(source.as_ref()));
            for UncoveredResource { resource, source } in resources {
                let _ = writeln!(text, "      - {}{}", neutral(resource), at(source.as_ref()));
            }
        }
        for statement in uncovered_statements {
            let _ = writeln!(text, "    {}", statement.with(" is not exercised", painter));
        }
        text
    }
}
