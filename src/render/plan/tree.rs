//! Changes as a tree of lines, independent of colors and formats.

use similar::{ChangeTag, TextDiff};

use super::wording::{ChangeSign, old_name, place, resource_name, sign};
use crate::plan::{
    Change, ChangeKind, ChangeOrigin, ChangedField, FieldChange, Origin, TargetOrigins, ValueChange,
};
use crate::render::paint::Painter;
use crate::render::text::{line_start, neutral, neutral_hosts};

/// A neutralized line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeLine {
    pub(crate) indent: usize,
    pub(crate) sign: Option<ChangeSign>,
    pub(crate) text: String,
    /// Printed behind the text.
    pub(crate) remark: String,
    /// Secondary information.
    pub(crate) aside: String,
}

/// The changes with their parts, grouped by origin if it is known.
pub(crate) fn tree(changes: &[Change], origins: &[ChangeOrigin]) -> Vec<TreeLine> {
    let mut lines = Vec::new();
    if origins.is_empty() {
        for one in changes {
            change(&mut lines, 0, one, None);
        }
        return lines;
    }
    for group in [
        Origin::Change,
        Origin::Mixed,
        Origin::Conflict,
        Origin::Drift,
    ] {
        let mut own = changes
            .iter()
            .zip(origins)
            .filter(|(_, told)| told.origin == group)
            .peekable();
        if own.peek().is_some() {
            lines.push(TreeLine::new(0, None, heading(group)));
        }
        for (one, told) in own {
            change(&mut lines, 2, one, Some(told));
        }
    }
    lines
}

/// The origins of changes, if they are known.
pub(crate) fn changes_of(origins: Option<&TargetOrigins>) -> &[ChangeOrigin] {
    origins
        .map(|origins| origins.changes.as_slice())
        .unwrap_or_default()
}

/// The heading for changes of one origin.
pub(crate) fn heading(origin: Origin) -> &'static str {
    match origin {
        Origin::Change => "From this change:",
        Origin::Mixed => "From this change, with drift beside it:",
        Origin::Conflict => {
            "Conflicts, where the server holds neither what the base wants nor what this change wants:"
        }
        Origin::Drift => "Drift that is there already:",
    }
}

impl TreeLine {
    fn new(indent: usize, sign: Option<ChangeSign>, text: impl Into<String>) -> Self {
        Self {
            indent,
            sign,
            text: text.into(),
            remark: String::new(),
            aside: String::new(),
        }
    }

    /// The line for people, without indentation.
    pub(crate) fn painted(&self, painter: Painter) -> String {
        let Self {
            indent: _,
            sign,
            text,
            remark,
            aside,
        } = self;
        let mut line = match sign {
            Some(ChangeSign::Create) => painter.good(&format!("+ {text}")),
            Some(ChangeSign::Update) => painter.notice(&format!("~ {text}")),
            Some(ChangeSign::Delete) => painter.bad(&format!("- {text}")),
            None => text.clone(),
        };
        line.push_str(remark);
        if !aside.is_empty() {
            line.push_str(&painter.dim(aside));
        }
        line
    }
}

fn change(lines: &mut Vec<TreeLine>, indent: usize, change: &Change, told: Option<&ChangeOrigin>) {
    let Change {
        kind,
        resource,
        name,
        id: _,
        source,
        fields,
        children,
    } = change;
    let mut line = TreeLine::new(
        indent,
        Some(sign(*kind)),
        format!("{} \"{}\"", resource_name(*resource), neutral(name)),
    );
    if let Some(before) = old_name(fields) {
        line.remark = format!("  (renamed from \"{}\")", neutral(before));
    }
    // The origin of a whole object is not repeated for its parts.
    let apart = told.filter(|told| matches!(told.origin, Origin::Mixed | Origin::Conflict));
    if let Some(origin) = told
        .map(|told| told.origin)
        .filter(|_| change.resource != change.resource.owner())
    {
        line.remark.push_str(&format!("  [{}]", origin.as_str()));
    }
    if let Some(source) = source {
        // The space is not dimmed.
        line.remark.push_str("  ");
        line.aside = place(source);
    }
    lines.push(line);
    for one in fields
        .iter()
        .filter(|field| field.field != ChangedField::Name)
    {
        field(lines, indent + 4, *kind, one);
    }
    for (position, child) in children.iter().enumerate() {
        self::change(
            lines,
            indent + 2,
            child,
            apart.and_then(|told| told.children.get(position)),
        );
    }
}

