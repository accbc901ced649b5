//! Changes as a tree of lines, independent of colors and formats.

use std::collections::BTreeSet;

use similar::{ChangeTag, TextDiff};

use super::wording::{ChangeSign, old_name, parts, place, resource_name, sign};
use crate::plan::{
    Change, ChangeKind, ChangeOrigin, ChangedField, FieldChange, Origin, ResourceKind,
    TargetOrigins, ValueChange,
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

/// How much of the changes is shown.
#[derive(Clone, Copy)]
pub(crate) enum TreeDetail<'a> {
    Full,
    /// Long lists and texts are cut. What a new or deleted policy contains is not repeated for the
    /// rules that have access rows of their own.
    Brief(&'a BTreeSet<RuleName<'a>>),
}

/// The name of a policy and of its rule.
pub(crate) type RuleName<'a> = (&'a str, &'a str);

/// In brief trees, lists of at most this many entries are shown completely.
const LONGEST_LIST: usize = 6;
/// The entries that are shown of a longer list.
const SHOWN_ENTRIES: usize = 3;
/// The lines of a changed text that are shown.
const SHOWN_LINES: usize = 20;

/// The changes with all their parts, grouped by origin if it is known.
pub(crate) fn tree(changes: &[Change], origins: &[ChangeOrigin]) -> Vec<TreeLine> {
    tree_with(changes, origins, TreeDetail::Full)
}

/// The changes with their parts, grouped by origin if it is known.
pub(crate) fn tree_with(
    changes: &[Change],
    origins: &[ChangeOrigin],
    detail: TreeDetail<'_>,
) -> Vec<TreeLine> {
    let mut lines = Vec::new();
    if origins.is_empty() {
        for one in changes {
            change(&mut lines, 0, one, None, (detail, false));
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
            change(&mut lines, 2, one, Some(told), (detail, false));
        }
    }
    lines
}

/// One change with all its parts.
pub(crate) fn change_tree(change: &Change, origin: Option<&ChangeOrigin>) -> Vec<TreeLine> {
    let mut lines = Vec::new();
    self::change(&mut lines, 0, change, origin, (TreeDetail::Full, false));
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
        Origin::Mixed => "From this change, together with drift:",
        Origin::Conflict => {
            "Conflicts (the live state matches neither the base revision nor this change):"
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

fn change(
    lines: &mut Vec<TreeLine>,
    indent: usize,
    change: &Change,
    told: Option<&ChangeOrigin>,
    // Whether access rows already say what it contains.
    (detail, is_told): (TreeDetail<'_>, bool),
) {
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
    let is_brief = match detail {
        TreeDetail::Full => false,
        TreeDetail::Brief(_) => {
            is_whole_object(*kind) && (is_told || *resource == ResourceKind::Policy)
        }
    };
    if is_brief && !children.is_empty() {
        let count = parts(*resource, children.len());
        line.remark.push_str(&format!(" ({count})"));
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
    let is_text = |field: &FieldChange| matches!(field.value, ValueChange::Text { .. });
    for one in fields
        .iter()
        .filter(|field| field.field != ChangedField::Name)
        .filter(|field| !is_brief || is_text(field))
    {
        self::field(lines, indent + 4, *kind, one, detail);
    }
    for (position, child) in children.iter().enumerate() {
        let is_child_told = match detail {
            TreeDetail::Full => false,
            TreeDetail::Brief(rows) => rows.contains(&(name.as_str(), child.name.as_str())),
        };
        if is_child_told && is_brief {
            continue;
        }
        let told = apart.and_then(|told| told.children.get(position));
        self::change(lines, indent + 2, child, told, (detail, is_child_told));
    }
}

fn field(
    lines: &mut Vec<TreeLine>,
    indent: usize,
    kind: ChangeKind,
    change: &FieldChange,
    detail: TreeDetail<'_>,
) {
    let name = change.field.as_str();
    match &change.value {
        ValueChange::Scalar { before, after } => {
            let shown = |value: &str| match detail {
                TreeDetail::Full => neutral(value).into_owned(),
                TreeDetail::Brief(_) => neutral(short_digest(value)).into_owned(),
            };
            let value = match (before, after) {
                (Some(before), Some(after)) => format!("{} → {}", shown(before), shown(after)),
                (Some(value), None) | (None, Some(value)) => shown(value),
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
            for (sign, entries) in [(ChangeSign::Create, added), (ChangeSign::Delete, removed)] {
                let shown = match detail {
                    TreeDetail::Brief(_) if entries.len() > LONGEST_LIST => SHOWN_ENTRIES,
                    TreeDetail::Full | TreeDetail::Brief(_) => entries.len(),
                };
                lines.extend(entries.iter().take(shown).map(entry(sign)));
                if shown < entries.len() {
                    let more = format!("… ({} more, -v shows all)", entries.len() - shown);
                    lines.push(TreeLine::new(indent + 2, Some(sign), more));
                }
            }
        }
        ValueChange::Text { before, after } => {
            lines.push(TreeLine::new(indent, None, format!("{name}:")));
            let mut changed = Vec::new();
            diff(&mut changed, indent + 2, change.field, before, after);
            let shown = match detail {
                TreeDetail::Brief(_) if changed.len() > SHOWN_LINES => SHOWN_LINES,
                TreeDetail::Full | TreeDetail::Brief(_) => changed.len(),
            };
            let more = changed.len() - shown;
            lines.extend(changed.into_iter().take(shown));
            if more > 0 {
                let more = format!("… ({more} more lines, -v shows all)");
                lines.push(TreeLine::new(indent + 2, None, more));
            }
        }
    }
}

/// The first 16 digits of a digest; another value as it is.
fn short_digest(value: &str) -> &str {
    let is_digest = value.strip_prefix("sha256:").is_some_and(|digits| {
        digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    });
    if is_digest {
        value.get(.."sha256:".len() + 16).unwrap_or(value)
    } else {
        value
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
fn line_of(field: ChangedField, line: &str) -> &str {
    if field == ChangedField::Text {
        return line.strip_suffix('\n').unwrap_or(line);
    }
    line.trim_end_matches(['\n', '\r'])
}

/// Describes an unusual line ending.
fn line_end(field: ChangedField, line: &str) -> &'static str {
    if field == ChangedField::Text && !line.ends_with('\n') {
        "  (no line end)"
    } else {
        ""
    }
}

fn is_whole_object(kind: ChangeKind) -> bool {
    matches!(kind, ChangeKind::Create | ChangeKind::Delete)
}
