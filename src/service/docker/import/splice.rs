//! Replaces parts of a manifest; everything else stays byte for byte, including comments.

use std::ops::Range;

use model::diag::{Path, Spans};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleEdits {
    /// The positions of rules to delete.
    pub gone: Vec<usize>,
    /// The positions of rules to replace, each with the new list item including its dash.
    pub changed: Vec<(usize, String)>,
    /// Rules to append, in the same form.
    pub new: Vec<String>,
}

/// Replaces a whole document but keeps the comments before and after it. Returns nothing if there
/// is no such document.
pub fn document(text: &str, index: u32, manifest: &str) -> Option<String> {
    let root = Spans::of(text).find(index, &Path::root()).value;
    if root.is_empty() {
        return None;
    }
    Some(replaced(text, root, manifest.trim_end_matches('\n')))
}

/// Replaces `spec` of a document in block style by the `spec` of another text.
pub fn spec(text: &str, index: u32, manifest: &str) -> Option<String> {
    let old = entry(text, index)?;
    let new = entry(manifest, 0)?;
    Some(replaced(text, old, &manifest[new]))
}

/// The bytes of the entry `spec`, starting at the beginning of a line.
fn entry(text: &str, index: u32) -> Option<Range<usize>> {
    let span = Spans::of(text).find(index, &Path::root().key("spec"));
    let start = span.key?.start;
    let at_line_start = start == 0 || text[..start].ends_with('\n');
    (at_line_start && span.value.end > start).then_some(start..span.value.end)
}

/// Edits the rules of a document. The rules must be a list in block style, each on lines of its
/// own.
pub fn rules(text: &str, index: u32, count: usize, edits: &RuleEdits) -> Option<String> {
    let RuleEdits { gone, changed, new } = edits;
    // An empty list has a different syntax.
    if count == 0 || (gone.len() >= count && new.is_empty()) {
        return None;
    }
    let items = items(text, index, count)?;
    let indent = items.first()?.indent;
    let mut result = String::with_capacity(text.len());
    let mut copied = 0;
    for (position, item) in items.iter().enumerate() {
        let Range { start, end } = item.lines.clone();
        if gone.contains(&position) {
            result.push_str(without_comment_above(&text[copied..start], indent));
            copied = end;
        } else if let Some((_, rule)) = changed.iter().find(|(at, _)| *at == position) {
            result.push_str(&text[copied..start]);
            result.push_str(&item_text(text, rule, item.indent));
            copied = end;
        }
    }
    let last = items.last()?.lines.end;
    if copied < last {
        result.push_str(&text[copied..last]);
    }
    if !result.is_empty() && !result.ends_with('\n') {
        result.push('\n');
    }
    for rule in new {
        result.push_str(&item_text(text, rule, indent));
    }
    result.push_str(&text[last..]);
    Some(result)
}

/// One item of a list: whole lines, and the indentation of its dash.
struct SpliceItem {
    lines: Range<usize>,
    indent: usize,
}

fn items(text: &str, index: u32, count: usize) -> Option<Vec<SpliceItem>> {
    let spans = Spans::of(text);
    let rules = Path::root().key("spec").key("rules");
    let mut items: Vec<SpliceItem> = Vec::with_capacity(count);
    for position in 0..count {
        let value = spans.find(index, &rules.clone().index(position)).value;
        let start = text[..value.start]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let before = &text[start..value.start];
        let indent = before.len() - before.trim_start_matches(' ').len();
        // The dash and the rule must be on the same line.
        if before.trim() != "-"
            || text[value.clone()].starts_with('{') && text[value.clone()].contains('\n')
        {
            return None;
        }
        let end = text[value.end..]
            .find('\n')
            .map_or(text.len(), |newline| value.end + newline + 1);
        if items
            .last()
            .is_some_and(|last| last.lines.end > start || last.indent != indent)
        {
            return None;
        }
        items.push(SpliceItem {
            lines: start..end,
            indent,
        });
    }
    Some(items)
}

/// The text before a deleted rule, without the comment directly above the rule.
fn without_comment_above(before: &str, indent: usize) -> &str {
    let mut end = before.len();
    loop {
        let Some(rest) = before[..end].strip_suffix('\n') else {
            return &before[..end];
        };
        let start = rest.rfind('\n').map_or(0, |newline| newline + 1);
        let line = rest[start..].trim_end_matches('\r');
        // A comment with less indentation concerns more than this rule.
        if start == 0
            || !line.trim_start().starts_with('#')
            || line.len() - line.trim_start().len() < indent
        {
            return &before[..end];
        }
        end = start;
    }
}

