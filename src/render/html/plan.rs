//! The page of a plan, and the parts that it shares with the page of drift.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::writer::{HtmlPage, list};
use super::{access, changes};
use crate::plan::{
    Commit, DocumentStatus, Enforcement, EnforcementChange, Fingerprint, Plan, TargetOrigins,
    TargetPlan,
};
use crate::render::annotations::{Annotation, AnnotationLevel, PackDiagnostics};
use crate::render::commit;
use crate::render::paint::Painter;
use crate::render::plan::wording::{direction, enforcement_headline, enforcement_lines, profile};
use crate::render::plan::{PlanSection, changes_of, documents, events, sections, summary};
use crate::render::text::count_of;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// A plan, or the errors that prevented it, with the diagnostics of the files.
pub fn html(plan: Option<&Plan>, findings: &PackDiagnostics) -> String {
    let mut page = HtmlPage::new();
    let said = plan.map_or_else(|| "No plan: the manifests are invalid.".to_owned(), summary);
    head(&mut page, "polwarden plan", &said, findings);
    if let Some(plan) = plan {
        origin(
            &mut page,
            &plan.tool_version,
            plan.commit.as_ref(),
            plan.digest.as_ref(),
        );
    }
    filters(&mut page);
    notes(&mut page, plan.and_then(events::common_events));
    for target in plan.into_iter().flat_map(|plan| &plan.targets) {
        let origins = plan.and_then(|plan| plan.origins_of(target));
        let events = plan.and_then(|plan| events::target_events(plan, target));
        self::target(&mut page, target, origins, events);
    }
    finish_page(page, findings)
}

pub(super) fn finish_page(mut page: HtmlPage, findings: &PackDiagnostics) -> String {
    files(&mut page, findings);
    page.raw("</main>\n<script>")
        .raw(SCRIPT)
        .raw("</script>\n</body>\n</html>\n");
    page.end()
}

/// The beginning of the page.
pub(super) fn head(
    page: &mut HtmlPage,
    title: &'static str,
    said: &str,
    findings: &PackDiagnostics,
) {
    let digest = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; ");
    page.raw("form-action 'none'; style-src ")
        .text(&digest(STYLE))
        .raw("; script-src ")
        .text(&digest(SCRIPT));
    page.raw("\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.raw("<meta name=\"referrer\" content=\"no-referrer\">\n<title>")
        .raw(title);
    page.raw("</title>\n<style>")
        .raw(STYLE)
        .raw("</style>\n</head>\n");
    page.raw("<body>\n<a class=\"skip\" href=\"#plan\">Skip to the content</a>\n<header>\n<h1>")
        .raw(title);
    page.raw("</h1>\n")
        .element("<p class=\"summary\">", said, "</p>\n");
    if let Some(counts) = findings.counts() {
        page.element("<p>Diagnostics: ", &counts, ".</p>\n");
    }
}

pub(super) fn origin(
    page: &mut HtmlPage,
    tool: &str,
    commit: Option<&Commit>,
    digest: Option<&Fingerprint>,
) {
    page.element("<p class=\"dim\">Made by polwarden ", tool, "");
    page.raw(".");
    if let Some(commit) = commit {
        page.element("<br>", &commit::line(commit, str::to_owned), "");
        page.element(" In full: <code>", &commit.id, "</code>.");
    }
    if let Some(digest) = digest {
        page.element("<br>Digest: <code>", &digest.to_string(), "</code>");
    }
    page.raw("</p>\n");
}

