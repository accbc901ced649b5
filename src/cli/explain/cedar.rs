//! `polwarden explain mcp …`: whether an MCP tool may be called, by which statements of which Cedar policies.

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;

use crate::access::{Audience, CedarAnswer, CedarRequest, Circumstances, Decider, Policies};
use crate::cli::console::Console;
use crate::manifest::config::Target;
use crate::model::docker::Decision;
use crate::render::decided::{DecidedBy, FailedStatement, Locator};
use crate::render::text::neutral;

/// What only questions about MCP tools have.
#[derive(Debug, Args)]
pub(super) struct Mcp {
    /// For mcp: who calls the tool, as a Cedar entity such as `MCP::User::"ada"`; by default somebody whom no statement
    /// names.
    #[arg(long, value_name = "ENTITY")]
    principal: Option<String>,
    /// For mcp: the context of the call, as a JSON object; empty by default.
    #[arg(long, value_name = "JSON")]
    context: Option<String>,
}

impl Mcp {
    /// Who calls a tool, and in what context.
    ///
    /// # Errors
    /// A principal that is no entity, a context that is none, or either of them for another kind of request.
    pub(super) fn circumstances(&self, kind: &str) -> anyhow::Result<Circumstances> {
        let Self { principal, context } = self;
        if !kind.eq_ignore_ascii_case("mcp") && (principal.is_some() || context.is_some()) {
            bail!(
                "--principal and --context are for `mcp` requests; rules do not ask who somebody is beyond the teams"
            );
        }
        let mut circumstances = Circumstances::default();
        if let Some(text) = principal {
            circumstances = circumstances.with_principal(text).context("--principal cannot be used")?;
        }
        if let Some(text) = context {
            let json = serde_json::from_str(text).context("--context is not JSON")?;
            circumstances = circumstances.with_context(&json).context("--context cannot be used")?;
        }
        Ok(circumstances)
    }
}

/// The answer about one target.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    pub(super) decision: Decision,
    /// The statements that decide; none where nothing matches, which denies.
    rules: Vec<DecidedBy>,
    /// The statements that could not be evaluated.
    errors: Vec<FailedStatement>,
    request: String,
    target: String,
}

impl Answer {
    /// Asks the Cedar policies that reach some people.
    ///
    /// # Errors
    /// A policy whose text cannot be read.
    pub(super) fn new(
        policies: Policies<'_>,
        audience: &Audience,
        request: &CedarRequest,
        target: &Target,
        locator: Locator<'_>,
    ) -> anyhow::Result<Self> {
        let answers = policies.cedar(audience).decide(&[request])?;
        let CedarAnswer { decision, statements, failures } = answers.into_iter().next().context("no answer")?;
        let rules = statements.into_iter().map(|statement| DecidedBy::new(&Decider::Statement(statement), locator));
        Ok(Self {
            decision,
            rules: rules.collect(),
            errors: failures.iter().map(|failure| FailedStatement::new(failure, locator)).collect(),
            request: format!("mcp {request}"),
            target: target.name.clone(),
        })
    }

    /// For people.
    pub(super) fn human(&self, many: bool, console: Console) -> String {
        let Self { decision, rules, errors, request, target } = self;
        let painter = console.painter();
        let said = match decision {
            Decision::Allow => painter.good("allowed"),
            Decision::Deny => painter.bad("denied"),
        };
        let at = if many { format!(" at {}", neutral(target)) } else { String::new() };
        let mut text = format!("{said}{at}: {}\n", neutral(request));
        for rule in rules {
            text.push_str(&format!("  by {}\n", rule.human(painter)));
        }
        for error in errors {
            text.push_str(&format!("  {} {}\n", painter.notice("!"), error.human(painter)));
        }
        text.push_str(match (decision, rules.is_empty()) {
            (Decision::Deny, true) => "  no statement permits it; to allow it, add a `permit` that matches it\n",
            (Decision::Deny, false) => "  a `forbid` wins over every `permit`; to allow it, narrow these statements\n",
            (Decision::Allow, _) => "  to deny it, narrow these statements, or add a `forbid` that matches it\n",
        });
        text
    }
}
