//! Access changes, grouped by rule, and gates.

use std::collections::BTreeMap;

use super::writer::{HtmlPage, foldable, list};
use crate::plan::{AccessImpact, GateOutcome};
use crate::render::layout::Layout;
use crate::render::plan::access_view::{
    AccessCount, AccessLine, AccessLineKind, AccessView, NotAnalyzedLine,
};
use crate::render::plan::gates as gates_text;
use crate::render::plan::patterns::{ListDetail, PatternList};
use crate::render::plan::wording::{gate_text, place};
use crate::render::text::{neutral_hosts, plural};

/// The number of rules that are not folded.
const SHOWN_RULES: usize = 25;
/// The rows of a rule that are shown while it is folded.
const SHOWN_ROWS: usize = 3;

/// The access changes of one rule, the riskiest first.
struct RuleGroup<'v> {
    lines: Vec<&'v AccessLine<'v>>,
}

impl<'v> RuleGroup<'v> {
    /// Groups in the order of their riskiest rows.
    fn of(lines: &'v [AccessLine<'v>]) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        let mut positions = BTreeMap::new();
        for line in lines {
            let rule = &line.row.rule;
            let position = *positions.entry(rule).or_insert(groups.len());
            match groups.get_mut(position) {
                Some(group) => group.lines.push(line),
                None => groups.push(Self { lines: vec![line] }),
            }
        }
        groups
    }

    fn counts(&self) -> Vec<AccessCount> {
        let mut counts: Vec<(AccessLineKind, usize)> = Vec::new();
        for line in &self.lines {
            let patterns = line.row.what.len();
            match counts.iter_mut().find(|(kind, _)| *kind == line.kind) {
                Some((_, count)) => *count += patterns,
                None => counts.push((line.kind, patterns)),
            }
        }
        let counts = counts.into_iter();
        counts
            .map(|(kind, count)| AccessCount::of(kind, count))
            .collect()
    }
}

/// The headline, the changes of access by rule, and the parts that are not analyzed.
pub(super) fn section(page: &mut HtmlPage, impact: &AccessImpact) {
    let view = AccessView::of(impact);
    page.element("<h3>", &view.headline, "");
    if let Some(counted) = view.counted {
        page.raw(" (").raw(counted).raw(")");
    }
    page.raw("</h3>\n");
    let groups = RuleGroup::of(&view.lines);
    foldable(page, &groups, SHOWN_RULES, "more rules", |page, groups| {
        groups
            .iter()
            .for_each(|group| self::group(page, group, &view));
    });
    list(page, &view.not_analyzed, |page, line| {
        let NotAnalyzedLine {
            text,
            entry: _,
            statements,
        } = line;
        page.raw("<span class=\"badge risk\">not analyzed</span> ")
            .text(text);
        for statement in statements {
            page.element("<br>", statement, "");
        }
    });
}

fn group(page: &mut HtmlPage, group: &RuleGroup<'_>, view: &AccessView<'_>) {
    let Some(first) = group.lines.first() else {
        return;
    };
    page.raw(if first.kind.is_risk() {
        "<details class=\"access risk\"><summary>"
    } else {
        "<details class=\"access\"><summary>"
    });
    for count in group.counts() {
        badge(page, &count);
    }
    page.element("<strong>", &first.rule_name(), "</strong>");
    if let Some(source) = first.source() {
        page.element(" <span class=\"src\">", &place(source), "</span>");
    }
    page.raw("\n");
    for line in group.lines.iter().take(SHOWN_ROWS) {
        brief(page, line);
    }
    if group.lines.len() > SHOWN_ROWS {
        let more = plural(group.lines.len() - SHOWN_ROWS, "more row", "more rows");
        page.element("<span class=\"brief dim\">… ", &more, "</span>\n");
    }
    page.raw("</summary>\n");
    for line in &group.lines {
        row(page, line, view);
    }
    page.raw("</details>\n");
}

pub(super) fn badge(page: &mut HtmlPage, count: &AccessCount) {
    page.raw(if count.is_risk {
        "<span class=\"badge risk\">"
    } else {
        "<span class=\"badge\">"
    })
    .text(&count.to_string())
    .raw("</span> ");
}

/// Who and what in one line, and how it was or will be decided where that is not obvious.
fn brief(page: &mut HtmlPage, line: &AccessLine<'_>) {
    page.element("<span class=\"brief\">", &line.who, ": ")
        .element(
            "<code>",
            &line.requests(ListDetail::Folded("")),
            "</code></span>\n",
        );
    let sides = [
        ("before: ", line.notable_before()),
        ("after: ", line.notable_after()),
    ];
    for (title, decision) in sides {
        if let Some(decision) = decision {
            page.raw("<span class=\"brief dim\">")
                .raw(title)
                .text(decision)
                .raw("</span>\n");
        }
    }
}

/// A row in full.
fn row(page: &mut HtmlPage, line: &AccessLine<'_>, view: &AccessView<'_>) {
    page.raw(if line.kind.is_risk() {
        "<dl data-kind=\"opens\">\n"
    } else {
        "<dl data-kind=\"closes\">\n"
    });
    page.raw("<dt>")
        .raw(line.kind.word())
        .element("</dt><dd>", &line.who, "</dd>\n");
    patterns(page, "<dt>requests</dt>", &line.patterns, view.detail);
    if !line.exceptions.is_empty() {
        patterns(page, "<dt>except</dt>", &line.exceptions, view.detail);
    }
    let example = neutral_hosts(&line.row.witness);
    page.element(
        "<dt>example</dt><dd class=\"patterns\">",
        &example,
        "</dd>\n",
    )
    .element("<dt>before</dt><dd>", &line.before, "</dd>\n")
    .element("<dt>after</dt><dd>", &line.after, "</dd>\n</dl>\n");
}

/// Each pattern on a line of its own.
fn patterns(page: &mut HtmlPage, title: &'static str, patterns: &PatternList, detail: ListDetail) {
    page.raw(title).raw("<dd class=\"patterns\">");
    match detail {
        ListDetail::Full => {
            for (position, entry) in patterns.entries().iter().enumerate() {
                page.raw(if position > 0 { "\n" } else { "" }).text(entry);
            }
        }
        ListDetail::Folded(_) => {
            page.text(&patterns.text(detail));
        }
    }
    page.raw("</dd>\n");
}

/// The gates: failed ones with their reasons, the others as a number.
pub(super) fn gates(page: &mut HtmlPage, gates: &[GateOutcome], three_way: bool) {
    page.element("<h3>", &gates_text::headline(gates), "</h3>\n");
    page.raw("<ul class=\"lines\">\n");
    for outcome in gates.iter().filter(|outcome| gates_text::is_shown(outcome)) {
        page.raw(if outcome.passes() {
            "<li><span class=\"badge\">passed</span> "
        } else {
            "<li><span class=\"badge risk\">failed</span> "
        })
        .prose(&gate_text(&outcome.gate))
        .element(
            " <span class=\"src\">",
            &gates_text::source(&outcome.source),
            "</span>",
        );
        for line in gates_text::details(outcome, Layout::unwrapped()).lines() {
            page.element("<br>", line.trim(), "");
        }
        page.raw("</li>\n");
    }
    for remark in gates_text::remarks(gates, three_way) {
        page.element("<li class=\"dim\">", &remark, "</li>\n");
    }
    page.raw("</ul>\n");
}
