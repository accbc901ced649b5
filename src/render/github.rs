//! Renders diagnostics as GitHub workflow commands, which annotate the lines of a pull request.

use std::fmt::Write as _;

use super::annotations::{
    Annotation, AnnotationLevel, AnnotationLocation, LineRange, PackDiagnostics, RepositoryPrefix,
};
use super::text::{neutral, neutral_lines};

/// Maximum number of annotations of one kind that GitHub shows per step. The others are only in the
/// log.
pub const SHOWN: usize = 10;

/// The annotations by decreasing severity; `summary` is the first notice.
pub fn github(
    summary: Option<&str>,
    findings: &PackDiagnostics,
    prefix: &RepositoryPrefix,
) -> String {
    let mut text = String::new();
    let mut summary = summary.map(|summary| summary_notice(summary, findings));
    for finding in findings.list() {
        if finding.weight == AnnotationLevel::Notice {
            text.extend(summary.take());
        }
        text.push_str(&annotation(finding, prefix));
    }
    text.extend(summary);
    text
}

/// The error of a command.
pub fn failure(command: &str, text: &str) -> String {
    format!(
        "::error title={}::{}\n",
        property(&format!("polwarden {command}")),
        data(&neutral_lines(text))
    )
}

/// The summary, with the number of annotations that GitHub does not show.
fn summary_notice(summary: &str, findings: &PackDiagnostics) -> String {
    let mut message = neutral(summary).into_owned();
    if let Some(counts) = findings.counts() {
        let _ = write!(message, " Diagnostics: {counts}.");
    }
    let most = [
        AnnotationLevel::Error,
        AnnotationLevel::Warning,
        AnnotationLevel::Notice,
    ]
    .map(|weight| findings.count(weight));
    if most.iter().any(|count| *count > SHOWN) {
        let _ = write!(
            message,
            " GitHub shows {SHOWN} annotations of a kind for a step; the log of this step has all."
        );
    }
    format!("::notice title=polwarden::{}\n", data(&message))
}

fn annotation(finding: &Annotation, prefix: &RepositoryPrefix) -> String {
    let Annotation {
        rule,
        weight,
        message,
        help,
        spot,
        related,
        target,
        ..
    } = finding;
    let command = match weight {
        AnnotationLevel::Error => "error",
        AnnotationLevel::Warning => "warning",
        AnnotationLevel::Notice => "notice",
    };
    let mut properties = Vec::new();
    if let Some(AnnotationLocation { file, lines }) = spot {
        properties.push(format!("file={}", property(&neutral(&prefix.file(file)))));
        if let Some(LineRange {
            first,
            last,
            columns,
        }) = lines
        {
            properties.push(format!("line={first},endLine={last}"));
            // Columns apply to a single line.
            if let Some((column, end)) = columns.filter(|_| first == last) {
                properties.push(format!("col={column},endColumn={end}"));
            }
        }
    }
    properties.push(format!("title={}", property(rule.as_str())));
    let mut text = message.clone();
    if let Some(target) = target {
        let _ = write!(text, " [{target}]");
    }
    for related in related {
        let _ = write!(text, "\n{}: {}", related.spot.text(), related.text);
    }
    if let Some(help) = help {
        let _ = write!(text, "\nhelp: {help}");
    }
    format!("::{command} {}::{}\n", properties.join(","), data(&text))
}

/// Encodes the message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Encodes the value of a property, including its separators.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
