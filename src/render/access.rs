//! Access changes in words: the one view model from which text, HTML, Markdown and annotations are
//! rendered, so that they cannot disagree.

use super::plan::wording::{call_name, deciding_rules, place};
use super::text::{neutral, plural};
use crate::plan::{AccessImpact, AccessRow, GuardRows, NotAnalyzed, SourceRef};
use access::{Membership, People};

/// Above this number of patterns, each row only shows its first patterns. JSON contains all.
const MOST_PATTERNS: usize = 1_000;
/// Number of patterns that a folded row shows.
const SHOWN: usize = 3;

/// The kind of a row. The order is that of risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum AccessLineKind {
    Opened,
    GuardWeakened,
    Closed,
    GuardAdded,
}

impl AccessLineKind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::GuardWeakened => "guard weakened",
            Self::Closed => "closed",
            Self::GuardAdded => "guard added",
        }
    }

    /// Whether a reviewer should look at it first.
    pub(crate) fn is_risk(self) -> bool {
        match self {
            Self::Opened | Self::GuardWeakened => true,
            Self::Closed | Self::GuardAdded => false,
        }
    }
}

/// A row in words.
pub(crate) struct AccessLine<'a> {
    pub(crate) kind: AccessLineKind,
    pub(crate) who: String,
    /// The patterns, separated by commas, and the exceptions.
    pub(crate) what: String,
    pub(crate) row: &'a AccessRow,
    pub(crate) rule: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// All access changes in words.
pub(crate) struct AccessView<'a> {
    pub(crate) headline: String,
    pub(crate) lines: Vec<AccessLine<'a>>,
    pub(crate) not_analyzed: Vec<(String, &'a NotAnalyzed)>,
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
            approval: _,
        } = impact;
        let groups = [
            (AccessLineKind::Opened, opens),
            (AccessLineKind::GuardWeakened, weakened),
            (AccessLineKind::Closed, closes),
            (AccessLineKind::GuardAdded, strengthened),
        ];
        let patterns = |rows: &[AccessRow]| rows.iter().map(|row| row.what.len()).sum::<usize>();
        let all: usize = groups.iter().map(|(_, rows)| patterns(rows)).sum();
        let is_folded = all > MOST_PATTERNS;
        let lines = groups
            .iter()
            .flat_map(|(kind, rows)| rows.iter().map(|row| AccessLine::of(*kind, row, is_folded)))
            .collect();
        let mut counts: Vec<String> = Vec::new();
        for (kind, rows) in groups {
            let count = patterns(rows);
            if count > 0 {
                counts.push(match kind {
                    AccessLineKind::GuardWeakened => {
                        plural(count, "guard weakened", "guards weakened")
                    }
                    AccessLineKind::GuardAdded => plural(count, "guard added", "guards added"),
                    AccessLineKind::Opened | AccessLineKind::Closed => {
                        format!("{count} {}", kind.word())
                    }
                });
            }
        }
        if !not_analyzed.is_empty() {
            let mut names: Vec<&str> = not_analyzed
                .iter()
                .map(|entry| entry.policy.as_str())
                .collect();
            names.sort_unstable();
            names.dedup();
            counts.push(plural(
                names.len(),
                "policy not analyzed",
                "policies not analyzed",
            ));
        }
        let headline = match (counts.is_empty(), *proven) {
            (false, _) => format!("Access: {}", counts.join(", ")),
            (true, true) => "Access: no request is decided differently (proven)".to_owned(),
            (true, false) => "Access: not analyzed".to_owned(),
        };
        Self {
            headline,
            lines,
            not_analyzed: not_analyzed
                .iter()
                .map(|entry| (not_analyzed_text(entry), entry))
                .collect(),
        }
    }
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

impl<'a> AccessLine<'a> {
    fn of(kind: AccessLineKind, row: &'a AccessRow, is_folded: bool) -> Self {
        let AccessRow {
            who: people,
            what,
            except,
            witness: _,
            rule,
            before,
            after,
        } = row;
        Self {
            kind,
            who: who(people),
            what: requests(what, except, is_folded),
            row,
            rule: call_name(&rule.policy, Some(&rule.rule)),
            before: deciding_rules(before),
            after: deciding_rules(after),
        }
    }

    pub(crate) fn source(&self) -> Option<&'a SourceRef> {
        self.row.rule.source.as_ref()
    }
}

fn requests(what: &[String], except: &[String], is_folded: bool) -> String {
    let list = |patterns: &[String]| {
        let shown = if is_folded { SHOWN } else { patterns.len() };
        let mut texts: Vec<String> = patterns
            .iter()
            .take(shown)
            .map(|pattern| neutral(pattern).into_owned())
            .collect();
        if patterns.len() > shown {
            texts.push(format!("… ({} more)", patterns.len() - shown));
        }
        texts.join(", ")
    };
    if except.is_empty() {
        list(what)
    } else {
        format!("{} except {}", list(what), list(except))
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
