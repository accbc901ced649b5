//! Access changes in words: the one view model from which text, HTML, Markdown and annotations are
//! rendered, so that they cannot disagree.

use std::fmt;

use super::patterns::{ListDetail, PatternList};
use super::wording::{deciding_rules, place};
use crate::plan::{
    AccessImpact, AccessRow, DecidingRule, GuardRows, NotAnalyzed, NotAnalyzedKind, RuleReference,
    SourceRef, StatementChange, StatementChangeKind,
};
use crate::render::text::neutral;
use access::{Membership, People, StatementEffect, StatementSummary};

/// Above this number of patterns, each row only shows its first patterns. JSON contains all.
const MOST_PATTERNS: usize = 1_000;
/// Maximum number of changed statements to show per Cedar policy. JSON contains all.
const MOST_STATEMENTS: usize = 20;

/// The kind of a row. The order is that of risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum AccessLineKind {
    Opened,
    GuardWeakened,
    ApprovalLoosened,
    Closed,
    GuardAdded,
    ApprovalTightened,
}

impl AccessLineKind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::GuardWeakened => "guard weakened",
            Self::ApprovalLoosened => "approval loosened",
            Self::Closed => "closed",
            Self::GuardAdded => "guard added",
            Self::ApprovalTightened => "approval tightened",
        }
    }

    /// Whether a reviewer should look at it first.
    pub(crate) fn is_risk(self) -> bool {
        match self {
            Self::Opened | Self::GuardWeakened | Self::ApprovalLoosened => true,
            Self::Closed | Self::GuardAdded | Self::ApprovalTightened => false,
        }
    }
}

/// A row in words.
pub(crate) struct AccessLine<'a> {
    pub(crate) kind: AccessLineKind,
    pub(crate) who: String,
    pub(crate) patterns: PatternList,
    pub(crate) exceptions: PatternList,
    pub(crate) row: &'a AccessRow,
    /// The policy and its rule: `GitLab / allow git`.
    pub(crate) rule: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// A number of access changes of one kind: `3 opened`, `1 guard weakened`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessCount {
    pub(crate) count: usize,
    pub(crate) words: &'static str,
    /// Whether a reviewer should look at it first.
    pub(crate) is_risk: bool,
}

impl AccessCount {
    pub(crate) fn of(kind: AccessLineKind, count: usize) -> Self {
        let (one, many) = match kind {
            AccessLineKind::Opened | AccessLineKind::Closed => (kind.word(), kind.word()),
            AccessLineKind::GuardWeakened => (kind.word(), "guards weakened"),
            AccessLineKind::GuardAdded => (kind.word(), "guards added"),
            AccessLineKind::ApprovalLoosened => (kind.word(), "approvals loosened"),
            AccessLineKind::ApprovalTightened => (kind.word(), "approvals tightened"),
        };
        Self {
            count,
            words: if count == 1 { one } else { many },
            is_risk: kind.is_risk(),
        }
    }

    fn not_analyzed(count: usize) -> Self {
        Self {
            count,
            words: if count == 1 {
                "policy not analyzed"
            } else {
                "policies not analyzed"
            },
            is_risk: true,
        }
    }
}

impl fmt::Display for AccessCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            count,
            words,
            is_risk: _,
        } = self;
        write!(f, "{count} {words}")
    }
}

/// What the counts count: rows show several patterns as one entry.
pub(crate) const COUNTED: &str = "patterns; GET/HEAD or read/write are 2";

/// All access changes in words.
pub(crate) struct AccessView<'a> {
    pub(crate) headline: String,
    /// The number of changes by kind, the riskiest first.
    pub(crate) counts: Vec<AccessCount>,
    /// What the counts count, where the rows do not show it.
    pub(crate) counted: Option<&'static str>,
    pub(crate) lines: Vec<AccessLine<'a>>,
    pub(crate) not_analyzed: Vec<NotAnalyzedLine<'a>>,
    /// For formats that show all patterns of ordinary plans.
    pub(crate) detail: ListDetail,
}

/// Something that is not analyzed, in words.
pub(crate) struct NotAnalyzedLine<'a> {
    pub(crate) text: String,
    pub(crate) entry: &'a NotAnalyzed,
    /// For a Cedar policy, the statements that change: a sign and a summary each.
    pub(crate) statements: Vec<String>,
}

