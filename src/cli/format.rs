//! How results are shown: one list of formats for all commands, of which each has some.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use anyhow::{Context as _, bail};
use camino::Utf8PathBuf;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::console::Console;
use super::directory;
use crate::render::layout::Layout;
use crate::render::markdown::{CommentOptions, GITHUB_COMMENT, Marker, SMALLEST};
use crate::workspace::state;

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutputFormat {
    Human,
    Json,
    Markdown,
    Github,
    Gitlab,
    Sarif,
    Junit,
    Html,
}

/// The formats of `apply`.
pub(super) const APPLY: &[OutputFormat] = &[
    OutputFormat::Human,
    OutputFormat::Json,
    OutputFormat::Github,
];

/// The formats of commands that show data.
const DATA: &[OutputFormat] = &[OutputFormat::Human, OutputFormat::Json];

/// The format of a command that shows data on standard output.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct DataFormat {
    /// Output format.
    #[arg(short = 'o', long, value_name = "FORMAT", value_parser = OutputFormat::value_parser(DATA), default_value = "human")]
    format: OutputFormat,
}

impl DataFormat {
    pub(super) fn is_json(&self) -> bool {
        self.format == OutputFormat::Json
    }
}

impl OutputFormat {
    const fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Html => "html",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Human => "For people",
            Self::Json => "For machines, with a schema in schemas/",
            Self::Markdown => "A comment on a pull request",
            Self::Github => "Workflow commands of GitHub: annotations",
            Self::Gitlab => "A Code Quality report of GitLab",
            Self::Sarif => "SARIF 2.1.0, for code scanning",
            Self::Junit => "JUnit XML, for servers that show test results",
            Self::Html => "One page that needs no network",
        }
    }

    /// Whether findings of files are a part of it, so that they need not be told beside it.
    pub(super) fn includes_diagnostics(self) -> bool {
        match self {
            Self::Human | Self::Json => false,
            Self::Markdown
            | Self::Github
            | Self::Gitlab
            | Self::Sarif
            | Self::Junit
            | Self::Html => true,
        }
    }

    /// The parser of `--format` for a command that has these formats.
    pub(super) fn value_parser(formats: &'static [Self]) -> impl TypedValueParser<Value = Self> {
        let values = formats
            .iter()
            .map(|format| PossibleValue::new(format.name()).help(format.help()));
        PossibleValuesParser::new(values).try_map(|name| parse_format(formats, &name))
    }
}

fn parse_format(formats: &[OutputFormat], name: &str) -> Result<OutputFormat, String> {
    let known = formats.iter().find(|format| format.name() == name).copied();
    known.ok_or_else(|| {
        let names: Vec<&str> = formats.iter().map(|format| format.name()).collect();
        format!(
            "`{name}` is not a format of this command; there are: {}",
            names.join(", ")
        )
    })
}

/// A file to write, in a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OutputFile {
    format: OutputFormat,
    path: Utf8PathBuf,
}

impl OutputFile {
    /// The parser of `--output` for a command that has these formats.
    pub(super) fn value_parser(
        formats: &'static [OutputFormat],
    ) -> impl TypedValueParser<Value = Self> {
        move |text: &str| -> Result<Self, String> {
            let (name, path) = text
                .split_once('=')
                .ok_or("write FORMAT=FILE, for example sarif=findings.sarif")?;
            let format = parse_format(formats, name)?;
            if path.is_empty() {
                return Err("the name of the file is missing behind `=`".to_owned());
            }
            Ok(Self {
                format,
                path: path.into(),
            })
        }
    }
}

/// The formats of a command, with the help of the options that choose among them.
pub(super) trait CommandFormats {
    const FORMATS: &'static [OutputFormat];
    const FORMAT_HELP: &'static str;
    const OUTPUT_HELP: &'static str;
}

/// Declares the formats of commands. The documentation of each is the help of `--format` and of
/// `--output`.
macro_rules! command_formats {
    ($(
        #[doc = $format_help:literal]
        #[doc = $output_help:literal]
        $name:ident: $formats:expr;
    )+) => {$(
        #[derive(Debug)]
        pub(super) struct $name;

        impl CommandFormats for $name {
            const FORMATS: &'static [OutputFormat] = $formats;
            const FORMAT_HELP: &'static str = $format_help;
            const OUTPUT_HELP: &'static str = $output_help;
        }
    )+};
}

command_formats! {
    /// Output format on standard output.
    /// Also write a file in this format (repeatable).
    PlanFormats: &[
        OutputFormat::Human,
        OutputFormat::Json,
        OutputFormat::Markdown,
        OutputFormat::Github,
        OutputFormat::Gitlab,
        OutputFormat::Sarif,
        OutputFormat::Junit,
        OutputFormat::Html,
    ];

    /// Output format on standard output.
    /// Also write a file in this format (repeatable).
    DriftFormats: PlanFormats::FORMATS;

    /// Output format on standard output.
    /// Also write a file in this format (repeatable).
    DiagnosticFormats: &[
        OutputFormat::Human,
        OutputFormat::Json,
        OutputFormat::Markdown,
        OutputFormat::Github,
        OutputFormat::Gitlab,
        OutputFormat::Sarif,
        OutputFormat::Junit,
    ];

    /// Output format on standard output.
    /// Also write a file in this format (repeatable).
    TestFormats: &[
        OutputFormat::Human,
        OutputFormat::Json,
        OutputFormat::Markdown,
        OutputFormat::Github,
        OutputFormat::Junit,
    ];
}

