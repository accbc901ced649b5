//! The page of a plan, and the parts that it shares with the page of drift.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::cards::cards;
use super::writer::{HtmlPage, list};
use super::{access, changes};
use crate::plan::{
    Commit, DocumentStatus, Enforcement, EnforcementChange, Fingerprint, Plan, TargetOrigins,
    TargetPlan,
};
use crate::render::annotations::{Annotation, AnnotationLevel, PackDiagnostics};
use crate::render::commit;
use crate::render::paint::Painter;
use crate::render::plan::wording::{direction, enforcement_headline, enforcement_lines};
use crate::render::plan::{
    PlanSection, SectionLine, changes_of, documents, events, partial_notice, revisions, sections,
    summary,
};
use crate::render::prose::Prose;
use crate::render::text::count_of;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// A plan, or the errors that prevented it, with the diagnostics of the files.
pub fn html(plan: Option<&Plan>, findings: &PackDiagnostics) -> String {
    let mut page = HtmlPage::new();
    let said = match plan {
        None => "No plan: the manifests are invalid.".to_owned(),
        // The card says the same, and more.
        Some(plan) if plan.targets.len() == 1 => partial_notice(plan).unwrap_or_default(),
        Some(plan) => summary(plan),
    };
    head(&mut page, "polwarden plan", &said, findings);
    if let Some(plan) = plan {
        if let Some(revisions) = revisions(plan) {
            page.element("<p class=\"dim\">", &revisions, "</p>\n");
        }
        cards(&mut page, plan);
    }
    begin_content(&mut page);
    notes(&mut page, plan.and_then(events::common_events));
    for (position, target) in plan.iter().flat_map(|plan| &plan.targets).enumerate() {
        let origins = plan.and_then(|plan| plan.origins_of(target));
        let events = plan.and_then(|plan| events::target_events(plan, target));
        let is_single = plan.is_some_and(|plan| plan.targets.len() == 1);
        let number = (!is_single).then_some(position + 1);
        self::target(&mut page, target, origins, events, number);
    }
    files(&mut page, findings);
    if let Some(plan) = plan {
        origin(
            &mut page,
            &plan.tool_version,
            plan.commit.as_ref(),
            plan.digest.as_ref(),
        );
    }
    finish_page(page)
}

pub(super) fn finish_page(mut page: HtmlPage) -> String {
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
    page.raw("</h1>\n");
    if !said.is_empty() {
        page.element("<p class=\"summary\">", said, "</p>\n");
    }
    if let Some(counts) = findings.counts() {
        page.element("<p>Diagnostics: ", &counts, ".</p>\n");
    }
}

/// Where the content comes from, for people who compare it with something else.
pub(super) fn origin(
    page: &mut HtmlPage,
    tool: &str,
    commit: Option<&Commit>,
    digest: Option<&Fingerprint>,
) {
    page.raw(
        "<details class=\"rest\"><summary>Commit, digest and version</summary>\n<p class=\"dim\">",
    );
    if let Some(commit) = commit {
        page.text(&commit::line(commit, str::to_owned));
        page.element(" In full: <code>", &commit.id, "</code>.<br>");
    }
    if let Some(digest) = digest {
        page.element("Digest: <code>", &digest.to_string(), "</code><br>");
    }
    page.element("polwarden ", tool, "</p>\n</details>\n");
}

/// The search and the filters, hidden without a script, and the beginning of the content.
pub(super) fn begin_content(page: &mut HtmlPage) {
    page.raw(
        "</header>\n<form id=\"filters\" role=\"search\" aria-label=\"Search and filters\" hidden>\n\
         <label>Search <input type=\"search\" id=\"search\" autocomplete=\"off\" placeholder=\"host, team, rule, file\"></label>\n\
         <fieldset><legend>Access</legend>\n\
         <label><input type=\"checkbox\" id=\"show-opens\" checked> opened</label>\n\
         <label><input type=\"checkbox\" id=\"show-closes\" checked> closed</label></fieldset>\n\
         <fieldset><legend>Changes</legend>\n\
         <label><input type=\"checkbox\" id=\"show-create\" checked> added</label>\n\
         <label><input type=\"checkbox\" id=\"show-update\" checked> changed</label>\n\
         <label><input type=\"checkbox\" id=\"show-delete\" checked> deleted</label></fieldset>\n\
         <span><button type=\"button\" id=\"expand\">Unfold all</button>\n\
         <button type=\"button\" id=\"fold\">Fold all</button></span>\n\
         <output id=\"count\" for=\"search\"></output>\n\
         <span class=\"dim keys\"><kbd>/</kbd> search <kbd>j</kbd> <kbd>k</kbd> next, previous <kbd>e</kbd> unfold \
         <kbd>c</kbd> fold</span>\n</form>\n<main id=\"plan\" tabindex=\"-1\">\n",
    );
}