impl<'a> AccessView<'a> {
    pub(crate) fn of(impact: &'a AccessImpact) -> Self {
        let AccessImpact {
            proven,
            not_analyzed,
            opens,
            closes,
            guards:
                GuardRows {
                    weakened,
                    strengthened,
                },
            approval,
            statements,
        } = impact;
        let (loosened, tightened): (Vec<&AccessRow>, Vec<&AccessRow>) =
            approval.iter().partition(|row| loosens(row));
        let groups = [
            (AccessLineKind::Opened, opens.iter().collect()),
            (AccessLineKind::GuardWeakened, weakened.iter().collect()),
            (AccessLineKind::ApprovalLoosened, loosened),
            (AccessLineKind::Closed, closes.iter().collect()),
            (AccessLineKind::GuardAdded, strengthened.iter().collect()),
            (AccessLineKind::ApprovalTightened, tightened),
        ];
        let patterns = |rows: &[&AccessRow]| rows.iter().map(|row| row.what.len()).sum::<usize>();
        let all: usize = groups.iter().map(|(_, rows)| patterns(rows)).sum();
        let lines: Vec<AccessLine<'_>> = groups
            .iter()
            .flat_map(|(kind, rows)| {
                let kind = *kind;
                rows.iter()
                    .copied()
                    .map(move |row| AccessLine::of(kind, row))
            })
            .collect();
        let mut counts: Vec<AccessCount> = Vec::new();
        for (kind, rows) in &groups {
            let count = patterns(rows);
            if count > 0 {
                counts.push(AccessCount::of(*kind, count));
            }
        }
        if !not_analyzed.is_empty() {
            let mut names: Vec<&str> = not_analyzed
                .iter()
                .map(|entry| entry.policy.as_str())
                .collect();
            names.sort_unstable();
            names.dedup();
            counts.push(AccessCount::not_analyzed(names.len()));
        }
        let headline = match (counts.is_empty(), *proven) {
            (false, _) => {
                let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
                format!("Access: {}", counts.join(", "))
            }
            (true, true) => "Access: no request is decided differently (proven)".to_owned(),
            (true, false) => "Access: not analyzed".to_owned(),
        };
        Self {
            headline,
            counts,
            counted: lines.iter().any(AccessLine::is_merged).then_some(COUNTED),
            lines,
            detail: if all > MOST_PATTERNS {
                ListDetail::Folded("")
            } else {
                ListDetail::Full
            },
            not_analyzed: not_analyzed
                .iter()
                .map(|entry| NotAnalyzedLine {
                    text: not_analyzed_text(entry),
                    entry,
                    statements: match entry.kind {
                        NotAnalyzedKind::Cedar => statement_lines(&entry.policy, statements),
                        NotAnalyzedKind::Unknown
                        | NotAnalyzedKind::InvalidResource
                        | NotAnalyzedKind::TooComplex => Vec::new(),
                    },
                })
                .collect(),
        }
    }
}

/// Whether requests that were denied can be approved, or that needed an approval are allowed.
fn loosens(row: &AccessRow) -> bool {
    let permits = |rules: &[DecidingRule]| match rules.first() {
        Some(rule) if rule.asks => 1,
        Some(rule) if rule.allows => 2,
        Some(_) | None => 0,
    };
    permits(&row.after) > permits(&row.before)
}

pub(crate) fn not_analyzed_text(entry: &NotAnalyzed) -> String {
    let NotAnalyzed {
        kind: _,
        policy,
        reason,
        source,
    } = entry;
    let source = source
        .as_ref()
        .map(|source| format!(" ({})", place(source)))
        .unwrap_or_default();
    format!(
        "policy \"{}\"{source}: {}",
        neutral(policy),
        neutral(reason)
    )
}

/// The changed statements of a policy, such as `+ permit invokeTool (statement 2, line 4)`.
fn statement_lines(policy: &str, changes: &[StatementChange]) -> Vec<String> {
    let own = || changes.iter().filter(|change| change.policy == policy);
    let mut lines: Vec<String> = own().take(MOST_STATEMENTS).map(statement_line).collect();
    let count = own().count();
    if count > MOST_STATEMENTS {
        lines.push(format!("… ({} more)", count - MOST_STATEMENTS));
    }
    lines
}

