//! Renders a plan for people.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::documents;
use super::events::{common_events, target_events};
use super::overview::TargetOverview;
use super::sections::{PlanSection, SectionLine, sections};
use super::tree::{RuleName, TreeDetail, TreeLine, changes_of, tree_with};
use super::wording::{ChangeSign, enforcement_headline, enforcement_lines, profile, sign};
use crate::plan::{
    AccessImpact, Change, Enforcement, EnforcementChange, GuardRows, Origin, Origins, Plan,
    ResourceKind, TargetInfo, TargetOrigins, TargetPlan, plan_mark,
};
use crate::render::commit;
use crate::render::layout::Layout;
use crate::render::text::{count_of, line_start, neutral, plural};
use manifest::config::Unmanaged;

/// A plan as a person reads it: access first, then the changes, then what to do next.
///
/// `next` is the command that applies the plan, if it can be applied as it is.
pub fn human(plan: &Plan, next: Option<&str>, layout: Layout) -> String {
    let mut page = PlanPage {
        layout,
        text: String::new(),
    };
    let is_single = plan.targets.len() == 1;
    if !is_single {
        let command = "polwarden plan".to_owned();
        page.title(std::iter::once(command).chain(revisions(plan)).collect());
        page.overview(plan);
        page.blank_line();
    }
    if let Some(notice) = partial_notice(plan).filter(|_| is_single) {
        page.wrapped(0, &notice);
        page.blank_line();
    }
    page.events(common_events(plan));
    for target in &plan.targets {
        page.target(plan, target, is_single);
    }
    if !is_single {
        page.wrapped(0, &summary(plan));
    }
    if let Some(next) = next.filter(|_| !plan.is_empty()) {
        // Not wrapped, so that it can be copied.
        let _ = writeln!(page.text, "{} {next}", layout.painter.strong("Next:"));
    }
    page.text.truncate(page.text.trim_end().len());
    page.text.push('\n');
    page.text
}

/// The revision that was planned, and the one that it is compared with: `59b4b5a → main@058c36a`.
pub(crate) fn revisions(plan: &Plan) -> Option<String> {
    let commit = plan.commit.as_ref()?;
    let base = plan.origins.as_ref();
    let base = base.map(|origins| format!("{} → ", short(&origins.base)));
    Some(format!(
        "{}{}",
        base.unwrap_or_default(),
        commit::short(commit)
    ))
}

/// The first digits of a commit.
fn short(id: &str) -> Cow<'_, str> {
    neutral(id.get(..7).unwrap_or(id))
}

/// The name and the mark of a target's plan: `production (acme @ hub.docker.com)` and
/// `plan 3f0d1fe58299a4c7`.
fn target_title(plan: &TargetPlan) -> Vec<String> {
    let name = format!(
        "{} ({})",
        neutral(&plan.target.name),
        neutral(&plan.target.address())
    );
    let mark = plan_mark(plan).ok().map(|mark| format!("plan {mark}"));
    std::iter::once(name).chain(mark).collect()
}

