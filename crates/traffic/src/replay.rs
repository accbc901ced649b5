//! Replays traffic: for which recorded attempts does a change of policies change the decision?
//!
//! The decision is the one of the organization's policies, before and after. Recorded decisions are not used:
//! they also depend on local rules and on people. A team is not part of a record, so that the answer is
//! computed for the teams of the user if they are known, and for every combination of teams otherwise.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use access::{
    AccessQuestion, AccessRequest, Audience, CedarError, CedarRequest, CedarRequestContext,
    ChangeDirection, Membership, OrganizationPolicies, Outcome, People, RequestAnswer,
    RequestChange, RequestComparison,
};
use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::aggregate::earlier;
use super::file::TrafficRow;
use super::kind::TrafficKind;
use super::principal::PrincipalKey;

/// The maximum number of teams of Cedar policies whose combinations are tried: 64 combinations.
const MOST_CEDAR_TEAMS: usize = 6;

/// The teams of users.
#[derive(Debug, Clone, Default)]
pub struct PrincipalTeams {
    teams: HashMap<String, Audience>,
}

/// The way in which a decision changes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum ReplayEffect {
    /// Newly denied.
    Blocks,
    /// Newly allowed.
    Opens,
    /// It changes to or from an approval.
    Approval,
}

/// A request whose decision changes, with the attempts that were recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AffectedRequest {
    /// The request, as `explain` reads it.
    pub request: String,
    /// The same request.
    pub question: ReplayQuestion,
    /// How the decision changes.
    pub effect: ReplayEffect,
    /// The people whose decision changes; `None` if the teams of all counted users are known.
    pub who: Option<People>,
    /// Members of exactly these teams are affected.
    pub audience: Audience,
    /// The number of attempts.
    pub count: u64,
    /// The number of users who attempted it. With `who`, not all of them may be affected.
    pub people: usize,
    /// The number of agents.
    pub agents: usize,
    /// The number of days (UTC).
    pub days: usize,
    /// The time of the first attempt.
    pub first_seen: Option<Timestamp>,
    /// The time of the last attempt.
    pub last_seen: Option<Timestamp>,
}

/// A request of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayQuestion {
    /// Decided by rules.
    Rules(AccessRequest),
    /// Decided by Cedar policies: the text of the question without `mcp`.
    Mcp(String),
}

/// Why attempts are not part of the result.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum ReplaySkip {
    /// A connection without a port, whose decision depends on the port.
    NoPort,
    /// A mount for which it is not recorded whether it was for reading or for writing, and the decision
    /// depends on that.
    UnknownMode,
    /// An MCP request whose decision depends on something that is not recorded, such as arguments.
    UnknownArguments,
    /// A matching policy contains something that this version does not understand.
    NotAnalyzed,
    /// The row of the traffic file is not a valid request.
    InvalidRequest,
}

/// The number of attempts by the reason why they are not part of the result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SkippedAttempts(pub BTreeMap<ReplaySkip, u64>);

/// The result of a replay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayOutcome {
    /// The requests whose decision changes, most harmful first: blocked ones first, by people and count.
    pub affected: Vec<AffectedRequest>,
    /// What was not replayed.
    pub skipped: SkippedAttempts,
    /// The number of replayed attempts.
    pub attempts: u64,
    /// The number of users in the traffic.
    pub people: usize,
    /// The first and the last day of the traffic.
    pub days: Option<(Date, Date)>,
}

