use super::plan::{self, begin_content, files, finish_page, head, notes, origin};
use super::writer::HtmlPage;
use super::{access, changes};
use crate::plan::{DriftReport, TargetDrift};
use crate::render::annotations::PackDiagnostics;
use crate::render::drift::{INSTEAD, sections, summary};
use crate::render::plan::wording::profile;

/// Drift, or that it is unknown, with the diagnostics of the files. "Before" is the desired state,
/// "after" is the live state.
pub fn drift(report: Option<&DriftReport>, findings: &PackDiagnostics) -> String {
    let mut page = HtmlPage::new();
    let said = report.map_or_else(
        || "No report: the manifests are invalid.".to_owned(),
        summary,
    );
    head(&mut page, "polwarden drift", &said, findings);
    begin_content(&mut page);
    for target in report.into_iter().flat_map(|report| &report.targets) {
        self::target(&mut page, target);
    }
    files(&mut page, findings);
    if let Some(report) = report {
        origin(
            &mut page,
            &report.tool_version,
            report.commit.as_ref(),
            None,
        );
    }
    finish_page(page)
}

fn target(page: &mut HtmlPage, drift: &TargetDrift) {
    let TargetDrift {
        target,
        changes,
        access,
        enforcement,
        documents,
        gates,
        ..
    } = drift;
    page.element("<section>\n<h2>", &target.name, "")
        .element(" · ", &target.address(), "</h2>\n");
    let profile = profile(target);
    if !profile.is_empty() {
        page.element("<p class=\"dim\">", &profile, "</p>\n");
    }
    plan::enforcement(page, enforcement);
    plan::documents(page, documents);
    if let Some(access) = access.as_ref().filter(|_| drift.may_change_access()) {
        access::section(page, access);
    }
    if !gates.is_empty() {
        access::gates(page, gates, false);
    }
    notes(page, sections(drift));
    page.element("<h3>", INSTEAD, "</h3>\n");
    changes::changes(page, changes, &[]);
    page.raw("</section>\n");
}
