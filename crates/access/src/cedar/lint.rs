//! Names in Cedar text that Docker's schema does not contain, and statements that never take effect.
//!
//! Names are checked on the tokens of a text, because only these have positions. Whether a statement
//! ever matches is decided by the evaluation of all cases (see `space`), and only reported if it is
//! proven.

use std::collections::BTreeSet;
use std::ops::Range;

use super::nesting;
use super::request::similar_action;
use super::schema::{self, McpAction, NEVER_GATED, ResourceType};
use super::space::{Dimension, Question, StatementModel};
use super::statements;
use model::diag::did_you_mean;

/// The kind of a probable mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CedarFindingKind {
    /// A name that the schema does not contain.
    UnknownName,
    /// A statement, or a part of it, that never takes effect.
    WithoutEffect,
}

/// A probable mistake in a Cedar text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CedarFinding {
    /// Its kind.
    pub kind: CedarFindingKind,
    /// The bytes of the text that it is about.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// The next step.
    pub help: String,
    /// The name that is probably meant, in place of the bytes.
    pub similar: Option<String>,
}

/// The probable mistakes in a text, in order. A text that cannot be parsed has none.
pub fn lint(text: &str) -> Vec<CedarFinding> {
    nesting::with_room(|| lint_parsed(text)).unwrap_or_default()
}

fn lint_parsed(text: &str) -> Vec<CedarFinding> {
    let Ok(parsed) = statements::read(text) else {
        return Vec::new();
    };
    let tokens = tokens(text);
    let mut found = Vec::new();
    for (number, tokens) in (1..).zip(tokens.split(|token| token.text == ";")) {
        let Some(policy) = parsed.iter().find(|it| it.number == number) else {
            continue;
        };
        let Ok(model) = StatementModel::new(&policy.policy) else {
            continue;
        };
        StatementLinter {
            tokens,
            model: &model,
            found: &mut found,
        }
        .check();
    }
    found.sort_by_key(|finding| (finding.range.start, finding.range.end));
    found
}

/// A part of a text that has a meaning of its own.
#[derive(Debug, Clone)]
struct Token<'a> {
    text: &'a str,
    range: Range<usize>,
}

impl Token<'_> {
    fn is_name(&self) -> bool {
        let first = self.text.chars().next();
        first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
    }

    /// The content of a string literal.
    fn string(&self) -> Option<&str> {
        self.text.strip_prefix('"')?.strip_suffix('"')
    }

    /// The bytes of the content of a string literal.
    fn content(&self) -> Range<usize> {
        self.range.start + 1..self.range.end.saturating_sub(1)
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    const PAIRS: [&str; 7] = ["::", "==", "!=", "<=", ">=", "&&", "||"];
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = &bytes[at..];
        if rest.starts_with(b"//") {
            let end = rest.iter().position(|byte| *byte == b'\n');
            at += end.unwrap_or(rest.len());
            continue;
        }
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let length = if *byte == b'"' {
            nesting::string_length(rest)
        } else if is_word(byte) {
            rest.iter().take_while(|byte| is_word(byte)).count()
        } else if PAIRS.iter().any(|pair| rest.starts_with(pair.as_bytes())) {
            2
        } else {
            text[at..].chars().next().map_or(1, char::len_utf8)
        };
        let range = at..at + length;
        at = range.end;
        if let Some(token) = text.get(range.clone())
            && !token.trim().is_empty()
        {
            found.push(Token { text: token, range });
        }
    }
    found
}

/// Checks one statement.
struct StatementLinter<'a> {
    tokens: &'a [Token<'a>],
    model: &'a StatementModel,
    found: &'a mut Vec<CedarFinding>,
}

