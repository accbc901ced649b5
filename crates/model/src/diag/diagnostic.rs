//! Diagnostics, independent of the output format.

use super::{Code, Place, Replacement, Severity, Suggestion};

/// A place with a short text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label {
    pub place: Place,
    /// The text; empty if the place needs no explanation.
    pub text: String,
}

/// A diagnostic: what is wrong, where, and the next step.
///
/// The first label is the primary one. The others refer to related places.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    pub code: Code,
    /// One sentence without a period.
    pub message: String,
    /// The places; never empty.
    pub labels: Vec<Label>,
    /// The next step, as one sentence.
    pub help: Option<String>,
    /// The change that the next step proposes, if it proposes a text. Boxed because it is rare.
    pub suggestion: Option<Box<Suggestion>>,
}

impl Diagnostic {
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
            suggestion: None,
        }
    }

    /// Sets the text of the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(primary) = self.labels.first_mut() {
            primary.text = text.into();
        }
        self
    }

    /// Adds a related place.
    #[must_use]
    pub fn also(mut self, place: Place, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            place,
            text: text.into(),
        });
        self
    }

    /// Sets the next step.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Proposes a change of the primary place.
    #[must_use]
    pub fn suggest(self, replacement: Replacement) -> Self {
        let Some(place) = self.labels.first().map(|label| label.place.clone()) else {
            return self;
        };
        self.suggest_at(place, replacement)
    }

    /// Proposes a change of another place.
    #[must_use]
    pub fn suggest_at(mut self, place: Place, replacement: Replacement) -> Self {
        self.suggestion = Some(Box::new(Suggestion { place, replacement }));
        self
    }

    /// Proposes a similar name, if there is one.
    #[must_use]
    pub fn suggest_similar(self, near: Option<&str>) -> Self {
        match near {
            Some(near) => self.suggest(Replacement::Similar(near.to_owned())),
            None => self,
        }
    }

    /// Whether this is an error, which prevents planning, or a warning.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}
