use super::comment::{
    self, CommentOptions, diff_line, files, folded, notes, opens_and_closes, start_page, unindented,
};
use crate::plan::{DriftReport, TargetDrift};
use crate::render::annotations::PackDiagnostics;
use crate::render::drift::{self, INSTEAD, sections};
use crate::render::layout::Layout;
use crate::render::markdown::page::MarkdownPage;
use crate::render::markdown::text::code;
use crate::render::plan::{access, tree};

/// Drift, or that it is unknown, with the diagnostics of the files.
pub fn drift(
    report: Option<&DriftReport>,
    findings: &PackDiagnostics,
    options: &CommentOptions,
) -> String {
    let said = report.map_or_else(
        || "No report: the manifests are invalid.".to_owned(),
        drift::headline,
    );
    let mut page = start_page("drift", &said, findings, options);
    if let Some(commit) = report.and_then(|report| report.commit.as_ref()) {
        page.line(&format!("Seen from commit {}.", code(&commit.id)));
    }
    for target in report.into_iter().flat_map(|report| &report.targets) {
        overview(&mut page, target);
    }
    page.block(&files(findings));
    for target in report.into_iter().flat_map(|report| &report.targets) {
        details(&mut page, target);
    }
    page.end("All of it: `polwarden drift`, or the report that `--output html=FILE` writes.")
}

fn overview(page: &mut MarkdownPage, drift: &TargetDrift) {
    let TargetDrift {
        target,
        changes,
        access,
        enforcement,
        documents,
        gates,
        ..
    } = drift;
    if !page.line(&format!(
        "#### {} · {}",
        code(&target.name),
        code(&target.address())
    )) {
        page.leave_out("a target".to_owned());
        return;
    }
    comment::enforcement_block(page, enforcement);
    comment::documents_block(page, documents);
    if changes.is_empty() {
        page.line("No differences in managed objects.");
    }
    let access = access.as_ref().filter(|_| drift.may_change_access());
    if let Some(access) = access {
        opens_and_closes(page, access);
    }
    comment::failed_gates_block(page, gates, false);
    notes(page, sections(drift));
}

fn details(page: &mut MarkdownPage, drift: &TargetDrift) {
    let TargetDrift {
        changes, access, ..
    } = drift;
    if changes.is_empty() {
        return;
    }
    let lines: Vec<String> = tree(changes, &[]).iter().map(diff_line).collect();
    page.block(&folded("changes", INSTEAD.to_owned(), "diff", lines));
    let Some(access) = access else { return };
    let text = access::human(access, Layout::unwrapped(), usize::MAX);
    let lines = text.lines().map(unindented).collect();
    page.block(&folded(
        "access",
        "Access: which rules decide".to_owned(),
        "text",
        lines,
    ));
}
