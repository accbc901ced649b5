//! The changes as a diff.

use super::writer::{HtmlPage, foldable};
use crate::plan::{Change, ChangeOrigin, Origin};
use crate::render::plan::wording::{ChangeSign, sign};
use crate::render::plan::{TreeLine, change_tree, heading};

/// The number of changes that are not folded into one.
const SHOWN_CHANGES: usize = 25;
/// Diffs are shown unfolded as long as they have at most this many lines in total.
const SHOWN_LINES: usize = 40;

/// The changes with their parts, grouped by origin if it is known.
pub(super) fn changes(page: &mut HtmlPage, changes: &[Change], origins: &[ChangeOrigin]) {
    if changes.is_empty() {
        page.raw("<p>No changes.</p>\n");
        return;
    }
    let mut left = SHOWN_LINES;
    if origins.is_empty() {
        let all: Vec<_> = changes.iter().map(|change| (change, None)).collect();
        diffs(page, &all, &mut left);
        return;
    }
    for group in [
        Origin::Change,
        Origin::Mixed,
        Origin::Conflict,
        Origin::Drift,
    ] {
        let own = changes
            .iter()
            .zip(origins)
            .filter(|(_, told)| told.origin == group);
        let own: Vec<_> = own.map(|(change, told)| (change, Some(told))).collect();
        if !own.is_empty() {
            page.element("<h4>", heading(group), "</h4>\n");
            diffs(page, &own, &mut left);
        }
    }
}

fn diffs(page: &mut HtmlPage, changes: &[(&Change, Option<&ChangeOrigin>)], left: &mut usize) {
    foldable(
        page,
        changes,
        SHOWN_CHANGES,
        "more changes",
        |page, changes| {
            for (change, told) in changes {
                diff(page, change, *told, left);
            }
        },
    );
}

fn diff(page: &mut HtmlPage, change: &Change, told: Option<&ChangeOrigin>, left: &mut usize) {
    let lines = change_tree(change, told);
    let Some((first, rest)) = lines.split_first() else {
        return;
    };
    let sign = sign(change.kind);
    if rest.is_empty() {
        page.raw(match sign {
            ChangeSign::Create => "<div class=\"change create\" data-kind=\"create\">",
            ChangeSign::Update => "<div class=\"change update\" data-kind=\"update\">",
            ChangeSign::Delete => "<div class=\"change delete\" data-kind=\"delete\">",
        });
        title(page, first);
        page.raw("</div>\n");
        return;
    }
    page.raw(match sign {
        ChangeSign::Create => "<details class=\"change create\" data-kind=\"create\"",
        ChangeSign::Update => "<details class=\"change update\" data-kind=\"update\"",
        ChangeSign::Delete => "<details class=\"change delete\" data-kind=\"delete\"",
    });
    let is_open = rest.len() <= *left;
    if is_open {
        *left -= rest.len();
    }
    page.raw(if is_open { " open>" } else { ">" })
        .raw("<summary>");
    title(page, first);
    page.raw("</summary>\n<div class=\"diff\">\n");
    for line in rest {
        diff_line(page, line);
    }
    page.raw("</div>\n</details>\n");
}

/// The line of the policy, pack, group or document itself.
fn title(page: &mut HtmlPage, line: &TreeLine) {
    let TreeLine {
        indent: _,
        sign,
        text,
        remark,
        aside,
    } = line;
    page.raw("<span class=\"sign\">")
        .raw(sign_text(*sign))
        .element("</span> <strong>", text, "</strong>")
        .text(remark)
        .element("<span class=\"src\">", aside, "</span>");
}

fn sign_text(sign: Option<ChangeSign>) -> &'static str {
    match sign {
        Some(ChangeSign::Create) => "+",
        Some(ChangeSign::Update) => "~",
        Some(ChangeSign::Delete) => "-",
        None => " ",
    }
}

fn diff_line(page: &mut HtmlPage, line: &TreeLine) {
    let TreeLine {
        indent,
        sign,
        text,
        remark,
        aside,
    } = line;
    page.raw(match sign {
        Some(ChangeSign::Create) => "<div class=\"add\">",
        Some(ChangeSign::Update) => "<div class=\"mod\">",
        Some(ChangeSign::Delete) => "<div class=\"del\">",
        None => "<div>",
    });
    // The policy itself takes no space, so that everything moves to the left.
    page.text(&" ".repeat(indent.saturating_sub(2)))
        .raw(sign_text(*sign))
        .raw(" ")
        .text(text)
        .text(remark);
    if !aside.is_empty() {
        page.element("<span class=\"src\">", aside, "</span>");
    }
    page.raw("</div>\n");
}
