//! `polwarden explain`: whether a request is allowed, by which rules; or what a finding means.

mod cedar;

use anyhow::bail;
use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

use super::connect::{Connect, Session};
use super::console::Console;
use super::exit::Exit;
use super::planning;
use super::remedy::Change;
use super::statements;
use super::workspace::{At, Selection, Workspace};
use crate::access::{self, Audience, CedarStatement, Policies, Pool, PooledRule, Question, Request};
use crate::diag::{Code, Place, Severity, SourceMap, did_you_mean};
use crate::manifest::config::Target;
use crate::model::docker::Decision;
use crate::plan::SourceRef;
use crate::render::decided::Locator;
use crate::render::text::{neutral, neutral_json};

/// Tell whether a request is allowed and which rules decide it; or, given a code, what a finding means.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  polwarden explain tcp api.example.com:443
  polwarden explain --team security get https://api.example.com/repos
  polwarden explain --live read /data/x
  polwarden explain --at HEAD~1 tcp api.example.com:443
  polwarden explain --team platform mcp call_tool restart_runner
  polwarden explain duplicate-key")]
pub(super) struct Explain {
    /// A kind of request (tcp, udp, an HTTP method, read, write, mcp), or the code of a finding.
    #[arg(value_name = "KIND|CODE")]
    first: String,
    /// What the request is about: host:port, a URL or a path; for mcp an action.
    #[arg(value_name = "OBJECT")]
    object: Option<String>,
    /// For mcp: the tool, by its name or as a Cedar entity.
    #[arg(value_name = "TOOL")]
    tool: Option<String>,
    #[command(flatten)]
    mcp: cedar::Mcp,
    /// A team of the person who asks: an alias, a name at the server or a uuid; may be given more than once.
    #[arg(long, value_name = "TEAM")]
    team: Vec<String>,
    /// Ask about what the server holds instead of the manifests.
    #[arg(long, conflicts_with = "at")]
    live: bool,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    connect: Connect,
    /// How to show the answer on standard output.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How to show an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Human,
    /// For machines.
    Json,
}

/// The answer about one target, of the world that the question belongs to.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answered {
    Rules(Answer),
    Cedar(cedar::Answer),
}

/// The answer of rules about one target.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Answer {
    decision: Decision,
    /// The rules that decide; none where nothing matches, which denies.
    rules: Vec<AnswerRule>,
    request: String,
    target: String,
    /// What would have to change for the other decision.
    change: Change,
}

/// A rule that decides.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnswerRule {
    pub(super) policy: String,
    pub(super) rule: String,
    pub(super) resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<SourceRef>,
}

impl Explain {
    /// Runs the command.
    ///
    /// # Errors
    /// The request cannot be understood, or what it is asked about cannot be read.
    pub(super) fn run(self, console: Console) -> anyhow::Result<Exit> {
        let Some(object) = &self.object else { return explain_code(&self.first, console) };
        let question = match &self.tool {
            Some(tool) if self.first.eq_ignore_ascii_case("mcp") => format!("{} {object} {tool}", self.first),
            Some(tool) => bail!("`{tool}` is one word too many: only `mcp` requests have an action and a tool"),
            None => format!("{} {object}", self.first),
        };
        let question = Question::parse(&question, &self.mcp.circumstances(&self.first)?)?;
        super::runtime()?.block_on(self.ask(&question, console))
    }

    async fn ask(&self, question: &Question, console: Console) -> anyhow::Result<Exit> {
        let workspace = match Workspace::open_at(&self.selection, &self.at, console)? {
            Ok(workspace) => workspace,
            Err(exit) => return Ok(exit),
        };
        let targets = workspace.targets();
        let needs_server = self.live || targets.iter().any(|t| workspace.needs_server_teams(t) || !self.knows_teams(t));
        let open: &[&Target] = if needs_server { &targets } else { &[] };
        let session = Session::open(&self.connect, open).await?;
        let mut answers = Vec::new();
        let mut exit = Exit::Done;
        for target in &targets {
            match self.answer(&workspace, &session, target, question, console).await? {
                Some(answer) => answers.push(answer),
                None => exit = Exit::Invalid,
            }
        }
        session.close().await;
        self.show(&answers, console)?;
        Ok(exit)
    }

    async fn answer(
        &self,
        workspace: &Workspace,
        session: &Session,
        target: &Target,
        question: &Question,
        console: Console,
    ) -> anyhow::Result<Option<Answered>> {
        let audience = self.audience(session, target).await?;
        if self.live {
            let live = session.reader(target)?.live_state().await?;
            return decide(workspace, Policies::Live(&live), &audience, question, target).map(Some);
        }
        let checked = planning::resolve(workspace, session, target).await?;
        if workspace.report(workspace.agree(checked.diagnostics), console) {
            return Ok(None);
        }
        decide(workspace, Policies::Desired(&checked.policies), &audience, question, target).map(Some)
    }

