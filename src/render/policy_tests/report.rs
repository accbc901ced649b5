//! The report of policy tests as data.

use schemars::JsonSchema;
use serde::Serialize;

use super::coverage::CoverageReport;
use crate::plan::SourceRef;
use crate::render::decided::{DecidedBy, FailedStatement, Locator};
use crate::render::text::neutral_json;
use access::{
    Answer, Audience, DecisionCase, Expectation, ExpectationOutcome, Outcome, UnknownCause,
};

/// Incremented by incompatible changes.
pub const FORMAT_VERSION: u32 = 1;

/// The policies that were tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Asked")]
#[serde(rename_all = "lowercase")]
pub enum TestedState {
    /// The policies of the manifests.
    Desired,
    /// The live policies.
    Live,
}

/// The results of all policy tests.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The version of polwarden that ran the tests.
    pub tool_version: String,
    /// The policies that were tested.
    pub asked: TestedState,
    /// Number of passed requests.
    pub passed: usize,
    /// Number of failed requests.
    pub failed: usize,
    /// The targets, in the order of the configuration.
    pub targets: Vec<TargetReport>,
}

/// The results of the policy tests of one target.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetReport {
    /// The name of the target.
    pub name: String,
    /// The organization at the service.
    pub organization: String,
    /// The organization with the host of the endpoint, where the live state was asked.
    #[serde(skip)]
    pub address: Option<String>,
    /// One for each request and audience, in the order of the files.
    pub results: Vec<TestResult>,
    /// The coverage of rules and statements (only with `--coverage`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<CoverageReport>,
}

/// One request of one audience, and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestResult {
    /// The name of the policy test.
    pub test: String,
    /// The name of its case.
    pub case: String,
    /// The place of the request in the test.
    pub source: SourceRef,
    /// The audience, as written in the test.
    pub audience: Audience,
    /// The request, with placeholders replaced.
    pub request: String,
    /// The expected decision.
    pub expected: Outcome,
    /// The decision.
    pub got: Answer,
    /// Why the decision is unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<UnknownCause>,
    /// The decision for each value of attributes that an `mcp` request omits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<DecisionCase>,
    /// Whether the decision is the expected one.
    pub passed: bool,
    /// The rules or Cedar statements that decide; empty if nothing matches, which means denied by default.
    pub rules: Vec<DecidedBy>,
    /// Cedar statements that could not be evaluated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FailedStatement>,
}

impl TestReport {
    pub fn new(asked: TestedState, targets: Vec<TargetReport>) -> Self {
        let results = || targets.iter().flat_map(|target| &target.results);
        let passed = results().filter(|result| result.passed).count();
        Self {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            asked,
            passed,
            failed: results().count() - passed,
            targets,
        }
    }
}

impl TestResult {
    /// Compares an answer with the expectation.
    pub fn new(
        expectation: &Expectation,
        outcome: &ExpectationOutcome<'_>,
        locator: Locator<'_>,
    ) -> Self {
        let Expectation {
            test,
            case,
            audience: _,
            called,
            question,
            expected,
            place,
        } = expectation;
        let ExpectationOutcome {
            decision,
            unknown,
            deciders,
            failures,
            cases,
        } = outcome;
        Self {
            test: test.to_string(),
            case: case.to_string(),
            source: (locator.place)(place),
            audience: Audience::clone(called),
            request: question.to_string(),
            expected: *expected,
            got: Answer::new(*decision, unknown),
            unknown: unknown.clone(),
            cases: cases.clone(),
            passed: unknown.is_empty() && expected == decision,
            rules: deciders
                .iter()
                .map(|decider| DecidedBy::new(decider, locator))
                .collect(),
            errors: failures
                .iter()
                .map(|failure| FailedStatement::new(failure, locator))
                .collect(),
        }
    }
}

/// The report as JSON (`schemas/test-report.schema.json`).
///
/// # Errors
/// The report cannot be serialized, which does not happen for plain data.
pub fn json(report: &TestReport) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(neutral_json(&text).into_owned())
}

pub(crate) fn who(audience: &Audience) -> String {
    let Audience { teams, profiles } = audience;
    let teams = teams
        .iter()
        .map(|team| format!("team {}", crate::render::text::neutral(team)));
    let profiles = profiles
        .iter()
        .map(|profile| format!("profile {}", crate::render::text::neutral(profile)));
    let all: Vec<String> = teams.chain(profiles).collect();
    if all.is_empty() {
        "users outside of all teams".to_owned()
    } else {
        format!("members of {}", all.join(" and "))
    }
}

pub(crate) fn said(answer: impl Into<Answer>) -> &'static str {
    match answer.into() {
        Answer::Allow => "allowed",
        Answer::Approval => "approval required",
        Answer::Deny => "denied",
        Answer::Unknown => "unknown",
    }
}
