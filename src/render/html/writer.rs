//! HTML that data cannot break out of: all markup consists of constants.

use crate::render::text::neutral;

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
        for c in neutral(text).chars() {
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

    pub(super) fn end(self) -> String {
        self.0
    }
}

pub(super) fn list(page: &mut HtmlPage, lines: &[String]) {
    page.raw("<ul class=\"lines\">\n");
    for line in lines {
        page.element("<li>", line, "</li>\n");
    }
    page.raw("</ul>\n");
}
