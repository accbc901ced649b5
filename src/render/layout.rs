//! The width and the level of detail of text for people.

use textwrap::{Options, WordSeparator, WordSplitter};

use super::paint::Painter;
use super::text::line_start;

/// Width of text that is not written to a terminal.
pub const DEFAULT_WIDTH: usize = 100;
/// In narrower terminals, text is laid out for this width.
const SMALLEST_WIDTH: usize = 40;
/// In wider terminals, lines would be hard to follow.
const LARGEST_WIDTH: usize = 200;

/// How text for people is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub painter: Painter,
    width: usize,
    /// Whether long lists are shown completely (`-v`).
    pub is_full: bool,
}

impl Layout {
    pub fn new(painter: Painter, width: usize, is_full: bool) -> Self {
        Self {
            painter,
            width: width.clamp(SMALLEST_WIDTH, LARGEST_WIDTH),
            is_full,
        }
    }

    /// For files and for other formats: without colors and of the default width.
    pub fn plain() -> Self {
        Self::new(Painter::new(false), DEFAULT_WIDTH, false)
    }

    /// For other formats, which wrap lines themselves: without colors, and complete.
    pub(crate) fn unwrapped() -> Self {
        Self {
            painter: Painter::new(false),
            width: 10_000,
            is_full: true,
        }
    }

    pub fn width(self) -> usize {
        self.width
    }

    /// Wraps a text behind `first`; the other lines are indented to the same column. `first` is not
    /// wrapped and may contain colors.
    pub(crate) fn hang(self, first: &str, text: &str) -> String {
        let indent = textwrap::core::display_width(first);
        let rest = " ".repeat(indent);
        self.wrap(text, first, &rest)
    }

    /// Separates parts by ` · `. Lines are wrapped between parts, so that a part can be copied, and the
    /// other lines are indented.
    pub(crate) fn parts(self, parts: &[String]) -> String {
        let mut text = String::new();
        let mut used = 0;
        for part in parts {
            let width = textwrap::core::display_width(part);
            if used == 0 {
                text.push_str(part);
                used = width;
            } else if used + 3 + width <= self.width {
                text.push_str(" · ");
                text.push_str(part);
                used += 3 + width;
            } else {
                text.push_str("\n    ");
                text.push_str(part);
                used = 4 + width;
            }
        }
        text.push('\n');
        text
    }

    /// Wraps a text with the given beginnings of the first and of the other lines.
    pub(crate) fn wrap(self, text: &str, first: &str, rest: &str) -> String {
        let mut lines = wrap(text, self.width, first, rest).join("\n");
        lines.push('\n');
        lines
    }
}

/// The lines of a wrapped text. Words are only split if they are longer than a line.
pub(crate) fn wrap(text: &str, width: usize, first: &str, rest: &str) -> Vec<String> {
    let options = Options::new(width)
        .initial_indent(first)
        .subsequent_indent(rest)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    let lines = textwrap::wrap(text, options);
    lines
        .into_iter()
        // Wrapping must not move data to where a runner of pipelines reads commands.
        .map(|line| line_start(line.trim_end()).into_owned())
        .collect()
}

/// A column of a table: the narrowest and the widest cell that it may get.
struct ColumnWidth {
    natural: usize,
    width: usize,
}

/// Lays out rows of cells in columns of at most `width` characters in total, with two spaces between
/// columns. Cells that are too long for their column are wrapped.
pub(crate) fn table(rows: &[Vec<String>], width: usize) -> Vec<Vec<String>> {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let gaps = GAP * count.saturating_sub(1);
    let mut columns: Vec<ColumnWidth> = (0..count)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            let natural = cells.map(|cell| textwrap::core::display_width(cell)).max();
            let natural = natural.unwrap_or_default();
            ColumnWidth {
                natural,
                width: natural,
            }
        })
        .collect();
    let available = width.saturating_sub(gaps).max(count * NARROWEST);
    // The widest column gives up space until all columns fit.
    while columns.iter().map(|column| column.width).sum::<usize>() > available {
        let Some(widest) = columns.iter_mut().max_by_key(|column| column.width) else {
            break;
        };
        widest.width -= 1;
    }
    let line_up = |row: &Vec<String>| {
        let cells: Vec<Vec<String>> = row
            .iter()
            .zip(&columns)
            .map(|(cell, column)| {
                debug_assert!(column.width <= column.natural);
                wrap(cell, column.width.max(1), "", "")
            })
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or_default();
        (0..height)
            .map(|line| {
                let mut text = String::new();
                for (cell, column) in cells.iter().zip(&columns) {
                    let part = cell.get(line).map(String::as_str).unwrap_or_default();
                    let missing = column.width + GAP;
                    let missing = missing.saturating_sub(textwrap::core::display_width(part));
                    text.push_str(part);
                    text.push_str(&" ".repeat(missing));
                }
                line_start(text.trim_end()).into_owned()
            })
            .collect()
    };
    rows.iter().map(line_up).collect()
}

/// Spaces between columns.
const GAP: usize = 2;
/// No column gets narrower.
const NARROWEST: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_under_its_beginning() {
        let layout = Layout::new(Painter::new(false), 40, false);
        assert_eq!(
            layout.hang("  ! opened  ", "everyone: a.example.com, b.example.com, c"),
            "  ! opened  everyone: a.example.com,\n            b.example.com, c\n"
        );
    }

    #[test]
    fn lines_break_between_parts() {
        let layout = Layout::new(Painter::new(false), 40, false);
        let parts = [
            "polwarden plan",
            "production (acme)",
            "plan 0123456789abcdef",
        ];
        assert_eq!(
            layout.parts(&parts.map(str::to_owned)),
            "polwarden plan · production (acme)\n    plan 0123456789abcdef\n"
        );
    }

    #[test]
    fn wrapping_makes_no_command() {
        let layout = Layout::new(Painter::new(false), 40, false);
        let text = layout.hang("  ! ", &format!("{} ::set-output", "a".repeat(34)));
        assert!(
            !text.lines().any(|line| line.trim_start().starts_with("::")),
            "{text}"
        );
        let cells = [vec![String::new(), "::set-output name=x".to_owned()]];
        let lines = table(&cells, 30).concat();
        assert!(
            !lines.iter().any(|line| line.trim_start().starts_with("::")),
            "{lines:?}"
        );
    }

    #[test]
    fn wide_columns_give_up_space_first() {
        let rows = [
            vec!["everyone".to_owned(), "a ".repeat(30)],
            vec!["members of platform".to_owned(), "b".to_owned()],
        ];
        let lines = table(&rows, 50);
        assert_eq!(lines[0].len(), 2, "{lines:?}");
        assert!(
            lines[0][0].starts_with("everyone             a a"),
            "{lines:?}"
        );
        assert_eq!(lines[1], ["members of platform  b"]);
        assert!(lines.iter().flatten().all(|line| line.len() <= 50));
    }
}