/// A target in full. With several targets, `number` is what its card leads to.
fn target(
    page: &mut HtmlPage,
    plan: &TargetPlan,
    origins: Option<&TargetOrigins>,
    events: Option<PlanSection>,
    number: Option<usize>,
) {
    let TargetPlan {
        target,
        changes,
        calls,
        access,
        enforcement,
        documents,
        gates,
        ..
    } = plan;
    page.raw("<section>\n");
    if let Some(number) = number {
        page.element("<h2 id=\"target-", &number.to_string(), "\">")
            .element("", &target.name, " · ")
            .element("", &target.address(), "</h2>\n");
    }
    notes(page, events);
    let is_failed = gates.iter().any(|gate| !gate.passes());
    if is_failed {
        self::access::gates(page, gates, origins.is_some());
    }
    self::enforcement(page, enforcement);
    self::documents(page, documents);
    if let Some(access) = access.as_ref().filter(|_| !calls.is_empty()) {
        self::access::section(page, access);
    }
    page.raw("<h3>Changes")
        .element(" (", &count_of(calls.len(), "API call"), ")</h3>\n");
    changes::changes(page, changes, changes_of(origins));
    let held = documents::held_changes(documents);
    if !held.is_empty() {
        page.element("<h3>", documents::HELD, "</h3>\n");
        changes::changes(page, &held, &[]);
    }
    if !gates.is_empty() && !is_failed {
        self::access::gates(page, gates, origins.is_some());
    }
    notes(page, sections(plan, origins, Painter::new(false)));
    page.raw("</section>\n");
}

/// Enforcement changes, shown first.
pub(super) fn enforcement(page: &mut HtmlPage, changes: &[EnforcementChange]) {
    if changes.is_empty() {
        return;
    }
    page.element("<h3>", &enforcement_headline(changes), "</h3>\n");
    let line = |(way, line): (Enforcement, String)| format!("{} {line}", direction(way));
    let lines: Vec<String> = enforcement_lines(changes).into_iter().map(line).collect();
    text_list(page, &lines);
}

pub(super) fn documents(page: &mut HtmlPage, documents: &[DocumentStatus]) {
    let Some(headline) = documents::headline(documents) else {
        return;
    };
    page.element("<h3>", &headline, "</h3>\n");
    text_list(page, &documents::lines(documents));
}

/// The diagnostics of the files.
pub(super) fn files(page: &mut HtmlPage, findings: &PackDiagnostics) {
    let own: Vec<&Annotation> = findings
        .list()
        .iter()
        .filter(|finding| finding.is_about_file())
        .collect();
    if own.is_empty() {
        return;
    }
    page.raw("<section>\n<h3>Diagnostics of files</h3>\n");
    list(page, &own, |page, finding| {
        let (open, word) = match finding.weight {
            AnnotationLevel::Error => ("<strong class=\"error\">", "error"),
            AnnotationLevel::Warning => ("<strong class=\"warning\">", "warning"),
            AnnotationLevel::Notice => ("<strong>", "notice"),
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
    });
    page.raw("</section>\n");
}

pub(super) fn notes(page: &mut HtmlPage, sections: impl IntoIterator<Item = PlanSection>) {
    for PlanSection { title, lines } in sections {
        page.raw("<h3>").prose(&Prose::words(title)).raw("</h3>\n");
        list(page, &lines, |page, SectionLine { text, detail }| {
            page.prose(text);
            if let Some(detail) = detail {
                page.raw("<br>").prose(detail);
            }
        });
    }
}

fn text_list(page: &mut HtmlPage, lines: &[String]) {
    list(page, lines, |page, line| {
        page.text(line);
    });
}