fn field(lines: &mut Vec<TreeLine>, indent: usize, kind: ChangeKind, change: &FieldChange) {
    let name = change.field.as_str();
    match &change.value {
        ValueChange::Scalar { before, after } => {
            let value = match (before, after) {
                (Some(before), Some(after)) => format!("{} → {}", neutral(before), neutral(after)),
                (Some(value), None) | (None, Some(value)) => neutral(value).into_owned(),
                (None, None) => String::new(),
            };
            lines.push(TreeLine::new(indent, None, format!("{name}: {value}")));
        }
        ValueChange::Set {
            added,
            removed,
            kept: _,
        } if is_whole_object(kind) && change.field == ChangedField::Actions => {
            let all: Vec<_> = added
                .iter()
                .chain(removed)
                .map(|text| neutral(text))
                .collect();
            lines.push(TreeLine::new(
                indent,
                None,
                format!("{name}: {}", all.join(", ")),
            ));
        }
        ValueChange::Set {
            added,
            removed,
            kept,
        } => {
            let mut line = TreeLine::new(indent, None, format!("{name}:"));
            line.aside = if *kept > 0 {
                format!("  ({kept} unchanged)")
            } else {
                String::new()
            };
            lines.push(line);
            let entry = |sign| {
                move |text: &String| TreeLine::new(indent + 2, Some(sign), neutral_hosts(text))
            };
            lines.extend(added.iter().map(entry(ChangeSign::Create)));
            lines.extend(removed.iter().map(entry(ChangeSign::Delete)));
        }
        ValueChange::Text { before, after } => {
            lines.push(TreeLine::new(indent, None, format!("{name}:")));
            diff(lines, indent + 2, change.field, before, after);
        }
    }
}

fn diff(lines: &mut Vec<TreeLine>, indent: usize, field: ChangedField, before: &str, after: &str) {
    let diff = TextDiff::from_lines(before, after);
    for (position, group) in diff.grouped_ops(3).iter().enumerate() {
        if position > 0 {
            lines.push(TreeLine::new(indent, None, "…"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = neutral(line_of(field, change.value()));
            let end = line_end(field, change.value());
            let mut line = match change.tag() {
                ChangeTag::Equal => TreeLine::new(indent + 2, None, line_start(&text)),
                ChangeTag::Insert => TreeLine::new(indent, Some(ChangeSign::Create), text),
                ChangeTag::Delete => TreeLine::new(indent, Some(ChangeSign::Delete), text),
            };
            if change.tag() != ChangeTag::Equal {
                end.clone_into(&mut line.aside);
            }
            lines.push(line);
        }
    }
}

/// A line for display. In a document every byte counts, including line endings.
pub(crate) fn line_of(field: ChangedField, line: &str) -> &str {
    if field == ChangedField::Text {
        return line.strip_suffix('\n').unwrap_or(line);
    }
    line.trim_end_matches(['\n', '\r'])
}

/// Describes an unusual line ending.
pub(crate) fn line_end(field: ChangedField, line: &str) -> &'static str {
    if field == ChangedField::Text && !line.ends_with('\n') {
        "  (no line end)"
    } else {
        ""
    }
}

fn is_whole_object(kind: ChangeKind) -> bool {
    matches!(kind, ChangeKind::Create | ChangeKind::Delete)
}
