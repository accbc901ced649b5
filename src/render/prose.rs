//! Sentences that contain code, such as the name of a command or a key of a manifest.
//!
//! Text for terminals and comments shows code in backticks, a page shows it as an element. Where code
//! begins is known only while the sentence is built: afterwards, a backtick could be part of a name.

use std::fmt;

/// A sentence with code in it. All parts are neutralized.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Prose(Vec<ProseSpan>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProseSpan {
    Text(String),
    Code(String),
}

impl Prose {
    /// Words of our own, in which backticks enclose code. The `'static` bound keeps data out.
    pub(crate) fn words(text: &'static str) -> Self {
        Self::default().and_words(text)
    }

    #[must_use]
    pub(crate) fn and_words(mut self, text: &'static str) -> Self {
        for (position, part) in text.split('`').enumerate() {
            match position % 2 {
                _ if part.is_empty() => {}
                0 => self.0.push(ProseSpan::Text(part.to_owned())),
                _ => self.0.push(ProseSpan::Code(part.to_owned())),
            }
        }
        self
    }

    #[must_use]
    pub(crate) fn and_text(mut self, text: impl Into<String>) -> Self {
        self.0.push(ProseSpan::Text(text.into()));
        self
    }

    #[must_use]
    pub(crate) fn and_code(mut self, text: impl Into<String>) -> Self {
        self.0.push(ProseSpan::Code(text.into()));
        self
    }

    #[must_use]
    pub(crate) fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// Pieces of code, separated by commas.
    #[must_use]
    pub(crate) fn and_codes(mut self, texts: impl IntoIterator<Item = String>) -> Self {
        for (position, text) in texts.into_iter().enumerate() {
            if position > 0 {
                self = self.and_text(", ");
            }
            self = self.and_code(text);
        }
        self
    }

    pub(crate) fn spans(&self) -> &[ProseSpan] {
        &self.0
    }
}

impl From<String> for Prose {
    fn from(text: String) -> Self {
        Self(vec![ProseSpan::Text(text)])
    }
}

impl fmt::Display for Prose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|span| match span {
            ProseSpan::Text(text) => f.write_str(text),
            ProseSpan::Code(text) => write!(f, "`{text}`"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_in_words_enclose_code_and_those_in_data_do_not() {
        let prose = Prose::words("add `removed` to ").and_text("a ` b");
        let text = |text: &str| ProseSpan::Text(text.to_owned());
        assert_eq!(
            prose.spans(),
            [
                text("add "),
                ProseSpan::Code("removed".to_owned()),
                text(" to "),
                text("a ` b")
            ]
        );
        assert_eq!(prose.to_string(), "add `removed` to a ` b");
        let list = Prose::words("only ").and_codes(["a".to_owned(), "b".to_owned()]);
        assert_eq!(list.to_string(), "only `a`, `b`");
    }
}
