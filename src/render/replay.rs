//! Renders the result of a replay.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::decided::DecidedBy;
use super::layout::Layout;
use super::paint::Painter;
use super::plan::access_view::who;
use super::text::{count_of, neutral, neutral_hosts, plural};
use access::People;
use traffic::{ReplaySkip, SkippedAttempts};

/// The version of this format; a change that breaks readers raises it.
pub const FORMAT_VERSION: u32 = 1;

/// Rows of each kind that are shown without `-v`.
const SHOWN_ROWS: usize = 20;

/// The recorded requests whose decision a change alters.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplayReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The name of the target.
    pub target: String,
    /// What is compared.
    pub compared: ComparedStates,
    /// Where the teams of users come from.
    pub teams: TeamSource,
    /// The number of replayed attempts.
    pub attempts: u64,
    /// The number of users in the traffic.
    pub people: usize,
    /// The first day of the traffic (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_day: Option<String>,
    /// The last day of the traffic (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_day: Option<String>,
    /// Newly denied requests, those of most people first.
    pub blocked: Vec<ReplayRow>,
    /// Newly allowed requests.
    pub opened: Vec<ReplayRow>,
    /// Requests that change to or from an approval.
    pub approval: Vec<ReplayRow>,
    /// The number of attempts that could not be replayed, by reason.
    pub skipped: SkippedAttempts,
}

/// The two states of a replay, in words.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ComparedStates {
    /// The state before the change.
    pub before: String,
    /// The state after the change.
    pub after: String,
}

/// Where the teams of users come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TeamSource {
    /// From a file. For users that it does not contain, every combination of teams is computed.
    File,
    /// Unknown: every combination of teams is computed.
    EveryCombination,
}

/// A request whose decision changes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplayRow {
    /// The request, as `explain` reads it.
    pub request: String,
    /// The people whose decision changes. Missing if the teams of the counted users are known; then it
    /// changes for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<People>,
    /// The number of attempts.
    pub count: u64,
    /// The number of users who attempted it. With `who`, not all of them need be affected.
    pub people: usize,
    /// The number of agents.
    pub agents: usize,
    /// The number of days.
    pub days: usize,
    /// The time of the first attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
    /// The time of the last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
    /// What decides before; empty if nothing matches, which denies.
    pub before: Vec<DecidedBy>,
    /// What decides after; empty if nothing matches, which denies.
    pub after: Vec<DecidedBy>,
}

impl ReplayReport {
    /// The number of attempts of some rows.
    pub fn count_of(rows: &[ReplayRow]) -> u64 {
        rows.iter()
            .fold(0, |sum, row| sum.saturating_add(row.count))
    }

    /// The report for people.
    pub fn human(&self, layout: Layout) -> String {
        let painter = layout.painter;
        let mut text = String::new();
        let days = match (&self.first_day, &self.last_day) {
            (Some(first), Some(last)) if first == last => format!(" on {first}"),
            (Some(first), Some(last)) => format!(", {first} to {last}"),
            _ => String::new(),
        };
        let head = format!(
            "Replay · {} · {} by {}{days}",
            neutral(&self.target),
            times(self.attempts, "attempt"),
            persons(self.people)
        );
        let _ = writeln!(text, "{}", painter.strong(&head));
        let ComparedStates { before, after } = &self.compared;
        let _ = writeln!(text, "  before: {}", neutral(before));
        let _ = writeln!(text, "  after:  {}", neutral(after));
        let teams = match self.teams {
            TeamSource::File => "from the file; every combination for users that it does not name",
            TeamSource::EveryCombination => {
                "unknown, so every combination is computed (--principals FILE names them)"
            }
        };
        text.push_str(&layout.hang("  teams:  ", teams));
        text.push('\n');
        let parts = [
            ("Blocked", "!", &self.blocked),
            ("Approval changes", "!", &self.approval),
            ("Opened", "+", &self.opened),
        ];
        for (title, mark, rows) in parts {
            rows_text(title, mark, rows, layout, &mut text);
        }
        if self.blocked.is_empty() && self.opened.is_empty() && self.approval.is_empty() {
            let what = if self.skipped.0.is_empty() {
                "No recorded request changes."
            } else {
                "No replayed request changes."
            };
            let _ = writeln!(text, "{what}");
        }
        text.push_str(&self.skipped_text(painter));
        text
    }

    fn skipped_text(&self, painter: Painter) -> String {
        let mut text = String::new();
        if self.skipped.0.is_empty() {
            return text;
        }
        let total = times(self.skipped.total(), "attempt");
        let _ = writeln!(text, "{} {total}:", painter.notice("Not replayed:"));
        for (reason, count) in &self.skipped.0 {
            let _ = writeln!(text, "  {count}  {}", ReplaySkip::words(*reason));
        }
        text
    }
}

fn rows_text(title: &str, mark: &str, rows: &[ReplayRow], layout: Layout, text: &mut String) {
    if rows.is_empty() {
        return;
    }
    let painter = layout.painter;
    let head = format!(
        "{title}: {} ({})",
        count_of(rows.len(), "request"),
        times(ReplayReport::count_of(rows), "attempt")
    );
    let _ = writeln!(text, "{}", painter.strong(&head));
    let shown = if layout.is_full {
        rows.len()
    } else {
        SHOWN_ROWS.min(rows.len())
    };
    for row in &rows[..shown] {
        row_text(mark, row, layout, text);
    }
    if shown < rows.len() {
        let _ = writeln!(text, "  ({} more; -v shows all)", rows.len() - shown);
    }
    text.push('\n');
}

fn row_text(mark: &str, row: &ReplayRow, layout: Layout, text: &mut String) {
    let painter = layout.painter;
    let ReplayRow {
        request,
        who: people,
        count,
        people: users,
        agents,
        days,
        first_seen: _,
        last_seen,
        before,
        after,
    } = row;
    let mark = if mark == "!" {
        painter.bad(mark)
    } else {
        painter.notice(mark)
    };
    let _ = writeln!(text, "  {mark} {}", neutral_hosts(request));
    let mut facts = vec![times(*count, "attempt"), persons(*users)];
    if *agents > 0 {
        facts.push(count_of(*agents, "agent"));
    }
    if *days > 0 {
        facts.push(count_of(*days, "day"));
    }
    if let Some(last) = last_seen {
        facts.push(format!("last {last}"));
    }
    text.push_str(&layout.hang("      ", &facts.join(" · ")));
    if let Some(people) = people {
        text.push_str(&layout.hang("      who:    ", &who(people)));
    }
    for (label, decided) in [("before", before), ("after", after)] {
        let first = format!("      {:<8}", format!("{label}:"));
        if decided.is_empty() {
            text.push_str(&layout.hang(&first, "denied by default"));
        }
        for (number, rule) in decided.iter().enumerate() {
            let first = if number == 0 {
                &first
            } else {
                "              "
            };
            text.push_str(&layout.hang(first, &rule.human(painter)));
        }
    }
}

fn times(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

fn persons(count: usize) -> String {
    plural(count, "person", "people")
}
