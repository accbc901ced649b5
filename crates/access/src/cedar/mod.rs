//! Decides MCP requests by Cedar policies, with the `cedar-policy` crate and Docker's schema. A
//! matching `forbid` overrides every `permit`, a `permit` with `@requireApproval` overrides one without
//! it, and the default is deny. Rules and Cedar policies are independent of each other.

mod classes;
mod compare;
mod differences;
mod enforcement;
mod gate;
mod globs;
mod lint;
pub mod nesting;
mod outcome;
mod pattern;
mod request;
pub mod schema;
mod space;
mod statements;
mod times;
mod uses;

use thiserror::Error;

pub use compare::{CedarComparison, CedarRow};
pub use differences::{
    StatementDifference, StatementEffect, StatementSummary, statement_differences,
};
pub use enforcement::{EnforcementComparison, EnforcementDifference, EnforcementRow};
pub use gate::{McpBreach, McpGateCheck, McpGateResult};
pub use lint::{CedarFinding, CedarFindingKind, lint};
pub use outcome::{CedarDecision, DecisionCase};
pub use pattern::McpPattern;
pub use request::{CedarRequest, CedarRequestContext, CedarRequestError, NO_PRINCIPAL};
pub use statements::has_statements;

use super::audience::Audience;
use super::unknown::UnknownCause;
use model::diag::DocumentId;
use model::docker::{Decision, DesiredPolicy, DockerLiveState, LiveContent, PolicyContent};
use outcome::LocatedStatement;
use space::StatementModel;

/// The reason why Cedar policies cannot decide.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CedarError {
    /// A policy text that this version cannot parse. What it forbids is unknown, so every decision
    /// would be a guess.
    #[error("the Cedar policy \"{policy}\" cannot be read, so that no answer would be sure: {why}")]
    Unreadable {
        /// The name of the policy.
        policy: String,
        /// The parse error.
        why: String,
    },
    /// No thread with a large enough stack could be started.
    #[error("there is not enough memory to read the Cedar policies")]
    NoRoom,
}

/// A Cedar policy that applies to an audience.
#[derive(Debug, Clone, Copy)]
struct CedarPolicyText<'a> {
    position: usize,
    policy: &'a str,
    text: &'a str,
    document: Option<DocumentId>,
}

/// All Cedar policies that apply to an audience.
#[derive(Debug, Clone)]
pub struct ApplicableCedarPolicies<'a> {
    texts: Vec<CedarPolicyText<'a>>,
}

/// One statement of a Cedar policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CedarStatement<'a> {
    /// The position of its policy in the list of policies.
    pub position: usize,
    /// The name of its policy.
    pub policy: &'a str,
    /// The number of the statement in the text, from 1.
    pub number: usize,
    /// The first line of the statement in the text, from 1.
    pub line: u32,
    /// The effect of a match: `permit` allows, `forbid` denies.
    pub decision: Decision,
    /// The reason of `@requireApproval`, for a `permit`.
    pub approval: Option<String>,
    /// The manifest of the policy; `None` for a policy of the live state.
    pub document: Option<DocumentId>,
}

/// A statement whose evaluation failed. Cedar ignores it in the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CedarFailure<'a> {
    /// The statement.
    pub statement: CedarStatement<'a>,
    /// The evaluation error.
    pub why: String,
}

/// Why nothing is known about people without a Cedar policy. The contract only says that the
/// gateway permits everything where enforcement is not active.
const NOT_ENFORCED: &str = "no Cedar policy applies to these people, and the service does not \
     document whether everything is then denied or permitted";

impl<'a> ApplicableCedarPolicies<'a> {
    /// The Cedar policies of the manifests that apply to an audience.
    pub fn desired(policies: &'a [DesiredPolicy], audience: &Audience) -> Self {
        let reached = policies
            .iter()
            .enumerate()
            .filter(|(_, policy)| audience.is_reached_by(&policy.scope));
        let texts = reached.filter_map(|(position, policy)| match &policy.content {
            PolicyContent::Rules(_) => None,
            PolicyContent::Cedar(cedar) => Some(CedarPolicyText {
                position,
                policy: policy.name.as_str(),
                text: &cedar.text,
                document: Some(policy.document),
            }),
        });
        Self {
            texts: texts.collect(),
        }
    }