    /// Whether every team of the person is an alias or a uuid.
    fn knows_teams(&self, target: &Target) -> bool {
        self.team.iter().all(|team| target.teams.contains_key(team) || is_uuid(team))
    }

    async fn audience(&self, session: &Session, target: &Target) -> anyhow::Result<Audience> {
        let mut known = None;
        let mut teams = Vec::new();
        for team in &self.team {
            if let Some(uuid) = target.teams.get(team) {
                teams.push(uuid.clone());
            } else if is_uuid(team) {
                teams.push(team.clone());
            } else {
                if known.is_none() {
                    known = Some(session.reader(target)?.teams().await?);
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

    fn show(&self, answers: &[Answered], console: Console) -> anyhow::Result<()> {
        for answer in answers {
            match self.format {
                Format::Json => {
                    console.print(&neutral_json(&format!("{}\n", serde_json::to_string_pretty(answer)?)))?
                }
                Format::Human => console.print(&answer.human(answers.len() > 1, console))?,
            }
        }
        Ok(())
    }
}

impl Answered {
    fn human(&self, many: bool, console: Console) -> String {
        match self {
            Self::Rules(answer) => human(answer, many, console),
            Self::Cedar(answer) => answer.human(many, console),
        }
    }
}

fn decide(
    workspace: &Workspace,
    policies: Policies<'_>,
    audience: &Audience,
    question: &Question,
    target: &Target,
) -> anyhow::Result<Answered> {
    match question {
        Question::Rules(request) => {
            let pool = policies.rules(audience);
            Ok(Answered::Rules(answer(&pool, request, target, workspace.sources())))
        }
        Question::Cedar(request) => {
            let place = |place: &Place| planning::locate(workspace.sources(), place);
            let statement = |statement: &CedarStatement<'_>| statements::locate(workspace, target, statement);
            let locator = Locator { place: &place, statement: &statement };
            Ok(Answered::Cedar(cedar::Answer::new(policies, audience, request, target, locator)?))
        }
    }
}

fn answer(pool: &Pool<'_>, request: &Request, target: &Target, sources: &SourceMap) -> Answer {
    let access::Answer { decision, rules } = pool.decide(request);
    let rule = |pooled: &PooledRule<'_>, resource: String| AnswerRule {
        policy: pooled.policy.to_owned(),
        rule: pooled.rule.name.to_string(),
        resource,
        source: pooled.place.as_ref().map(|place| planning::locate(sources, place)),
    };
    let change = Change::new(request, pool.remedy(request), rule);
    let rules = rules.into_iter().map(|(pooled, resource)| rule(pooled, resource)).collect();
    Answer { decision, rules, request: request.to_string(), target: target.name.clone(), change }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn human(answer: &Answer, many: bool, console: Console) -> String {
    let Answer { decision, rules, request, target, change } = answer;
    let painter = console.painter();
    let decision = match decision {
        Decision::Allow => painter.good("allowed"),
        Decision::Deny => painter.bad("denied"),
    };
    let at = if many { format!(" at {}", neutral(target)) } else { String::new() };
    let mut text = format!("{decision}{at}: {}\n", neutral(request));
    for AnswerRule { policy, rule, resource, source } in rules {
        let source = source.as_ref().map(|source| format!("  {}:{}", neutral(&source.file), source.line));
        text.push_str(&format!(
            "  by policy \"{}\", rule \"{}\": {}{}\n",
            neutral(policy),
            neutral(rule),
            neutral(resource),
            painter.dim(&source.unwrap_or_default())
        ));
    }
    text.push_str(&change.human(painter));
    text
}

fn explain_code(text: &str, console: Console) -> anyhow::Result<Exit> {
    let Some(code) = Code::ALL.iter().find(|code| code.as_str() == text) else {
        let near = did_you_mean(Code::ALL.iter().map(|code| code.as_str()), text);
        let hint = near.map_or("docs/rules.md lists them all".to_owned(), |near| format!("did you mean `{near}`?"));
        bail!("`{text}` is not the code of a finding; {hint}");
    };
    let severity = match code.severity() {
        Severity::Error => "error: nothing is planned while it is there",
        Severity::Warning => "warning: likely a mistake; nothing stops",
    };
    console.print(&format!("{code} ({severity})\n\n{}\n", code.description()))?;
    Ok(Exit::Done)
}
