//! Access changes and gates.

use super::writer::{HtmlPage, list};
use crate::plan::{AccessImpact, GateOutcome};
use crate::render::layout::Layout;
use crate::render::plan::access_view::AccessView;
use crate::render::plan::gates as gates_text;
use crate::render::plan::wording::place;

/// The headline, the changes of access with the deciding rules, and the parts that are not analyzed.
pub(super) fn section(page: &mut HtmlPage, impact: &AccessImpact) {
    let AccessView {
        headline,
        counts: _,
        lines,
        not_analyzed,
        detail,
    } = AccessView::of(impact);
    page.element("<h3>", &headline, "</h3>\n");
    if !lines.is_empty() {
        page.raw("<table>\n<thead><tr><th scope=\"col\" class=\"word\">Access</th><th scope=\"col\">Requests</th>");
        page.raw("<th scope=\"col\">For</th><th scope=\"col\">Rule</th><th scope=\"col\">Before</th><th scope=\"col\">After</th></tr></thead>\n<tbody>\n");
    }
    for line in &lines {
        page.raw(if line.kind.is_risk() {
            "<tr class=\"opens\">"
        } else {
            "<tr class=\"closes\">"
        });
        page.element("<td>", line.kind.word(), "</td>");
        page.element("<td>", &line.what(detail), "").element(
            "<br><span class=\"src\">for example: ",
            &line.row.witness,
            "</span></td>",
        );
        page.element("<td>", &line.who, "</td>");
        page.element("<td>", &line.rule, "");
        if let Some(source) = line.source() {
            page.element("<br><span class=\"src\">", &place(source), "</span>");
        }
        page.raw("</td>");
        page.element("<td>", &line.before, "</td>")
            .element("<td>", &line.after, "</td></tr>\n");
    }
    if !lines.is_empty() {
        page.raw("</tbody>\n</table>\n");
    }
    if !not_analyzed.is_empty() {
        let mut texts: Vec<String> = Vec::new();
        for line in not_analyzed {
            texts.push(format!("not analyzed: {}", line.text));
            texts.extend(line.statements);
        }
        list(page, &texts);
    }
}

/// The gates, with the same lines as for people.
pub(super) fn gates(page: &mut HtmlPage, gates: &[GateOutcome], three_way: bool) {
    let text = gates_text::human(gates, three_way, Layout::unwrapped());
    let mut lines = text
        .lines()
        .map(|line| line.strip_prefix("  ").unwrap_or(line));
    if let Some(title) = lines.next() {
        page.element("<h3>", title, "</h3>\n");
    }
    page.raw("<ul class=\"lines\">\n");
    let mut open = false;
    for line in lines {
        // In the lines for people, a gate is indented by four spaces and its details by more.
        let begins = !line.starts_with("   ");
        page.raw(match (open, begins) {
            (true, true) => "</li>\n<li>",
            (false, _) => "<li>",
            (true, false) => "<br>",
        });
        page.text(line.trim());
        open = true;
    }
    page.raw(if open { "</li>\n</ul>\n" } else { "</ul>\n" });
}
