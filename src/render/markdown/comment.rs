//! The comments of plans, diagnostics and policy tests.

use super::page::{BlockForm, MarkdownPage, PageBlock};
use super::text::{cell, code, code_line};
use crate::plan::{
    AccessImpact, Change, ChangeOrigin, DocumentStatus, Enforcement, EnforcementChange,
    GateOutcome, Origin, Plan, TargetOrigins, TargetPlan, plan_mark,
};
use crate::render::annotations::{Annotation, AnnotationLevel, PackDiagnostics};
use crate::render::commit;
use crate::render::layout::Layout;
use crate::render::paint::Painter;
use crate::render::plan::access_view::{AccessLine, AccessView, COUNTED};
use crate::render::plan::overview::{AFTER_THE_MERGE, ONLY_THIS_PLAN, TargetOverview};
use crate::render::plan::patterns::ListDetail;
use crate::render::plan::wording::{
    ChangeSign, direction, enforcement_headline, enforcement_lines, place,
};
use crate::render::plan::{
    PlanSection, SectionLine, TreeDetail, TreeLine, access_rules, changes_of, documents, events,
    gates, partial_notice, sections, summary, tree, tree_with,
};
use crate::render::policy_tests::{self, TestReport};
use crate::render::text::{count_of, neutral, plural};

/// Maximum number of characters of a GitHub comment.
pub const GITHUB_COMMENT: usize = 65_536;

/// Minimum size in bytes that fits the beginning of every page.
pub const SMALLEST: usize = 4_096;

/// Maximum number of access changes to show unfolded.
const SHOWN: usize = 20;

const ELSEWHERE: &str =
    "All of it: `polwarden plan`, or the report that `--output html=FILE` writes.";

/// The hidden marker used to find and update this job's comment. It consists of letters, digits,
/// `.`, `_` and `-`, so it cannot end the HTML comment around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker(String);

/// An invalid marker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a marker is 1 to 64 letters, digits, `.`, `_` or `-`, without `--`")]
pub struct MarkerError;

impl std::str::FromStr for Marker {
    type Err = MarkerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let fine =
            (1..=64).contains(&text.len()) && text.chars().all(plain) && !text.contains("--");
        if fine {
            Ok(Self(text.to_owned()))
        } else {
            Err(MarkerError)
        }
    }
}

impl Marker {
    /// The marker of a run for some targets (none means all): their names, or a digest if the names
    /// are not valid in a marker.
    pub fn of_targets(names: &[String]) -> Self {
        use sha2::{Digest as _, Sha256};
        let joined = if names.is_empty() {
            "all".to_owned()
        } else {
            names.join("_")
        };
        joined.parse().unwrap_or_else(|MarkerError| {
            let digest = Sha256::digest(names.join("\n"));
            Self(
                data_encoding::HEXLOWER
                    .encode(&digest)
                    .chars()
                    .take(16)
                    .collect(),
            )
        })
    }

