//! Changes as lines of a tree, without a colour or a format yet.

use similar::{ChangeTag, TextDiff};

use super::words::{old_name, place, sign, what};
use crate::plan::{Change, ChangeKind, Field, FieldChange, ValueChange};
use crate::render::paint::Painter;
use crate::render::text::{line_start, neutral};

/// What a line says of what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It comes.
    Comes,
    /// It changes, or something below it does.
    Changes,
    /// It goes.
    Goes,
}

/// One line, neutral.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// How far it is moved to the right.
    pub(crate) indent: usize,
    /// What it says.
    pub(crate) sign: Option<Sign>,
    /// The text, without the sign.
    pub(crate) text: String,
    /// A remark behind it.
    pub(crate) remark: String,
    /// What stands beside the matter.
    pub(crate) aside: String,
}

/// The changes of a target, each with what changes below it.
pub(crate) fn tree(changes: &[Change]) -> Vec<Line> {
    let mut lines = Vec::new();
    for one in changes {
        change(&mut lines, 0, one);
    }
    lines
}

impl Line {
    fn new(indent: usize, sign: Option<Sign>, text: impl Into<String>) -> Self {
        Self { indent, sign, text: text.into(), remark: String::new(), aside: String::new() }
    }

    /// The line for people, without its indentation.
    pub(super) fn painted(&self, painter: Painter) -> String {
        let Self { indent: _, sign, text, remark, aside } = self;
        let mut line = match sign {
            Some(Sign::Comes) => painter.good(&format!("+ {text}")),
            Some(Sign::Changes) => painter.notice(&format!("~ {text}")),
            Some(Sign::Goes) => painter.bad(&format!("- {text}")),
            None => text.clone(),
        };
        line.push_str(remark);
        if !aside.is_empty() {
            line.push_str(&painter.dim(aside));
        }
        line
    }
}

fn change(lines: &mut Vec<Line>, indent: usize, change: &Change) {
    let Change { kind, resource, name, id: _, source, fields, children } = change;
    let mut line = Line::new(indent, Some(sign(*kind)), format!("{} \"{}\"", what(*resource), neutral(name)));
    if let Some(before) = old_name(fields) {
        line.remark = format!("  (renamed from \"{}\")", neutral(before));
    }
    if let Some(source) = source {
        // The gap is no part of what is dimmed.
        line.remark.push_str("  ");
        line.aside = place(source);
    }
    lines.push(line);
    for one in fields.iter().filter(|field| field.field != Field::Name) {
        field(lines, indent + 4, *kind, one);
    }
    for child in children {
        self::change(lines, indent + 2, child);
    }
}

fn field(lines: &mut Vec<Line>, indent: usize, kind: ChangeKind, change: &FieldChange) {
    let name = change.field.as_str();
    match &change.value {
        ValueChange::Scalar { before, after } => {
            let value = match (before, after) {
                (Some(before), Some(after)) => format!("{} → {}", neutral(before), neutral(after)),
                (Some(value), None) | (None, Some(value)) => neutral(value).into_owned(),
                (None, None) => String::new(),
            };
            lines.push(Line::new(indent, None, format!("{name}: {value}")));
        }
        ValueChange::Set { added, removed, kept: _ } if whole(kind) && change.field == Field::Actions => {
            let all: Vec<_> = added.iter().chain(removed).map(|text| neutral(text)).collect();
            lines.push(Line::new(indent, None, format!("{name}: {}", all.join(", "))));
        }
        ValueChange::Set { added, removed, kept } => {
            let mut line = Line::new(indent, None, format!("{name}:"));
            line.aside = if *kept > 0 { format!("  ({kept} unchanged)") } else { String::new() };
            lines.push(line);
            let entry = |sign| move |text: &String| Line::new(indent + 2, Some(sign), neutral(text));
            lines.extend(added.iter().map(entry(Sign::Comes)));
            lines.extend(removed.iter().map(entry(Sign::Goes)));
        }
        ValueChange::Text { before, after } => {
            lines.push(Line::new(indent, None, format!("{name}:")));
            diff(lines, indent + 2, before, after);
        }
    }
}

fn diff(lines: &mut Vec<Line>, indent: usize, before: &str, after: &str) {
    let diff = TextDiff::from_lines(before, after);
    for (position, group) in diff.grouped_ops(3).iter().enumerate() {
        if position > 0 {
            lines.push(Line::new(indent, None, "…"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = neutral(change.value().trim_end_matches(['\n', '\r']));
            lines.push(match change.tag() {
                ChangeTag::Equal => Line::new(indent + 2, None, line_start(&text)),
                ChangeTag::Insert => Line::new(indent, Some(Sign::Comes), text),
                ChangeTag::Delete => Line::new(indent, Some(Sign::Goes), text),
            });
        }
    }
}

fn whole(kind: ChangeKind) -> bool {
    matches!(kind, ChangeKind::Create | ChangeKind::Delete)
}