    /// The Cedar policies of the live state that apply to an audience.
    pub fn live(state: &'a DockerLiveState, audience: &Audience) -> Self {
        let reached = state
            .policies
            .iter()
            .enumerate()
            .filter(|(_, policy)| audience.is_reached_by(&policy.scope));
        let texts = reached.filter_map(|(position, policy)| match &policy.content {
            LiveContent::Rules(_) | LiveContent::Opaque(_) => None,
            LiveContent::Cedar(cedar) => Some(CedarPolicyText {
                position,
                policy: &policy.name,
                text: &cedar.text,
                document: None,
            }),
        });
        Self {
            texts: texts.collect(),
        }
    }

    /// All statements, in the order of their policies.
    ///
    /// # Errors
    /// The text of a policy cannot be parsed.
    pub fn statements(&self) -> Result<Vec<CedarStatement<'a>>, CedarError> {
        if self.texts.is_empty() {
            return Ok(Vec::new());
        }
        nesting::with_room(|| {
            Ok(parse(&self.texts)?
                .into_iter()
                .map(|it| it.statement)
                .collect())
        })
        .unwrap_or(Err(CedarError::NoRoom))
    }

    /// Decides each request on its own.
    ///
    /// # Errors
    /// The text of a policy cannot be parsed.
    pub fn decide(&self, requests: &[&CedarRequest]) -> Result<Vec<CedarDecision<'a>>, CedarError> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        // Parsing, evaluating and dropping deep syntax trees all recurse, so that all of it runs on
        // the large stack.
        let is_enforced = self.texts.iter().any(|known| has_statements(known.text));
        let unknown = (!is_enforced).then(|| UnknownCause {
            policy: None,
            reason: NOT_ENFORCED.to_owned(),
        });
        let work = || {
            let parsed = parse(&self.texts)?;
            let decide = |request: &&CedarRequest| {
                let mut answer = outcome::decide(request.question(), &parsed);
                answer.unknown.extend(unknown.clone());
                answer
            };
            Ok(requests.iter().map(decide).collect())
        };
        nesting::with_room(work).unwrap_or(Err(CedarError::NoRoom))
    }
}

