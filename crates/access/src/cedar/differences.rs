//! The statements that differ between two Cedar texts.
//!
//! Statements are compared by content: whitespace, comments and order make no difference. Statements
//! that are in only one of the texts are paired if they have the same `@id`, or else if they follow
//! the same unchanged statement, in their order; those without a partner are added or removed.
//!
//! Example: from `A B C` to `A N C`, `B` changes to `N`. From `A C` to `A N C`, `N` is added.

use std::collections::HashMap;

use cedar_policy::{ActionConstraint, Effect, EntityUid, Policy, Template};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{nesting, statements};

/// The type of the actions that are written without it.
const ACTION: &str = "MCP::Action";
/// The annotation that asks for an approval. No other name counts (contract: MCP).
const APPROVAL: &str = "requireApproval";

/// What a statement does with the requests that it matches.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum StatementEffect {
    /// It permits them.
    Permit,
    /// It forbids them, whatever permits them.
    Forbid,
    /// It permits them after an approval: a `permit` with `@requireApproval`.
    Approval,
}

/// One statement of a Cedar text, in short.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatementSummary {
    /// The number of the statement in the text, from 1.
    pub number: usize,
    /// The first line of the statement in the text, from 1.
    pub line: u32,
    /// The value of its `@id` annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its effect.
    pub effect: StatementEffect,
    /// The actions that its head names, without `MCP::Action`. Empty if the head names none: then it
    /// applies to every action that its conditions permit.
    pub actions: Vec<String>,
}

/// A statement that differs between two texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementDifference {
    /// Only the new text contains it.
    Added(StatementSummary),
    /// Only the old text contains it.
    Removed(StatementSummary),
    /// Both texts contain it, with different contents.
    Changed {
        /// The statement in the old text.
        before: StatementSummary,
        /// The statement in the new text.
        after: StatementSummary,
    },
}

/// The statements that differ between two texts, in the order of the new text; removed statements
/// come last. An empty text has no statements.
///
/// # Errors
/// One of the texts cannot be parsed; the error says why.
pub fn statement_differences(
    before: &str,
    after: &str,
) -> Result<Vec<StatementDifference>, String> {
    let work = || {
        let old = read(before).map_err(|why| format!("the old text cannot be parsed: {why}"))?;
        let new = read(after).map_err(|why| format!("the new text cannot be parsed: {why}"))?;
        Ok(differences(&old, &new))
    };
    nesting::with_room(work).unwrap_or_else(|| Err("there is not enough memory".to_owned()))
}

struct Statement {
    summary: StatementSummary,
    content: Value,
}

/// Parses a text. Unlike in decisions, templates are included: a person may want to know of them.
fn read(text: &str) -> Result<Vec<Statement>, String> {
    let set = statements::parse(text)?;
    let starts = statements::statement_offsets(text);
    let summary = |index: usize, id: Option<&str>, effect, actions| StatementSummary {
        number: index + 1,
        line: statements::line(text, &starts, index),
        id: id.map(str::to_owned),
        effect,
        actions,
    };
    let policies = set.policies().filter_map(|policy: &Policy| {
        let index = statements::index(policy.id())?;
        let effect = effect(policy.effect(), policy.annotation(APPROVAL).is_some());
        let actions = actions(&policy.action_constraint());
        let content = policy.to_json().map_err(|error| error.to_string());
        Some(content.map(|content| Statement {
            summary: summary(index, policy.annotation("id"), effect, actions),
            content,
        }))
    });
    let templates = set.templates().filter_map(|template: &Template| {
        let index = statements::index(template.id())?;
        let effect = effect(template.effect(), template.annotation(APPROVAL).is_some());
        let actions = actions(&template.action_constraint());
        let content = template.to_json().map_err(|error| error.to_string());
        Some(content.map(|content| Statement {
            summary: summary(index, template.annotation("id"), effect, actions),
            content,
        }))
    });
    let mut found = policies.chain(templates).collect::<Result<Vec<_>, _>>()?;
    found.sort_by_key(|statement| statement.summary.number);
    Ok(found)
}