/// The closing line: calls by kind, and held changes.
pub fn summary(plan: &Plan) -> String {
    let counts = plan.counts();
    let total: usize = counts.values().sum();
    let mut line = if total == 0 {
        "No changes.".to_owned()
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
        format!(
            "Plan: {} ({}).",
            count_of(total, "API call"),
            kinds.join(", ")
        )
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
    match partial_notice(plan) {
        Some(notice) => format!("{notice} {line}"),
        None => line,
    }
}

/// What a partial plan leaves out; nothing for a complete plan.
pub(crate) fn partial_notice(plan: &Plan) -> Option<String> {
    (!plan.only.is_empty()).then(|| {
        format!(
            "Partial plan (--policy, {}): other policies, deletions and unmanaged policies were not checked.",
            count_of(plan.only.len(), "name")
        )
    })
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
pub(crate) fn enforcement_section(changes: &[EnforcementChange], layout: Layout) -> String {
    let painter = layout.painter;
    let mut text = String::new();
    if changes.is_empty() {
        return text;
    }
    let headline = painter.strong(&enforcement_headline(changes));
    text.push_str(&layout.wrap(&headline, "", "  "));
    for (way, line) in enforcement_lines(changes) {
        let word = match way {
            Enforcement::Loosens => painter.bad("- loosens "),
            Enforcement::Tightens => painter.good("+ tightens"),
            Enforcement::Changes => painter.notice("~ changes "),
        };
        text.push_str(&layout.hang(&format!("  {word} "), &line));
    }
    text.push('\n');
    text
}

/// The changes of a target are cut so that its text has this many lines, unless everything is to be
/// shown (`-v`). With the headline of the changes and the next command, they are at most 60.
const MOST_LINES: usize = 54;
/// Access rows get at most this many of them.
const MOST_ACCESS_LINES: usize = 36;
/// Changes get at least this many of them.
const LEAST_CHANGE_LINES: usize = 12;

struct PlanPage {
    layout: Layout,
    text: String,
}

impl PlanPage {
    fn wrapped(&mut self, indent: usize, text: &str) {
        let first = " ".repeat(indent);
        let rest = " ".repeat(indent + 4);
        self.text.push_str(&self.layout.wrap(text, &first, &rest));
    }

    fn title(&mut self, parts: Vec<String>) {
        let painter = self.layout.painter;
        for line in self.layout.parts(&parts).lines() {
            self.text.push_str(&painter.strong(&line_start(line)));
            self.text.push('\n');
        }
    }

    fn blank_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// One line for each of several targets.
    fn overview(&mut self, plan: &Plan) {
        for target in &plan.targets {
            let parts = TargetOverview::of(target, false).parts();
            let line = format!("{}: {}", neutral(&target.target.name), parts.join(" · "));
            self.wrapped(2, &line_start(&line));
        }
    }

    /// What a reviewer must know comes first.
    fn events(&mut self, section: Option<PlanSection>) {
        if let Some(PlanSection { title, lines }) = section {
            self.section(&format!("{title}:"), lines);
        }
    }

    fn target(&mut self, whole: &Plan, plan: &TargetPlan, is_single: bool) {
        let TargetPlan {
            target,
            changes: _,
            access,
            enforcement,
            documents,
            gates,
            calls,
            held: _,
            unmanaged: _,
            guarded: _,
            notes: _,
            before: _,
            live,
            requires: _,
        } = plan;
        let origins = whole.origins_of(plan);
        let Layout { painter, .. } = self.layout;
        let mut title = target_title(plan);
        if is_single {
            title.insert(0, "polwarden plan".to_owned());
            title.extend(revisions(whole));
        }
        let begin = self.text.lines().count();
        self.title(title);
        if self.layout.is_full {
            let profile = profile(target);
            let profile = profile.is_empty().then(String::new);
            let profile = profile.unwrap_or_else(|| format!(" · {}", self::profile(target)));
            self.wrapped(2, &painter.dim(&format!("live: {}{profile}", live.words())));
            if let Some(commit) = &whole.commit {
                let line = commit::line(commit, |text| neutral(text).into_owned());
                self.wrapped(2, &painter.dim(&line));
            }
        }
        self.blank_line();
        self.events(target_events(whole, plan));
        self.text
            .push_str(&enforcement_section(enforcement, self.layout));
        self.text
            .push_str(&documents::section(documents, self.layout));
        if let Some(access) = access.as_ref().filter(|_| !calls.is_empty()) {
            let text = super::access::human(access, self.layout, MOST_ACCESS_LINES);
            self.text.push_str(&text);
            self.blank_line();
        }
        // What follows the changes is written first, because they get the lines that are left.
        let mut rest = Self {
            layout: self.layout,
            text: String::new(),
        };
        rest.held_changes(&documents::held_changes(documents));
        if !gates.is_empty() {
            let text = super::gates::human(gates, origins.is_some(), self.layout);
            rest.text.push_str(&text);
            rest.blank_line();
        }
        for PlanSection { title, lines } in sections(plan, origins, painter) {
            rest.section(&format!("{title}:"), lines);
        }
        if let Some(ack) = TargetOverview::of(plan, is_single).ack {
            let _ = writeln!(rest.text, "{} {ack}", painter.notice("Requires:"));
        }
        let used = self.text.lines().count() - begin + rest.text.lines().count();
        self.changes(plan, origins, MOST_LINES.saturating_sub(used));
        self.text.push_str(&rest.text);
        if !is_single {
            self.blank_line();
        }
    }

    fn changes(&mut self, plan: &TargetPlan, origins: Option<&TargetOrigins>, most: usize) {
        let TargetPlan { changes, calls, .. } = plan;
        if changes.is_empty() {
            self.wrapped(0, &format!("No changes. Live: {}.", plan.live.words()));
            self.blank_line();
            return;
        }
        let count = |wanted: ChangeSign| changes.iter().filter(|c| sign(c.kind) == wanted).count();
        let headline = format!(
            "Changes: {} to add, {} to change, {} to delete ({})",
            count(ChangeSign::Create),
            count(ChangeSign::Update),
            count(ChangeSign::Delete),
            count_of(calls.len(), "API call")
        );
        self.wrapped(0, &self.layout.painter.strong(&headline));
        let rows = access_rules(plan);
        let detail = if self.layout.is_full {
            TreeDetail::Full
        } else {
            TreeDetail::Brief(&rows)
        };
        let lines = tree_with(changes, changes_of(origins), detail);
        self.tree(&lines, most.max(LEAST_CHANGE_LINES));
        self.blank_line();
    }

    /// The first lines of a tree; all of them with `-v`.
    fn tree(&mut self, lines: &[TreeLine], most: usize) {
        let is_cut = lines.len() > most && !self.layout.is_full;
        let shown = if is_cut {
            most.saturating_sub(1)
        } else {
            lines.len()
        };
        for line in lines.iter().take(shown) {
            let text = line.painted(self.layout.painter);
            self.wrapped(2 + line.indent, &text);
        }
        if is_cut {
            let more = count_of(lines.len() - shown, "more line");
            let more = format!("… ({more}, -v shows all)");
            self.wrapped(2, &self.layout.painter.dim(&more));
        }
    }

    fn held_changes(&mut self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let title = self.layout.painter.strong(&format!("{}:", documents::HELD));
        self.wrapped(0, &title);
        let none = BTreeSet::new();
        let detail = if self.layout.is_full {
            TreeDetail::Full
        } else {
            TreeDetail::Brief(&none)
        };
        self.tree(&tree_with(changes, &[], detail), LEAST_CHANGE_LINES);
        self.blank_line();
    }

    fn section(&mut self, title: &str, lines: Vec<SectionLine>) {
        if lines.is_empty() {
            return;
        }
        self.wrapped(0, &self.layout.painter.strong(title));
        for SectionLine { text, detail } in lines {
            self.wrapped(2, &text.to_string());
            if let Some(detail) = detail {
                self.wrapped(6, &detail.to_string());
            }
        }
        self.blank_line();
    }
}

/// The rules that have access rows.
pub(crate) fn access_rules(plan: &TargetPlan) -> BTreeSet<RuleName<'_>> {
    let Some(AccessImpact {
        opens,
        closes,
        guards: GuardRows {
            weakened,
            strengthened,
        },
        ..
    }) = &plan.access
    else {
        return BTreeSet::new();
    };
    [opens, closes, weakened, strengthened]
        .into_iter()
        .flatten()
        .filter_map(|row| Some((row.rule.policy.as_str(), row.rule.rule.as_deref()?)))
        .collect()
}
