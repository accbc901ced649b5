//! `polwarden replay`: recorded requests against two states of the policies.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};

use anyhow::{Context as _, anyhow, bail};
use camino::Utf8PathBuf;
use clap::Args;

use super::connect::{Connect, Session};
use super::console::Console;
use super::directory;
use super::error::{CommandError, CommandResult};
use super::exit::Exit;
use super::format::DataFormat;
use super::planning;
use super::statements;
use super::traffic::existing_key;
use super::tree::RevisionArgs;
use super::workspace::{TargetSelection, Workspace};
use crate::plan::SourceRef;
use crate::render::decided::{DecidedBy, Locator};
use crate::render::replay::{ComparedStates, FORMAT_VERSION, ReplayReport, ReplayRow, TeamSource};
use crate::render::text::neutral_json;
use crate::service::registry;
use crate::workspace::file::read_text;
use access::{
    AccessQuestion, ApplicableRules, Audience, CedarRequestContext, CedarStatement, Decider,
    OrganizationPolicies,
};
use git::RevisionPath;
use manifest::config::Target;
use model::Desired;
use model::diag::Place;
use traffic::{
    AffectedRequest, PrincipalTeams, Replay, ReplayEffect, ReplayOutcome, ReplayQuestion,
    TrafficReader,
};

/// Maximum size of the file with the teams of users in bytes.
const MAX_PRINCIPALS: u64 = 64 << 20;

/// List recorded requests that a change blocks or opens.
///
/// Compares the decisions about the requests of a traffic file. Without `--base`, the live state is compared with the
/// manifests; with `--base`, the manifests of that revision.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden replay traffic.jsonl
  polwarden replay traffic.jsonl --base origin/main
  polwarden replay traffic.jsonl --base HEAD~1 --at HEAD --fail-on blocks
  polwarden replay traffic.jsonl --principals teams.yaml --fail-on blocks:10")]
pub(super) struct ReplayArgs {
    /// A file that `traffic import` wrote; `-` for standard input.
    #[arg(value_name = "TRAFFIC")]
    traffic: Utf8PathBuf,
    /// Compare with the manifests of this revision.
    ///
    /// The default is the live state.
    #[arg(long, value_name = "REV")]
    base: Option<RevisionPath>,
    /// Read the teams of users from a YAML or JSON file.
    ///
    /// The file maps users to lists of teams: aliases of the target, or UUIDs.
    #[arg(long, value_name = "FILE")]
    principals: Option<Utf8PathBuf>,
    /// Read the key of hashed names from this file.
    ///
    /// The default is `.polwarden/traffic.key`.
    #[arg(long, value_name = "FILE", requires = "principals")]
    key: Option<Utf8PathBuf>,
    /// Exit with 4 if attempts would be blocked: blocks[:N].
    ///
    /// N is the number of attempts that is accepted; the default is 0.
    #[arg(long, value_name = "LIMIT")]
    fail_on: Option<BlockLimit>,
    #[command(flatten)]
    selection: TargetSelection,
    #[command(flatten)]
    at: RevisionArgs,
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    format: DataFormat,
}

/// The number of blocked attempts that is accepted.
#[derive(Debug, Clone, Copy)]
struct BlockLimit(u64);

impl std::str::FromStr for BlockLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "blocks" => Ok(Self(0)),
            Some(("blocks", number)) => number
                .parse()
                .map(Self)
                .map_err(|_| format!("invalid number `{number}`: expected blocks:N")),
            Some(_) | None => Err("expected `blocks` or `blocks:N`".to_owned()),
        }
    }
}

/// The policies before or after the change, with the workspace that contains their files.
struct ReplayState<'w> {
    policies: OrganizationPolicies<'w>,
    workspace: &'w Workspace,
    target: &'w Target,
}

