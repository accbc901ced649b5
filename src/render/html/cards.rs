//! One card for each target, with what a reviewer must know first.

use super::access::badge;
use super::writer::HtmlPage;
use crate::plan::{Plan, TargetPlan};
use crate::render::plan::overview::{AFTER_THE_MERGE, ONLY_THIS_PLAN, TargetOverview};
use crate::render::plan::wording::profile;
use crate::render::prose::Prose;
use crate::render::text::{count_of, plural};

/// The cards. With several targets, each leads to its section.
pub(super) fn cards(page: &mut HtmlPage, plan: &Plan) {
    let is_single = plan.targets.len() == 1;
    page.raw("<div class=\"cards\">\n");
    for (position, target) in plan.targets.iter().enumerate() {
        let link = (!is_single).then_some(position + 1);
        card(page, target, link);
    }
    page.raw("</div>\n");
}

fn card(page: &mut HtmlPage, plan: &TargetPlan, link: Option<usize>) {
    let TargetOverview {
        access,
        is_access_unchanged,
        failed_gates,
        calls,
        ack,
        mark,
    } = TargetOverview::of(plan, link.is_none());
    page.raw("<article class=\"card\">\n<h2>");
    match link {
        Some(number) => page
            .element("<a href=\"#target-", &number.to_string(), "\">")
            .text(&plan.target.name)
            .raw("</a>"),
        None => page.text(&plan.target.name),
    };
    page.element("</h2>\n<p class=\"dim\">", &plan.target.address(), "");
    let profile = profile(&plan.target);
    if !profile.is_empty() {
        page.element(" · ", &profile, "");
    }
    page.element("<br>live: ", &plan.live.words(), "</p>\n<p>");
    access.iter().for_each(|count| badge(page, count));
    if is_access_unchanged {
        page.raw("<span class=\"badge\">no access changes</span> ");
    }
    if failed_gates > 0 {
        let failed = plural(failed_gates, "gate failed", "gates failed");
        page.element("<span class=\"badge risk\">", &failed, "</span> ");
    }
    let calls = match calls {
        0 => "no changes".to_owned(),
        calls => count_of(calls, "API call"),
    };
    page.element("<span class=\"badge\">", &calls, "</span></p>\n");
    if let Some(ack) = &ack {
        page.element("<p><strong>Requires</strong> <code>", ack, "</code></p>\n")
            .raw("<p class=\"dim\">")
            .raw(ONLY_THIS_PLAN)
            .raw("</p>\n");
    }
    if !plan.calls.is_empty() {
        page.raw("<p class=\"dim\">")
            .prose(&Prose::words(AFTER_THE_MERGE))
            .raw("</p>\n");
    }
    if let Some(mark) = mark {
        page.element(
            "<p class=\"dim\">plan <code>",
            &mark.to_string(),
            "</code></p>\n",
        );
    }
    page.raw("</article>\n");
}