/// Replays traffic against two sets of policies.
#[derive(Debug)]
pub struct Replay<'a> {
    before: OrganizationPolicies<'a>,
    after: OrganizationPolicies<'a>,
    comparison: RequestComparison,
    teams: &'a PrincipalTeams,
    affected: HashMap<AffectedKey, AffectedTotals>,
    mcp: BTreeMap<McpKey, AffectedTotals>,
    names: HashMap<String, u32>,
    skipped: SkippedAttempts,
    attempts: u64,
    users: BTreeSet<u32>,
    days: Option<(Date, Date)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct AffectedKey {
    request: AccessRequest,
    effect: ReplayEffect,
    /// `None` for users whose teams are known.
    who: Option<People>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct McpKey {
    question: String,
    /// `None` if the teams are not known.
    audience: Option<Audience>,
}

#[derive(Debug, Clone, Default)]
struct AffectedTotals {
    audience: Audience,
    count: u64,
    people: BTreeSet<u32>,
    agents: BTreeSet<u32>,
    days: BTreeSet<Date>,
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
}

/// The decisions about one MCP request, before and after.
type McpOutcomes = (Outcome, Outcome);

/// A question with its decisions, or the reason why it has none.
type McpAnswer = (String, Result<McpOutcomes, ReplaySkip>);

impl PrincipalTeams {
    /// Adds a user. Names are compared as `key` hashes them, if the traffic contains hashes.
    pub fn insert(&mut self, name: &str, audience: Audience, key: Option<&PrincipalKey>) {
        let name = match key {
            Some(key) => key.hash(name),
            None => name.to_lowercase(),
        };
        self.teams.insert(name, audience);
    }

    /// Whether no user is known.
    pub fn is_empty(&self) -> bool {
        self.teams.is_empty()
    }

    fn get(&self, name: &str) -> Option<&Audience> {
        self.teams
            .get(name)
            .or_else(|| self.teams.get(&name.to_lowercase()))
    }
}

impl SkippedAttempts {
    fn add(&mut self, reason: ReplaySkip, count: u64) {
        let known = self.0.entry(reason).or_default();
        *known = known.saturating_add(count);
    }

    /// The number of all attempts that are not part of the result.
    pub fn total(&self) -> u64 {
        self.0
            .values()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl ReplaySkip {
    /// A few words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::NoPort => "the port is not recorded",
            Self::UnknownMode => "read or write is not recorded",
            Self::UnknownArguments => "the decision depends on arguments, which are not recorded",
            Self::NotAnalyzed => "not analyzed",
            Self::InvalidRequest => "invalid request",
        }
    }
}

impl AffectedTotals {
    fn add(&mut self, row: &TrafficRow, principal: Option<u32>, agent: Option<u32>) {
        self.count = self.count.saturating_add(row.count);
        self.people.extend(principal);
        self.agents.extend(agent);
        self.days.extend(row.day);
        self.first_seen = earlier(self.first_seen, row.first_seen);
        self.last_seen = self.last_seen.max(row.last_seen);
    }

    fn join(&mut self, other: Self) {
        let Self {
            audience: _,
            count,
            people,
            agents,
            days,
            first_seen,
            last_seen,
        } = other;
        self.count = self.count.saturating_add(count);
        self.people.extend(people);
        self.agents.extend(agents);
        self.days.extend(days);
        self.first_seen = earlier(self.first_seen, first_seen);
        self.last_seen = self.last_seen.max(last_seen);
    }

    fn affected(
        self,
        question: ReplayQuestion,
        effect: ReplayEffect,
        who: Option<People>,
    ) -> AffectedRequest {
        AffectedRequest {
            request: question.to_string(),
            question,
            effect,
            who,
            audience: self.audience,
            count: self.count,
            people: self.people.len(),
            agents: self.agents.len(),
            days: self.days.len(),
            first_seen: self.first_seen,
            last_seen: self.last_seen,
        }
    }
}

impl std::fmt::Display for ReplayQuestion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rules(request) => request.fmt(f),
            Self::Mcp(question) => write!(f, "mcp {question}"),
        }
    }
}

impl<'a> Replay<'a> {
    /// Prepares a replay. `teams` may know none, some or all users.
    pub fn new(
        before: OrganizationPolicies<'a>,
        after: OrganizationPolicies<'a>,
        teams: &'a PrincipalTeams,
    ) -> Self {
        Self {
            before,
            after,
            comparison: RequestComparison::new(before, after),
            teams,
            affected: HashMap::new(),
            mcp: BTreeMap::new(),
            names: HashMap::new(),
            skipped: SkippedAttempts::default(),
            attempts: 0,
            users: BTreeSet::new(),
            days: None,
        }
    }

