//! Why a command failed: its exit code, and what standard error says about it.

use std::fmt::{Debug, Display};

use super::console::Console;
use super::exit::Exit;
use super::teller::Teller;
use super::workspace::{InvalidConfiguration, OpenError};
use crate::access::QuestionError;
use crate::apply::journal::JournalError;
use crate::emulator::EmulatorError;
use crate::provider::http::ApiError;
use crate::render::text::{neutral, neutral_lines};
use crate::repo::{self, RevisionError};

/// What a command returns, or a part of one. An exit code such as "changes pending" or "drift" is the result of a
/// command that did what it was asked to do, so it is no error.
pub(super) type CommandResult<T = Exit> = Result<T, CommandError>;

/// The exit codes of failures. A successful exit code cannot become an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// Anything without an exit code of its own.
    Error,
    /// The manifests or the configuration are invalid.
    Invalid,
    /// An access gate failed.
    GateFailed,
    /// A safety guard refused, or approval was required and nobody could be asked.
    Refused,
    /// The plan does not match the live state, or it is not the expected plan.
    Stale,
    /// Some calls were applied, or may have been.
    Partial,
}

impl From<FailureKind> for Exit {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Error => Self::Error,
            FailureKind::Invalid => Self::Invalid,
            FailureKind::GateFailed => Self::Failed,
            FailureKind::Refused => Self::Refused,
            FailureKind::Stale => Self::Stale,
            FailureKind::Partial => Self::Partial,
        }
    }
}

/// A failed command. It is printed once, in `cli::main`, after everything else has been cleaned up; code that continues
/// after a failure (with the next target, or with the next plan of `plan --watch`) prints it itself.
///
/// It deliberately does not implement `std::error::Error`: `?` in a function that returns `anyhow::Result` would discard
/// the exit code.
#[derive(Debug)]
#[must_use]
pub(super) struct CommandError {
    kind: FailureKind,
    /// The diagnostics of a configuration that cannot be used; printed first.
    diagnostics: Option<Box<InvalidConfiguration>>,
    message: Message,
    /// Failures of the same command, for example of other targets; printed after the message.
    related: Vec<CommandError>,
    /// What to do about it, a line each; printed last.
    hints: Vec<String>,
}

