//! A page with a size limit that lists what it omits.

use std::fmt::Write as _;

use super::text::fence;
use crate::render::text::count_of;

/// Bytes reserved for the list of omitted parts.
const RESERVE: usize = 600;

/// Maximum number of omitted parts to name.
const NAMED: usize = 4;

/// A part of a page.
pub(super) struct PageBlock {
    /// The plural noun for the list of omitted parts. Must not contain data.
    pub(super) name: &'static str,
    /// The title, or the summary while it is folded. Must not contain data.
    pub(super) title: String,
    pub(super) folded: bool,
    pub(super) form: BlockForm,
    /// The lines, each complete in itself.
    pub(super) lines: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockForm {
    /// List items: Markdown, with data as code.
    List,
    /// The rows of a table below this head: cells of Markdown between `|`.
    Table(&'static str),
    /// A code block in this language.
    Code(&'static str),
}

/// Text up to a maximum size.
pub(super) struct MarkdownPage {
    text: String,
    most: usize,
    left_out: Vec<String>,
}

impl MarkdownPage {
    /// A page of at most `most` bytes that always contains `begin`. There are never fewer bytes
    /// than characters, so the limit applies however a platform counts.
    pub(super) fn new(begin: &str, most: usize) -> Self {
        Self {
            text: begin.to_owned(),
            most,
            left_out: Vec::new(),
        }
    }

    /// Adds a line of Markdown if it fits. Returns whether it did.
    pub(super) fn line(&mut self, line: &str) -> bool {
        let fits = self.fits(line.len() + 2);
        if fits {
            let _ = writeln!(self.text, "\n{line}");
        }
        fits
    }

    /// Adds as much of a block as fits.
    pub(super) fn block(&mut self, block: &PageBlock) {
        let PageBlock {
            name,
            title,
            folded,
            form,
            lines,
        } = block;
        if lines.is_empty() {
            return;
        }
        let (open, close) = frame(title, *folded, *form, lines);
        let mut room = self
            .remaining_bytes()
            .saturating_sub(open.len() + close.len());
        let fitting = lines.iter().take_while(|line| {
            let size = line.len() + 3;
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        });
        let shown = fitting.count();
        if shown > 0 {
            self.text.push_str(&open);
            for line in &lines[..shown] {
                let _ = match form {
                    BlockForm::List => writeln!(self.text, "- {line}"),
                    BlockForm::Code(_) | BlockForm::Table(_) => writeln!(self.text, "{line}"),
                };
            }
            self.text.push_str(&close);
        }
        if shown < lines.len() {
            self.left_out.push(format!(
                "{} of {name}",
                count_of(lines.len() - shown, "line")
            ));
        }
    }

    /// The page with the list of omitted parts, and where to find them.
    pub(super) fn end(self, elsewhere: &str) -> String {
        let Self {
            mut text,
            most,
            left_out,
        } = self;
        if !left_out.is_empty() {
            let mut named = left_out
                .iter()
                .take(NAMED)
                .cloned()
                .collect::<Vec<_>>()
                .join(", ");
            if left_out.len() > NAMED {
                let _ = write!(
                    named,
                    " and {}",
                    count_of(left_out.len() - NAMED, "further part")
                );
            }
            let _ = writeln!(
                text,
                "\n**Cut at {most} bytes.** Left out here: {named}. {elsewhere}"
            );
        }
        text
    }

    /// Records an omitted part.
    pub(super) fn leave_out(&mut self, what: String) {
        self.left_out.push(what);
    }

    fn remaining_bytes(&self) -> usize {
        self.most.saturating_sub(self.text.len() + RESERVE)
    }

    fn fits(&self, size: usize) -> bool {
        size <= self.remaining_bytes()
    }
}

/// The text before and after the lines of a block.
fn frame(title: &str, folded: bool, form: BlockForm, lines: &[String]) -> (String, String) {
    let mut open = String::new();
    let mut close = String::new();
    if folded {
        let _ = writeln!(open, "\n<details><summary>{title}</summary>\n");
    } else if title.is_empty() {
        open.push('\n');
    } else {
        let _ = writeln!(open, "\n{title}\n");
    }
    match form {
        BlockForm::List => {}
        BlockForm::Table(head) => {
            let columns = head.matches('|').count().saturating_sub(1);
            let _ = writeln!(open, "{head}");
            let _ = writeln!(open, "|{}", "---|".repeat(columns));
        }
        BlockForm::Code(language) => {
            let fence = fence(lines.iter());
            let _ = writeln!(open, "{fence}{language}");
            let _ = writeln!(close, "{fence}");
        }
    }
    if folded {
        close.push_str("\n</details>\n");
    }
    (open, close)
}