fn effect(effect: Effect, asks: bool) -> StatementEffect {
    match effect {
        Effect::Permit if asks => StatementEffect::Approval,
        Effect::Permit => StatementEffect::Permit,
        Effect::Forbid => StatementEffect::Forbid,
    }
}

fn actions(constraint: &ActionConstraint) -> Vec<String> {
    let name = |action: &EntityUid| {
        if action.type_name().to_string() == ACTION {
            action.id().unescaped().to_owned()
        } else {
            action.to_string()
        }
    };
    match constraint {
        ActionConstraint::Any => Vec::new(),
        ActionConstraint::Eq(action) => vec![name(action)],
        ActionConstraint::In(actions) => actions.iter().map(name).collect(),
    }
}

fn differences(old: &[Statement], new: &[Statement]) -> Vec<StatementDifference> {
    let partners = equal_statements(old, new);
    let mut is_kept = vec![false; old.len()];
    for partner in partners.iter().flatten() {
        is_kept[*partner] = true;
    }
    let mut removed: Vec<(usize, Option<usize>)> = Vec::new();
    let mut previous = None;
    for (position, kept) in is_kept.iter().enumerate() {
        if *kept {
            previous = Some(position);
        } else {
            removed.push((position, previous));
        }
    }
    let mut added: Vec<(usize, Option<usize>)> = Vec::new();
    let mut previous = None;
    for (position, partner) in partners.iter().enumerate() {
        match partner {
            Some(_) => previous = *partner,
            None => added.push((position, previous)),
        }
    }
    // The partner of each added statement: first by id, then by position.
    let mut pairs: HashMap<usize, usize> = HashMap::new();
    let same_id = |new_at: usize, old_at: usize| {
        let id = &new[new_at].summary.id;
        id.is_some() && *id == old[old_at].summary.id
    };
    for (new_at, _) in &added {
        let found = removed
            .iter()
            .position(|(old_at, _)| same_id(*new_at, *old_at));
        pairs.extend(found.map(|at| (*new_at, removed.remove(at).0)));
    }
    for (new_at, follows) in &added {
        if pairs.contains_key(new_at) {
            continue;
        }
        let found = removed
            .iter()
            .position(|(_, old_follows)| old_follows == follows);
        pairs.extend(found.map(|at| (*new_at, removed.remove(at).0)));
    }
    let mut found: Vec<StatementDifference> = added
        .iter()
        .map(|(new_at, _)| {
            let after = new[*new_at].summary.clone();
            match pairs.get(new_at) {
                Some(old_at) => StatementDifference::Changed {
                    before: old[*old_at].summary.clone(),
                    after,
                },
                None => StatementDifference::Added(after),
            }
        })
        .collect();
    let gone = removed.iter().map(|(old_at, _)| &old[*old_at].summary);
    found.extend(gone.cloned().map(StatementDifference::Removed));
    found
}