fn statement_line(change: &StatementChange) -> String {
    let StatementChange {
        policy: _,
        change,
        before,
        after,
        source: _,
    } = change;
    let sign = match change {
        StatementChangeKind::Added => "+",
        StatementChangeKind::Removed => "-",
        StatementChangeKind::Changed => "~",
    };
    let sides: Vec<&StatementSummary> = before.iter().chain(after).collect();
    let mut effects: Vec<String> = sides.iter().map(|side| effect_text(side)).collect();
    effects.dedup();
    let place = sides.last().map(|side| {
        let StatementSummary {
            number, line, id, ..
        } = side;
        let id = id.as_ref().map(|id| format!(" \"{}\"", neutral(id)));
        format!(
            " (statement {number}{}, line {line})",
            id.unwrap_or_default()
        )
    });
    format!(
        "{sign} {}{}",
        effects.join(" → "),
        place.unwrap_or_default()
    )
}

/// "permit invokeTool, getPrompt", "forbid any action".
fn effect_text(statement: &StatementSummary) -> String {
    let effect = match statement.effect {
        StatementEffect::Permit => "permit",
        StatementEffect::Forbid => "forbid",
        StatementEffect::Approval => "require approval for",
    };
    let actions: Vec<String> = statement
        .actions
        .iter()
        .map(|action| neutral(action).into_owned())
        .collect();
    if actions.is_empty() {
        format!("{effect} any action")
    } else {
        format!("{effect} {}", actions.join(", "))
    }
}

/// How the requests of a row are decided before and after, in words.
pub(crate) struct DecidedSides {
    pub(crate) before: String,
    pub(crate) after: String,
}

/// The deciding rules of a row or of a breach. A row with an assumption is about MCP enforcement.
pub(crate) fn sides(
    kind: AccessLineKind,
    is_assumed: bool,
    (before, after): (&[DecidingRule], &[DecidingRule]),
) -> DecidedSides {
    if !is_assumed {
        return DecidedSides {
            before: deciding_rules(before),
            after: deciding_rules(after),
        };
    }
    let enforced = "denied unless a Cedar statement permits it".to_owned();
    let open = "everything permitted, as no Cedar policy applies (assumption)".to_owned();
    match kind {
        AccessLineKind::Opened
        | AccessLineKind::GuardWeakened
        | AccessLineKind::ApprovalLoosened => DecidedSides {
            before: enforced,
            after: open,
        },
        AccessLineKind::Closed | AccessLineKind::GuardAdded | AccessLineKind::ApprovalTightened => {
            DecidedSides {
                before: open,
                after: enforced,
            }
        }
    }
}

impl<'a> AccessLine<'a> {
    fn of(kind: AccessLineKind, row: &'a AccessRow) -> Self {
        let AccessRow {
            who: people,
            what,
            except,
            witness: _,
            rule,
            before,
            after,
            assumption,
        } = row;
        let DecidedSides { before, after } = sides(kind, assumption.is_some(), (before, after));
        Self {
            kind,
            who: who(people),
            patterns: PatternList::of(what),
            exceptions: PatternList::of(except),
            row,
            rule: short_name(&rule.policy, rule.rule.as_deref()),
            before,
            after,
        }
    }

    pub(crate) fn source(&self) -> Option<&'a SourceRef> {
        self.row.rule.source.as_ref()
    }

    /// The patterns, separated by commas, and the exceptions.
    pub(crate) fn what(&self, detail: ListDetail) -> String {
        let mut text = self.patterns.text(detail);
        if !self.exceptions.is_empty() {
            text.push_str(" except ");
            text.push_str(&self.exceptions.text(detail));
        }
        text
    }

    /// The patterns, and what becomes of them where the kind of the row does not say it.
    pub(crate) fn requests(&self, detail: ListDetail) -> String {
        let what = self.what(detail);
        match self.kind {
            AccessLineKind::Opened | AccessLineKind::Closed => what,
            AccessLineKind::GuardWeakened => format!("{what} no longer denied"),
            AccessLineKind::GuardAdded => format!("{what} now denied"),
            AccessLineKind::ApprovalLoosened => format!("{what} loosened"),
            AccessLineKind::ApprovalTightened => format!("{what} tightened"),
        }
    }

    /// The name of the rule. A rule that no manifest declares any more is marked.
    pub(crate) fn rule_name(&self) -> String {
        let is_live = match self.kind {
            AccessLineKind::Closed | AccessLineKind::GuardWeakened => self.source().is_none(),
            AccessLineKind::Opened
            | AccessLineKind::GuardAdded
            | AccessLineKind::ApprovalLoosened
            | AccessLineKind::ApprovalTightened => false,
        };
        if is_live {
            format!("{} (on the server)", self.rule)
        } else {
            self.rule.clone()
        }
    }

    /// Whether patterns are shown together, so that the entries are fewer than the patterns.
    fn is_merged(&self) -> bool {
        self.patterns.len() != self.row.what.len()
    }

    /// How the requests were decided before, unless that is obvious: denied by default, or decided by
    /// the rule of this row.
    pub(crate) fn notable_before(&self) -> Option<&str> {
        self.is_notable(&self.row.before).then_some(&*self.before)
    }

    /// How the requests are decided afterwards, unless that is obvious.
    pub(crate) fn notable_after(&self) -> Option<&str> {
        self.is_notable(&self.row.after).then_some(&*self.after)
    }

    fn is_notable(&self, deciding: &[DecidingRule]) -> bool {
        let RuleReference {
            policy,
            rule,
            source: _,
        } = &self.row.rule;
        self.row.assumption.is_some()
            || deciding
                .iter()
                .any(|one| one.policy != *policy || one.rule != *rule)
    }
}

