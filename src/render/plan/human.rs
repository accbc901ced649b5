//! Renders a plan for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::documents;
use super::events::{common_events, target_events};
use super::sections::{PlanSection, sections};
use super::tree::{changes_of, tree};
use super::wording::{enforcement_headline, enforcement_lines, profile};
use crate::plan::{
    Change, Enforcement, EnforcementChange, Origin, Origins, Plan, ResourceKind, TargetInfo,
    TargetOrigins, TargetPlan,
};
use crate::render::commit;
use crate::render::paint::Painter;
use crate::render::text::{count_of, line_start, neutral, plural};
use manifest::config::Unmanaged;

/// The whole plan by target, followed by the number of calls.
pub fn human(plan: &Plan, painter: Painter) -> String {
    let mut page = PlanPage {
        painter,
        text: String::new(),
    };
    if let Some(commit) = &plan.commit {
        page.line(0, &commit::line(commit, |text| neutral(text).into_owned()));
        page.blank_line();
    }
    page.events(common_events(plan));
    for target in &plan.targets {
        page.target(target, plan.origins_of(target), target_events(plan, target));
    }
    page.line(0, &summary(plan));
    page.text
}

/// The closing line: calls by kind, and held changes.
pub fn summary(plan: &Plan) -> String {
    let counts = plan.counts();
    let total: usize = counts.values().sum();
    let mut line = if total == 0 {
        "No changes: nothing is to do.".to_owned()
    } else {
        // Different providers may use the same words for their kinds.
        let mut kinds: Vec<(&str, usize)> = Vec::new();
        for (words, count) in counts.iter().map(|(kind, count)| (kind.words(), *count)) {
            match kinds.iter_mut().find(|(known, _)| *known == words) {
                Some((_, sum)) => *sum += count,
                None => kinds.push((words, count)),
            }
        }
        let kinds: Vec<String> = kinds
            .iter()
            .map(|(words, count)| format!("{count} {words}"))
            .collect();
        format!("Plan: {} ({}).", count_of(total, "call"), kinds.join(", "))
    };
    let held: usize = plan.targets.iter().map(|target| target.held.len()).sum();
    let mut unmanaged: BTreeMap<ResourceKind, usize> = BTreeMap::new();
    for one in plan.targets.iter().flat_map(|target| &target.unmanaged) {
        *unmanaged.entry(one.resource).or_default() +=
            usize::from(one.treatment == Unmanaged::Report);
    }
    if held > 0 {
        let _ = write!(line, " {} held.", count_of(held, "change"));
    }
    for (kind, count) in unmanaged.into_iter().filter(|(_, count)| *count > 0) {
        let (one, many) = kind.words();
        let _ = write!(line, " {} unmanaged.", plural(count, one, many));
    }
    if let Some(origins) = &plan.origins {
        line.push_str(&origin_counts(origins));
    }
    if plan.only.is_empty() {
        return line;
    }
    format!(
        "Partial plan (--policy, {}): other policies, deletions and unmanaged policies were not checked. {line}",
        count_of(plan.only.len(), "name")
    )
}

/// The number of changes by origin.
fn origin_counts(origins: &Origins) -> String {
    let Origins { base, targets } = origins;
    let of = |wanted: Origin| {
        let all = targets.iter().flat_map(|target| &target.changes);
        let count = all.filter(|told| told.origin == wanted).count();
        (count > 0).then(|| format!("{count} {}", wanted.as_str()))
    };
    let told: Vec<String> = [
        Origin::Change,
        Origin::Mixed,
        Origin::Conflict,
        Origin::Drift,
    ]
    .into_iter()
    .filter_map(of)
    .collect();
    if told.is_empty() {
        return String::new();
    }
    format!(
        " Policies, seen from {}: {}.",
        base.get(..10).unwrap_or(base),
        told.join(", ")
    )
}

/// A target in one line: name, organization, endpoint and profile.
pub(crate) fn heading(target: &TargetInfo) -> String {
    let text = format!("{} ({})", neutral(&target.name), neutral(&target.address()));
    let profile = profile(target);
    if profile.is_empty() {
        text
    } else {
        format!("{text} · {profile}")
    }
}

/// Enforcement changes, if there are any; shown first.
pub(crate) fn enforcement_section(changes: &[EnforcementChange], painter: Painter) -> String {
    let mut text = String::new();
    if changes.is_empty() {
        return text;
    }
    let _ = writeln!(text, "  {}", painter.strong(&enforcement_headline(changes)));
    for (way, line) in enforcement_lines(changes) {
        let word = match way {
            Enforcement::Loosens => painter.bad("- loosens "),
            Enforcement::Tightens => painter.good("+ tightens"),
            Enforcement::Changes => painter.notice("~ changes "),
        };
        let _ = writeln!(text, "    {word} {line}");
    }
    text.push('\n');
    text
}

struct PlanPage {
    painter: Painter,
    text: String,
}

impl PlanPage {
    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.text, "{:indent$}{text}", "");
    }

    fn blank_line(&mut self) {
        self.text.push('\n');
    }

    /// What a reviewer must know comes first.
    fn events(&mut self, section: Option<PlanSection>) {
        if let Some(PlanSection { title, lines }) = section {
            self.section(&format!("{title}:"), lines);
        }
    }

    fn target(
        &mut self,
        plan: &TargetPlan,
        origins: Option<&TargetOrigins>,
        events: Option<PlanSection>,
    ) {
        let TargetPlan {
            target,
            changes,
            calls,
            live,
            access,
            enforcement,
            documents,
            gates,
            ..
        } = plan;
        let head = heading(target);
        let holds = format!("live: {}", live.words());
        let line = format!(
            "{}  {}",
            self.painter.strong(&line_start(&head)),
            self.painter.dim(&holds)
        );
        self.line(0, &line);
        self.blank_line();
        self.events(events);
        self.text
            .push_str(&enforcement_section(enforcement, self.painter));
        self.text
            .push_str(&documents::section(documents, self.painter));
        for line in tree(changes, changes_of(origins)) {
            let text = line.painted(self.painter);
            self.line(2 + line.indent, &text);
        }
        if changes.is_empty() {
            self.line(2, "No changes.");
        }
        self.blank_line();
        self.held_changes(&documents::held_changes(documents));
        if let Some(access) = access.as_ref().filter(|_| !calls.is_empty()) {
            self.text
                .push_str(&super::access::human(access, self.painter));
            self.blank_line();
        }
        if !gates.is_empty() {
            self.text
                .push_str(&super::gates::human(gates, origins.is_some(), self.painter));
            self.blank_line();
        }
        for PlanSection { title, lines } in sections(plan, origins, self.painter) {
            self.section(&format!("{title}:"), lines);
        }
    }

    fn held_changes(&mut self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let title = self.painter.strong(&format!("{}:", documents::HELD));
        self.line(2, &title);
        for line in tree(changes, &[]) {
            let text = line.painted(self.painter);
            self.line(4 + line.indent, &text);
        }
        self.blank_line();
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
        self.blank_line();
    }
}