/// The filters, hidden without a script, and the beginning of the content that they filter.
pub(super) fn filters(page: &mut HtmlPage) {
    page.raw(
        "</header>\n<form id=\"filters\" role=\"search\" aria-label=\"Filters\" hidden>\n\
         <label>Text <input type=\"search\" id=\"search\" autocomplete=\"off\"></label>\n\
         <fieldset><legend>Changes</legend>\n\
         <label><input type=\"checkbox\" id=\"show-create\" checked> new</label>\n\
         <label><input type=\"checkbox\" id=\"show-update\" checked> changed</label>\n\
         <label><input type=\"checkbox\" id=\"show-delete\" checked> gone</label></fieldset>\n\
         <fieldset><legend>Access</legend>\n\
         <label><input type=\"checkbox\" id=\"show-opens\" checked> opens</label>\n\
         <label><input type=\"checkbox\" id=\"show-closes\" checked> closes</label></fieldset>\n\
         <button type=\"button\" id=\"expand\">Unfold all</button>\n\
         <button type=\"button\" id=\"fold\">Fold all</button>\n\
         <output id=\"count\" for=\"search\"></output>\n\
         <span class=\"dim\"><kbd>/</kbd> text <kbd>j</kbd> <kbd>k</kbd> next, previous <kbd>e</kbd> unfold \
         <kbd>c</kbd> fold</span>\n</form>\n<main id=\"plan\" tabindex=\"-1\">\n",
    );
}

fn target(
    page: &mut HtmlPage,
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
    page.element("<section>\n<h2>", &target.name, "")
        .element(" · ", &target.address(), "</h2>\n");
    let profile = profile(target);
    page.element(
        "<p class=\"dim\">",
        &profile,
        if profile.is_empty() {
            "live: "
        } else {
            ", live: "
        },
    );
    page.element("", &live.words(), "");
    page.element("; ", &count_of(calls.len(), "call"), " to make</p>\n");
    notes(page, events);
    self::enforcement(page, enforcement);
    self::documents(page, documents);
    if let Some(access) = access.as_ref().filter(|_| !calls.is_empty()) {
        self::access::section(page, access);
    }
    if !gates.is_empty() {
        self::access::gates(page, gates, origins.is_some());
    }
    notes(page, sections(plan, origins, Painter::new(false)));
    page.raw("<h3>Changes</h3>\n");
    changes::changes(page, changes, changes_of(origins));
    let held = documents::held_changes(documents);
    if !held.is_empty() {
        page.element("<h3>", documents::HELD, "</h3>\n");
        changes::changes(page, &held, &[]);
    }
    page.raw("</section>\n");
}

/// Enforcement changes, shown first.
pub(super) fn enforcement(page: &mut HtmlPage, changes: &[EnforcementChange]) {
    if changes.is_empty() {
        return;
    }
    page.element("<h3>", &enforcement_headline(changes), "</h3>\n");
    let line = |(way, line): (Enforcement, String)| format!("{} {line}", direction(way));
    list(
        page,
        &enforcement_lines(changes)
            .into_iter()
            .map(line)
            .collect::<Vec<_>>(),
    );
}

pub(super) fn documents(page: &mut HtmlPage, documents: &[DocumentStatus]) {
    let Some(headline) = documents::headline(documents) else {
        return;
    };
    page.element("<h3>", &headline, "</h3>\n");
    list(page, &documents::lines(documents));
}

fn files(page: &mut HtmlPage, findings: &PackDiagnostics) {
    let own: Vec<&Annotation> = findings
        .list()
        .iter()
        .filter(|finding| finding.is_about_file())
        .collect();
    if own.is_empty() {
        return;
    }
    page.raw("<section>\n<h2>Diagnostics in files</h2>\n<ul class=\"lines\">\n");
    for finding in own {
        let (open, word) = match finding.weight {
            AnnotationLevel::Error => ("<li><strong class=\"error\">", "error"),
            AnnotationLevel::Warning => ("<li><strong class=\"warning\">", "warning"),
            AnnotationLevel::Notice => ("<li><strong>", "notice"),
        };
        page.element(open, word, "</strong> ")
            .element("<code>", finding.rule.as_str(), "</code> ")
            .text(&finding.message);
        if let Some(place) = finding.place() {
            page.element(" <span class=\"src\">", &place, "</span>");
        }
        if let Some(help) = &finding.help {
            page.element("<br>help: ", help, "");
        }
        page.raw("</li>\n");
    }
    page.raw("</ul>\n</section>\n");
}

pub(super) fn notes(page: &mut HtmlPage, sections: impl IntoIterator<Item = PlanSection>) {
    for PlanSection { title, lines } in sections {
        page.element("<h3>", title, "</h3>\n");
        list(page, &lines);
    }
}
