//! The tree of changes, with before and after side by side.

use similar::{ChangeTag, DiffOp, TextDiff};

use super::writer::HtmlPage;
use crate::plan::{
    Change, ChangeKind, ChangeOrigin, ChangedField, FieldChange, Origin, ValueChange,
};
use crate::render::plan::wording::{old_name, place, resource_name};
use crate::render::plan::{heading, line_end, line_of};

/// The changes with their parts, grouped by origin if it is known.
pub(super) fn changes(page: &mut HtmlPage, changes: &[Change], origins: &[ChangeOrigin]) {
    if changes.is_empty() {
        page.raw("<p>No changes.</p>\n");
        return;
    }
    if origins.is_empty() {
        tree(
            page,
            &changes
                .iter()
                .map(|change| (change, None))
                .collect::<Vec<_>>(),
        );
        return;
    }
    for group in [
        Origin::Change,
        Origin::Mixed,
        Origin::Conflict,
        Origin::Drift,
    ] {
        let own = changes
            .iter()
            .zip(origins)
            .filter(|(_, told)| told.origin == group);
        let own: Vec<_> = own.map(|(change, told)| (change, Some(told))).collect();
        if !own.is_empty() {
            page.element("<h4>", heading(group), "</h4>\n");
            tree(page, &own);
        }
    }
}

fn tree(page: &mut HtmlPage, changes: &[(&Change, Option<&ChangeOrigin>)]) {
    page.raw("<ul class=\"tree\">\n");
    for (one, told) in changes {
        change(page, one, *told);
    }
    page.raw("</ul>\n");
}

fn change(page: &mut HtmlPage, change: &Change, told: Option<&ChangeOrigin>) {
    let Change {
        kind,
        resource,
        name,
        id: _,
        source,
        fields,
        children,
    } = change;
    page.raw(match kind {
        ChangeKind::Create => {
            "<li><details open class=\"change create\" data-kind=\"create\"><summary>new "
        }
        ChangeKind::Update => {
            "<li><details open class=\"change update\" data-kind=\"update\"><summary>changed "
        }
        ChangeKind::Delete => {
            "<li><details open class=\"change delete\" data-kind=\"delete\"><summary>gone "
        }
        ChangeKind::Within => {
            "<li><details open class=\"change within\" data-kind=\"within\"><summary>within "
        }
    });
    page.raw(resource_name(*resource))
        .element(" <strong>", name, "</strong>");
    if let Some(before) = old_name(fields) {
        page.element(" (renamed from <strong>", before, "</strong>)");
    }
    if let Some(told) = told.filter(|_| *resource != resource.owner()) {
        page.element(" <em>[", told.origin.as_str(), "]</em>");
    }
    if let Some(source) = source {
        page.element(" <span class=\"src\">", &place(source), "</span>");
    }
    page.raw("</summary>\n");
    let shown: Vec<&FieldChange> = fields
        .iter()
        .filter(|field| field.field != ChangedField::Name)
        .collect();
    if !shown.is_empty() {
        page.raw("<table>\n<thead><tr><th scope=\"col\" class=\"field\">Field</th><th scope=\"col\">Before</th>");
        page.raw("<th scope=\"col\">After</th></tr></thead>\n<tbody>\n");
        for one in shown {
            field(page, one);
        }
        page.raw("</tbody>\n</table>\n");
    }
    if !children.is_empty() {
        // The origin of a whole object is not repeated for its parts.
        let apart = told.filter(|told| matches!(told.origin, Origin::Mixed | Origin::Conflict));
        let child = |(at, child)| (child, apart.and_then(|told| told.children.get(at)));
        tree(
            page,
            &children.iter().enumerate().map(child).collect::<Vec<_>>(),
        );
    }
    page.raw("</details></li>\n");
}

fn field(page: &mut HtmlPage, field: &FieldChange) {
    let FieldChange { field, value } = field;
    let name = field.as_str();
    match value {
        ValueChange::Scalar { before, after } => {
            row(page, name, before.as_deref(), after.as_deref())
        }
        ValueChange::Set {
            added,
            removed,
            kept,
        } => set(page, name, added, removed, *kept),
        ValueChange::Text { before, after } => text(page, *field, before, after),
    }
}

/// A row with lines on both sides; a side may be empty.
fn row<'t>(
    page: &mut HtmlPage,
    name: &'static str,
    before: impl IntoIterator<Item = &'t str>,
    after: impl IntoIterator<Item = &'t str>,
) {
    page.element("<tr><th scope=\"row\">", name, "</th>");
    side(page, before.into_iter(), "<td class=\"gone\">");
    side(page, after.into_iter(), "<td class=\"came\">");
    page.raw("</tr>\n");
}

fn side<'t>(page: &mut HtmlPage, lines: impl Iterator<Item = &'t str>, open: &'static str) {
    let mut any = false;
    for line in lines {
        page.raw(if any { "<br>" } else { open }).text(line);
        any = true;
    }
    page.raw(if any { "</td>" } else { "<td></td>" });
}

fn set(page: &mut HtmlPage, name: &'static str, added: &[String], removed: &[String], kept: usize) {
    row(
        page,
        name,
        removed.iter().map(String::as_str),
        added.iter().map(String::as_str),
    );
    if kept > 0 {
        page.raw("<tr><td></td><td colspan=\"2\" class=\"dim\">")
            .text(&kept.to_string())
            .raw(" unchanged</td></tr>\n");
    }
}

/// A side-by-side diff of long text, with little context.
fn text(page: &mut HtmlPage, field: ChangedField, before: &str, after: &str) {
    let diff = TextDiff::from_lines(before, after);
    for (position, group) in diff.grouped_ops(3).iter().enumerate() {
        if position > 0 {
            page.raw("<tr><td></td><td colspan=\"2\" class=\"dim\">…</td></tr>\n");
        }
        for op in group {
            lines(page, field, &diff, op);
        }
    }
}

fn lines(page: &mut HtmlPage, field: ChangedField, diff: &TextDiff<'_, '_, str>, op: &DiffOp) {
    let mut before = Vec::new();
    let mut after = Vec::new();
    let name = field.as_str();
    for change in diff.iter_changes(op) {
        let line = line_of(field, change.value());
        let whole = || format!("{line}{}", line_end(field, change.value()));
        match change.tag() {
            ChangeTag::Equal => {
                page.element("<tr><th scope=\"row\">", name, "</th>");
                page.element("<td>", line, "</td>")
                    .element("<td>", line, "</td></tr>\n");
            }
            ChangeTag::Delete => before.push(whole()),
            ChangeTag::Insert => after.push(whole()),
        }
    }
    for step in 0..before.len().max(after.len()) {
        row(
            page,
            name,
            before.get(step).map(String::as_str),
            after.get(step).map(String::as_str),
        );
    }
}