    /// Replays one row.
    pub fn add(&mut self, row: &TrafficRow) {
        self.attempts = self.attempts.saturating_add(row.count);
        let principal = row
            .principal
            .as_deref()
            .map(|name| self.number("user", name));
        let agent = row.agent.as_deref().map(|name| self.number("agent", name));
        self.users.extend(principal);
        if let Some(day) = row.day {
            let (first, last) = self.days.unwrap_or((day, day));
            self.days = Some((first.min(day), last.max(day)));
        }
        let known = row
            .principal
            .as_deref()
            .and_then(|name| self.teams.get(name));
        if row.kind == TrafficKind::Mcp {
            let key = McpKey {
                question: row.object.clone(),
                audience: known.cloned(),
            };
            self.mcp.entry(key).or_default().add(row, principal, agent);
            return;
        }
        match self.changes(row, known) {
            Ok(changes) => {
                for (key, audience) in changes {
                    let totals = self.affected.entry(key).or_insert_with(|| AffectedTotals {
                        audience,
                        ..AffectedTotals::default()
                    });
                    totals.add(row, principal, agent);
                }
            }
            Err(reason) => self.skipped.add(reason, row.count),
        }
    }

    fn number(&mut self, what: &str, name: &str) -> u32 {
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        *self.names.entry(format!("{what} {name}")).or_insert(next)
    }

    /// How the decision about a row changes, with an audience for which it does.
    fn changes(
        &self,
        row: &TrafficRow,
        known: Option<&Audience>,
    ) -> Result<Vec<(AffectedKey, Audience)>, ReplaySkip> {
        let request = |verb: &str, object: &str| {
            AccessRequest::parse(verb, object).map_err(|_| ReplaySkip::InvalidRequest)
        };
        match row.kind {
            TrafficKind::Mount => {
                let read = self.changes_of(request("read", &row.object)?, known)?;
                let write = self.changes_of(request("write", &row.object)?, known)?;
                let same = read
                    .iter()
                    .map(|(key, _)| (&key.effect, &key.who))
                    .eq(write.iter().map(|(key, _)| (&key.effect, &key.who)));
                if same {
                    Ok(read)
                } else {
                    Err(ReplaySkip::UnknownMode)
                }
            }
            TrafficKind::Connect(_) => {
                let verb = row.kind.to_string();
                match AccessRequest::parse(&verb, &row.object) {
                    Ok(request) => self.changes_of(request, known),
                    Err(access::RequestParseError::NoPort(_)) => Err(ReplaySkip::NoPort),
                    Err(_) => Err(ReplaySkip::InvalidRequest),
                }
            }
            TrafficKind::Http(_) | TrafficKind::File(_) => {
                self.changes_of(request(&row.kind.to_string(), &row.object)?, known)
            }
            TrafficKind::Mcp => Err(ReplaySkip::InvalidRequest),
        }
    }

    fn changes_of(
        &self,
        request: AccessRequest,
        known: Option<&Audience>,
    ) -> Result<Vec<(AffectedKey, Audience)>, ReplaySkip> {
        let change = match self.comparison.answer(&request) {
            RequestAnswer::Same => return Ok(Vec::new()),
            RequestAnswer::NotAnalyzed => return Err(ReplaySkip::NotAnalyzed),
            RequestAnswer::Changes(change) => change,
        };
        match known {
            Some(audience) => Ok(change
                .for_members(audience)
                .map(|direction| {
                    let key = AffectedKey {
                        request,
                        effect: direction.into(),
                        who: None,
                    };
                    (key, audience.clone())
                })
                .into_iter()
                .collect()),
            None => people_of(&change, &request),
        }
    }

    /// Decides the MCP requests and sorts the result.
    ///
    /// # Errors
    /// A Cedar policy cannot be read.
    pub fn finish(mut self) -> Result<ReplayOutcome, CedarError> {
        let mut affected: Vec<AffectedRequest> = std::mem::take(&mut self.affected)
            .into_iter()
            .map(|(key, totals)| {
                let AffectedKey {
                    request,
                    effect,
                    who,
                } = key;
                totals.affected(ReplayQuestion::Rules(request), effect, who)
            })
            .collect();
        affected.extend(self.decide_mcp()?);
        affected.sort_by(|one, other| {
            let key = |row: &AffectedRequest| {
                (
                    row.effect,
                    std::cmp::Reverse(row.people),
                    std::cmp::Reverse(row.count),
                )
            };
            let by_name = || (&one.request, &one.who).cmp(&(&other.request, &other.who));
            key(one).cmp(&key(other)).then_with(by_name)
        });
        Ok(ReplayOutcome {
            affected,
            skipped: self.skipped,
            attempts: self.attempts,
            people: self.users.len(),
            days: self.days,
        })
    }

