//! The comments of plans, diagnostics and policy tests.

use super::page::{BlockForm, MarkdownPage, PageBlock};
use super::text::{code, code_line};
use crate::plan::{
    AccessImpact, DocumentStatus, Enforcement, EnforcementChange, GateOutcome, Plan, TargetOrigins,
    TargetPlan,
};
use crate::render::annotations::{Annotation, AnnotationLevel, PackDiagnostics};
use crate::render::commit;
use crate::render::layout::Layout;
use crate::render::paint::Painter;
use crate::render::plan::access_view::AccessView;
use crate::render::plan::wording::{
    ChangeSign, direction, enforcement_headline, enforcement_lines,
};
use crate::render::plan::{
    PlanSection, TreeLine, access, changes_of, documents, events, gates, sections, summary, tree,
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
pub fn plan(plan: Option<&Plan>, findings: &PackDiagnostics, options: &CommentOptions) -> String {
    let said = plan.map_or_else(|| "No plan: the manifests are invalid.".to_owned(), summary);
    let mut page = start_page("plan", &said, findings, options);
    if let Some(commit) = plan.and_then(|plan| plan.commit.as_ref()) {
        page.line(&commit::line(commit, code));
    }
    if let Some(digest) = plan.and_then(|plan| plan.digest.as_ref()) {
        page.line(&format!("Digest: {}", code(&digest.to_string())));
    }
    notes(&mut page, plan.and_then(events::common_events));
    // Details follow only after all access changes.
    for target in plan.into_iter().flat_map(|plan| &plan.targets) {
        overview(
            &mut page,
            target,
            plan.and_then(|plan| plan.origins_of(target)),
            plan.and_then(|plan| events::target_events(plan, target)),
        );
    }
    page.block(&files(findings));
    for target in plan.into_iter().flat_map(|plan| &plan.targets) {
        details(
            &mut page,
            target,
            plan.and_then(|plan| plan.origins_of(target)),
        );
    }
    page.end(ELSEWHERE)
}

/// Diagnostics of files only, for `validate` and `lint`.
pub fn findings(command: &str, findings: &PackDiagnostics, options: &CommentOptions) -> String {
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
        .map(|counts| format!(" Findings: {counts}."))
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
fn overview(
    page: &mut MarkdownPage,
    plan: &TargetPlan,
    origins: Option<&TargetOrigins>,
    events: Option<PlanSection>,
) {
    let TargetPlan {
        target,
        calls,
        access,
        enforcement,
        documents,
        gates,
        ..
    } = plan;
    if !page.line(&format!(
        "#### {} · {}",
        code(&target.name),
        code(&target.address())
    )) {
        page.leave_out("a target".to_owned());
        return;
    }
    notes(page, events);
    enforcement_block(page, enforcement);
    documents_block(page, documents);
    if calls.is_empty() {
        page.line("Nothing is to do.");
    } else if let Some(access) = access {
        page.line(&format!("**{}**", AccessView::of(access).headline));
    }
    if let Some(access) = access {
        opens_and_closes(page, access);
    }
    failed_gates_block(page, gates, origins.is_some());
    notes(page, sections(plan, origins, Painter::new(false)));
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
    page.block(&list("what is enforced", String::new(), lines));
    let more = plural(
        rest.len(),
        "more level of enforcement that changes",
        "more levels of enforcement that change",
    );
    page.block(&PageBlock {
        folded: true,
        ..list("what is enforced", more, rest)
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
        let lines = lines.iter().map(|line| code(line)).collect();
        page.block(&list("notes", format!("{title}:"), lines));
    }
}

/// Access changes; the first ones are unfolded.
pub(super) fn opens_and_closes(page: &mut MarkdownPage, access: &AccessImpact) {
    let view = AccessView::of(access);
    let mut lines: Vec<String> = view
        .lines
        .iter()
        .map(|line| {
            let word = if line.kind.is_risk() {
                format!("**{}**", line.kind.word())
            } else {
                line.kind.word().to_owned()
            };
            format!(
                "{word} for {}: {} ({}), for example {}",
                code(&line.who),
                code(&line.what(view.detail)),
                code(&line.rule),
                code(&line.row.witness)
            )
        })
        .collect();
    for line in &view.not_analyzed {
        lines.push(format!("**not analyzed**: {}", code(&line.text)));
        lines.extend(line.statements.iter().map(|text| code(text)));
    }
    let rest = lines.split_off(lines.len().min(SHOWN));
    page.block(&list("access changes", String::new(), lines));
    let more = plural(rest.len(), "more access change", "more access changes");
    page.block(&PageBlock {
        folded: true,
        ..list("access changes", more, rest)
    });
}

/// The folded parts of a target.
fn details(page: &mut MarkdownPage, plan: &TargetPlan, origins: Option<&TargetOrigins>) {
    let TargetPlan {
        changes,
        calls,
        access,
        documents,
        gates,
        ..
    } = plan;
    let lines: Vec<String> = tree(changes, changes_of(origins))
        .iter()
        .map(diff_line)
        .collect();
    let title = format!("Changes ({} to make)", count_of(calls.len(), "call"));
    page.block(&folded("changes", title, "diff", lines));
    let held: Vec<String> = tree(&documents::held_changes(documents), &[])
        .iter()
        .map(diff_line)
        .collect();
    if !held.is_empty() {
        page.block(&folded("held", documents::HELD.to_owned(), "diff", held));
    }
    if let Some(access) = access.as_ref().filter(|_| !calls.is_empty()) {
        let text = access::human(access, Layout::unwrapped(), usize::MAX);
        let lines = text.lines().map(unindented).collect();
        page.block(&folded(
            "access",
            "Access: which rules decide".to_owned(),
            "text",
            lines,
        ));
    }
    if !gates.is_empty() && gates.iter().all(|gate| gate.passes()) {
        let lines = gates::human(gates, origins.is_some(), Layout::unwrapped())
            .lines()
            .map(unindented)
            .collect();
        page.block(&folded(
            "gates",
            format!("Gates ({}, all hold)", gates.len()),
            "text",
            lines,
        ));
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
        ..folded("findings", "Findings in files".to_owned(), "text", lines)
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
