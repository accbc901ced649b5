//! Runs the questions of policy tests and measures which rules the answers cover.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::applicable::{ApplicableRule, OrganizationPolicies, RulePosition};
use super::audience::Audience;
use super::cedar::{CedarError, CedarFailure, CedarStatement, DecisionCase};
use super::question::AccessQuestion;
use super::unknown::{Outcome, UnknownCause};
use model::diag::Place;
use model::docker::Resources;

/// One question of a policy test, for one audience, with its expected answer.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The name of the policy test.
    pub test: Arc<str>,
    /// The name of its case.
    pub case: Arc<str>,
    /// The audience, with ids.
    pub audience: Arc<Audience>,
    /// The audience, with the names used in the test.
    pub called: Arc<Audience>,
    /// The question.
    pub question: AccessQuestion,
    /// The expected decision.
    pub expected: Outcome,
    /// The place of the expectation in the test file.
    pub place: Place,
}

/// A rule or statement that decides a question.
#[derive(Debug, Clone)]
pub enum Decider<'a> {
    /// A rule, through one of its resources.
    Rule {
        /// The rule.
        rule: ApplicableRule<'a>,
        /// The matching resource, as written.
        resource: String,
    },
    /// A statement of a Cedar policy.
    Statement(CedarStatement<'a>),
}

/// The answer to a question.
#[derive(Debug, Clone)]
pub struct ExpectationOutcome<'a> {
    /// The decision of what this version understands.
    pub decision: Outcome,
    /// Why the actual decision may be another one; empty if it is certain.
    pub unknown: Vec<UnknownCause>,
    /// The deciding rules or statements. Empty if nothing matches: denied by default.
    pub deciders: Vec<Decider<'a>>,
    /// Cedar statements whose evaluation failed.
    pub failures: Vec<CedarFailure<'a>>,
    /// The decision for each value of what the question does not give (see [`DecisionCase`]).
    pub cases: Vec<DecisionCase>,
}

/// Answers all questions, in their order.
///
/// # Errors
/// The text of a Cedar policy cannot be parsed, and a question needs it.
pub fn ask<'a>(
    policies: OrganizationPolicies<'a>,
    expectations: &[Expectation],
) -> Result<Vec<ExpectationOutcome<'a>>, CedarError> {
    let mut by_audience: BTreeMap<&Audience, Vec<usize>> = BTreeMap::new();
    for (index, expectation) in expectations.iter().enumerate() {
        by_audience
            .entry(&expectation.audience)
            .or_default()
            .push(index);
    }
    let mut outcomes: Vec<(usize, ExpectationOutcome<'a>)> = Vec::with_capacity(expectations.len());
    for (audience, indices) in by_audience {
        let rules = policies.rules(audience);
        let mut calls = Vec::new();
        for index in indices {
            match &expectations[index].question {
                AccessQuestion::Rules(request) => {
                    let answer = rules.decide(request);
                    let by = |(rule, resource): (&ApplicableRule<'a>, String)| Decider::Rule {
                        rule: rule.clone(),
                        resource,
                    };
                    let deciders = answer.rules.into_iter().map(by).collect();
                    outcomes.push((
                        index,
                        ExpectationOutcome {
                            decision: answer.decision.into(),
                            unknown: answer.unknown,
                            deciders,
                            failures: Vec::new(),
                            cases: Vec::new(),
                        },
                    ));
                }
                AccessQuestion::Cedar(request) => calls.push((index, request)),
            }
        }
        let requests: Vec<_> = calls.iter().map(|(_, request)| request.as_ref()).collect();
        let answers = policies.cedar(audience).decide(&requests)?;
        outcomes.extend(calls.iter().zip(answers).map(|((index, _), answer)| {
            let deciders = answer
                .statements
                .into_iter()
                .map(Decider::Statement)
                .collect();
            (
                *index,
                ExpectationOutcome {
                    decision: answer.decision,
                    unknown: answer.unknown,
                    deciders,
                    failures: answer.failures,
                    cases: answer.cases,
                },
            )
        }));
    }
    outcomes.sort_by_key(|(index, _)| *index);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// A rule, with the resources that decided a question.
#[derive(Debug, Clone)]
pub struct CoveredRule<'a> {
    /// The rule.
    pub rule: ApplicableRule<'a>,
    /// Its resources as written, each with whether it decided a question.
    pub resources: Vec<(String, bool)>,
}

impl CoveredRule<'_> {
    /// Whether any of its resources decided a question.
    pub fn is_exercised(&self) -> bool {
        self.resources.iter().any(|(_, exercised)| *exercised)
    }
}

/// A statement of a Cedar policy, and whether it decided a question.
#[derive(Debug, Clone)]
pub struct CoveredStatement<'a> {
    /// The statement.
    pub statement: CedarStatement<'a>,
    /// Whether it decided a question.
    pub exercised: bool,
}

/// The rules and statements that decided the questions.
#[derive(Debug, Clone, Default)]
pub struct Coverage<'a> {
    /// All rules, in the order of their policies.
    pub rules: Vec<CoveredRule<'a>>,
    /// All statements of Cedar policies, in the same order.
    pub statements: Vec<CoveredStatement<'a>>,
}

/// Computes the rules, resources and statements that decided these questions.
///
/// # Errors
/// The text of a Cedar policy cannot be parsed.
pub fn coverage<'a>(
    policies: OrganizationPolicies<'a>,
    outcomes: &[ExpectationOutcome<'a>],
) -> Result<Coverage<'a>, CedarError> {
    let mut resources: HashSet<(RulePosition, &str)> = HashSet::new();
    let mut statements: HashSet<(usize, usize)> = HashSet::new();
    for decider in outcomes.iter().flat_map(|outcome| &outcome.deciders) {
        match decider {
            Decider::Rule { rule, resource } => {
                resources.insert((rule.position, resource));
            }
            Decider::Statement(statement) => {
                statements.insert((statement.position, statement.number));
            }
        }
    }
    let everybody = policies.universal_audience();
    let pool = policies.rules(&everybody);
    let rules = pool.rules().iter().map(|rule| {
        let texts = match rule.rule.access.resources() {
            Resources::Plain(texts) => texts,
            Resources::Http(targets) => targets.iter().map(ToString::to_string).collect(),
        };
        let exercised = |text: String| {
            let exercised = resources.contains(&(rule.position, text.as_str()));
            (text, exercised)
        };
        CoveredRule {
            rule: rule.clone(),
            resources: texts.into_iter().map(exercised).collect(),
        }
    });
    let all = policies
        .cedar(&everybody)
        .statements()?
        .into_iter()
        .map(|statement| CoveredStatement {
            exercised: statements.contains(&(statement.position, statement.number)),
            statement,
        });
    Ok(Coverage {
        rules: rules.collect(),
        statements: all.collect(),
    })
}