/// A policy and its rule, in a table: `GitLab / allow git`.
fn short_name(policy: &str, rule: Option<&str>) -> String {
    match rule {
        Some(rule) => format!("{} / {}", neutral(policy), neutral(rule)),
        None => neutral(policy).into_owned(),
    }
}

/// The people in words: "everyone", "members of A or B", "everyone except members of A".
pub(crate) fn who(people: &People) -> String {
    let People(terms) = people;
    if people.is_everyone() {
        return "everyone".to_owned();
    }
    // Terms that require one team each and exclude the same teams are one list.
    let singles: Option<Vec<&String>> = terms
        .iter()
        .map(|term| match term.all_of.len() {
            1 => term.all_of.first(),
            _ => None,
        })
        .collect();
    if let (Some(teams), Some(first)) = (singles, terms.first())
        && terms.iter().all(|term| term.none_of == first.none_of)
    {
        let others = first.none_of.iter().collect();
        return format!("members of {}{}", list(&teams, "or"), not_in(others));
    }
    let texts: Vec<String> = terms.iter().map(membership).collect();
    texts.join("; ")
}

fn membership(term: &Membership) -> String {
    let Membership { all_of, none_of } = term;
    let none_of: Vec<&String> = none_of.iter().collect();
    match all_of.len() {
        0 if none_of.is_empty() => "everyone".to_owned(),
        0 => format!("everyone except members of {}", list(&none_of, "or")),
        1 => {
            let teams: Vec<&String> = all_of.iter().collect();
            format!("members of {}{}", list(&teams, "and"), not_in(none_of))
        }
        _ => {
            let teams: Vec<&String> = all_of.iter().collect();
            let both = if teams.len() == 2 { "both" } else { "all of" };
            format!(
                "members of {both} {}{}",
                list(&teams, "and"),
                not_in(none_of)
            )
        }
    }
}

fn not_in(teams: Vec<&String>) -> String {
    if teams.is_empty() {
        String::new()
    } else {
        format!(" who are not in {}", list(&teams, "or"))
    }
}

fn list(names: &[&String], conjunction: &str) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| match name.strip_prefix("profile:") {
            Some(profile) => format!("profile {}", neutral(profile)),
            None => neutral(name).into_owned(),
        })
        .collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {conjunction} {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(terms: &[(&[&str], &[&str])]) -> People {
        let set = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let terms = terms.iter().map(|(all_of, none_of)| Membership {
            all_of: set(all_of),
            none_of: set(none_of),
        });
        People(terms.collect())
    }

    #[test]
    fn people_are_named_as_reviewers_say_it() {
        for (terms, expected) in [
            (&[(&[][..], &[][..])][..], "everyone"),
            (&[(&["a"], &[])], "members of a"),
            (
                &[(&["a"], &[]), (&["b"], &[]), (&["c"], &[])],
                "members of a, b or c",
            ),
            (&[(&[], &["a", "b"])], "everyone except members of a or b"),
            (&[(&["a"], &["b"])], "members of a who are not in b"),
            (
                &[(&["a"], &["c"]), (&["b"], &["c"])],
                "members of a or b who are not in c",
            ),
            (&[(&["a", "b"], &[])], "members of both a and b"),
            (&[(&["a", "b", "c"], &[])], "members of all of a, b and c"),
            (
                &[(&[], &["a"]), (&["a", "b"], &[])],
                "everyone except members of a; members of both a and b",
            ),
            (&[(&["profile:staff"], &[])], "members of profile staff"),
        ] {
            assert_eq!(who(&people(terms)), expected);
        }
    }
}