/// Parses all statements, in the order of their policies.
fn parse<'a>(texts: &[CedarPolicyText<'a>]) -> Result<Vec<LocatedStatement<'a>>, CedarError> {
    let mut parsed = Vec::new();
    for CedarPolicyText {
        position,
        policy,
        text,
        document,
    } in texts
    {
        let unreadable = |why: String| CedarError::Unreadable {
            policy: (*policy).to_owned(),
            why,
        };
        for found in statements::read(text).map_err(unreadable)? {
            let model = StatementModel::new(&found.policy).map_err(unreadable)?;
            parsed.push(LocatedStatement {
                statement: CedarStatement {
                    position: *position,
                    policy,
                    number: found.number,
                    line: found.line,
                    decision: found.decision,
                    approval: model.approval.clone(),
                    document: *document,
                },
                model,
            });
        }
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::unknown::Outcome;
    use model::docker::{Cedar, LivePolicy, PolicyId as LiveId, Scope, TeamId};

    fn live(texts: &[(&str, &[&str])]) -> DockerLiveState {
        let policies = texts
            .iter()
            .enumerate()
            .map(|(number, (text, teams))| LivePolicy {
                id: LiveId::new("p"),
                name: format!("p{number}"),
                scope: Scope {
                    teams: teams.iter().map(|team| TeamId::new(team)).collect(),
                    ..Scope::default()
                },
                unknown_scope_fields: Map::new(),
                content: LiveContent::Cedar(Cedar {
                    text: (*text).to_owned(),
                    schema_url: String::new(),
                }),
                created_at: String::new(),
                updated_at: String::new(),
                unknown_fields: Map::new(),
            });
        DockerLiveState {
            policies: policies.collect(),
        }
    }

    fn decide(
        state: &DockerLiveState,
        teams: &[&str],
        text: &str,
    ) -> Result<(Outcome, Vec<(String, usize)>), CedarError> {
        let audience = Audience::of_teams(teams.iter().map(|team| (*team).to_owned()));
        let request = CedarRequest::parse(text, &CedarRequestContext::default()).unwrap();
        let answer = ApplicableCedarPolicies::live(state, &audience)
            .decide(&[&request])?
            .remove(0);
        let statements = answer
            .statements
            .iter()
            .map(|it| (it.policy.to_owned(), it.number))
            .collect();
        Ok((answer.decision, statements))
    }

    #[test]
    fn policies_are_pooled_by_scope() {
        let state = live(&[
            (
                "permit(principal, action, resource); permit(principal, action, resource);",
                &[],
            ),
            (
                "forbid(principal, action, resource == MCP::Tool::\"x\");",
                &["a"],
            ),
            ("forbid(principal, action, resource);", &["b"]),
        ]);
        let name = |policy: &str, number| (policy.to_owned(), number);
        let permits = vec![name("p0", 1), name("p0", 2)];
        assert_eq!(
            decide(&state, &[], "invokeTool x"),
            Ok((Outcome::Allow, permits.clone()))
        );
        assert_eq!(
            decide(&state, &["a"], "invokeTool x"),
            Ok((Outcome::Deny, vec![name("p1", 1)]))
        );
        assert_eq!(
            decide(&state, &["a"], "invokeTool y"),
            Ok((Outcome::Allow, permits))
        );
        assert_eq!(
            decide(&state, &["a", "b"], "invokeTool x"),
            Ok((Outcome::Deny, vec![name("p1", 1), name("p2", 1)]))
        );
    }

    /// The contract does not say whether enforcement is active for people without a Cedar policy.
    #[test]
    fn without_a_policy_the_decision_is_unknown() {
        let state = live(&[
            (
                "permit(principal, action, resource == MCP::Tool::\"x\");",
                &["a"],
            ),
            ("// only a comment\n", &["b"]),
        ]);
        let request = CedarRequest::parse("invokeTool y", &CedarRequestContext::default()).unwrap();
        let unknown = |teams: &[&str]| {
            let audience = Audience::of_teams(teams.iter().map(|team| (*team).to_owned()));
            let policies = ApplicableCedarPolicies::live(&state, &audience);
            policies.decide(&[&request]).unwrap().remove(0).unknown
        };
        assert_eq!(unknown(&["a"]), []);
        assert_eq!(unknown(&["a", "b"]), []);
        for teams in [&[][..], &["b"]] {
            let [cause] = unknown(teams).try_into().unwrap();
            assert_eq!(cause.policy, None);
            assert!(
                cause.reason.contains("no Cedar policy applies"),
                "{cause:?}"
            );
        }
    }

    #[test]
    fn what_a_text_forbids_must_be_known() {
        let deep = format!(
            "forbid(principal, action, resource) when {{ {}true }};",
            "!".repeat(200_000)
        );
        for text in [deep.as_str(), "forbid(principal, action resource);"] {
            let state = live(&[
                ("permit(principal, action, resource);", &[]),
                (text, &["a"]),
            ]);
            assert_eq!(
                decide(&state, &[], "invokeTool x").map(|(decision, _)| decision),
                Ok(Outcome::Allow)
            );
            let refused = decide(&state, &["a"], "invokeTool x");
            assert!(
                matches!(&refused, Err(CedarError::Unreadable { policy, .. }) if policy == "p1"),
                "{refused:?}"
            );
            let all = Audience::of_teams(["a".to_owned()]);
            assert!(
                ApplicableCedarPolicies::live(&state, &all)
                    .statements()
                    .is_err()
            );
        }
    }

    #[test]
    fn the_deepest_text_that_is_accepted_is_decided() {
        let text = format!(
            "permit(principal, action, resource) when {{ {}true }};",
            "!".repeat(4)
        );
        let chain = format!(
            "permit(principal, action, resource) when {{ true{} }};",
            " && true".repeat(nesting::DEEPEST - 10)
        );
        let state = live(&[(&text, &[]), (&chain, &[])]);
        let (decision, statements) = decide(&state, &[], "invokeTool x").unwrap();
        assert_eq!((decision, statements.len()), (Outcome::Allow, 2));
    }
}