/// The old statement of the same content for each new statement. A content that occurs twice on one
/// side needs two on the other side.
fn equal_statements(old: &[Statement], new: &[Statement]) -> Vec<Option<usize>> {
    let mut known: HashMap<String, Vec<usize>> = HashMap::new();
    for (position, statement) in old.iter().enumerate().rev() {
        let content = statement.content.to_string();
        known.entry(content).or_default().push(position);
    }
    let partner = |statement: &Statement| known.get_mut(&statement.content.to_string())?.pop();
    new.iter().map(partner).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each difference in one line.
    fn shown(before: &str, after: &str) -> Vec<String> {
        let summary = |summary: &StatementSummary| {
            let StatementSummary {
                number,
                line,
                id,
                effect,
                actions,
            } = summary;
            let id = id.as_deref().unwrap_or("-");
            format!("{number}:{line} {id} {effect:?} {}", actions.join("+"))
        };
        statement_differences(before, after)
            .unwrap()
            .iter()
            .map(|difference| match difference {
                StatementDifference::Added(after) => format!("+ {}", summary(after)),
                StatementDifference::Removed(before) => format!("- {}", summary(before)),
                StatementDifference::Changed { before, after } => {
                    format!("~ {} > {}", summary(before), summary(after))
                }
            })
            .collect()
    }

    const READ: &str = "permit(principal, action == MCP::Action::\"readResource\", resource);\n";
    const TOOLS: &str = "permit(\n  principal,\n  action in [MCP::Action::\"invokeTool\", MCP::Action::\"getPrompt\"],\n  resource\n);\n";
    const DROP: &str = "forbid(principal, action, resource == MCP::Tool::\"drop\");\n";

    #[test]
    fn statements_are_compared_by_content() {
        let reformatted = TOOLS.replace('\n', " ").replace("  ", " ");
        let before = format!("{READ}{TOOLS}{DROP}");
        let after = format!("// comment\n{DROP}{reformatted}\n\n{READ}");
        assert_eq!(shown(&before, &after), Vec::<String>::new());
        assert_eq!(shown("", "// nothing"), Vec::<String>::new());
        assert_eq!(
            shown("", &before),
            [
                "+ 1:1 - Permit readResource",
                "+ 2:2 - Permit invokeTool+getPrompt",
                "+ 3:7 - Forbid "
            ]
        );
        assert_eq!(shown(DROP, ""), ["- 1:1 - Forbid "]);
        // The same statement twice is one more.
        assert_eq!(shown(DROP, &DROP.repeat(2)), ["+ 2:2 - Forbid "]);
    }

    #[test]
    fn changed_statements_are_paired_by_id_or_position() {
        let asks = format!("@requireApproval(\"ask first\")\n{READ}");
        assert_eq!(
            shown(&format!("{DROP}{READ}"), &format!("{DROP}{asks}")),
            ["~ 2:2 - Permit readResource > 2:2 - Approval readResource"]
        );
        // Other annotations do not ask for an approval, and neither does one on a forbid.
        for other in ["@requireApproved(\"x\")", "@requireapproval(\"x\")"] {
            let text = format!("{other}\n{READ}");
            assert_eq!(shown("", &text), ["+ 1:1 - Permit readResource"]);
        }
        let forbid = format!("@requireApproval(\"x\")\n{DROP}");
        assert_eq!(shown("", &forbid), ["+ 1:1 - Forbid "]);
        // By id, wherever the statement moved.
        let named = |text: &str| format!("@id(\"a\")\n{text}");
        assert_eq!(
            shown(
                &format!("{}{DROP}", named(READ)),
                &format!("{DROP}{TOOLS}{}", named(TOOLS))
            ),
            [
                "+ 2:2 - Permit invokeTool+getPrompt",
                "~ 1:1 a Permit readResource > 3:7 a Permit invokeTool+getPrompt"
            ]
        );
        // Before an unchanged statement and after it are different positions.
        assert_eq!(
            shown(&format!("{READ}{DROP}"), &format!("{DROP}{TOOLS}")),
            [
                "+ 2:2 - Permit invokeTool+getPrompt",
                "- 1:1 - Permit readResource"
            ]
        );
    }

    #[test]
    fn a_text_that_cannot_be_parsed_is_named() {
        let deep = format!(
            "permit(principal, action, resource) when {{ {} true }};",
            "!".repeat(100_000)
        );
        for bad in ["permit(principal", &deep] {
            let old = statement_differences(bad, READ).unwrap_err();
            assert!(old.starts_with("the old text cannot be parsed: "), "{old}");
            let new = statement_differences(READ, bad).unwrap_err();
            assert!(new.starts_with("the new text cannot be parsed: "), "{new}");
        }
        let other = "permit(principal, action == Own::Action::\"x\", resource);";
        assert_eq!(shown("", other), ["+ 1:1 - Permit Own::Action::\"x\""]);
        let template = "permit(principal == ?principal, action, resource);";
        assert_eq!(shown("", template), ["+ 1:1 - Permit "]);
    }
}
