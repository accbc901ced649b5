//! Decides requests, and states the decision for each value of what is not known.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::Effect;
use schemars::JsonSchema;
use serde::Serialize;

use super::classes::{Class, describe};
use super::schema::McpAction;
use super::space::{Case, Dimension, Question, StatementModel};
use super::uses::Variable;
use super::{CedarFailure, CedarStatement};
use crate::unknown::{Outcome, UnknownCause};

/// The decision of Cedar policies with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CedarDecision<'a> {
    /// The decision. If it depends on something that the question does not give, a denial.
    pub decision: Outcome,
    /// Why the actual decision may be another one; empty if it is certain.
    pub unknown: Vec<UnknownCause>,
    /// The matching forbids, otherwise the matching permits. Empty if nothing matches: denied by
    /// default.
    pub statements: Vec<CedarStatement<'a>>,
    /// The statements whose evaluation failed.
    pub failures: Vec<CedarFailure<'a>>,
    /// The decision for each value of what the question does not give. Empty if the decision is the
    /// same for all values, or if there are too many of them.
    pub cases: Vec<DecisionCase>,
}

/// The decision for some values of attributes that a question omits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecisionCase {
    /// The conditions. The decision applies if all of them are true.
    pub when: Vec<String>,
    /// The decision.
    pub decision: Outcome,
    /// The reasons of `@requireApproval`, if the decision is an approval.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// A statement with its place.
#[derive(Debug, Clone)]
pub(super) struct LocatedStatement<'a> {
    pub(super) statement: CedarStatement<'a>,
    pub(super) model: StatementModel,
}

/// The decision of statements that match or do not match, and the numbers of those that decide.
pub(super) fn combine(
    action: McpAction,
    statements: &[&StatementModel],
    matches: &[bool],
) -> (Outcome, Vec<usize>) {
    let matching = |wanted: &dyn Fn(&StatementModel) -> bool| -> Vec<usize> {
        let pairs = statements.iter().zip(matches).enumerate();
        let found = pairs.filter(|(_, (statement, is_match))| **is_match && wanted(statement));
        found.map(|(number, _)| number).collect()
    };
    let forbids = matching(&|statement| statement.effect == Effect::Forbid);
    if !forbids.is_empty() {
        return (Outcome::Deny, forbids);
    }
    let approvals = matching(&|statement| statement.approval.is_some());
    if !approvals.is_empty() {
        // The registration of a server cannot ask for an approval.
        let outcome = match action {
            McpAction::Register => Outcome::Deny,
            McpAction::InvokeTool
            | McpAction::InvokePrimordial
            | McpAction::ReadResource
            | McpAction::GetPrompt => Outcome::Approval,
        };
        return (outcome, approvals);
    }
    let permits = matching(&|statement| statement.effect == Effect::Permit);
    let outcome = if permits.is_empty() {
        Outcome::Deny
    } else {
        Outcome::Allow
    };
    (outcome, permits)
}

/// A decision with the reasons of an approval.
type Labeled = (Outcome, Vec<String>);

