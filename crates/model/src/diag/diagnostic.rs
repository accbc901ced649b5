//! One finding, ready to be shown in any format.

use super::{Code, Place, Severity};

/// A place with a few words about it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What is to be seen there; may be empty for a place that speaks for itself.
    pub text: String,
}

/// A finding: what is wrong, where, and what to do next.
///
/// The first label is the primary one; the others point at related places.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// The kind of finding.
    pub code: Code,
    /// One sentence without a full stop.
    pub message: String,
    /// Where; never empty.
    pub labels: Vec<Label>,
    /// What to do next, as one sentence.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A finding at one place.
    pub fn new(code: Code, message: impl Into<String>, place: Place) -> Self {
        let label = Label {
            place,
            text: String::new(),
        };
        Self {
            code,
            message: message.into(),
            labels: vec![label],
            help: None,
        }
    }

    /// Sets the words beside the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(primary) = self.labels.first_mut() {
            primary.text = text.into();
        }
        self
    }

    /// Points at one more place.
    #[must_use]
    pub fn also(mut self, place: Place, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            place,
            text: text.into(),
        });
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether this stops a plan or is only a warning.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}
