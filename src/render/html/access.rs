//! Access changes and gates.

use super::writer::{HtmlPage, list};
use crate::plan::{AccessImpact, GateOutcome};
use crate::render::paint::Painter;
use crate::render::plan::access::grouped;
use crate::render::plan::wording::{deciding_rules, requests};
use crate::render::plan::{access, gates as gates_text};

/// Opened and closed access with the deciding rules, and what was not compared.
pub(super) fn table(page: &mut HtmlPage, impact: &AccessImpact) {
    let groups = grouped(impact);
    if !groups.is_empty() {
        page.raw("<table>\n<thead><tr><th scope=\"col\" class=\"word\">Access</th><th scope=\"col\">Requests</th>");
        page.raw("<th scope=\"col\">For</th><th scope=\"col\">Before</th><th scope=\"col\">After</th></tr></thead>\n<tbody>\n");
    }
    for (change, people) in &groups {
        page.raw(if change.opens {
            "<tr class=\"opens\"><td>opens</td>"
        } else {
            "<tr class=\"closes\"><td>closes</td>"
        });
        page.element("<td>", &requests(change), "").element(
            "<br><span class=\"src\">for example: ",
            &change.witness,
            "</span></td>",
        );
        page.element("<td>", &people.join(", "), "</td>");
        page.element("<td>", &deciding_rules(&change.before), "</td>")
            .element("<td>", &deciding_rules(&change.after), "</td></tr>\n");
    }
    if !groups.is_empty() {
        page.raw("</tbody>\n</table>\n");
    }
    let rest = access::not_compared(impact);
    if !rest.is_empty() {
        list(page, &rest);
    }
}

/// The gates, with the same lines as for people.
pub(super) fn gates(page: &mut HtmlPage, gates: &[GateOutcome], three_way: bool) {
    let text = gates_text::human(gates, three_way, Painter::new(false));
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