/// Decides a question.
pub(super) fn decide<'a>(
    question: &Question,
    statements: &[LocatedStatement<'a>],
) -> CedarDecision<'a> {
    let models: Vec<&StatementModel> = statements.iter().map(|it| &it.model).collect();
    let found = match question.cases(&models) {
        Ok(found) => found,
        Err(unknown) => {
            let names: BTreeSet<String> = unknown.0.iter().map(variable_name).collect();
            return CedarDecision {
                decision: Outcome::Deny,
                unknown: vec![depends_on(&names)],
                statements: Vec::new(),
                failures: Vec::new(),
                cases: Vec::new(),
            };
        }
    };
    let decided: Vec<(Labeled, Vec<usize>)> = found
        .cases
        .iter()
        .map(|case| {
            let (outcome, numbers) = combine(question.action, &models, &case.matches);
            let mut reasons = Vec::new();
            if outcome == Outcome::Approval {
                let given = numbers.iter().filter_map(|at| models[*at].approval.clone());
                reasons.extend(given);
                reasons.dedup();
            }
            ((outcome, reasons), numbers)
        })
        .collect();
    let labels: Vec<&Labeled> = decided.iter().map(|(label, _)| label).collect();
    let tree = DecisionTree::of(&found.dimensions, &labels);
    let located = |at: &usize| statements.get(*at).map(|it| it.statement.clone());
    let failures = common_failures(&found.cases).into_iter();
    let failures = failures.filter_map(|(at, why)| {
        Some(CedarFailure {
            statement: located(&at)?,
            why,
        })
    });
    let mut answer = CedarDecision {
        decision: Outcome::Deny,
        unknown: Vec::new(),
        statements: Vec::new(),
        failures: failures.collect(),
        cases: Vec::new(),
    };
    let lists: Vec<&Vec<usize>> = decided.iter().map(|(_, numbers)| numbers).collect();
    match tree {
        DecisionTree::Decided((outcome, _)) => {
            answer.decision = outcome;
            answer.statements = common(&lists).iter().filter_map(located).collect();
        }
        tree @ DecisionTree::Split(..) => {
            let mut names = BTreeSet::new();
            tree.names(&found.dimensions, statements, &mut names);
            for (path, (decision, reasons)) in tree.leaves() {
                answer.cases.push(DecisionCase {
                    when: conditions(&found.dimensions, &path, statements),
                    decision,
                    reasons,
                });
            }
            let mut outcomes = decided.iter().map(|((outcome, _), _)| *outcome);
            let first = outcomes.next().unwrap_or(Outcome::Deny);
            if outcomes.all(|outcome| outcome == first) {
                answer.decision = first;
                answer.statements = common(&lists).iter().filter_map(located).collect();
            } else {
                answer.unknown.push(depends_on(&names));
            }
        }
    }
    answer
}

fn depends_on(names: &BTreeSet<String>) -> UnknownCause {
    // Naming a field is enough.
    let is_parent = |name: &String| {
        let prefix = format!("{name}.");
        names.iter().any(|other| other.starts_with(&prefix))
    };
    let named = names.iter().filter(|name| !is_parent(name));
    let names: Vec<String> = named.map(|name| format!("`{name}`")).collect();
    UnknownCause {
        policy: None,
        reason: format!(
            "it depends on {}, which the question does not give",
            names.join(", ")
        ),
    }
}

/// The numbers in all lists, or else in any list.
fn common(lists: &[&Vec<usize>]) -> Vec<usize> {
    let all: BTreeSet<usize> = lists.iter().flat_map(|list| list.iter().copied()).collect();
    let in_all = |number: &usize| lists.iter().all(|list| list.contains(number));
    let both: Vec<usize> = all.iter().copied().filter(in_all).collect();
    if both.is_empty() {
        all.into_iter().collect()
    } else {
        both
    }
}

/// The failures that occur in all cases.
fn common_failures(cases: &[Case]) -> BTreeMap<usize, String> {
    let Some((first, others)) = cases.split_first() else {
        return BTreeMap::new();
    };
    let mut found = first.failures.clone();
    found.retain(|at, _| others.iter().all(|case| case.failures.contains_key(at)));
    found
}

/// Decides by one dimension after the other, and only by those that make a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DecisionTree<L> {
    /// Nothing else makes a difference.
    Decided(L),
    /// A dimension, with the classes that lead to each subtree.
    Split(usize, Vec<(Vec<usize>, DecisionTree<L>)>),
}

/// The classes of some dimensions: the number of each dimension with the numbers of its classes.
pub(super) type ClassPath = Vec<(usize, Vec<usize>)>;

impl<L: Clone + PartialEq + Default> DecisionTree<L> {
    /// `labels` has one entry for each combination of classes; the last dimension varies fastest.
    pub(super) fn of(dimensions: &[Dimension], labels: &[&L]) -> Self {
        Self::at(0, dimensions, labels)
    }

    fn at(depth: usize, dimensions: &[Dimension], labels: &[&L]) -> Self {
        let Some(dimension) = dimensions.get(depth) else {
            let label = labels.first().map(|label| (*label).clone());
            return Self::Decided(label.unwrap_or_default());
        };
        let size = match dimension {
            Dimension::Variable(_, classes) => classes.len(),
            Dimension::Statement(_) => 2,
        };
        let mut branches: Vec<(Vec<usize>, Self)> = Vec::new();
        for (class, part) in labels.chunks((labels.len() / size).max(1)).enumerate() {
            let subtree = Self::at(depth + 1, dimensions, part);
            match branches.iter_mut().find(|(_, known)| *known == subtree) {
                Some((classes, _)) => classes.push(class),
                None => branches.push((vec![class], subtree)),
            }
        }
        if branches.len() == 1
            && let Some((_, only)) = branches.pop()
        {
            return only;
        }
        Self::Split(depth, branches)
    }

