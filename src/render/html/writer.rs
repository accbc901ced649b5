//! HTML that data cannot break out of: all markup consists of constants.

use std::borrow::Cow;

use crate::render::prose::{Prose, ProseSpan};
use crate::render::text::{line_start, neutral};

pub(super) struct HtmlPage(String);

impl HtmlPage {
    pub(super) fn new() -> Self {
        Self(String::new())
    }

    /// Appends markup. The `'static` bound keeps data out.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Appends data as escaped text, also valid in quoted attributes.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        let text = neutral(text);
        // At the beginning of a line, `::` is a command to the runner of a pipeline that prints the page.
        let line = self.0.rsplit('\n').next().unwrap_or_default();
        let text = if line.trim_start().is_empty() {
            line_start(&text)
        } else {
            Cow::Borrowed(&*text)
        };
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // Noncharacters, which HTML forbids (HTML, section 13.2.3.5).
                '\u{fdd0}'..='\u{fdef}' => self.escape(c),
                c if u32::from(c) & 0xfffe == 0xfffe => self.escape(c),
                other => self.0.push(other),
            }
        }
        self
    }

    fn escape(&mut self, c: char) {
        self.0.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
    }

    /// Appends data inside an element: `element("<td>", text, "</td>")`.
    pub(super) fn element(
        &mut self,
        open: &'static str,
        text: &str,
        close: &'static str,
    ) -> &mut Self {
        self.raw(open).text(text).raw(close)
    }

    /// Appends a sentence with its code as elements.
    pub(super) fn prose(&mut self, prose: &Prose) -> &mut Self {
        for span in prose.spans() {
            match span {
                ProseSpan::Text(text) => self.text(text),
                ProseSpan::Code(code) => self.element("<code>", code, "</code>"),
            };
        }
        self
    }

    pub(super) fn end(self) -> String {
        self.0
    }
}

/// A list shows this many entries; the others are folded.
const SHOWN: usize = 12;

/// A list of lines. If there are many, the last ones are folded.
pub(super) fn list<T>(page: &mut HtmlPage, lines: &[T], write: impl Fn(&mut HtmlPage, &T)) {
    foldable(page, lines, SHOWN, "more", |page, lines| {
        page.raw("<ul class=\"lines\">\n");
        for line in lines {
            page.raw("<li>");
            write(page, line);
            page.raw("</li>\n");
        }
        page.raw("</ul>\n");
    });
}

/// Writes the first entries, and the others folded below the number of them and a noun.
pub(super) fn foldable<T>(
    page: &mut HtmlPage,
    entries: &[T],
    shown: usize,
    noun: &'static str,
    mut write: impl FnMut(&mut HtmlPage, &[T]),
) {
    // A single folded entry would take as much space as its heading.
    if entries.len() <= shown + 1 {
        return write(page, entries);
    }
    let (first, rest) = entries.split_at(shown);
    write(page, first);
    page.element(
        "<details class=\"rest\"><summary>",
        &rest.len().to_string(),
        " ",
    )
    .raw(noun)
    .raw("</summary>\n");
    write(page, rest);
    page.raw("</details>\n");
}