impl StatementLinter<'_> {
    fn check(&mut self) {
        let before = self.found.len();
        let head = self.annotations();
        let principal = self.principal_clauses(head);
        self.names(&principal);
        self.actions();
        let has_reason = self.found[before..]
            .iter()
            .any(|finding| finding.message.contains("never takes effect"));
        if !has_reason {
            self.never_matches(head);
        }
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text)
    }

    fn add(
        &mut self,
        kind: CedarFindingKind,
        range: Range<usize>,
        message: String,
        help: impl Into<String>,
    ) {
        self.found.push(CedarFinding {
            kind,
            range,
            message,
            help: help.into(),
            similar: None,
        });
    }

    fn unknown(
        &mut self,
        range: Range<usize>,
        message: String,
        near: Option<&str>,
        otherwise: String,
    ) {
        self.found.push(CedarFinding {
            kind: CedarFindingKind::UnknownName,
            range,
            message,
            help: near.map_or(otherwise, |near| format!("did you mean `{near}`?")),
            similar: near.map(str::to_owned),
        });
    }

    /// Checks the annotations. Returns the position of `permit` or `forbid`.
    fn annotations(&mut self) -> usize {
        let mut at = 0;
        while self.text(at) == "@" {
            let Some(name) = self.tokens.get(at + 1).cloned() else {
                return at;
            };
            let has_value = self.text(at + 2) == "(";
            self.annotation(&name);
            at += if has_value { 5 } else { 2 };
        }
        at
    }

    fn annotation(&mut self, name: &Token<'_>) {
        let only_registers = self.registers_only();
        match name.text {
            schema::APPROVAL if self.model.effect == cedar_policy::Effect::Forbid => self.add(
                CedarFindingKind::WithoutEffect,
                name.range.clone(),
                "`@requireApproval` has no effect on a `forbid`".to_owned(),
                "a `forbid` denies without asking; to ask, write it on a `permit`",
            ),
            schema::APPROVAL if only_registers => self.add(
                CedarFindingKind::WithoutEffect,
                name.range.clone(),
                "a registration cannot ask for an approval, so this `permit` denies".to_owned(),
                "remove `@requireApproval`, or write a `forbid`",
            ),
            // An `@id` is an error of its own.
            schema::APPROVAL | "id" => {}
            other => {
                // The reference names `@requireConsent` as an example without effect.
                let near = if other.starts_with("require") {
                    Some(schema::APPROVAL)
                } else {
                    did_you_mean([schema::APPROVAL], other)
                };
                self.unknown(
                    name.range.clone(),
                    format!("the annotation `@{other}` has no effect"),
                    near,
                    "only `@requireApproval(\"reason\")` has a meaning; write a comment instead"
                        .to_owned(),
                );
            }
        }
    }

    fn registers_only(&self) -> bool {
        let others = McpAction::ALL
            .into_iter()
            .filter(|action| *action != McpAction::Register);
        self.model.is_about(McpAction::Register)
            && others
                .into_iter()
                .all(|action| !self.model.is_about(action))
    }

    /// Reports what is said about the principal. Returns the positions of the tokens.
    fn principal_clauses(&mut self, head: usize) -> BTreeSet<usize> {
        let mut clauses = BTreeSet::new();
        let mut first = true;
        for at in head..self.tokens.len() {
            if self.text(at) != "principal" {
                continue;
            }
            // `x.principal` is an attribute, and `principal: 1` the key of a record.
            if self.text(at.saturating_sub(1)) == "." || self.text(at + 1) == ":" {
                continue;
            }
            let in_head = std::mem::take(&mut first);
            if in_head && self.text(at + 1) == "," {
                continue;
            }
            // To the end of the operand: names, strings, `::` and `.`.
            let mut end = at + 1;
            let ends = [",", ")", "}", "&&", "||", "then", "else"];
            while end < self.tokens.len() && !ends.contains(&self.text(end)) {
                end += 1;
            }
            clauses.extend(at..end);
            let last = self.tokens.get(end - 1).map_or(0, |token| token.range.end);
            let range = self.tokens[at].range.start..last;
            let message = if in_head {
                "this statement never takes effect: a clause on the principal never matches"
            } else {
                "a clause on the principal is never true"
            };
            self.add(
                CedarFindingKind::WithoutEffect,
                range,
                message.to_owned(),
                "the principal comes from the scope of the policy: write `scope: {teams: [...]}` in the manifest",
            );
        }
        clauses
    }

    /// Checks entity types, actions and attributes.
    fn names(&mut self, principal: &BTreeSet<usize>) {
        let mut at = 0;
        while at < self.tokens.len() {
            if principal.contains(&at) {
                at += 1;
                continue;
            }
            let follows_is = at > 0 && self.text(at - 1) == "is";
            let (end, path) = self.path(at);
            if let Some(path) = path
                && (self.text(end) == "::" || follows_is)
            {
                let id = self.tokens.get(end + 1).cloned();
                let id = id.filter(|id| self.text(end) == "::" && id.string().is_some());
                self.entity(at, end, &path, id.as_ref());
                at = end.max(at + 1);
                continue;
            }
            let is_field = at > 0 && self.text(at - 1) == ".";
            if !is_field && matches!(self.text(at), "resource" | "context") {
                self.attribute(at);
            }
            at += 1;
        }
    }

    /// A type such as `MCP::Tool` that begins at a token: the position after it, and its name.
    fn path(&self, start: usize) -> (usize, Option<String>) {
        let mut at = start;
        let mut name = String::new();
        let is_name = |at: usize| self.tokens.get(at).is_some_and(Token::is_name);
        if !is_name(at) || (at > 0 && self.text(at - 1) == ".") {
            return (at, None);
        }
        loop {
            name.push_str(self.text(at));
            at += 1;
            if self.text(at) != "::" || !is_name(at + 1) {
                return (at, Some(name));
            }
            name.push_str("::");
            at += 1;
        }
    }

    fn entity(&mut self, start: usize, end: usize, kind: &str, id: Option<&Token<'_>>) {
        let range = self.tokens[start].range.start..self.tokens[end - 1].range.end;
        let types = || {
            let resources = ResourceType::ALL.into_iter().map(ResourceType::as_str);
            resources.chain([schema::ACTION])
        };
        if kind == schema::ACTION {
            if let Some(id) = id {
                self.action(id);
            }
            return;
        }
        if types().any(|known| known == kind) {
            return;
        }
        // Names without the namespace are the most likely mistake.
        let qualified = format!("{}::{kind}", schema::NAMESPACE);
        let near = types()
            .find(|known| *known == qualified)
            .or_else(|| did_you_mean(types(), kind));
        let all: Vec<&str> = types().collect();
        self.unknown(
            range,
            format!("Docker's MCP schema contains no entity type `{kind}`"),
            near,
            format!("the types are {}", all.join(", ")),
        );
    }

    fn action(&mut self, id: &Token<'_>) {
        let name = id.string().unwrap_or_default();
        if McpAction::named(name).is_some() {
            return;
        }
        if NEVER_GATED.contains(&name) {
            self.add(
                CedarFindingKind::WithoutEffect,
                id.content(),
                format!("no policy decides `{name}`: the gateway always permits it"),
                "remove it",
            );
            return;
        }
        let names: Vec<&str> = McpAction::ALL.into_iter().map(McpAction::as_str).collect();
        self.unknown(
            id.content(),
            format!("Docker's MCP schema contains no action `{name}`"),
            similar_action(name),
            format!("the actions are {}", names.join(", ")),
        );
    }

    /// `resource.x`, `resource["x"]`, `resource has x`, and the same of the context.
    fn attribute(&mut self, at: usize) {
        let is_context = self.text(at) == "context";
        let Some(token) = self.tokens.get(at + 2).cloned() else {
            return;
        };
        let (name, range) = match self.text(at + 1) {
            // A call such as `resource.contains(…)` does not read an attribute.
            "." if self.text(at + 3) != "(" => (token.text, token.range.clone()),
            "[" | "has" => match token.string() {
                Some(name) => (name, token.content()),
                None => (token.text, token.range.clone()),
            },
            _ => return,
        };
        if is_context {
            if !schema::CONTEXT.contains(&name) {
                let near = did_you_mean(schema::CONTEXT, name);
                self.unknown(
                    range,
                    format!("the context of MCP requests contains no field `{name}`"),
                    near,
                    format!("the fields are {}", schema::CONTEXT.join(" and ")),
                );
            }
            return;
        }
        let about = McpAction::ALL
            .into_iter()
            .filter(|action| self.model.is_about(*action));
        let mut kinds: Vec<ResourceType> = about.map(McpAction::resource).collect();
        if kinds.is_empty() {
            kinds.extend(ResourceType::ALL);
        }
        if kinds.iter().any(|kind| kind.attribute(name).is_some()) {
            return;
        }
        let names = kinds.iter().flat_map(|kind| kind.attributes());
        let names: BTreeSet<&str> = names.map(|attribute| attribute.name).collect();
        let types: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let message = if types.len() == ResourceType::ALL.len() {
            format!("no entity type of Docker's MCP schema has an attribute `{name}`")
        } else {
            format!("{} has no attribute `{name}`", types.join(" or "))
        };
        let otherwise = if names.is_empty() {
            "entities of this type have no attributes; compare the entity itself".to_owned()
        } else {
            let names: Vec<&str> = names.iter().copied().collect();
            format!("the attributes are {}", names.join(", "))
        };
        let near = did_you_mean(names.iter().copied(), name);
        self.unknown(range, message, near, otherwise);
    }

    /// Reports a statement none of whose actions is decided by policies.
    fn actions(&mut self) {
        if McpAction::ALL
            .into_iter()
            .any(|action| self.model.is_about(action))
            || self.model.names_principal
        {
            return;
        }
        let Some(at) = (0..self.tokens.len()).find(|at| self.text(*at) == "action") else {
            return;
        };
        let range = self.tokens[at].range.clone();
        self.add(
            CedarFindingKind::WithoutEffect,
            range,
            "this statement never takes effect: no policy decides the actions that it names"
                .to_owned(),
            "name an action such as `MCP::Action::\"invokeTool\"`, or remove the statement",
        );
    }

    /// Reports a statement whose conditions are false for every request.
    fn never_matches(&mut self, head: usize) {
        let actions: Vec<McpAction> = McpAction::ALL
            .into_iter()
            .filter(|action| self.model.is_about(*action))
            .collect();
        let is_proven = !actions.is_empty()
            && actions
                .iter()
                .all(|action| never_matches(self.model, *action));
        if !is_proven {
            return;
        }
        let reads_time = (0..self.tokens.len()).find(|at| self.text(*at) == schema::REQUEST_TIME);
        let (range, why, help) = match reads_time {
            Some(at) if self.registers_only() => (
                self.tokens[at].range.clone(),
                "a registration has no `request_time`",
                "remove the condition on the time",
            ),
            _ => (
                self.tokens
                    .get(head)
                    .map_or(0..0, |token| token.range.clone()),
                "its conditions are true for no request",
                "check the types and values in its conditions, or remove it",
            ),
        };
        self.add(
            CedarFindingKind::WithoutEffect,
            range,
            format!("this statement never takes effect: {why}"),
            help,
        );
    }
}

