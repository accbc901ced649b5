//! Why a command failed: its exit code, and what standard error says about it.

use std::fmt::{Debug, Display};

use super::console::Console;
use super::exit::Exit;
use super::reporter::DiagnosticReporter;
use crate::render::annotations::RepositoryPrefix;
use crate::render::text::{neutral, neutral_lines};
use crate::run::journal::JournalError;
use crate::run::service::ServiceError;
use crate::service::{ConnectError, registry};
use access::QuestionError;
use emulator::EmulatorError;
use git::RevisionError;
use http::ApiError;
use model::diag::{Diagnostic, SourceMap};

/// The result of a command, or of a part of one. Exit codes such as "changes pending" and "drift" are results of
/// commands that did what they were asked to do, not errors.
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
    /// A safety guard refused, or approval was required and not possible.
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

/// Why a command failed. `cli::main` prints it, after connections are closed. Only code that continues after a failure
/// prints it earlier: `apply`, `import` and `validate --live` with the next target, `plan --watch` with the next plan.
///
/// It deliberately does not implement `std::error::Error`. Otherwise `?` in a function that returns `anyhow::Result`
/// would discard the exit code without a compiler error.
#[derive(Debug)]
#[must_use]
pub(super) struct CommandError {
    kind: FailureKind,
    /// The diagnostics of a configuration that cannot be used; printed first.
    diagnostics: Option<Box<InvalidConfiguration>>,
    message: ErrorMessage,
    /// Failures of the same command, for example of other targets; printed after the message.
    related: Vec<CommandError>,
    /// What to do about it, a line each; printed last.
    hints: Vec<String>,
}

/// What standard error says about a failure, apart from hints.
#[derive(Debug)]
enum ErrorMessage {
    /// Nothing: the failure was reported before, or its diagnostics or related failures are the message.
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
    fn new(kind: FailureKind, message: ErrorMessage) -> Self {
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
        Self::new(kind, ErrorMessage::Source(error.into()))
    }

    /// A failure that was printed already in another output format, for example by a diagnostic reporter.
    pub(super) fn reported(kind: FailureKind) -> Self {
        Self::new(kind, ErrorMessage::Nothing)
    }

    /// A failure whose text is printed without a label.
    pub(super) fn plain(kind: FailureKind, text: impl Into<String>) -> Self {
        Self::new(kind, ErrorMessage::Plain(text.into()))
    }

    /// The user was asked and declined.
    pub(super) fn declined(text: impl Into<String>) -> Self {
        Self::new(FailureKind::Error, ErrorMessage::Notice(text.into()))
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
        Self::new(kind, ErrorMessage::Labeled { label, text })
    }

    /// Combines the failures of several targets or checks, if there are any. The first one determines the exit code.
    ///
    /// # Errors
    /// The list is not empty.
    pub(super) fn join(errors: Vec<Self>) -> CommandResult<()> {
        match errors.first() {
            None => Ok(()),
            Some(first) => Err(Self::reported(first.kind).with_related(errors)),
        }
    }

    /// Adds a failure that happened after this one and determines the exit code.
    pub(super) fn followed_by(self, later: Self) -> Self {
        Self::reported(later.kind).with_related([self, later])
    }

    /// Writes the diagnostics of invalid manifests in all requested formats. Other errors are not part of any format.
    pub(super) fn with_report(self, write: impl FnOnce() -> anyhow::Result<()>) -> Self {
        if self.kind != FailureKind::Invalid {
            return self;
        }
        match write() {
            Ok(()) => self,
            Err(unwritten) => self.followed_by(unwritten.into()),
        }
    }

    /// Adds failures of the same command that do not change the exit code.
    pub(super) fn with_related(mut self, related: impl IntoIterator<Item = Self>) -> Self {
        self.related.extend(related);
        self
    }

    /// Adds a line that says what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds what an unexpected error is about. All other messages are complete without it.
    pub(super) fn context(self, context: String) -> Self {
        let message = match self.message {
            ErrorMessage::Source(error) => ErrorMessage::Source(error.context(context)),
            message => message,
        };
        Self { message, ..self }
    }

    /// The same failure in a command that applied calls before it. `hint` says that these calls stay applied. It is left
    /// out for unexpected errors, because only the other messages say "Nothing was applied", which is true for the last
    /// plan alone.
    pub(super) fn after_writes(self, hint: &str) -> Self {
        let error = match self.message {
            ErrorMessage::Source(_) => self,
            _ => self.hint(hint),
        };
        Self {
            kind: FailureKind::Partial,
            ..error
        }
    }