impl ReplayArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// The traffic or the policies cannot be read, or more attempts are blocked than `--fail-on` accepts.
    pub(super) fn run(self, console: Console) -> CommandResult {
        directory::enter_project()?;
        super::runtime()?.block_on(self.run_async(console))
    }

    async fn run_async(self, console: Console) -> CommandResult {
        let workspace = Workspace::open(&self.selection, &self.at)?;
        let target = self.target(&workspace)?;
        let base = match &self.base {
            Some(path) => {
                let at = RevisionArgs::revision(path.clone());
                Some(Workspace::open(&self.selection, &at)?)
            }
            None => None,
        };
        let base_target = match &base {
            Some(base) => Some(
                base.targets()
                    .into_iter()
                    .find(|other| other.name == target.name)
                    .ok_or_else(|| anyhow!("the base revision has no target `{}`", target.name))?,
            ),
            None => None,
        };
        let needs_teams =
            |workspace: &Workspace, target: &Target| workspace.needs_server_teams(target);
        let needs_server = base.is_none()
            || needs_teams(&workspace, target)
            || base
                .as_ref()
                .zip(base_target)
                .is_some_and(|(base, target)| needs_teams(base, target));
        let open: &[&Target] = if needs_server { &[target] } else { &[] };
        let session = Session::open(&self.connect, open, console).await?;
        let read = self.read(
            &workspace,
            target,
            base.as_ref().zip(base_target),
            &session,
            console,
        );
        let read = read.await;
        let address = match base {
            None => Some(session.info(target)?.address()),
            Some(_) => None,
        };
        session.close().await;
        let (after, before) = read?;
        let after_state = ReplayState {
            policies: OrganizationPolicies::Desired(&after.policies),
            workspace: &workspace,
            target,
        };
        let before_state = match (&before, base.as_ref().zip(base_target)) {
            (BeforeState::Desired(desired), Some((base, base_target))) => ReplayState {
                policies: OrganizationPolicies::Desired(&desired.policies),
                workspace: base,
                target: base_target,
            },
            (BeforeState::Desired(desired), None) => ReplayState {
                policies: OrganizationPolicies::Desired(&desired.policies),
                workspace: &workspace,
                target,
            },
            (BeforeState::Live(live), _) => ReplayState {
                policies: OrganizationPolicies::Live(live),
                workspace: &workspace,
                target,
            },
        };
        let compared = ComparedStates {
            before: match (&self.base, address) {
                (Some(base), _) => format!("the manifests at {base}"),
                (None, Some(address)) => format!("the live state ({address})"),
                (None, None) => "the live state".to_owned(),
            },
            after: match &self.at.at {
                Some(at) => format!("the manifests at {at}"),
                None if self.at.is_staged() => "the manifests in the index".to_owned(),
                None => "the manifests in the work tree".to_owned(),
            },
        };
        let report = self.replay(&before_state, &after_state, compared)?;
        if self.format.is_json() {
            let text = serde_json::to_string_pretty(&report)?;
            console.print(&neutral_json(&format!("{text}\n")))?;
        } else {
            console.print(&report.human(console.layout()))?;
        }
        let blocked = ReplayReport::count_of(&report.blocked);
        match self.fail_on {
            Some(BlockLimit(limit)) if blocked > limit => Err(CommandError::gate_failed(format!(
                "{blocked} recorded attempts would be blocked; --fail-on accepts {limit}"
            ))),
            Some(_) | None => Ok(Exit::Done),
        }
    }

    /// Traffic is that of one organization.
    fn target<'w>(&self, workspace: &'w Workspace) -> anyhow::Result<&'w Target> {
        let targets = workspace.targets();
        match *targets {
            [target] => Ok(target),
            _ => bail!("the traffic belongs to one organization; name its target with --target"),
        }
    }

    async fn read(
        &self,
        workspace: &Workspace,
        target: &Target,
        base: Option<(&Workspace, &Target)>,
        session: &Session,
        console: Console,
    ) -> CommandResult<(Desired, BeforeState)> {
        let desired = |workspace: &Workspace, checked: registry::Checked| {
            workspace.report(workspace.target_diagnostics(checked.diagnostics), console)?;
            CommandResult::Ok(checked.desired)
        };
        let checked = planning::resolve(workspace, session, target).await?;
        let after = desired(workspace, checked)?;
        let before = match base {
            Some((base, target)) => {
                let checked = planning::resolve(base, session, target).await?;
                BeforeState::Desired(desired(base, checked)?)
            }
            None => BeforeState::Live(session.policies(target).await?),
        };
        Ok((after, before))
    }

    fn replay(
        &self,
        before: &ReplayState<'_>,
        after: &ReplayState<'_>,
        compared: ComparedStates,
    ) -> anyhow::Result<ReplayReport> {
        let input: Box<dyn BufRead> = if self.traffic == "-" {
            Box::new(BufReader::new(io::stdin()))
        } else {
            let path = directory::argument(&self.traffic);
            let file = File::open(&path).with_context(|| format!("cannot read `{path}`"))?;
            Box::new(BufReader::with_capacity(1 << 16, file))
        };
        let name = || format!("cannot replay `{}`", self.traffic);
        let mut reader = TrafficReader::new(input).with_context(name)?;
        let is_hashed = reader.header().key_id.is_some();
        let teams = self.teams(after.target, is_hashed, reader.header().key_id.as_deref())?;
        let mut replay = Replay::new(before.policies, after.policies, &teams);
        while let Some(row) = reader.next_row().with_context(name)? {
            replay.add(&row);
        }
        let outcome = replay.finish()?;
        let team_source = if teams.is_empty() {
            TeamSource::EveryCombination
        } else {
            TeamSource::File
        };
        report(outcome, before, after, compared, team_source)
    }

    /// The teams of users, from the file.
    fn teams(
        &self,
        target: &Target,
        is_hashed: bool,
        key_id: Option<&str>,
    ) -> anyhow::Result<PrincipalTeams> {
        let mut teams = PrincipalTeams::default();
        let Some(path) = &self.principals else {
            return Ok(teams);
        };
        let path = directory::argument(path);
        let text = read_text(path.as_std_path(), MAX_PRINCIPALS)
            .with_context(|| format!("cannot read `{path}`"))?;
        let members: BTreeMap<String, Vec<String>> = serde_yaml::from_str(&text)
            .with_context(|| format!("`{path}` must map users to lists of teams"))?;
        let key = is_hashed
            .then(|| existing_key(self.key.as_deref()))
            .transpose()?;
        if let Some(key) = &key
            && key_id != Some(&key.id())
        {
            bail!(
                "the traffic was written with another key, so that users cannot be compared; give its key with --key"
            );
        }
        for (user, names) in members {
            let ids = names.into_iter().map(|name| {
                let known = target.teams().get(&name).cloned();
                known.unwrap_or(name)
            });
            teams.insert(&user, Audience::of_teams(ids), key.as_ref());
        }
        Ok(teams)
    }
}

