//! `polwarden explain mcp …`: who calls a tool, and in what context.

use anyhow::{Context as _, bail};
use clap::Args;

use access::CedarRequestContext;

/// What only questions about MCP tools have.
#[derive(Debug, Args)]
pub(super) struct McpArgs {
    /// For mcp: who calls the tool, as a Cedar entity such as `MCP::User::"ada"`; by default somebody whom no statement
    /// names.
    #[arg(long, value_name = "ENTITY")]
    principal: Option<String>,
    /// For mcp: the context of the call, as a JSON object; empty by default.
    #[arg(long, value_name = "JSON")]
    context: Option<String>,
}

impl McpArgs {
    /// Who calls a tool, and in what context.
    ///
    /// # Errors
    /// A principal that is no entity, a context that is none, or either of them for another kind of request.
    pub(super) fn request_context(&self, kind: &str) -> anyhow::Result<CedarRequestContext> {
        let Self { principal, context } = self;
        if !kind.eq_ignore_ascii_case("mcp") && (principal.is_some() || context.is_some()) {
            bail!(
                "--principal and --context are for `mcp` requests; rules do not ask who somebody is beyond the teams"
            );
        }
        let mut circumstances = CedarRequestContext::default();
        if let Some(text) = principal {
            circumstances = circumstances
                .with_principal(text)
                .context("--principal cannot be used")?;
        }
        if let Some(text) = context {
            let json = serde_json::from_str(text).context("--context is not JSON")?;
            circumstances = circumstances
                .with_context(&json)
                .context("--context cannot be used")?;
        }
        Ok(circumstances)
    }
}
