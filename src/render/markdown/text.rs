//! Escapes data in Markdown. All of it is code, in which links, mentions, HTML and headings have no
//! effect.

use crate::render::text::neutral;
use model::shorten;

/// Longer text is shortened: a comment should be readable.
const LONGEST: usize = 300;

/// Inline code.
pub(super) fn code(text: &str) -> String {
    let text = neutral(text);
    let text = shorten(&text, LONGEST);
    if text.trim().is_empty() {
        // Inline code cannot be empty.
        return format!("`\"{text}\"`");
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // Markdown removes one space on each side.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Inline code in the cell of a table, where a `|` would begin the next cell.
pub(super) fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A line of a code block.
pub(super) fn code_line(text: &str) -> String {
    shorten(&neutral(text), LONGEST).into_owned()
}

/// A fence that is longer than any in these lines.
pub(super) fn fence<'t>(lines: impl Iterator<Item = &'t String>) -> String {
    let longest = lines
        .map(|line| longest_run(line))
        .max()
        .unwrap_or_default();
    "`".repeat((longest + 1).max(3))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_holds_what_it_is_given() {
        let cases = [
            ("a", "`a`"),
            ("a`b", "``a`b``"),
            ("`", "`` ` ``"),
            ("``x", "``` ``x ```"),
            (" a ", "`  a  `"),
            ("", "`\"\"`"),
            (" ", "`\" \"`"),
            ("a\nb", "`a\\nb`"),
            ("<b>|[x](y)", "`<b>|[x](y)`"),
        ];
        assert_eq!(cell("a|b"), "`a\\|b`");
        for (text, expected) in cases {
            assert_eq!(code(text), expected, "{text:?}");
        }
        assert!(code(&"é".repeat(1000)).ends_with("… (700 characters more)`"));
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(fence([].iter()), "```");
        assert_eq!(
            fence(["a ````` b".to_owned(), "```".to_owned()].iter()),
            "``````"
        );
    }
}
