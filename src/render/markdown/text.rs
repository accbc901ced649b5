//! Data in Markdown. All of it stands in code, where nothing has a meaning: no link, no mention, no HTML, no heading.

use crate::render::text::neutral;

/// Longer texts on a line are shortened: a comment is for reading.
const LONGEST: usize = 300;

/// Data within a line, as code.
pub(super) fn code(text: &str) -> String {
    let text = shortened(&neutral(text));
    if text.trim().is_empty() {
        // There is no code without a character.
        return format!("`\"{text}\"`");
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // One space is taken away at each side, where both have one.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A line of a block of code.
pub(super) fn code_line(text: &str) -> String {
    shortened(&neutral(text))
}

/// A fence that no line of a block ends.
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

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((cut, _)) => format!(
            "{}… ({} characters more)",
            &text[..cut],
            text[cut..].chars().count()
        ),
    }
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