/// Whether it is proven that a statement matches no request with this action.
pub(super) fn never_matches(model: &StatementModel, action: McpAction) -> bool {
    if !model.is_about(action) {
        return true;
    }
    Question::about(action).cases(&[model]).is_ok_and(|found| {
        let is_value = |it: &Dimension| matches!(it, Dimension::Variable(..));
        found.dimensions.iter().all(is_value)
            && found.cases.iter().all(|case| case.matches == [false])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probable mistakes in short: the text, the message and the suggestion.
    fn found(text: &str) -> Vec<String> {
        let each = lint(text).into_iter();
        each.map(|finding| {
            let near = finding.similar.map(|near| format!(" -> {near}"));
            format!(
                "{}: {}{}",
                &text[finding.range],
                finding.message,
                near.unwrap_or_default()
            )
        })
        .collect()
    }

    /// Every row follows the contract (MCP.md, "What follows").
    #[test]
    fn unknown_names_are_found_where_they_are() {
        let cases: [(&str, &[&str]); 12] = [
            (
                "permit(principal, action == MCP::Action::\"call_tool\", resource);",
                &[
                    "action: this statement never takes effect: no policy decides the actions that it names",
                    "call_tool: Docker's MCP schema contains no action `call_tool` -> invokeTool",
                ],
            ),
            (
                "permit(principal, action in [MCP::Action::\"getprompt\", MCP::Action::\"invokeTool\"], resource);",
                &["getprompt: Docker's MCP schema contains no action `getprompt` -> getPrompt"],
            ),
            (
                "permit(principal, action == MCP::Action::\"listTools\", resource);",
                &[
                    "action: this statement never takes effect: no policy decides the actions that it names",
                    "listTools: no policy decides `listTools`: the gateway always permits it",
                ],
            ),
            (
                "permit(principal, action, resource in MCP::Serve::\"x\");",
                &[
                    "MCP::Serve: Docker's MCP schema contains no entity type `MCP::Serve` -> MCP::Server",
                    "permit: this statement never takes effect: its conditions are true for no request",
                ],
            ),
            (
                "permit(principal, action, resource is Tool);",
                &[
                    "permit: this statement never takes effect: its conditions are true for no request",
                    "Tool: Docker's MCP schema contains no entity type `Tool` -> MCP::Tool",
                ],
            ),
            (
                "permit(principal, action == MCP::Action::\"invokeTool\", resource) when { resource.readonly || resource.name == \"resource.x\" }; // resource.y",
                &[
                    "permit: this statement never takes effect: its conditions are true for no request",
                    "readonly: MCP::Tool has no attribute `readonly` -> readOnly",
                ],
            ),
            (
                "permit(principal, action == MCP::Action::\"getPrompt\", resource) unless { resource has \"uri\" };",
                &["uri: MCP::Prompt has no attribute `uri`"],
            ),
            (
                "permit(principal, action, resource) unless { context.arg has x };",
                &[
                    "arg: the context of MCP requests contains no field `arg` -> args",
                    "permit: this statement never takes effect: its conditions are true for no request",
                ],
            ),
            (
                "@requireConsent(\"x\") @note(\"y\") permit(principal, action, resource);",
                &[
                    "requireConsent: the annotation `@requireConsent` has no effect -> requireApproval",
                    "note: the annotation `@note` has no effect",
                ],
            ),
            (
                "@requireApproval(\"x\") forbid(principal, action, resource);",
                &["requireApproval: `@requireApproval` has no effect on a `forbid`"],
            ),
            (
                "@requireApproval(\"x\") permit(principal, action == MCP::Action::\"register\", resource);",
                &[
                    "requireApproval: a registration cannot ask for an approval, so this `permit` denies",
                ],
            ),
            (
                "@requireApproval(\"x\") permit(principal, action, resource is MCP::Tool in MCP::Server::\"y\") when { context has args && context.args.amount < 5 && resource.name like \"a*\" };",
                &[],
            ),
        ];
        for (text, expected) in cases {
            let mut found = found(text);
            found.sort();
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn statements_without_effect_are_found() {
        let cases: [(&str, &[&str]); 7] = [
            (
                "permit(principal in MCP::Team::\"a\", action, resource);",
                &[
                    "principal in MCP::Team::\"a\": this statement never takes effect: a clause on the principal never matches",
                ],
            ),
            (
                "permit(principal, action, resource) when { principal.role == \"x\" };",
                &[
                    "permit: this statement never takes effect: its conditions are true for no request",
                    "principal.role == \"x\": a clause on the principal is never true",
                ],
            ),
            (
                "permit(principal, action == MCP::Action::\"register\", resource) when { context.request_time > datetime(\"2026-01-01\") };",
                &[
                    "request_time: this statement never takes effect: a registration has no `request_time`",
                ],
            ),
            (
                "permit(principal, action == MCP::Action::\"invokeTool\", resource) when { context.request_time > datetime(\"2026-01-01\") };",
                &[],
            ),
            (
                "forbid(principal, action == MCP::Action::\"getPrompt\", resource) when { context.args.x == 1 };",
                &[
                    "forbid: this statement never takes effect: its conditions are true for no request",
                ],
            ),
            (
                "permit(principal, action, resource) when { resource.readOnly && !resource.readOnly };",
                &[
                    "permit: this statement never takes effect: its conditions are true for no request",
                ],
            ),
            (
                "permit(principal, action, resource) when { resource in MCP::Server::\"a\" };",
                &[],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
