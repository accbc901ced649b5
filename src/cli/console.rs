//! The way out: human text and data to standard output, progress and errors to standard error.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::LazyLock;

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::render::apply_events::ApplyEvent;
use crate::render::layout::{DEFAULT_WIDTH, Layout};
use crate::render::paint::Painter;

/// All progress bars of this process. They are suspended while other text is printed.
pub(super) static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));

/// Writes text to standard output. A closed pipe (`| head`) is ignored.
fn write_out(text: &str) -> io::Result<()> {
    let written = beside(|| {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    });
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes something while no bar is in the way.
pub(super) fn beside<T>(write: impl FnOnce() -> T) -> T {
    BARS.suspend(write)
}

/// When to use colors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorMode {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What standard output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OutputMode {
    /// Text for people, or the result in one format.
    Result,
    /// Text for people, with annotations for GitHub between it.
    Annotated,
    /// Events; text for people goes to standard error.
    Events,
}

/// Where a command writes to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Console {
    mode: OutputMode,
    out: Painter,
    error: Painter,
    quiet: bool,
    is_verbose: bool,
    bars: bool,
}

impl Console {
    /// Looks at the terminal and the wishes of the user.
    pub(super) fn new(color: ColorMode, quiet: bool, verbose: bool) -> Self {
        let choose = |auto: ColorChoice| match color {
            ColorMode::Auto => auto != ColorChoice::Never,
            ColorMode::Always => true,
            ColorMode::Never => false,
        };
        let out = Painter::new(choose(AutoStream::choice(&io::stdout())));
        let error = Painter::new(choose(AutoStream::choice(&io::stderr())));
        // Lines about what is done say more than a bar.
        Self {
            mode: OutputMode::Result,
            out,
            error,
            quiet,
            is_verbose: verbose,
            bars: !quiet && !verbose,
        }
    }

    /// The layout of standard output: as wide as the terminal, or as `COLUMNS` says.
    pub(super) fn layout(self) -> Layout {
        let terminal = terminal_size::terminal_size_of(io::stdout());
        let terminal = terminal.map(|(width, _)| usize::from(width.0));
        let columns = || std::env::var("COLUMNS").ok()?.parse().ok();
        let width = terminal.filter(|width| *width > 0).or_else(columns);
        Layout::new(self.out, width.unwrap_or(DEFAULT_WIDTH), self.is_verbose)
    }

    /// The same console for a command that writes events to standard output.
    pub(super) fn with_events(self) -> Self {
        Self {
            mode: OutputMode::Events,
            out: self.error,
            ..self
        }
    }

    /// The same console for a command that writes annotations to standard output, beside text.
    pub(super) fn with_annotations(self) -> Self {
        Self {
            mode: OutputMode::Annotated,
            ..self
        }
    }

    /// Whether annotations are wanted.
    pub(super) fn has_annotations(self) -> bool {
        self.mode == OutputMode::Annotated
    }

    /// Writes an event to standard output if events are wanted.
    pub(super) fn emit(self, event: &ApplyEvent) {
        if self.mode != OutputMode::Events {
            return;
        }
        let written = event
            .line()
            .map_err(io::Error::other)
            .and_then(|line| write_out(&line));
        if let Err(error) = written {
            self.warn(&format!("cannot write to standard output: {error}"));
        }
    }

    /// The painter for standard output.
    pub(super) fn painter(self) -> Painter {
        self.out
    }

    /// The painter for standard error.
    pub(super) fn error_painter(self) -> Painter {
        self.error
    }

    /// Writes text to standard output as it is. A reader that went away (`| head`) is no error.
    ///
    /// # Errors
    /// Any other failed write.
    pub(super) fn print(self, text: &str) -> io::Result<()> {
        if self.mode == OutputMode::Events {
            return beside(|| io::stderr().lock().write_all(text.as_bytes()));
        }
        write_out(text)
    }

    /// Writes text about a run to standard output. A run does not end because its output cannot be
    /// written, for example to a closed terminal or a full disk: the calls decide its exit code.
    pub(super) fn announce(self, text: &str) {
        if let Err(error) = self.print(text) {
            self.warn(&format!("cannot write to standard output: {error}"));
        }
    }

    /// Begins a new page: an empty screen on a terminal, a line elsewhere.
    ///
    /// # Errors
    /// A failed write.
    pub(super) fn clear(self) -> io::Result<()> {
        // The beginning of the screen, and nothing behind it; what was scrolled away stays.
        self.print(if io::stdout().is_terminal() {
            "\u{1b}[H\u{1b}[2J"
        } else {
            "---\n"
        })
    }

    /// Writes one line to standard error, unless only errors are wanted.
    pub(super) fn status(self, text: &str) {
        if !self.quiet {
            self.warn(text);
        }
    }

    /// Writes one line to standard error, always.
    pub(super) fn warn(self, text: &str) {
        // There is nowhere left to report that standard error is closed.
        let _ = beside(|| writeln!(io::stderr().lock(), "{text}"));
    }

    /// Whether a person sits at standard error and wants to see progress.
    pub(super) fn shows_progress(self) -> bool {
        self.bars && io::stderr().is_terminal()
    }

    /// Asks a question that only `yes` answers, on a terminal; elsewhere there is no answer.
    ///
    /// # Errors
    /// A failed read or write.
    pub(super) fn confirm(self, question: &str) -> io::Result<Option<bool>> {
        if !io::stdin().is_terminal() {
            return Ok(None);
        }
        let answer = read_answer(&format!("{question} "))?;
        Ok(Some(answer.as_deref() == Some("yes")))
    }

    /// Asks for a line of text on a terminal. `None` elsewhere, or if the input ends without a line.
    ///
    /// # Errors
    /// A failed read or write.
    pub(super) fn ask(self, question: &str) -> io::Result<Option<String>> {
        if !io::stdin().is_terminal() {
            return Ok(None);
        }
        read_answer(question)
    }
}

/// Reads a line of standard input without the space around it. `None` at its end.
fn read_answer(question: &str) -> io::Result<Option<String>> {
    let mut error = io::stderr().lock();
    write!(error, "{question}")?;
    error.flush()?;
    let mut answer = String::new();
    let length = io::stdin().read_line(&mut answer)?;
    Ok((length > 0).then(|| answer.trim().to_owned()))
}