/// The rule in the indentation and line endings of this text.
fn item_text(text: &str, rule: &str, indent: usize) -> String {
    let lines = rule.lines().map(|line| {
        if line.is_empty() {
            "\n".to_owned()
        } else {
            format!("{:indent$}{line}\n", "")
        }
    });
    with_ends_of(text, &lines.collect::<String>())
}

fn replaced(text: &str, range: Range<usize>, new: &str) -> String {
    format!(
        "{}{}{}",
        &text[..range.start],
        with_ends_of(text, new),
        &text[range.end..]
    )
}

/// Lines with the line endings of another text.
fn with_ends_of(text: &str, lines: &str) -> String {
    let crlf = text
        .find('\n')
        .is_some_and(|newline| text[..newline].ends_with('\r'));
    if crlf {
        lines.replace('\n', "\r\n")
    } else {
        lines.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# About this file.
kind: Policy # kept
spec:
  # The rules.
  rules:
    # one
    - name: a   # first
      x: 1

    # two,
    # in two lines
    - {name: b}
    - name: c
      list:
        - 1
  # the end
---
kind: Other
spec: {rules: []}
";

    fn edits(gone: &[usize], changed: &[(usize, &str)], new: &[&str]) -> RuleEdits {
        RuleEdits {
            gone: gone.to_vec(),
            changed: changed
                .iter()
                .map(|(at, text)| (*at, (*text).to_owned()))
                .collect(),
            new: new.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    #[test]
    fn rules_go_change_and_come() {
        let got = rules(
            TEXT,
            0,
            3,
            &edits(&[1], &[(2, "- name: C\n  y: 2\n")], &["- name: d\n"]),
        )
        .unwrap();
        let expected = TEXT
            .replace("    # two,\n    # in two lines\n    - {name: b}\n", "")
            .replace(
                "    - name: c\n      list:\n        - 1\n",
                "    - name: C\n      y: 2\n    - name: d\n",
            );
        assert_eq!(got, expected);
        let first = rules(TEXT, 0, 3, &edits(&[0], &[], &[])).unwrap();
        assert_eq!(
            first,
            TEXT.replace("    # one\n    - name: a   # first\n      x: 1\n", "")
        );
        assert_eq!(rules(TEXT, 0, 3, &edits(&[], &[], &[])).unwrap(), TEXT);
    }

    #[test]
    fn what_is_not_simple_is_left_to_others() {
        assert_eq!(rules(TEXT, 1, 0, &edits(&[], &[], &["- name: d\n"])), None);
        assert_eq!(rules(TEXT, 0, 3, &edits(&[0, 1, 2], &[], &[])), None);
        assert_eq!(
            rules(
                "spec:\n  rules: [{name: a}, {name: b}]\n",
                0,
                2,
                &edits(&[0], &[], &[])
            ),
            None
        );
        assert_eq!(
            rules("spec: {rules: [{name: a}]}\n", 0, 1, &edits(&[0], &[], &[])),
            None
        );
    }

    #[test]
    fn spec_and_documents_are_replaced_alone() {
        let new = "# head\nkind: Policy\nspec:\n  rules: []\n";
        let got = spec(TEXT, 0, new).unwrap();
        assert!(
            got.starts_with("# About this file.\nkind: Policy # kept\nspec:\n  rules: []\n"),
            "{got}"
        );
        assert!(
            got.ends_with("---\nkind: Other\nspec: {rules: []}\n"),
            "{got}"
        );
        let got = document(TEXT, 1, "kind: New\n").unwrap();
        assert_eq!(
            got,
            TEXT.replace("kind: Other\nspec: {rules: []}\n", "kind: New\n")
        );
        assert_eq!(document(TEXT, 2, "kind: New\n"), None);
    }

    #[test]
    fn lines_end_as_they_did() {
        let windows = TEXT.replace('\n', "\r\n");
        let change = edits(&[1], &[(2, "- name: C\n  y: 2\n")], &["- name: d\n"]);
        let expected = rules(TEXT, 0, 3, &change).unwrap().replace('\n', "\r\n");
        // The comment above a deleted rule is found with both kinds of line endings.
        assert_eq!(rules(&windows, 0, 3, &change).unwrap(), expected);
        assert!(
            spec(&windows, 0, "spec:\n  rules: []\n")
                .unwrap()
                .contains("spec:\r\n  rules: []")
        );
    }
}