    fn comment(&self, command: &str) -> String {
        format!("<!-- polwarden:{command}:{} -->\n", self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentOptions {
    pub marker: Marker,
    /// Maximum size in bytes, at least [`SMALLEST`].
    pub most: usize,
}

/// A plan, or the errors that prevented it, with the diagnostics of the files.
///
/// A reviewer reads from the top: how much changes, who can do what, what is required, what happens
/// on merge. Everything else is folded.
pub fn plan(plan: Option<&Plan>, findings: &PackDiagnostics, options: &CommentOptions) -> String {
    let Some(plan) = plan else {
        let said = "No plan: the manifests are invalid.";
        let mut page = start_page("plan", said, findings, options);
        page.block(&files(findings));
        return page.end(ELSEWHERE);
    };
    let is_single = plan.targets.len() == 1;
    let said = match plan.targets.as_slice() {
        [target] => headline(target),
        _ => summary(plan),
    };
    let mut page = start_page("plan", &said, findings, options);
    if let Some(notice) = partial_notice(plan).filter(|_| is_single) {
        page.line(&notice);
    }
    if !is_single {
        targets_table(&mut page, plan);
    }
    notes(&mut page, events::common_events(plan));
    for target in &plan.targets {
        overview(&mut page, plan, target, is_single);
    }
    page.block(&files(findings));
    for target in &plan.targets {
        details(&mut page, target, plan.origins_of(target), is_single);
    }
    provenance(&mut page, plan);
    page.end(ELSEWHERE)
}

/// `production`: 3 opened · 1 guard weakened · 6 API calls · requires an acknowledgement.
fn headline(plan: &TargetPlan) -> String {
    format!(
        "{}: {}",
        code(&plan.target.name),
        TargetOverview::of(plan, true).parts().join(" · ")
    )
}

/// One row for each of several targets.
fn targets_table(page: &mut MarkdownPage, plan: &Plan) {
    let row = |target: &TargetPlan| {
        format!(
            "| {} | {} | {} |",
            cell(&target.target.name),
            cell(&target.target.address()),
            TargetOverview::of(target, false).parts().join(" · ")
        )
    };
    page.block(&PageBlock {
        name: "targets",
        title: String::new(),
        folded: false,
        form: BlockForm::Table("| Target | Organization | Plan |"),
        lines: plan.targets.iter().map(row).collect(),
    });
}

/// Where the plan comes from, for people who compare it with a later one.
fn provenance(page: &mut MarkdownPage, plan: &Plan) {
    let Plan {
        format_version: _,
        tool_version,
        commit,
        tree: _,
        digest,
        only: _,
        origins,
        events: _,
        targets,
    } = plan;
    let mut lines = Vec::new();
    lines.extend(commit.as_ref().map(|commit| commit::line(commit, code)));
    if let Some(origins) = origins {
        lines.push(format!("Base: {}", code(&origins.base)));
    }
    for target in targets {
        if let Ok(mark) = plan_mark(target) {
            let name = code(&target.target.name);
            lines.push(format!("Plan of {name}: {}", code(&mark.to_string())));
        }
    }
    if let Some(digest) = digest {
        lines.push(format!("Digest: {}", code(&digest.to_string())));
    }
    lines.push(format!("polwarden {}", code(tool_version)));
    page.block(&PageBlock {
        folded: true,
        ..list("origin", "Commit, digest and version".to_owned(), lines)
    });
}

/// Diagnostics of files only, for `validate` and `lint`.
pub fn diagnostics(command: &str, findings: &PackDiagnostics, options: &CommentOptions) -> String {
    let said = match findings.count(AnnotationLevel::Error) {
        0 => "The manifests are valid.",
        _ => "The manifests are invalid.",
    };
    let mut page = start_page(command, said, findings, options);
    page.block(&files(findings));
    page.end(&format!("All of it: `polwarden {command}`."))
}

pub fn policy_tests(report: &TestReport, options: &CommentOptions) -> String {
    let mut page = start_page(
        "test",
        &policy_tests::summary(report),
        &PackDiagnostics::default(),
        options,
    );
    let failures = Annotation::of_tests(report)
        .iter()
        .map(|failure| {
            format!(
                "{}: {}",
                code(failure.rule.as_str()),
                code(&message_with_place(failure))
            )
        })
        .collect();
    page.block(&PageBlock {
        name: "failures",
        title: String::new(),
        folded: false,
        form: BlockForm::List,
        lines: failures,
    });
    let text = policy_tests::human(report, Painter::new(false));
    page.block(&folded(
        "results",
        "All results".to_owned(),
        "text",
        text.lines().map(code_line).collect(),
    ));
    page.end("All of it: `polwarden test`.")
}

pub(super) fn start_page(
    command: &str,
    said: &str,
    findings: &PackDiagnostics,
    options: &CommentOptions,
) -> MarkdownPage {
    let CommentOptions { marker, most } = options;
    let counts = findings
        .counts()
        .map(|counts| format!(" Diagnostics: {counts}."))
        .unwrap_or_default();
    MarkdownPage::new(
        &format!(
            "{}### polwarden {command}\n\n**{said}**{counts}\n",
            marker.comment(command)
        ),
        *most,
    )
}

fn message_with_place(finding: &Annotation) -> String {
    finding.place().map_or_else(
        || finding.message.clone(),
        |place| format!("{place}: {}", finding.message),
    )
}

/// The parts of a target that a reviewer must see.
fn overview(page: &mut MarkdownPage, whole: &Plan, plan: &TargetPlan, is_single: bool) {
    let TargetPlan {
        target,
        calls,
        access,
        enforcement,
        documents,
        gates,
        ..
    } = plan;
    let origins = whole.origins_of(plan);
    let events = events::target_events(whole, plan);
    let notes_below = sections(plan, origins, Painter::new(false));
    let drifted = drift_only(plan, origins).count();
    let is_quiet = calls.is_empty()
        && drifted == 0
        && events.is_none()
        && notes_below.is_empty()
        && enforcement.is_empty()
        && documents.is_empty()
        && gates.iter().all(GateOutcome::passes);
    if is_quiet && !is_single {
        // The table says so.
        return;
    }
    let title = format!("{} · {}", code(&target.name), code(&target.address()));
    let title = if is_single {
        title
    } else {
        format!("#### {title}")
    };
    if !page.line(&title) {
        page.leave_out("a target".to_owned());
        return;
    }
    failed_gates_block(page, gates, origins.is_some());
    notes(page, events);
    enforcement_block(page, enforcement);
    documents_block(page, documents);
    if let Some(access) = access.as_ref().filter(|_| !calls.is_empty()) {
        opens_and_closes(page, access);
    }
    notes(page, notes_below);
    if drifted > 0 {
        page.line(&format!(
            "{} from the base revision already (drift that this change did not cause); \
             `polwarden drift` shows more.",
            plural(drifted, "live object differs", "live objects differ"),
        ));
    }
    if calls.is_empty() {
        return;
    }
    match TargetOverview::of(plan, is_single).ack {
        None => page.line(AFTER_THE_MERGE),
        Some(ack) => page.line(&format!(
            "**Requires** {} {AFTER_THE_MERGE} {ONLY_THIS_PLAN}",
            code(&ack)
        )),
    };
}

/// The changes that only undo drift.
fn drift_only<'p>(
    plan: &'p TargetPlan,
    origins: Option<&'p TargetOrigins>,
) -> impl Iterator<Item = &'p Change> {
    let origins = changes_of(origins);
    let pairs = plan.changes.iter().zip(origins);
    pairs
        .filter(|(_, told)| told.origin == Origin::Drift)
        .map(|(change, _)| change)
}

/// The gates, if any of them fails. `three_way` means that drift is distinguished.
pub(super) fn failed_gates_block(page: &mut MarkdownPage, gates: &[GateOutcome], three_way: bool) {
    if gates.iter().all(GateOutcome::passes) {
        return;
    }
    let text = gates::human(gates, three_way, Layout::unwrapped());
    let lines = text.lines().map(unindented).collect();
    page.block(&PageBlock {
        folded: false,
        ..folded("gates", String::new(), "text", lines)
    });
}

/// Enforcement changes, shown first.
pub(super) fn enforcement_block(page: &mut MarkdownPage, changes: &[EnforcementChange]) {
    if changes.is_empty() {
        return;
    }
    page.line(&format!("**{}**", enforcement_headline(changes)));
    let line =
        |(way, line): (Enforcement, String)| format!("**{}** {}", direction(way), code(&line));
    let mut lines: Vec<String> = enforcement_lines(changes).into_iter().map(line).collect();
    let rest = lines.split_off(lines.len().min(SHOWN));
    page.block(&list("enforcement", String::new(), lines));
    let more = plural(
        rest.len(),
        "more level of enforcement that changes",
        "more levels of enforcement that change",
    );
    page.block(&PageBlock {
        folded: true,
        ..list("enforcement", more, rest)
    });
}

pub(super) fn documents_block(page: &mut MarkdownPage, documents: &[DocumentStatus]) {
    let Some(headline) = documents::headline(documents) else {
        return;
    };
    page.line(&format!("**{headline}**"));
    let lines = documents::lines(documents)
        .iter()
        .map(|line| code(line))
        .collect();
    page.block(&list("documents", String::new(), lines));
}

pub(super) fn notes(page: &mut MarkdownPage, sections: impl IntoIterator<Item = PlanSection>) {
    for PlanSection { title, lines } in sections {
        let lines = lines.iter().map(|SectionLine { text, detail }| {
            let detail = detail.as_ref().map(|detail| code(&detail.to_string()));
            let detail = detail.map(|detail| format!("<br>{detail}"));
            format!("{}{}", code(&text.to_string()), detail.unwrap_or_default())
        });
        let lines = lines.collect();
        page.block(&list("notes", format!("{title}:"), lines));
    }
}

/// Access changes as a table; what does not fit is counted.
pub(super) fn opens_and_closes(page: &mut MarkdownPage, access: &AccessImpact) {
    let view = AccessView::of(access);
    if view.lines.is_empty() && view.not_analyzed.is_empty() {
        page.line(&format!("**{}**", view.headline));
        return;
    }
    let rows = view.lines.iter().take(SHOWN).map(access_row);
    page.block(&PageBlock {
        name: "access changes",
        title: String::new(),
        folded: false,
        form: BlockForm::Table("| Access | Who | What | Rule |"),
        lines: rows.collect(),
    });
    if !view.lines.is_empty() {
        // Always, because whether patterns are merged depends on data.
        page.line(&format!("<sub>Counts are {COUNTED}.</sub>"));
    }
    let hidden = view.lines.len().saturating_sub(SHOWN);
    if hidden > 0 {
        page.line(&format!(
            "… and {}: see the HTML report or run `polwarden plan -v`.",
            plural(hidden, "more row", "more rows")
        ));
    }
    let mut lines = Vec::new();
    for line in &view.not_analyzed {
        lines.push(format!("**not analyzed**: {}", code(&line.text)));
        lines.extend(line.statements.iter().map(|text| code(text)));
    }
    page.block(&list("not analyzed", String::new(), lines));
}

fn access_row(line: &AccessLine<'_>) -> String {
    let word = if line.kind.is_risk() {
        format!("**{}**", line.kind.word())
    } else {
        line.kind.word().to_owned()
    };
    let mut what = cell(&line.requests(ListDetail::Folded("")));
    let sides = [
        ("before", line.notable_before()),
        ("after", line.notable_after()),
    ];
    for (title, decision) in sides {
        if let Some(decision) = decision {
            what.push_str(&format!("<br>{title}: {}", cell(decision)));
        }
    }
    let source = line.source().map(|source| cell(&place(source)));
    let source = source.map(|source| format!("<br>{source}"));
    format!(
        "| {word} | {} | {what} | {}{} |",
        cell(&line.who),
        cell(&line.rule_name()),
        source.unwrap_or_default()
    )
}

/// A diff of at most this many lines is not folded.
const SHORT_DIFF: usize = 25;
/// The lines of a diff that are shown.
const MOST_DIFF_LINES: usize = 80;

/// The changes as a diff, and the gates.
fn details(
    page: &mut MarkdownPage,
    plan: &TargetPlan,
    origins: Option<&TargetOrigins>,
    is_single: bool,
) {
    let TargetPlan {
        target,
        changes,
        calls,
        documents,
        gates,
        ..
    } = plan;
    // Drift is one line above.
    let is_own = |origin: Option<&ChangeOrigin>| origin.is_none_or(|o| o.origin != Origin::Drift);
    let all = changes_of(origins);
    let own = changes.iter().enumerate();
    let own = own.filter(|(position, _)| is_own(all.get(*position)));
    let own: Vec<Change> = own.map(|(_, change)| change.clone()).collect();
    let own_origins = all.iter().filter(|origin| is_own(Some(origin))).cloned();
    let own_origins: Vec<ChangeOrigin> = own_origins.collect();
    let rows = access_rules(plan);
    let lines = tree_with(&own, &own_origins, TreeDetail::Brief(&rows));
    let title = format!("Changes ({})", count_of(calls.len(), "API call"));
    // Not in the title, which can be in HTML.
    if !is_single && !lines.is_empty() {
        page.line(&format!("**{}**", code(&target.name)));
    }
    page.block(&diff("changes", title, &lines));
    let held = tree(&documents::held_changes(documents), &[]);
    page.block(&diff("held", documents::HELD.to_owned(), &held));
    if !gates.is_empty() && gates.iter().all(GateOutcome::passes) {
        let lines = gates::human(gates, origins.is_some(), Layout::unwrapped())
            .lines()
            .map(unindented)
            .collect();
        let title = format!("Gates ({} passed)", gates.len());
        page.block(&folded("gates", title, "text", lines));
    }
}

fn diff(name: &'static str, title: String, lines: &[TreeLine]) -> PageBlock {
    let is_short = lines.len() <= SHORT_DIFF;
    let mut texts: Vec<String> = lines.iter().take(MOST_DIFF_LINES).map(diff_line).collect();
    if lines.len() > MOST_DIFF_LINES {
        let more = count_of(lines.len() - MOST_DIFF_LINES, "more line");
        texts.push(format!("  … ({more}: see the HTML report)"));
    }
    PageBlock {
        folded: !is_short,
        ..folded(name, title, "diff", texts)
    }
}

/// A line of a diff. It begins with the sign, because that is what colors it.
pub(super) fn diff_line(line: &TreeLine) -> String {
    let TreeLine {
        indent,
        sign,
        text,
        remark,
        aside,
    } = line;
    let sign = match sign {
        Some(ChangeSign::Create) => '+',
        Some(ChangeSign::Update) => '!',
        Some(ChangeSign::Delete) => '-',
        None => ' ',
    };
    code_line(&format!("{sign} {:indent$}{text}{remark}{aside}", ""))
}

pub(super) fn files(findings: &PackDiagnostics) -> PageBlock {
    let own = findings
        .list()
        .iter()
        .filter(|finding| finding.is_about_file());
    let mut lines = Vec::new();
    for finding in own {
        let word = match finding.weight {
            AnnotationLevel::Error => "error",
            AnnotationLevel::Warning => "warning",
            AnnotationLevel::Notice => "notice",
        };
        lines.push(code_line(&format!(
            "{word}[{}] {}",
            finding.rule.as_str(),
            message_with_place(finding)
        )));
        lines.extend(
            finding
                .help
                .iter()
                .map(|help| code_line(&format!("    help: {help}"))),
        );
    }
    let errors = findings.count(AnnotationLevel::Error) > 0;
    PageBlock {
        folded: !errors,
        ..folded(
            "diagnostics",
            "Diagnostics in files".to_owned(),
            "text",
            lines,
        )
    }
}

pub(super) fn folded(
    name: &'static str,
    title: String,
    language: &'static str,
    lines: Vec<String>,
) -> PageBlock {
    PageBlock {
        name,
        title,
        folded: true,
        form: BlockForm::Code(language),
        lines,
    }
}

fn list(name: &'static str, title: String, lines: Vec<String>) -> PageBlock {
    PageBlock {
        name,
        title,
        folded: false,
        form: BlockForm::List,
        lines,
    }
}

pub(super) fn unindented(line: &str) -> String {
    code_line(&neutral(line.strip_prefix("  ").unwrap_or(line)))
}
