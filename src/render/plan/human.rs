//! A plan as a reviewer reads it.

use std::fmt::Write as _;

use similar::{ChangeTag, TextDiff};

use super::sections::{Section, sections};
use super::words::{many, old_name, place, plural, sign, what};
use crate::manifest::config::Unmanaged;
use crate::plan::{Change, ChangeKind, Field, FieldChange, Plan, TargetPlan, ValueChange};
use crate::render::paint::Painter;
use crate::render::text::{line_start, neutral};

/// The whole plan, target by target, with a closing count of calls.
pub fn human(plan: &Plan, painter: Painter) -> String {
    let mut page = Page { painter, text: String::new() };
    for target in &plan.targets {
        page.target(target);
    }
    page.line(0, &summary(plan));
    page.text
}

/// The changes of a target as a tree, plain: each line with two spaces for each step down.
pub(crate) fn tree(changes: &[Change]) -> String {
    let mut page = Page { painter: Painter::new(false), text: String::new() };
    page.changes(0, changes);
    page.text
}

/// The closing line: how many calls of each kind, and what was left undone.
pub fn summary(plan: &Plan) -> String {
    let counts = plan.counts();
    let total: usize = counts.values().sum();
    let mut line = if total == 0 {
        "No changes: nothing is to do.".to_owned()
    } else {
        let kinds: Vec<String> = counts.iter().map(|(kind, count)| format!("{count} {}", kind.words())).collect();
        format!("Plan: {} ({}).", many(total, "call"), kinds.join(", "))
    };
    let held: usize = plan.targets.iter().map(|target| target.held.len()).sum();
    let unmanaged = plan.targets.iter().flat_map(|target| &target.unmanaged);
    let unmanaged = unmanaged.filter(|policy| policy.treatment != Unmanaged::Prune).count();
    if held > 0 {
        let _ = write!(line, " {} held.", many(held, "change"));
    }
    if unmanaged > 0 {
        let _ = write!(line, " {} unmanaged.", plural(unmanaged, "policy", "policies"));
    }
    line
}

struct Page {
    painter: Painter,
    text: String,
}

impl Page {
    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.text, "{:indent$}{text}", "");
    }

    fn gap(&mut self) {
        self.text.push('\n');
    }

    fn target(&mut self, plan: &TargetPlan) {
        let TargetPlan { target, changes, calls, live, access, gates, .. } = plan;
        let head =
            format!("{} · {} · profile {}", neutral(&target.name), neutral(&target.organization), target.profile);
        let holds = format!("live: {}, {}", plural(live.policies, "policy", "policies"), many(live.rules, "rule"));
        let line = format!("{}  {}", self.painter.strong(&head), self.painter.dim(&holds));
        self.line(0, &line);
        self.gap();
        self.changes(2, changes);
        if changes.is_empty() {
            self.line(2, "No changes.");
        }
        self.gap();
        if !calls.is_empty() {
            self.text.push_str(&super::access::human(access, self.painter));
            self.gap();
        }
        if !gates.is_empty() {
            self.text.push_str(&super::gates::human(gates, self.painter));
            self.gap();
        }
        for Section { title, lines } in sections(plan, self.painter) {
            self.section(&format!("{title}:"), lines);
        }
    }

    fn section(&mut self, title: &str, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        let title = self.painter.strong(title);
        self.line(2, &title);
        for line in lines {
            self.line(4, &line);
        }
        self.gap();
    }

    fn changes(&mut self, indent: usize, changes: &[Change]) {
        for change in changes {
            self.change(indent, change);
        }
    }

    fn change(&mut self, indent: usize, change: &Change) {
        let Change { kind, resource, name, id: _, source, fields, children } = change;
        let head = format!("{} {} \"{}\"", sign(*kind), what(*resource), neutral(name));
        let mut line = self.by_kind(*kind, &head);
        if let Some(before) = old_name(fields) {
            let _ = write!(line, "  (renamed from \"{}\")", neutral(before));
        }
        if let Some(source) = source {
            line.push_str("  ");
            line.push_str(&self.painter.dim(&place(source)));
        }
        self.line(indent, &line);
        for field in fields.iter().filter(|field| field.field != Field::Name) {
            self.field(indent + 4, *kind, field);
        }
        for child in children {
            self.change(indent + 2, child);
        }
    }

    fn field(&mut self, indent: usize, kind: ChangeKind, change: &FieldChange) {
        let name = change.field.as_str();
        match &change.value {
            ValueChange::Scalar { before, after } => {
                let value = match (before, after) {
                    (Some(before), Some(after)) => format!("{} → {}", neutral(before), neutral(after)),
                    (Some(value), None) | (None, Some(value)) => neutral(value).into_owned(),
                    (None, None) => String::new(),
                };
                self.line(indent, &format!("{name}: {value}"));
            }
            ValueChange::Set { added, removed, kept: _ } if whole(kind) && change.field == Field::Actions => {
                let all: Vec<_> = added.iter().chain(removed).map(|text| neutral(text)).collect();
                self.line(indent, &format!("{name}: {}", all.join(", ")));
            }
            ValueChange::Set { added, removed, kept } => self.set(indent, name, added, removed, *kept),
            ValueChange::Text { before, after } => {
                self.line(indent, &format!("{name}:"));
                self.diff(indent + 2, before, after);
            }
        }
    }

    fn set(&mut self, indent: usize, name: &str, added: &[String], removed: &[String], kept: usize) {
        let unchanged = if kept > 0 { self.painter.dim(&format!("  ({kept} unchanged)")) } else { String::new() };
        self.line(indent, &format!("{name}:{unchanged}"));
        for text in added {
            let line = self.painter.good(&format!("+ {}", neutral(text)));
            self.line(indent + 2, &line);
        }
        for text in removed {
            let line = self.painter.bad(&format!("- {}", neutral(text)));
            self.line(indent + 2, &line);
        }
    }

    fn diff(&mut self, indent: usize, before: &str, after: &str) {
        let diff = TextDiff::from_lines(before, after);
        for (position, group) in diff.grouped_ops(3).iter().enumerate() {
            if position > 0 {
                self.line(indent, "…");
            }
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                let value = change.value().trim_end_matches(['\n', '\r']);
                let text = neutral(value);
                let line = match change.tag() {
                    ChangeTag::Equal => format!("  {}", line_start(&text)),
                    ChangeTag::Insert => self.painter.good(&format!("+ {text}")),
                    ChangeTag::Delete => self.painter.bad(&format!("- {text}")),
                };
                self.line(indent, &line);
            }
        }
    }

    fn by_kind(&self, kind: ChangeKind, text: &str) -> String {
        match kind {
            ChangeKind::Create => self.painter.good(text),
            ChangeKind::Update | ChangeKind::Within => self.painter.notice(text),
            ChangeKind::Delete => self.painter.bad(text),
        }
    }
}

fn whole(kind: ChangeKind) -> bool {
    matches!(kind, ChangeKind::Create | ChangeKind::Delete)
}