/// What standard error says about a failure, apart from hints.
#[derive(Debug)]
enum Message {
    /// Nothing: it was reported before, or the diagnostics and the related failures say everything.
    Nothing,
    /// `refused: text`, with a colored label.
    Labeled { label: &'static str, text: String },
    /// The text without a label. It may have several lines.
    Plain(String),
    /// The answer to what the user just typed. `--quiet` hides it.
    Notice(String),
    /// `error: text`, followed by its causes.
    Source(anyhow::Error),
}

impl CommandError {
    fn new(kind: FailureKind, message: Message) -> Self {
        Self {
            kind,
            diagnostics: None,
            message,
            related: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// An error without causes: `error: text`.
    pub(super) fn error(text: impl Display + Debug + Send + Sync + 'static) -> Self {
        Self::of_kind(FailureKind::Error, anyhow::Error::msg(text))
    }

    /// An error with an exit code of its own, instead of 1.
    pub(super) fn of_kind(kind: FailureKind, error: impl Into<anyhow::Error>) -> Self {
        Self::new(kind, Message::Source(error.into()))
    }

    /// A failure that the user was told about by something with its own output format, such as a diagnostic reporter.
    pub(super) fn reported(kind: FailureKind) -> Self {
        Self::new(kind, Message::Nothing)
    }

    /// A failure that needs no label: the text says that nothing was done, and why.
    pub(super) fn plain(kind: FailureKind, text: impl Into<String>) -> Self {
        Self::new(kind, Message::Plain(text.into()))
    }

    /// The user was asked and declined.
    pub(super) fn declined(text: impl Into<String>) -> Self {
        Self::new(FailureKind::Error, Message::Notice(text.into()))
    }

    /// An access gate failed.
    pub(super) fn gate_failed(text: impl Into<String>) -> Self {
        Self::labeled(FailureKind::GateFailed, "refused", text.into())
    }

    /// A safety guard refused.
    pub(super) fn refused(text: impl Into<String>) -> Self {
        Self::labeled(FailureKind::Refused, "refused", text.into())
    }

    /// The plan does not match the live state or the commit.
    pub(super) fn stale(text: impl Into<String>) -> Self {
        Self::labeled(FailureKind::Stale, "stale plan", text.into())
    }

    /// The plan is not the one that was expected.
    pub(super) fn another_plan(text: impl Into<String>) -> Self {
        Self::labeled(FailureKind::Stale, "another plan", text.into())
    }

    fn labeled(kind: FailureKind, label: &'static str, text: String) -> Self {
        Self::new(kind, Message::Labeled { label, text })
    }

    /// Combines the failures of several targets or checks, if there are any. The first one determines the exit code.
    ///
    /// # Errors
    /// The list is not empty.
    pub(super) fn join(errors: Vec<Self>) -> CommandResult<()> {
        match errors.first() {
            None => Ok(()),
            Some(first) => Err(Self::reported(first.kind).and(errors)),
        }
    }

    /// Adds a failure that happened after this one and determines the exit code.
    pub(super) fn then(self, later: Self) -> Self {
        Self::reported(later.kind).and([self, later])
    }

    /// Adds failures of the same command that do not change the exit code.
    pub(super) fn and(mut self, related: impl IntoIterator<Item = Self>) -> Self {
        self.related.extend(related);
        self
    }

    /// Adds a line that says what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says what the error is about. Only unexpected errors need that; all others say it themselves.
    pub(super) fn context(self, context: String) -> Self {
        let message = match self.message {
            Message::Source(error) => Message::Source(error.context(context)),
            message => message,
        };
        Self { message, ..self }
    }

    /// The same failure in a command that applied calls before. `hint` says that these calls stay applied: other
    /// messages than those of unexpected errors say that nothing was applied, and mean the last plan only.
    pub(super) fn after_writes(self, hint: &str) -> Self {
        let error = match self.message {
            Message::Source(_) => self,
            _ => self.hint(hint),
        };
        Self {
            kind: FailureKind::Partial,
            ..error
        }
    }

    pub(super) fn kind(&self) -> FailureKind {
        self.kind
    }

    /// Prints the failure to standard error.
    pub(super) fn print(self, console: Console) {
        let Self {
            kind: _,
            diagnostics,
            message,
            related,
            hints,
        } = self;
        if let Some(invalid) = diagnostics {
            invalid.tell(&Teller::showing(console));
        }
        match message {
            Message::Nothing => {}
            Message::Labeled { label, text } => {
                let label = console.error_painter().bad(label);
                console.warn(&format!("{label}: {}", neutral(&text)));
            }
            Message::Plain(text) => console.warn(&text),
            Message::Notice(text) => console.say(&text),
            Message::Source(error) => console.warn(&with_causes(&error, console)),
        }
        for error in related {
            error.print(console);
        }
        for hint in hints {
            console.warn(&hint);
        }
    }
}

fn with_causes(error: &anyhow::Error, console: Console) -> String {
    let mut text = console.error_painter().bad("error");
    for (position, cause) in error.chain().enumerate() {
        let separator = if position == 0 {
            ": "
        } else {
            "\n  caused by: "
        };
        text.push_str(separator);
        text.push_str(&neutral_lines(&cause.to_string()));
    }
    text
}

impl From<OpenError> for CommandError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Invalid(invalid) => Self {
                diagnostics: Some(invalid),
                ..Self::reported(FailureKind::Invalid)
            },
            OpenError::Unreadable(error) => error.into(),
        }
    }
}

/// Errors that `?` turns into an unexpected error.
macro_rules! from_errors {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for CommandError {
            fn from(error: $error) -> Self {
                Self::of_kind(FailureKind::Error, error)
            }
        })+
    };
}

from_errors!(
    anyhow::Error,
    std::io::Error,
    std::string::FromUtf8Error,
    serde_json::Error,
    ApiError,
    EmulatorError,
    JournalError,
    QuestionError,
    RevisionError,
    repo::OpenError,
);
