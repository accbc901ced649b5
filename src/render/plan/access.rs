//! Renders the access changes of a plan as text.

use std::fmt::Write as _;

use crate::plan::AccessImpact;
use crate::render::paint::Painter;
use crate::render::plan::access_view::{AccessLine, AccessView};
use crate::render::plan::wording::place;
use crate::render::text::neutral_hosts;

/// The access section of a target, the riskiest rows first.
pub(crate) fn human(impact: &AccessImpact, painter: Painter) -> String {
    let AccessView {
        headline,
        lines,
        not_analyzed,
    } = AccessView::of(impact);
    let mut text = String::new();
    let _ = writeln!(text, "  {}", painter.strong(&headline));
    for line in &lines {
        text.push_str(&line_text(line, painter));
    }
    for line in &not_analyzed {
        let head = painter.notice("? not analyzed:");
        let _ = writeln!(text, "    {head} {}", line.text);
        for statement in &line.statements {
            let _ = writeln!(text, "        {statement}");
        }
    }
    text
}

fn line_text(line: &AccessLine<'_>, painter: Painter) -> String {
    let AccessLine {
        kind,
        who,
        what,
        row,
        rule,
        before,
        after,
    } = line;
    let head = if kind.is_risk() {
        painter.notice(&format!("! {}", kind.word()))
    } else {
        format!("- {}", kind.word())
    };
    let mut text = format!("    {head} for {who}: {what}\n");
    let source = line
        .source()
        .map(|source| format!(" ({})", place(source)))
        .unwrap_or_default();
    let _ = writeln!(
        text,
        "        {rule}{source}  {}",
        painter.dim(&format!("for example: {}", neutral_hosts(&row.witness)))
    );
    let _ = writeln!(text, "        before: {before}");
    let _ = writeln!(text, "        after:  {after}");
    text
}
