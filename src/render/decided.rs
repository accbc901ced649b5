//! The rule or statement that decides a request, with its place.

use schemars::JsonSchema;
use serde::Serialize;

use super::paint::Painter;
use super::text::neutral;
use crate::plan::SourceRef;
use access::{ApplicableRule, CedarFailure, CedarStatement, Decider};
use model::diag::Place;
use model::docker::Decision;

/// Finds the lines of rules and statements.
#[derive(Clone, Copy)]
pub struct Locator<'a> {
    pub place: &'a dyn Fn(&Place) -> SourceRef,
    /// `None` for a statement that was read from the server.
    pub statement: &'a dyn Fn(&CedarStatement<'_>) -> Option<SourceRef>,
}

/// A rule or a statement of a Cedar policy that decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum DecidedBy {
    /// A rule.
    Rule(DecidingRuleReport),
    /// A statement of a Cedar policy.
    Statement(DecidingStatement),
}

/// A rule and the matching resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "DecidingRule")]
#[serde(rename_all = "camelCase")]
pub struct DecidingRuleReport {
    /// The name of its policy.
    pub policy: String,
    /// Its name.
    pub rule: String,
    /// The resource that matches, as written.
    pub resource: String,
    /// Where it is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}

/// A statement of a Cedar policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecidingStatement {
    /// The name of its policy.
    pub policy: String,
    /// The number of the statement in the text, from 1.
    pub statement: usize,
    /// Whether it is a `permit` (`allow`) or a `forbid` (`deny`).
    pub decision: Decision,
    /// The reason of `@requireApproval`, for a `permit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// The first line of the statement in the text, from 1.
    pub line: u32,
    /// The place in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
}

/// A statement that could not be evaluated: it counts neither for nor against the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedStatement {
    /// The statement.
    #[serde(flatten)]
    pub statement: DecidingStatement,
    /// The error.
    pub error: String,
}

impl DecidedBy {
    pub fn new(decider: &Decider<'_>, locator: Locator<'_>) -> Self {
        match decider {
            Decider::Rule { rule, resource } => {
                Self::Rule(DecidingRuleReport::new(rule, resource.clone(), locator))
            }
            Decider::Statement(statement) => {
                Self::Statement(DecidingStatement::new(statement, locator))
            }
        }
    }

    pub fn human(&self, painter: Painter) -> String {
        match self {
            Self::Rule(rule) => rule.human(painter),
            Self::Statement(statement) => statement.human(painter),
        }
    }
}

impl DecidingRuleReport {
    pub fn new(rule: &ApplicableRule<'_>, resource: String, locator: Locator<'_>) -> Self {
        Self {
            policy: rule.policy.to_owned(),
            rule: rule.rule.name.to_string(),
            resource,
            source: rule.place.as_ref().map(locator.place),
        }
    }

    pub fn human(&self, painter: Painter) -> String {
        let Self {
            policy,
            rule,
            resource,
            source,
        } = self;
        let named = format!(
            "policy \"{}\", rule \"{}\": {}",
            neutral(policy),
            neutral(rule),
            neutral(resource)
        );
        format!("{named}{}", at(source.as_ref(), painter))
    }
}

impl DecidingStatement {
    pub fn new(statement: &CedarStatement<'_>, locator: Locator<'_>) -> Self {
        let source = (locator.statement)(statement);
        let CedarStatement {
            position: _,
            policy,
            number,
            line,
            decision,
            approval,
            document: _,
        } = statement;
        Self {
            policy: (*policy).to_owned(),
            statement: *number,
            decision: *decision,
            approval: approval.clone(),
            line: *line,
            source,
        }
    }

    pub fn human(&self, painter: Painter) -> String {
        self.with("", painter)
    }

    /// The line with a remark.
    pub(super) fn with(&self, said: &str, painter: Painter) -> String {
        let Self {
            policy,
            statement,
            decision,
            approval,
            line,
            source,
        } = self;
        let word = match (decision, approval) {
            (Decision::Allow, None) => "permit".to_owned(),
            (Decision::Allow, Some(reason)) if reason.is_empty() => {
                "permit with approval".to_owned()
            }
            (Decision::Allow, Some(reason)) => {
                format!("permit with approval \"{}\"", neutral(reason))
            }
            (Decision::Deny, _) => "forbid".to_owned(),
        };
        let named = format!(
            "policy \"{}\", statement {statement} ({word}, line {line} of the text)",
            neutral(policy)
        );
        format!("{named}{said}{}", at(source.as_ref(), painter))
    }
}

impl FailedStatement {
    pub fn new(failure: &CedarFailure<'_>, locator: Locator<'_>) -> Self {
        let CedarFailure { statement, why } = failure;
        Self {
            statement: DecidingStatement::new(statement, locator),
            error: why.clone(),
        }
    }

    pub fn human(&self, painter: Painter) -> String {
        let Self { statement, error } = self;
        statement.with(
            &format!(
                " could not be evaluated and does not count: {}",
                neutral(error)
            ),
            painter,
        )
    }
}

fn at(source: Option<&SourceRef>, painter: Painter) -> String {
    source
        .map(|SourceRef { file, line }| painter.dim(&format!("  {}:{line}", neutral(file))))
        .unwrap_or_default()
}
