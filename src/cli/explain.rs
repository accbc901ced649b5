//! `polwarden explain`: whether a request is allowed, by which rules; or what a finding means.

use anyhow::{Context as _, bail};
use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use serde_json::{Map, Value};

use super::complete;
use super::connect::{Connect, Session};
use super::console::Console;
use super::directory;
use super::error::{CommandError, CommandResult, FailureKind};
use super::exit::Exit;
use super::format::DataFormat;
use super::planning;
use super::statements;
use super::tree::RevisionArgs;
use super::workspace::{TargetSelection, Workspace};
use crate::plan::SourceRef;
use crate::render::decided::Locator;
use crate::render::explain::Explanation;
use crate::render::plan::target_heading;
use crate::render::rules;
use crate::render::text::{neutral, neutral_json};
use crate::service::registry;
use access::{
    AccessQuestion, AccessRequest, Audience, CedarRequestContext, CedarStatement, NO_PRINCIPAL,
    OrganizationPolicies, PastedRequest, without_user_info,
};
use manifest::config::Target;
use model::diag::Place;

/// Explain an access decision or a code such as `duplicate-key`.
///
/// Shows whether a request is allowed, which rules decide it, and the changes required for the other decision. Pasted URLs, bare hosts and actions such as
/// `connect:tcp HOST` are accepted. Given a code, a guard, a gate or an exit code, prints its meaning, examples, reason and
/// fix.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden explain tcp api.example.com:443
  polwarden explain --team security get https://api.example.com/repos
  polwarden explain --live read /data/x
  polwarden explain --at HEAD~1 tcp api.example.com:443
  polwarden explain --team platform mcp invokeTool restart_runner
  polwarden explain mcp invokeTool delete_issue --server github --attr readOnly=false --arg amount=700
  polwarden explain mcp register notion --identity-url https://mcp.notion.com/mcp --type remote-dcr
  polwarden explain https://api.example.com/repos
  polwarden explain connect:tcp api.example.com
  polwarden explain duplicate-key
  polwarden explain 5")]
pub(super) struct ExplainArgs {
    /// Kind of request, URL, host or code.
    ///
    /// Kinds: tcp, udp, an HTTP method, read, write, mcp.
    #[arg(value_name = "KIND|URL|CODE", add = ArgValueCandidates::new(complete::codes))]
    first: String,
    /// Object of the request: host:port, URL or path; for mcp an action.
    #[arg(value_name = "OBJECT")]
    object: Option<String>,
    /// For mcp: name or Cedar entity of the tool, server, resource or prompt.
    #[arg(value_name = "NAME")]
    tool: Option<String>,
    /// Team of the user: an alias, a name on the server or a UUID (repeatable).
    #[arg(long, value_name = "TEAM", add = ArgValueCandidates::new(complete::teams))]
    team: Vec<String>,
    #[command(flatten)]
    mcp: McpArgs,
    /// Use the live policies instead of the manifests.
    #[arg(help_heading = "Input", long, conflicts_with_all = ["at", "staged"])]
    live: bool,
    #[command(flatten)]
    selection: TargetSelection,
    #[command(flatten)]
    at: RevisionArgs,
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    format: DataFormat,
}

/// What an answer does not cover (AUDIT, "Precedence and approval").
const ORGANIZATION_LAYER: &str =
    "This covers the policies of the organization. Local and kit denies also apply,
cloud sandboxes are not governed, and users of several governed organizations
are denied.
";

/// What only questions about MCP have.
#[derive(Debug, Args)]
#[command(next_help_heading = "MCP requests")]
struct McpArgs {
    /// Registered name of the server of the tool, resource or prompt.
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// Attribute of the tool or server, such as `readOnly=true` (repeatable).
    #[arg(long = "attr", value_name = "NAME=VALUE")]
    attributes: Vec<String>,
    /// Argument of the call, such as `amount=700` (repeatable).
    ///
    /// `NAME=null` means that the argument is absent.
    #[arg(long = "arg", value_name = "NAME=VALUE")]
    arguments: Vec<String>,
    /// For `mcp register`: identity URL of the server.
    #[arg(long, value_name = "URL")]
    identity_url: Option<String>,
    /// For `mcp register`: type of the server, such as `remote-dcr`.
    #[arg(long = "type", value_name = "TYPE")]
    server_type: Option<String>,
    /// Fields of the context (`request_time`, `args`) as a JSON object.
    #[arg(long, value_name = "JSON")]
    context: Option<String>,
    /// An error, because no statement can match a principal.
    #[arg(long, value_name = "ENTITY", hide = true)]
    principal: Option<String>,
}

