//! A page that ends before it is too long, and says what it leaves out.

use std::fmt::Write as _;

use super::text::fence;
use crate::render::text::many;

/// What is kept free for the words about what is left out.
const RESERVE: usize = 600;

/// How many things that were left out are named.
const NAMED: usize = 4;

/// A part of a page.
pub(super) struct Block {
    /// What it is called where it is left out, as a plural; no data.
    pub(super) name: &'static str,
    /// Words before it: a title, or what is shown while it is folded; no data.
    pub(super) title: String,
    /// Whether it is folded.
    pub(super) folded: bool,
    /// How its lines are written.
    pub(super) form: Form,
    /// The lines, each complete in itself.
    pub(super) lines: Vec<String>,
}

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As the items of a list: Markdown, with data as code.
    List,
    /// As a block of code in this language.
    Code(&'static str),
}

/// Text that grows up to a size.
pub(super) struct Page {
    text: String,
    most: usize,
    left_out: Vec<String>,
}

impl Page {
    /// A page of at most so many bytes, with its beginning, which is always there. Bytes are never fewer than
    /// characters, so that the bound holds however a platform counts.
    pub(super) fn new(begin: &str, most: usize) -> Self {
        Self {
            text: begin.to_owned(),
            most,
            left_out: Vec::new(),
        }
    }

    /// Adds a line of Markdown if there is room; tells whether there was.
    pub(super) fn line(&mut self, line: &str) -> bool {
        let fits = self.fits(line.len() + 2);
        if fits {
            let _ = writeln!(self.text, "\n{line}");
        }
        fits
    }

    /// Adds as much of a block as there is room for.
    pub(super) fn block(&mut self, block: &Block) {
        let Block {
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
        let mut room = self.room().saturating_sub(open.len() + close.len());
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
                    Form::List => writeln!(self.text, "- {line}"),
                    Form::Code(_) => writeln!(self.text, "{line}"),
                };
            }
            self.text.push_str(&close);
        }
        if shown < lines.len() {
            self.left_out
                .push(format!("{} of {name}", many(lines.len() - shown, "line")));
        }
    }

    /// The page, with what is left out and where it is.
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
                    many(left_out.len() - NAMED, "further part")
                );
            }
            let _ = writeln!(
                text,
                "\n**Cut at {most} bytes.** Left out here: {named}. {elsewhere}"
            );
        }
        text
    }

    /// Names something that is left out altogether.
    pub(super) fn leave_out(&mut self, what: String) {
        self.left_out.push(what);
    }

    fn room(&self) -> usize {
        self.most.saturating_sub(self.text.len() + RESERVE)
    }

    fn fits(&self, size: usize) -> bool {
        size <= self.room()
    }
}

/// What stands before and after the lines of a block.
fn frame(title: &str, folded: bool, form: Form, lines: &[String]) -> (String, String) {
    let mut open = String::new();
    let mut close = String::new();
    if folded {
        let _ = writeln!(open, "\n<details><summary>{title}</summary>\n");
    } else if title.is_empty() {
        open.push('\n');
    } else {
        let _ = writeln!(open, "\n{title}\n");
    }
    if let Form::Code(language) = form {
        let fence = fence(lines.iter());
        let _ = writeln!(open, "{fence}{language}");
        let _ = writeln!(close, "{fence}");
    }
    if folded {
        close.push_str("\n</details>\n");
    }
    (open, close)
}