/// A documentation comment as a help text, in the way of clap.
fn help(doc: &'static str) -> &'static str {
    doc.trim().trim_end_matches('.')
}

/// Where the result of a command goes, and in which formats.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs<F: CommandFormats> {
    #[arg(short = 'o', long, value_name = "FORMAT", value_parser = OutputFormat::value_parser(F::FORMATS), default_value = "human", help = help(F::FORMAT_HELP))]
    format: OutputFormat,
    #[arg(long, value_name = "FORMAT=FILE", value_parser = OutputFile::value_parser(F::FORMATS), help = help(F::OUTPUT_HELP))]
    output: Vec<OutputFile>,
    #[command(flatten)]
    comment: CommentArgs,
    #[arg(skip)]
    formats: PhantomData<F>,
}

impl<F: CommandFormats> OutputArgs<F> {
    /// The format on standard output.
    pub(super) fn format(&self) -> OutputFormat {
        self.format
    }

    /// A format on standard output, and nothing else.
    pub(super) fn on_standard_output(format: OutputFormat) -> Self {
        Self {
            format,
            output: Vec::new(),
            comment: CommentArgs {
                marker: None,
                max_size: GITHUB_COMMENT,
            },
            formats: PhantomData,
        }
    }

    /// Whether files are written too.
    pub(super) fn has_files(&self) -> bool {
        !self.output.is_empty()
    }

    pub(super) fn sink(&self) -> OutputSink<'_> {
        OutputSink {
            format: self.format,
            outputs: &self.output,
        }
    }

    /// The options of a comment for a run on some targets: the same, whatever becomes of the run.
    pub(super) fn comment(&self, targets: &[String]) -> CommentOptions {
        let CommentArgs { marker, max_size } = &self.comment;
        CommentOptions {
            marker: marker
                .clone()
                .unwrap_or_else(|| Marker::of_targets(targets)),
            most: *max_size,
        }
    }
}

/// What comments in Markdown are told.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct CommentArgs {
    /// Hidden marker used to find and update this job's comment.
    ///
    /// Default: the targets that are selected with --target, or `all`.
    #[arg(long, value_name = "NAME")]
    marker: Option<Marker>,
    /// Maximum size of a Markdown comment.
    ///
    /// A longer comment is shortened and says so. GitHub accepts 65536 characters.
    #[arg(long, value_name = "BYTES", default_value_t = GITHUB_COMMENT, value_parser = parse_max_bytes)]
    max_size: usize,
}

fn parse_max_bytes(text: &str) -> Result<usize, String> {
    let most: usize = text
        .parse()
        .map_err(|_| "write a number of bytes".to_owned())?;
    if most < SMALLEST {
        Err(format!("{SMALLEST} is the least"))
    } else {
        Ok(most)
    }
}

/// Where the result of a command goes: to standard output in one format, and to files.
pub(super) struct OutputSink<'a> {
    format: OutputFormat,
    outputs: &'a [OutputFile],
}

impl OutputSink<'_> {
    /// The format on standard output.
    pub(super) fn format(&self) -> OutputFormat {
        self.format
    }

    /// Whether any format holds findings of files: to place them all takes time, which nobody else needs.
    pub(super) fn includes_diagnostics(&self) -> bool {
        self.format.includes_diagnostics()
            || self
                .outputs
                .iter()
                .any(|output| output.format.includes_diagnostics())
    }

    /// Looks at the files before anything is done.
    ///
    /// # Errors
    /// Two formats would go into one file.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let mut seen = BTreeSet::new();
        for OutputFile { format: _, path } in self.outputs {
            if !seen.insert(path) {
                bail!(
                    "two formats would be written to `{path}`; name another file for one of them"
                );
            }
        }
        Ok(())
    }

    /// Writes the result in all formats. `render` gives none where there is nothing to write in a format.
    ///
    /// # Errors
    /// A file cannot be written, or a result not be rendered.
    pub(super) fn write(
        &self,
        console: Console,
        render: impl Fn(OutputFormat, Layout) -> anyhow::Result<Option<String>>,
    ) -> anyhow::Result<()> {
        for OutputFile { format, path } in self.outputs {
            if let Some(text) = render(*format, Layout::plain())? {
                let path = directory::argument(path);
                state::write_shared(path.as_std_path(), text)
                    .with_context(|| format!("cannot write `{path}`"))?;
            }
        }
        if let Some(text) = render(self.format, console.layout())? {
            console.print(&text)?;
        }
        Ok(())
    }
}