    /// What standard error says about the failure, without hints and diagnostics.
    pub(super) fn text(&self) -> String {
        let mut lines = Vec::new();
        match &self.message {
            ErrorMessage::Nothing => {}
            ErrorMessage::Labeled { label, text } => lines.push(format!("{label}: {text}")),
            ErrorMessage::Plain(text) | ErrorMessage::Notice(text) => lines.push(text.clone()),
            ErrorMessage::Source(error) => {
                let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
                lines.push(causes.join(": "));
            }
        }
        if self.diagnostics.is_some() {
            lines.push("the configuration is invalid".to_owned());
        }
        lines.extend(self.related.iter().map(Self::text));
        lines.retain(|line| !line.is_empty());
        if lines.is_empty() && self.kind == FailureKind::Invalid {
            lines.push("the manifests are invalid".to_owned());
        }
        lines.join("\n")
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
            invalid.report(&DiagnosticReporter::for_diagnostics(console));
        }
        match message {
            ErrorMessage::Nothing => {}
            ErrorMessage::Labeled { label, text } => {
                let label = console.error_painter().bad(label);
                console.warn(&format!("{label}: {}", neutral(&text)));
            }
            ErrorMessage::Plain(text) => console.warn(&text),
            ErrorMessage::Notice(text) => console.status(&text),
            ErrorMessage::Source(error) => console.warn(&with_causes(&error, console)),
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

/// Why the configuration cannot be used. Like [`CommandError`], it does not implement `std::error::Error`: `?` in a
/// function that returns `anyhow::Result` would discard the diagnostics.
pub(super) enum OpenWorkspaceError {
    /// It is invalid.
    Invalid(Box<InvalidConfiguration>),
    /// It is missing or cannot be read, the revision does not exist, or a selected target does not.
    Unreadable(anyhow::Error),
}

impl From<anyhow::Error> for OpenWorkspaceError {
    fn from(error: anyhow::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// An invalid configuration: diagnostics with the text that they point into.
#[derive(Debug)]
pub(super) struct InvalidConfiguration {
    pub(super) sources: SourceMap,
    /// At least one is an error.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The path of the configuration's directory in the repository.
    pub(super) prefix: RepositoryPrefix,
}

impl InvalidConfiguration {
    /// Hands the diagnostics over to a reporter.
    pub(super) fn report(self, reporter: &DiagnosticReporter) {
        reporter.report(&self.sources, self.diagnostics);
    }
}

impl From<OpenWorkspaceError> for CommandError {
    fn from(error: OpenWorkspaceError) -> Self {
        match error {
            OpenWorkspaceError::Invalid(invalid) => Self {
                diagnostics: Some(invalid),
                ..Self::reported(FailureKind::Invalid)
            },
            OpenWorkspaceError::Unreadable(error) => error.into(),
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
    git::WorkTreeError,
    ConnectError,
    registry::OpenError,
    ServiceError,
);

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(error: CommandError) -> Exit {
        error.kind().into()
    }

    #[test]
    fn the_first_of_several_failures_determines_the_exit_code() {
        let failures = vec![
            CommandError::reported(FailureKind::Invalid),
            CommandError::error("no connection"),
        ];
        assert_eq!(
            CommandError::join(failures).map_err(exit),
            Err(Exit::Invalid)
        );
        assert!(CommandError::join(Vec::new()).is_ok());
    }

    #[test]
    fn a_later_failure_determines_the_exit_code_if_it_is_added_as_such() {
        let refused = CommandError::refused("one more delete than allowed");
        let error = refused.followed_by(CommandError::error("invalid --ack"));
        assert_eq!(exit(error), Exit::Error);
    }

    #[test]
    fn a_failure_after_writes_is_partial_and_keeps_its_message() {
        const HINT: &str = "What was applied stays.";
        let stale = CommandError::stale("policy \"a\" has changed").after_writes(HINT);
        assert_eq!(stale.hints, [HINT]);
        assert_eq!(exit(stale), Exit::Partial);
        let unexpected = CommandError::error("no connection").after_writes(HINT);
        assert_eq!(unexpected.hints, Vec::<String>::new());
        assert_eq!(exit(unexpected), Exit::Partial);
    }

    #[test]
    fn only_unexpected_errors_take_context() {
        let error = CommandError::error("no connection").context("target `a`".to_owned());
        let ErrorMessage::Source(source) = error.message else {
            panic!("{error:?}");
        };
        let chain: Vec<String> = source.chain().map(ToString::to_string).collect();
        assert_eq!(chain, ["target `a`", "no connection"]);
        let error = CommandError::refused("2 deletes").context("target `a`".to_owned());
        assert!(matches!(error.message, ErrorMessage::Labeled { text, .. } if text == "2 deletes"));
    }
}
