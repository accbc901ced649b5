//! Renders the access changes of a plan as text.

use crate::plan::AccessImpact;
use crate::render::layout::{Layout, table};
use crate::render::plan::access_view::{AccessLine, AccessLineKind, AccessView, NotAnalyzedLine};
use crate::render::plan::patterns::ListDetail;
use crate::render::plan::wording::place;
use crate::render::text::{neutral_hosts, plural};

/// From this width on, rows are a table; below, each row takes two lines or more.
const TABLE_WIDTH: usize = 120;
/// Column of the text behind the sign and the word.
const INDENT: usize = 12;
/// Indentation of the rule of a row that takes two lines or more. A rule and its line in the file
/// fit behind it in most cases.
const RULE_INDENT: &str = "    ";

/// The access section of a target, the riskiest rows first. If it would take more than `most` lines,
/// the last rows are only counted.
pub(crate) fn human(impact: &AccessImpact, layout: Layout, most: usize) -> String {
    let AccessView {
        headline,
        counts: _,
        counted,
        lines,
        not_analyzed,
        detail: _,
    } = AccessView::of(impact);
    let counted = counted.map(|counted| layout.painter.dim(&format!(" ({counted})")));
    let mut text = layout.wrap(
        &format!(
            "{}{}",
            layout.painter.strong(&headline),
            counted.unwrap_or_default()
        ),
        "",
        "  ",
    );
    if let Some(legend) = legend(&lines, &not_analyzed) {
        text.push_str(
            &layout
                .painter
                .dim(layout.wrap(&legend, "  ", "  ").trim_end()),
        );
        text.push('\n');
    }
    let mut left = most;
    let mut hidden = 0;
    for row in rows(&lines, layout) {
        let height = row.lines().count();
        if hidden > 0 || (height > left && !layout.is_full) {
            hidden += 1;
            continue;
        }
        left = left.saturating_sub(height);
        text.push_str(&row);
    }
    if hidden > 0 {
        let more = plural(hidden, "more row", "more rows");
        text.push_str(&layout.painter.dim(&format!("  … ({more}, -v shows all)\n")));
    }
    for line in &not_analyzed {
        let NotAnalyzedLine {
            text: what,
            entry: _,
            statements,
        } = line;
        let head = layout.painter.notice("? not analyzed");
        text.push_str(&layout.hang(&format!("  {head}  "), what));
        for statement in statements {
            text.push_str(&layout.hang("      ", statement));
        }
    }
    text
}

/// Explains the signs that are used.
fn legend(lines: &[AccessLine<'_>], not_analyzed: &[NotAnalyzedLine<'_>]) -> Option<String> {
    let any = |is_risk: bool| lines.iter().any(|line| line.kind.is_risk() == is_risk);
    let parts = [
        (any(true), "! opens access or removes a guard"),
        (any(false), "- closes access or adds a guard"),
        (!not_analyzed.is_empty(), "? may open or close access"),
    ];
    let parts = parts.into_iter().filter(|(is_used, _)| *is_used);
    let parts: Vec<&str> = parts.map(|(_, text)| text).collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

fn rows(lines: &[AccessLine<'_>], layout: Layout) -> Vec<String> {
    if layout.width() < TABLE_WIDTH {
        return lines.iter().map(|line| stacked(line, layout)).collect();
    }
    let cells: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let source = line.source().map(place).unwrap_or_default();
            let requests = requests(line, layout);
            vec![line.who.clone(), requests, line.rule_name(), source]
        })
        .collect();
    table(&cells, layout.width() - INDENT)
        .into_iter()
        .zip(lines)
        .map(|(cells, line)| {
            let mut text = String::new();
            let mut first = head(line, layout);
            for cell in cells {
                text.push_str(&first);
                text.push_str(&cell);
                text.push('\n');
                first = " ".repeat(INDENT);
            }
            text + &decisions(line, &" ".repeat(INDENT), layout)
        })
        .collect()
}

/// A row for narrow terminals: who and what, then the rule.
fn stacked(line: &AccessLine<'_>, layout: Layout) -> String {
    let what = format!("{}: {}", line.who, requests(line, layout));
    let mut text = layout.hang(&head(line, layout), &what);
    let source = line.source().map(|source| format!("  {}", place(source)));
    let rule = format!("{}{}", line.rule_name(), source.unwrap_or_default());
    text.push_str(
        &layout
            .painter
            .dim(layout.hang(RULE_INDENT, &rule).trim_end()),
    );
    text.push('\n');
    text + &decisions(line, RULE_INDENT, layout)
}

/// The sign and the word, as wide as the indentation of the other lines.
fn head(line: &AccessLine<'_>, layout: Layout) -> String {
    let word = match line.kind {
        AccessLineKind::Opened | AccessLineKind::Closed => line.kind.word(),
        AccessLineKind::GuardWeakened | AccessLineKind::GuardAdded => "guard",
        AccessLineKind::ApprovalLoosened | AccessLineKind::ApprovalTightened => "approval",
    };
    let sign = if line.kind.is_risk() { '!' } else { '-' };
    let text = format!("{sign} {word}");
    let rest = " ".repeat((INDENT - 2).saturating_sub(text.len()));
    let text = if line.kind.is_risk() {
        layout.painter.notice(&text)
    } else {
        text
    };
    format!("  {text}{rest}")
}

fn requests(line: &AccessLine<'_>, layout: Layout) -> String {
    line.requests(if layout.is_full {
        ListDetail::Full
    } else {
        ListDetail::Folded(", -v shows all")
    })
}

/// How the requests are decided before and after, where that is not obvious.
fn decisions(line: &AccessLine<'_>, indent: &str, layout: Layout) -> String {
    let mut text = String::new();
    if layout.is_full {
        let example = format!("for example: {}", neutral_hosts(&line.row.witness));
        text.push_str(&layout.hang(indent, &example));
    }
    let sides = [
        ("before: ", &line.before, line.notable_before().is_some()),
        ("after:  ", &line.after, line.notable_after().is_some()),
    ];
    for (title, decision, is_notable) in sides {
        if is_notable || layout.is_full {
            text.push_str(&layout.hang(&format!("{indent}{title}"), decision));
        }
    }
    text
}
