//! HTML that data cannot break out of: what is not text is a constant of this program.

use crate::render::text::neutral;

/// A page that is being written.
pub(super) struct Html(String);

impl Html {
    pub(super) fn new() -> Self {
        Self(String::new())
    }

    /// Markup. Only constants can be given: data has no way in here.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Data, as text; right in attributes with quotes too.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for c in neutral(text).chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // Characters that are none, which HTML forbids (HTML, section 13.2.3.5).
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

    /// Data within an element: `element("<td>", text, "</td>")`.
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
