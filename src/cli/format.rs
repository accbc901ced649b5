//! How results are shown: one list of formats for all commands, of which each has some.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};
use camino::Utf8PathBuf;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::console::Console;
use super::workspace::TargetSelection;
use crate::render::markdown::{CommentOptions, GITHUB_COMMENT, Marker, SMALLEST};
use crate::render::paint::Painter;

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

/// The formats of `plan`.
pub(super) const PLAN: &[OutputFormat] = &[
    OutputFormat::Human,
    OutputFormat::Json,
    OutputFormat::Markdown,
    OutputFormat::Github,
    OutputFormat::Gitlab,
    OutputFormat::Sarif,
    OutputFormat::Junit,
    OutputFormat::Html,
];

/// The formats of findings alone.
pub(super) const VALIDATE: &[OutputFormat] = &[
    OutputFormat::Human,
    OutputFormat::Json,
    OutputFormat::Markdown,
    OutputFormat::Github,
    OutputFormat::Gitlab,
    OutputFormat::Sarif,
    OutputFormat::Junit,
];

/// The formats of policy tests.
pub(super) const TEST: &[OutputFormat] = &[
    OutputFormat::Human,
    OutputFormat::Json,
    OutputFormat::Markdown,
    OutputFormat::Github,
    OutputFormat::Junit,
];

/// The formats of drift.
pub(super) const DRIFT: &[OutputFormat] = PLAN;

/// The formats of runs.
pub(super) const RUNS: &[OutputFormat] = &[OutputFormat::Human, OutputFormat::Json];

/// The formats of answers.
pub(super) const EXPLAIN: &[OutputFormat] = &[OutputFormat::Human, OutputFormat::Json];

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

/// What comments in Markdown are told.
#[derive(Debug, Args)]
pub(super) struct CommentArgs {
    /// The invisible name of a comment in Markdown, by which a job finds the one that it wrote; without it, the
    /// targets that are chosen with --target, or `all`.
    #[arg(long, value_name = "NAME")]
    marker: Option<Marker>,
    /// The most bytes of a comment in Markdown; what does not fit is named in it. GitHub takes 65536 characters.
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

impl CommentArgs {
    /// The options for a run on some targets: the same, whatever becomes of the run.
    pub(super) fn options(&self, selection: &TargetSelection) -> CommentOptions {
        let marker = self
            .marker
            .clone()
            .unwrap_or_else(|| Marker::of_targets(selection.names()));
        CommentOptions {
            marker,
            most: self.max_size,
        }
    }
}

/// Where the result of a command goes: to standard output in one format, and to files.
pub(super) struct OutputSink<'a> {
    pub(super) format: OutputFormat,
    pub(super) outputs: &'a [OutputFile],
}

impl OutputSink<'_> {
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
        render: impl Fn(OutputFormat, Painter) -> anyhow::Result<Option<String>>,
    ) -> anyhow::Result<()> {
        for OutputFile { format, path } in self.outputs {
            if let Some(text) = render(*format, Painter::new(false))? {
                std::fs::write(path, text).with_context(|| format!("cannot write `{path}`"))?;
            }
        }
        if let Some(text) = render(self.format, console.painter())? {
            console.print(&text)?;
        }
        Ok(())
    }
}