impl McpArgs {
    /// What the question gives in addition to the action and the resource.
    ///
    /// # Errors
    /// An option that is invalid, or that belongs to another kind of request.
    fn request_context(&self, kind: &str) -> anyhow::Result<CedarRequestContext> {
        let Self {
            server,
            attributes,
            arguments,
            identity_url,
            server_type,
            context,
            principal,
        } = self;
        if principal.is_some() {
            bail!("--principal cannot be used: {NO_PRINCIPAL} (--team TEAM)");
        }
        let given = [
            ("--server", server.is_some()),
            ("--attr", !attributes.is_empty()),
            ("--arg", !arguments.is_empty()),
            ("--identity-url", identity_url.is_some()),
            ("--type", server_type.is_some()),
            ("--context", context.is_some()),
        ];
        let given = given.into_iter().find(|(_, is_given)| *is_given);
        if let Some((option, _)) = given
            && !kind.eq_ignore_ascii_case("mcp")
        {
            bail!("{option} is for `mcp` requests only");
        }
        let mut named = pairs("--attr", attributes)?;
        for (name, text) in [("identityURL", identity_url), ("type", server_type)] {
            let value = text
                .clone()
                .map(|text| (name.to_owned(), Value::from(text)));
            named.extend(value);
        }
        let mut circumstances = CedarRequestContext::default()
            .with_attributes(&named)
            .with_arguments(&pairs("--arg", arguments)?);
        if let Some(server) = server {
            circumstances = circumstances.with_server(server);
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

/// Parses `NAME=VALUE`. A value that is not JSON is a string.
fn pairs(option: &str, texts: &[String]) -> anyhow::Result<Map<String, Value>> {
    let mut found = Map::new();
    for text in texts {
        let (name, value) = text
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .with_context(|| format!("{option} must be NAME=VALUE, not `{text}`"))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        if found.insert(name.to_owned(), value).is_some() {
            bail!("{option} gives `{name}` twice");
        }
    }
    Ok(found)
}

impl ExplainArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// The request cannot be understood, or what it is asked about cannot be read.
    pub(super) fn run(self, console: Console) -> CommandResult {
        directory::enter_project()?;
        let pasted = PastedRequest::parse(&self.first, self.object.as_deref());
        let Some(PastedRequest {
            verb,
            object,
            assumptions,
        }) = pasted
        else {
            return explain_code(&self.first, self.format.is_json(), console);
        };
        for assumption in assumptions {
            console.status(&format!("Assumed {assumption}."));
        }
        let question = match &self.tool {
            Some(tool) if verb.eq_ignore_ascii_case("mcp") => {
                format!("{verb} {object} {tool}")
            }
            Some(tool) => {
                let tool = without_user_info(tool);
                return Err(CommandError::error(format!(
                    "`{tool}` is one word too many: only `mcp` requests have an action and a name"
                )));
            }
            None => format!("{verb} {object}"),
        };
        let question = AccessQuestion::parse(&question, &self.mcp.request_context(&verb)?)?;
        warn_about_tilde(&question, &object, console);
        super::runtime()?.block_on(self.ask(&question, console))
    }

    async fn ask(&self, question: &AccessQuestion, console: Console) -> CommandResult {
        let workspace = Workspace::open(&self.selection, &self.at)?;
        let targets = workspace.targets();
        let needs_server = self.live
            || targets
                .iter()
                .any(|t| workspace.needs_server_teams(t) || !self.knows_teams(t));
        let open: &[&Target] = if needs_server { &targets } else { &[] };
        let session = Session::open(&self.connect, open, console).await?;
        let mut headings = Vec::new();
        if self.live {
            for target in &targets {
                headings.push(target_heading(&session.info(target)?));
            }
        }
        let mut answers = Vec::new();
        let mut invalid = Vec::new();
        for target in &targets {
            let answer = self.answer(&workspace, &session, target, question, console);
            match answer.await {
                Ok(answer) => answers.push(answer),
                // Invalid manifests of one target do not keep the others from answering.
                Err(error) if error.kind() == FailureKind::Invalid => invalid.push(error),
                Err(error) => return Err(error),
            }
        }
        session.close().await;
        self.show(&answers, &headings, console)?;
        CommandError::join(invalid)?;
        Ok(Exit::Done)
    }

    async fn answer(
        &self,
        workspace: &Workspace,
        session: &Session,
        target: &Target,
        question: &AccessQuestion,
        console: Console,
    ) -> CommandResult<Explanation> {
        let audience = self.audience(session, target).await?;
        if self.live {
            let live = session.policies(target).await?;
            let policies = OrganizationPolicies::Live(&live);
            return Ok(decide(workspace, policies, &audience, question, target)?);
        }
        let checked = planning::resolve(workspace, session, target).await?;
        workspace.report(workspace.target_diagnostics(checked.diagnostics), console)?;
        let policies = OrganizationPolicies::Desired(&checked.desired.policies);
        Ok(decide(workspace, policies, &audience, question, target)?)
    }

    /// Whether every team of the person is an alias or a uuid.
    fn knows_teams(&self, target: &Target) -> bool {
        self.team
            .iter()
            .all(|team| target.teams().contains_key(team) || is_uuid(team))
    }

    async fn audience(&self, session: &Session, target: &Target) -> anyhow::Result<Audience> {
        let mut known = None;
        let mut teams = Vec::new();
        for team in &self.team {
            if let Some(uuid) = target.teams().get(team) {
                teams.push(uuid.clone());
            } else if is_uuid(team) {
                teams.push(team.clone());
            } else {
                if known.is_none() {
                    known = Some(registry::teams(session.connections(), target).await?);
                }
                let named = known.iter().flatten().find(|known| known.name == *team);
                match named {
                    Some(named) => teams.push(named.id.to_string()),
                    None => bail!("target `{}` has no team `{team}`", target.name),
                }
            }
        }
        Ok(Audience::of_teams(teams))
    }

    /// `headings` are those of the live states, one for each answer.
    fn show(
        &self,
        answers: &[Explanation],
        headings: &[String],
        console: Console,
    ) -> anyhow::Result<()> {
        for (index, answer) in answers.iter().enumerate() {
            if self.format.is_json() {
                console.print(&neutral_json(&format!(
                    "{}\n",
                    serde_json::to_string_pretty(answer)?
                )))?;
            } else {
                if let Some(heading) = headings.get(index) {
                    console.print(&format!("{heading}\n"))?;
                }
                console.print(&answer.human(answers.len() > 1, console.painter()))?;
            }
        }
        if !self.format.is_json() && !answers.is_empty() {
            console.print(&console.painter().dim(ORGANIZATION_LAYER))?;
        }
        Ok(())
    }
}

fn decide(
    workspace: &Workspace,
    policies: OrganizationPolicies<'_>,
    audience: &Audience,
    question: &AccessQuestion,
    target: &Target,
) -> anyhow::Result<Explanation> {
    let place = |place: &Place| SourceRef::locate(workspace.sources(), place);
    let statement =
        |statement: &CedarStatement<'_>| statements::locate(workspace, target, statement);
    let locator = Locator {
        place: &place,
        statement: &statement,
    };
    match question {
        AccessQuestion::Rules(request) => Ok(Explanation::of_rules(
            &policies.rules(audience),
            request,
            &target.name,
            locator,
        )),
        AccessQuestion::Cedar(request) => {
            let answers = policies.cedar(audience).decide(&[request])?;
            let answer = answers.into_iter().next().context("no answer")?;
            Ok(Explanation::of_cedar(
                answer,
                request,
                &target.name,
                locator,
            ))
        }
    }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Prints the entry of a code.
fn explain_code(text: &str, json: bool, console: Console) -> CommandResult {
    let Some(entry) = rules::find(text) else {
        let near = rules::suggest(text);
        let hint = near.map_or(
            "docs/reference/rules.md lists them all".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(CommandError::error(format!(
            "unknown code `{}`; {hint}",
            without_user_info(text)
        ))
        .hint("help: to ask about a request, write its kind and object: polwarden explain tcp api.example.com:443"));
    };
    let text = if json {
        entry.json()?
    } else {
        entry.human(console.painter())
    };
    console.print(&text)?;
    Ok(Exit::Done)
}

/// Warns if the shell probably replaced `~` by the home folder: rules compare paths as they are written.
fn warn_about_tilde(question: &AccessQuestion, object: &str, console: Console) {
    let AccessQuestion::Rules(AccessRequest::File { .. }) = question else {
        return;
    };
    let home = std::env::var("HOME").unwrap_or_default();
    let home = home.trim_end_matches('/');
    let Some(below) = object.strip_prefix(home).filter(|_| !home.is_empty()) else {
        return;
    };
    if below.is_empty() || below.starts_with('/') {
        console.status(&format!(
            "{}: the path is in your home folder, so the shell may have expanded `~`. Rules compare `~` as it is written; \
             to ask about it, quote the path: '~{}'",
            console.error_painter().notice("warning"),
            neutral(below)
        ));
    }
}