    /// The names of everything that makes a difference.
    fn names(
        &self,
        dimensions: &[Dimension],
        statements: &[LocatedStatement<'_>],
        names: &mut BTreeSet<String>,
    ) {
        let Self::Split(depth, branches) = self else {
            return;
        };
        match dimensions.get(*depth) {
            Some(Dimension::Variable(variable, _)) => {
                names.insert(variable_name(variable));
            }
            Some(Dimension::Statement(number)) => {
                let uses = statements.get(*number).map(|it| &it.model.uses);
                let opaque = uses.into_iter().flat_map(|uses| &uses.opaque);
                names.extend(opaque.map(variable_name));
                if uses.is_some_and(|uses| uses.reads_other_entities) {
                    names.insert("attributes of other entities".to_owned());
                }
            }
            None => {}
        }
        for (_, branch) in branches {
            branch.names(dimensions, statements, names);
        }
    }

    /// Each decision with the classes that lead to it.
    pub(super) fn leaves(&self) -> Vec<(ClassPath, L)> {
        match self {
            Self::Decided(label) => vec![(Vec::new(), label.clone())],
            Self::Split(depth, branches) => {
                let mut found = Vec::new();
                for (classes, branch) in branches {
                    for (mut path, label) in branch.leaves() {
                        path.insert(0, (*depth, classes.clone()));
                        found.push((path, label));
                    }
                }
                found
            }
        }
    }
}

/// The conditions of a path.
pub(super) fn conditions(
    dimensions: &[Dimension],
    path: &[(usize, Vec<usize>)],
    statements: &[LocatedStatement<'_>],
) -> Vec<String> {
    let texts = path.iter().filter_map(|(depth, classes)| {
        let dimension = dimensions.get(*depth)?;
        Some((dimension, condition(dimension, classes, statements)))
    });
    let texts: Vec<(&Dimension, String)> = texts.collect();
    // A condition on a field implies that the object exists.
    let is_implied = |(dimension, text): &&(&Dimension, String)| {
        let Dimension::Variable(Variable::Context(parent), _) = dimension else {
            return false;
        };
        let is_field = |(other, _): &(&Dimension, String)| {
            let Dimension::Variable(Variable::Context(field), _) = other else {
                return false;
            };
            field.len() > parent.len() && field.starts_with(parent)
        };
        text.ends_with(" is present") && texts.iter().any(is_field)
    };
    let kept = texts.iter().filter(|it| !is_implied(it));
    kept.map(|(_, text)| text.clone()).collect()
}

/// A condition such as `context.args.amount <= 500`.
fn condition(
    dimension: &Dimension,
    classes: &[usize],
    statements: &[LocatedStatement<'_>],
) -> String {
    match dimension {
        Dimension::Variable(variable, all) => {
            let chosen: Vec<&Class> = classes.iter().filter_map(|at| all.get(*at)).collect();
            format!("{} {}", variable_name(variable), describe(&chosen, all))
        }
        Dimension::Statement(number) => {
            let word = if classes == [0] {
                "matches"
            } else {
                "does not match"
            };
            let Some(LocatedStatement { statement, .. }) = statements.get(*number) else {
                return word.to_owned();
            };
            let CedarStatement {
                policy,
                number,
                line,
                ..
            } = statement;
            format!("statement {number} of policy \"{policy}\" (line {line}) {word}")
        }
    }
}

fn variable_name(variable: &Variable) -> String {
    match variable {
        Variable::Name => "name".to_owned(),
        Variable::Server => "server".to_owned(),
        Variable::Attribute(name) => format!("resource.{name}"),
        Variable::Context(path) => format!("context.{}", path.join(".")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::super::{ApplicableCedarPolicies, CedarRequest, CedarRequestContext};
    use crate::Audience;
    use model::docker::{Cedar, DockerLiveState, LiveContent, LivePolicy, PolicyId, Scope};

    fn state(text: &str) -> DockerLiveState {
        DockerLiveState {
            policies: vec![LivePolicy {
                id: PolicyId::new("p"),
                name: "MCP".to_owned(),
                scope: Scope::default(),
                unknown_scope_fields: Map::new(),
                content: LiveContent::Cedar(Cedar {
                    text: text.to_owned(),
                    schema_url: String::new(),
                }),
                created_at: String::new(),
                updated_at: String::new(),
                unknown_fields: Map::new(),
            }],
        }
    }

    /// What a question gives: `server`, `attributes`, `args` and `context`.
    fn given(json: &Value) -> CedarRequestContext {
        let mut circumstances = CedarRequestContext::default();
        if let Some(server) = json["server"].as_str() {
            circumstances = circumstances.with_server(server);
        }
        if let Some(attributes) = json["attributes"].as_object() {
            circumstances = circumstances.with_attributes(attributes);
        }
        if let Some(arguments) = json["args"].as_object() {
            circumstances = circumstances.with_arguments(arguments);
        }
        if json["context"].is_object() {
            circumstances = circumstances.with_context(&json["context"]).unwrap();
        }
        circumstances
    }

    /// The answer, or each case in one line.
    fn answer(text: &str, request: &str, circumstances: &Value) -> Vec<String> {
        let state = state(text);
        let request = CedarRequest::parse(request, &given(circumstances)).unwrap();
        let policies = ApplicableCedarPolicies::live(&state, &Audience::default());
        let answer = policies.decide(&[&request]).unwrap().remove(0);
        if answer.unknown.is_empty() {
            let numbers = answer.statements.iter().map(|it| it.number.to_string());
            let numbers: Vec<String> = numbers.collect();
            return vec![format!("{:?} {}", answer.decision, numbers.join(","))];
        }
        let cases = answer.cases.iter().map(|case| {
            let reasons: String = case.reasons.iter().map(|it| format!(" ({it})")).collect();
            format!("{}: {:?}{reasons}", case.when.join(" & "), case.decision)
        });
        let reason = answer.unknown.iter().map(|cause| cause.reason.clone());
        reason.chain(cases).collect()
    }

    /// The expected answers follow the text of the contract (MCP.md), section by section.
    #[test]
    fn the_contract_holds() {
        let permit = "permit(principal, action, resource);";
        let approve = "@requireApproval(\"write tool call\") permit(principal, action, resource) when { resource.readOnly == false };";
        let nothing = json!({});
        let read_only = json!({"attributes": {"readOnly": true}});
        let github = json!({"server": "github"});
        let all = |more: &str| format!("{permit} {more}");
        let is = |condition: &str| {
            format!("permit(principal, action, resource) when {{ {condition} }};")
        };
        let cases: Vec<(String, &str, Value, &str)> = vec![
            // Decision
            (String::new() + "forbid(principal, action, resource == MCP::Tool::\"y\");", "invokeTool x", nothing.clone(), "Deny "),
            (permit.to_owned(), "invokeTool x", nothing.clone(), "Allow 1"),
            (permit.to_owned(), "register x", nothing.clone(), "Allow 1"),
            (all("forbid(principal, action == MCP::Action::\"invokeTool\", resource);"), "invokeTool x", nothing.clone(), "Deny 2"),
            // Approval takes precedence over a plain permit, and a forbid over both.
            (all(approve), "invokeTool x", nothing.clone(), "Approval 2"),
            (all(approve), "invokeTool x", read_only.clone(), "Allow 1"),
            (all(&format!("{approve} forbid(principal, action, resource);")), "invokeTool x", nothing.clone(), "Deny 3"),
            // Only this exact annotation name counts.
            ("@requireConsent(\"x\") permit(principal, action, resource);".to_owned(), "invokeTool x", nothing.clone(), "Allow 1"),
            ("@requireapproval(\"x\") permit(principal, action, resource);".to_owned(), "invokeTool x", nothing.clone(), "Allow 1"),
            // For `register` it has the effect of a denial.
            (all("@requireApproval(\"x\") permit(principal, action, resource);"), "register x", nothing.clone(), "Deny 2"),
            // Clauses on the principal never match.
            ("permit(principal in MCP::Team::\"a\", action, resource);".to_owned(), "invokeTool x", nothing.clone(), "Deny "),
            ("permit(principal == MCP::User::\"a\", action, resource);".to_owned(), "invokeTool x", nothing.clone(), "Deny "),
            ("permit(principal is MCP::User, action, resource);".to_owned(), "invokeTool x", nothing.clone(), "Deny "),
            (is("principal.role == \"admin\""), "invokeTool x", nothing.clone(), "Deny "),
            (is("principal in MCP::Team::\"a\""), "invokeTool x", nothing.clone(), "Deny "),
            (all("forbid(principal, action, resource) when { principal.role == \"guest\" };"), "invokeTool x", nothing.clone(), "Allow 1"),
            // Actions
            ("permit(principal, action == MCP::Action::\"call_tool\", resource);".to_owned(), "invokeTool x", nothing.clone(), "Deny "),
            ("permit(principal, action in [MCP::Action::\"invokeTool\", MCP::Action::\"getPrompt\"], resource);".to_owned(), "getPrompt x", nothing.clone(), "Allow 1"),
            // Resources: the bare name, the same for all servers
            (is("resource.name == \"x\""), "invokeTool x", nothing.clone(), "Allow 1"),
            (is("resource.name == \"x\""), "getPrompt x", nothing.clone(), "Allow 1"),
            (is("resource.uri like \"*/docs/*\""), "readResource file:///docs/a", nothing.clone(), "Allow 1"),
            (is("resource.name == \"x\""), "readResource x", nothing.clone(), "Deny "),
            (is("resource in MCP::Primordial::\"code-mode\""), "invokePrimordial code-mode", nothing.clone(), "Allow 1"),
            (is("resource in MCP::Primordial::\"code-mode\""), "invokePrimordial mcp-exec", nothing.clone(), "Deny "),
            // Defaults of attributes: readOnly false, destructive true, idempotent false, openWorld true
            (is("!resource.readOnly && resource.destructive && !resource.idempotent && resource.openWorld"), "invokeTool x", nothing.clone(), "Allow 1"),
            (is("resource.readOnly"), "invokeTool x", read_only.clone(), "Allow 1"),
            // A tool, resource or prompt is in its server.
            (is("resource in MCP::Server::\"github\""), "invokeTool x", github.clone(), "Allow 1"),
            (is("resource in MCP::Server::\"github\""), "readResource x", github.clone(), "Allow 1"),
            (is("resource in MCP::Server::\"github\""), "getPrompt x", json!({"server": "notion"}), "Deny "),
            ("permit(principal, action, resource in MCP::Server::\"github\");".to_owned(), "invokeTool x", github.clone(), "Allow 1"),
            // Registration is decided on the server itself.
            (is("resource in MCP::Server::\"example\" && resource.identityURL == \"https://mcp.example.com/mcp\""), "register example", json!({"attributes": {"identityURL": "https://mcp.example.com/mcp"}}), "Allow 1"),
            (is("resource in MCP::Server::\"example\" && resource.identityURL == \"https://mcp.example.com/mcp\""), "register example", json!({"attributes": {"identityURL": "https://evil.example.com"}}), "Deny "),
            (is("resource.type == \"local-stdio\""), "register x", json!({"attributes": {"type": "remote-dcr"}}), "Deny "),
            // `command` is empty for remote servers.
            (is("resource.command == \"\""), "register x", json!({"attributes": {"type": "remote-dcr"}}), "Allow 1"),
            (is("resource.args.contains(\"-y\")"), "register x", json!({"attributes": {"args": ["-y", "p"]}}), "Allow 1"),
            // request_time is absent at registration; a permit that reads it never matches.
            (is("context.request_time > 0"), "register x", nothing.clone(), "Deny "),
            (is("context has request_time"), "register x", nothing.clone(), "Deny "),
            (is("context has request_time"), "invokeTool x", nothing.clone(), "Allow 1"),
            // args: a statement that reads a missing value does not match, be it permit or forbid.
            (is("context.args.amount <= 500"), "invokeTool x", json!({"args": {"amount": 500}}), "Allow 1"),
            (is("context.args.amount <= 500"), "invokeTool x", json!({"args": {"amount": 700}}), "Deny "),
            (is("context.args.amount <= 500"), "invokeTool x", json!({"args": {"amount": null}}), "Deny "),
            (is("context.args.amount <= 500"), "invokeTool x", json!({"context": {"args": null}}), "Deny "),
            (is("context.args.amount <= 500"), "invokeTool x", json!({"context": {"args": {}}}), "Deny "),
            (all("forbid(principal, action, resource) when { context.args.amount > 500 };"), "invokeTool x", json!({"context": {"args": null}}), "Allow 1"),
            (all("forbid(principal, action, resource) when { context.args.amount > 500 };"), "invokePrimordial x", json!({"args": {"amount": 501}}), "Deny 2"),
            (is("context.args.amount <= 500"), "getPrompt x", nothing.clone(), "Deny "),
        ];
        for (text, request, circumstances, expected) in cases {
            let found = answer(&text, request, &circumstances);
            assert_eq!(found, [expected], "{text}\n{request} {circumstances}");
        }
    }

    #[test]
    fn what_is_not_given_is_named_with_the_decision_for_each_value() {
        let expense = "permit(principal, action == MCP::Action::\"invokeTool\", resource) when { \
            resource.name == \"approve\" && context has args && context.args has amount && \
            context.args.amount <= 500 };";
        assert_eq!(
            answer(expense, "invokeTool approve", &json!({})),
            [
                "it depends on `context.args.amount`, which the question does not give",
                "context.args is absent: Deny",
                "context.args.amount >= 501 or has a value of another type or is absent: Deny",
                "context.args.amount <= 500: Allow",
            ]
        );
        // Another tool is not permitted in any case.
        assert_eq!(answer(expense, "invokeTool other", &json!({})), ["Deny "]);
        let server = "permit(principal, action, resource) when { resource.readOnly == true };\
            @requireApproval(\"ask\") permit(principal, action, resource in MCP::Server::\"github\");";
        assert_eq!(
            answer(server, "invokeTool x", &json!({})),
            [
                "it depends on `server`, which the question does not give",
                "server has any other value: Deny",
                "server is \"github\": Approval (ask)",
            ]
        );
        let register = "permit(principal, action == MCP::Action::\"register\", resource) when { \
            resource.identityURL like \"https://*.example.com/*\" && !resource.requiresNetwork };";
        assert_eq!(
            answer(
                register,
                "register x",
                &json!({"attributes": {"requiresNetwork": false}})
            ),
            [
                "it depends on `resource.identityURL`, which the question does not give",
                "resource.identityURL has any other value: Deny",
                "resource.identityURL is like \"https://*.example.com/*\": Allow",
            ]
        );
        assert_eq!(
            answer(
                register,
                "register x",
                &json!({"attributes": {"requiresNetwork": true}})
            ),
            ["Deny "]
        );
    }

    /// Where values cannot be divided, the statement itself is the condition.
    #[test]
    fn other_uses_are_stated_by_statement() {
        let early = "permit(principal, action, resource) when { context.request_time < datetime(\"2026-12-24\") };";
        assert_eq!(
            answer(early, "invokeTool x", &json!({})),
            [
                "it depends on `context.request_time`, which the question does not give",
                "context.request_time is before 2026-12-24T00:00:00Z: Allow",
                "context.request_time is at or after 2026-12-24T00:00:00Z or has a value of another type: Deny",
            ]
        );
        // A calculation with a date is not divided.
        let late = "permit(principal, action, resource) when { context.request_time.toDate() < datetime(\"2026-12-24\") };";
        assert_eq!(
            answer(late, "invokeTool x", &json!({})),
            [
                "it depends on `context.request_time`, which the question does not give",
                "statement 1 of policy \"MCP\" (line 1) matches: Allow",
                "statement 1 of policy \"MCP\" (line 1) does not match: Deny",
            ]
        );
        let at = |time: &str| json!({"context": {"request_time": time}});
        assert_eq!(answer(late, "invokeTool x", &at("2026-12-01")), ["Allow 1"]);
        assert_eq!(
            answer(late, "invokeTool x", &at("2026-12-24T00:00:00Z")),
            ["Deny "]
        );
        // The head is known.
        let about = late.replace("resource)", "resource == MCP::Tool::\"x\")");
        assert_eq!(answer(&about, "invokeTool y", &json!({})), ["Deny "]);
        // Too many combinations are not divided, but named.
        let many: String = (0..8)
            .map(|n| {
                format!("permit(principal, action, resource) when {{ context.args.a{n} == {n} }};")
            })
            .collect();
        let found = answer(&many, "invokeTool x", &json!({}));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("`context.args.a7`"), "{found:?}");
    }
}