    fn decide_mcp(&mut self) -> Result<Vec<AffectedRequest>, CedarError> {
        let all = std::mem::take(&mut self.mcp);
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let combinations = self.cedar_combinations();
        let mut by_audience: BTreeMap<Audience, BTreeSet<String>> = BTreeMap::new();
        for key in all.keys() {
            match (&key.audience, &combinations) {
                (Some(audience), _) => {
                    let questions = by_audience.entry(audience.clone()).or_default();
                    questions.insert(key.question.clone());
                }
                (None, Some(combinations)) => {
                    for audience in combinations {
                        let questions = by_audience.entry(audience.clone()).or_default();
                        questions.insert(key.question.clone());
                    }
                }
                (None, None) => {}
            }
        }
        let mut outcomes: BTreeMap<(Audience, String), Result<McpOutcomes, ReplaySkip>> =
            BTreeMap::new();
        for (audience, questions) in by_audience {
            for (question, outcome) in self.mcp_outcomes(&audience, questions)? {
                outcomes.insert((audience.clone(), question), outcome);
            }
        }
        let outcome = |audience: &Audience, question: &str| {
            let key = (audience.clone(), question.to_owned());
            let known = outcomes.get(&key).copied();
            known.unwrap_or(Err(ReplaySkip::NotAnalyzed))
        };
        let mut found: BTreeMap<(String, ReplayEffect, Option<People>), AffectedTotals> =
            BTreeMap::new();
        for (McpKey { question, audience }, mut totals) in all {
            let changes = match (&audience, &combinations) {
                (Some(audience), _) => outcome(audience, &question).map(|outcomes| {
                    let effect = effect_of(outcomes);
                    effect
                        .map(|effect| (effect, None, audience.clone()))
                        .into_iter()
                        .collect()
                }),
                (None, Some(combinations)) => {
                    let outcome = |audience: &Audience| outcome(audience, &question);
                    changes_by_combination(combinations, outcome)
                }
                (None, None) => Err(ReplaySkip::NotAnalyzed),
            };
            match changes {
                Err(reason) => self.skipped.add(reason, totals.count),
                Ok(changes) => {
                    for (effect, who, audience) in changes {
                        totals.audience = audience;
                        let key = (question.clone(), effect, who);
                        let known = found.entry(key).or_insert_with(|| AffectedTotals {
                            audience: totals.audience.clone(),
                            ..AffectedTotals::default()
                        });
                        known.join(totals.clone());
                    }
                }
            }
        }
        let affected = found.into_iter().map(|((question, effect, who), totals)| {
            totals.affected(ReplayQuestion::Mcp(question), effect, who)
        });
        Ok(affected.collect())
    }

    /// All combinations of the teams that Cedar policies name; `None` if there are too many.
    fn cedar_combinations(&self) -> Option<Vec<Audience>> {
        let mut teams = self.before.cedar_teams();
        teams.extend(self.after.cedar_teams());
        if teams.len() > MOST_CEDAR_TEAMS {
            return None;
        }
        let teams: Vec<String> = teams.into_iter().collect();
        let combinations = (0..1_usize << teams.len()).map(|set| {
            let members = teams.iter().enumerate();
            let members = members.filter(|(number, _)| set >> number & 1 == 1);
            Audience::of_teams(members.map(|(_, team)| team.clone()))
        });
        Some(combinations.collect())
    }

