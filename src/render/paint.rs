//! Colours, where they are wanted.

use anstyle::{AnsiColor, Style};

/// Paints text, or leaves it plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Painter {
    coloured: bool,
}

impl Painter {
    /// A painter that paints or not.
    pub fn new(coloured: bool) -> Self {
        Self { coloured }
    }

    /// Whether it paints.
    pub fn is_coloured(self) -> bool {
        self.coloured
    }

    /// What is new or went well.
    pub fn good(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    /// What changes or needs attention.
    pub fn notice(self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    /// What goes or went wrong.
    pub fn bad(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default(), text)
    }

    /// What stands beside the matter.
    pub fn dim(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    /// What a section is called.
    pub fn strong(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.coloured {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}