/// The policies before the change.
enum BeforeState {
    Desired(Desired),
    Live(registry::LivePolicies),
}

fn report(
    outcome: ReplayOutcome,
    before: &ReplayState<'_>,
    after: &ReplayState<'_>,
    compared: ComparedStates,
    teams: TeamSource,
) -> anyhow::Result<ReplayReport> {
    let ReplayOutcome {
        affected,
        skipped,
        attempts,
        people,
        days,
    } = outcome;
    let mut report = ReplayReport {
        format_version: FORMAT_VERSION,
        target: after.target.name.clone(),
        compared,
        teams,
        attempts,
        people,
        first_day: days.map(|(first, _)| first.to_string()),
        last_day: days.map(|(_, last)| last.to_string()),
        blocked: Vec::new(),
        opened: Vec::new(),
        approval: Vec::new(),
        skipped,
    };
    let mut deciders = [DeciderCache::new(before), DeciderCache::new(after)];
    for request in affected {
        let [before, after] = &mut deciders;
        let row = row(request, before, after)?;
        match row {
            (ReplayEffect::Blocks, row) => report.blocked.push(row),
            (ReplayEffect::Opens, row) => report.opened.push(row),
            (ReplayEffect::Approval, row) => report.approval.push(row),
        }
    }
    Ok(report)
}

fn row(
    request: AffectedRequest,
    before: &mut DeciderCache<'_>,
    after: &mut DeciderCache<'_>,
) -> anyhow::Result<(ReplayEffect, ReplayRow)> {
    let decided = [
        before.deciders(&request.question, &request.audience)?,
        after.deciders(&request.question, &request.audience)?,
    ];
    let AffectedRequest {
        request,
        question: _,
        effect,
        who,
        audience: _,
        count,
        people,
        agents,
        days,
        first_seen,
        last_seen,
    } = request;
    let [decided_before, decided_after] = decided;
    let who = who.map(|who| who.with_team_names(after.state.target.teams()));
    let row = ReplayRow {
        request,
        who,
        count,
        people,
        agents,
        days,
        first_seen: first_seen.map(|time| time.to_string()),
        last_seen: last_seen.map(|time| time.to_string()),
        before: decided_before,
        after: decided_after,
    };
    Ok((effect, row))
}

/// Finds what decides requests in one state. The rules of an audience are indexed once.
struct DeciderCache<'s> {
    state: &'s ReplayState<'s>,
    rules: BTreeMap<Audience, ApplicableRules<'s>>,
}

impl<'s> DeciderCache<'s> {
    fn new(state: &'s ReplayState<'s>) -> Self {
        Self {
            state,
            rules: BTreeMap::new(),
        }
    }

    fn deciders(
        &mut self,
        question: &ReplayQuestion,
        audience: &Audience,
    ) -> anyhow::Result<Vec<DecidedBy>> {
        let ReplayState {
            policies,
            workspace,
            target,
        } = self.state;
        let place = |place: &Place| SourceRef::locate(workspace.sources(), place);
        let statement =
            |statement: &CedarStatement<'_>| statements::locate(workspace, target, statement);
        let locator = Locator {
            place: &place,
            statement: &statement,
        };
        match question {
            ReplayQuestion::Rules(request) => {
                let rules = self
                    .rules
                    .entry(audience.clone())
                    .or_insert_with(|| policies.rules(audience));
                let decided = rules.decide(request).rules.into_iter();
                Ok(decided
                    .map(|(rule, resource)| {
                        DecidedBy::new(
                            &Decider::Rule {
                                rule: rule.clone(),
                                resource,
                            },
                            locator,
                        )
                    })
                    .collect())
            }
            ReplayQuestion::Mcp(text) => {
                let question =
                    AccessQuestion::parse(&format!("mcp {text}"), &CedarRequestContext::default())?;
                let AccessQuestion::Cedar(request) = question else {
                    return Ok(Vec::new());
                };
                let decided = policies.cedar(audience).decide(&[&request])?;
                let statements = decided.into_iter().flat_map(|decided| decided.statements);
                Ok(statements
                    .map(|statement| DecidedBy::new(&Decider::Statement(statement), locator))
                    .collect())
            }
        }
    }
}