    /// The decisions about some questions, before and after, for members of exactly some teams.
    fn mcp_outcomes(
        &self,
        audience: &Audience,
        questions: BTreeSet<String>,
    ) -> Result<Vec<McpAnswer>, CedarError> {
        let mut valid: Vec<(String, CedarRequest)> = Vec::new();
        let mut found = Vec::new();
        for question in questions {
            let parsed =
                AccessQuestion::parse(&format!("mcp {question}"), &CedarRequestContext::default());
            match parsed {
                Ok(AccessQuestion::Cedar(request)) => valid.push((question, *request)),
                Ok(AccessQuestion::Rules(_)) | Err(_) => {
                    found.push((question, Err(ReplaySkip::InvalidRequest)));
                }
            }
        }
        let requests: Vec<&CedarRequest> = valid.iter().map(|(_, request)| request).collect();
        let before = self.before.cedar(audience).decide(&requests)?;
        let after = self.after.cedar(audience).decide(&requests)?;
        for ((question, _), (before, after)) in valid.iter().zip(before.iter().zip(&after)) {
            let outcome = if before == after {
                Ok((before.decision, after.decision))
            } else if !before.unknown.is_empty() || !after.unknown.is_empty() {
                Err(ReplaySkip::NotAnalyzed)
            } else if !before.cases.is_empty() || !after.cases.is_empty() {
                Err(ReplaySkip::UnknownArguments)
            } else {
                Ok((before.decision, after.decision))
            };
            found.push((question.clone(), outcome));
        }
        Ok(found)
    }
}

impl From<ChangeDirection> for ReplayEffect {
    fn from(direction: ChangeDirection) -> Self {
        match direction {
            ChangeDirection::Opens => Self::Opens,
            ChangeDirection::Closes => Self::Blocks,
        }
    }
}

/// The people whose decision about a request changes, each with an audience.
fn people_of(
    change: &RequestChange<'_>,
    request: &AccessRequest,
) -> Result<Vec<(AffectedKey, Audience)>, ReplaySkip> {
    let people = change.for_everyone().map_err(|_| ReplaySkip::NotAnalyzed)?;
    let rows = [
        (ReplayEffect::Blocks, people.closes),
        (ReplayEffect::Opens, people.opens),
    ];
    let rows = rows.into_iter().filter_map(|(effect, who)| {
        let first = who.0.first()?;
        let audience = audience_of(first);
        let key = AffectedKey {
            request: request.clone(),
            effect,
            who: Some(who),
        };
        Some((key, audience))
    });
    Ok(rows.collect())
}

/// Members of exactly the groups that a term requires.
fn audience_of(term: &Membership) -> Audience {
    let mut audience = Audience::default();
    for group in &term.all_of {
        match group.strip_prefix("profile:") {
            Some(profile) => audience.profiles.insert(profile.to_owned()),
            None => audience.teams.insert(group.clone()),
        };
    }
    audience
}

fn effect_of((before, after): McpOutcomes) -> Option<ReplayEffect> {
    match (before, after) {
        (Outcome::Allow, Outcome::Deny) => Some(ReplayEffect::Blocks),
        (Outcome::Deny, Outcome::Allow) => Some(ReplayEffect::Opens),
        (Outcome::Approval, Outcome::Allow | Outcome::Deny)
        | (Outcome::Allow | Outcome::Deny, Outcome::Approval) => Some(ReplayEffect::Approval),
        (Outcome::Allow, Outcome::Allow)
        | (Outcome::Deny, Outcome::Deny)
        | (Outcome::Approval, Outcome::Approval) => None,
    }
}

/// An effect, the people who are affected, and an audience of them.
type CombinedChange = (ReplayEffect, Option<People>, Audience);

/// The changes for each combination of teams, grouped by effect.
fn changes_by_combination(
    combinations: &[Audience],
    outcome: impl Fn(&Audience) -> Result<McpOutcomes, ReplaySkip>,
) -> Result<Vec<CombinedChange>, ReplaySkip> {
    let mut by_effect: BTreeMap<ReplayEffect, Vec<&Audience>> = BTreeMap::new();
    for audience in combinations {
        if let Some(effect) = effect_of(outcome(audience)?) {
            by_effect.entry(effect).or_default().push(audience);
        }
    }
    let all: BTreeSet<&String> = combinations.iter().flat_map(|it| &it.teams).collect();
    let changes = by_effect.into_iter().filter_map(|(effect, audiences)| {
        let first = (*audiences.first()?).clone();
        let who = if audiences.len() == combinations.len() {
            People::everyone()
        } else {
            let terms = audiences.iter().map(|audience| Membership {
                all_of: audience.teams.clone(),
                none_of: all
                    .iter()
                    .filter(|team| !audience.teams.contains(**team))
                    .map(|team| (*team).clone())
                    .collect(),
            });
            People(terms.collect())
        };
        Some((effect, Some(who), first))
    });
    Ok(changes.collect())
}
