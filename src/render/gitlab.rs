//! Renders diagnostics as a GitLab Code Quality report.

use serde::Serialize;

use super::annotations::{
    Annotation, AnnotationLevel, AnnotationRule, PackDiagnostics, PlanRule, RepositoryPrefix,
};
use super::text::neutral_json;

/// The path of diagnostics without a file: GitLab drops entries without a path.
const NOWHERE: &str = manifest::config::FILE_NAME;

#[derive(Serialize)]
struct GitlabIssue<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: String,
    severity: GitlabSeverity,
    location: GitlabLocation,
}

/// The severities of GitLab.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum GitlabSeverity {
    Info,
    Minor,
    Major,
    Critical,
}

#[derive(Serialize)]
struct GitlabLocation {
    path: String,
    lines: GitlabLines,
}

#[derive(Serialize)]
struct GitlabLines {
    begin: u32,
    end: u32,
}

/// The report as JSON.
///
/// # Errors
/// The report cannot be serialized, which does not happen for plain data.
pub fn gitlab(findings: &PackDiagnostics, prefix: &RepositoryPrefix) -> serde_json::Result<String> {
    let issues: Vec<GitlabIssue<'_>> = findings
        .fingerprinted()
        .into_iter()
        .map(|(finding, print)| issue(finding, print, prefix))
        .collect();
    let mut text = serde_json::to_string_pretty(&issues)?;
    text.push('\n');
    Ok(neutral_json(&text).into_owned())
}

fn issue<'a>(
    finding: &'a Annotation,
    fingerprint: String,
    prefix: &RepositoryPrefix,
) -> GitlabIssue<'a> {
    let Annotation {
        rule,
        weight,
        message,
        help,
        spot,
        target,
        ..
    } = finding;
    let target = target
        .as_ref()
        .map(|target| format!(" [{target}]"))
        .unwrap_or_default();
    let help = help
        .as_ref()
        .map(|help| format!(" (help: {help})"))
        .unwrap_or_default();
    let severity = match (weight, rule) {
        (AnnotationLevel::Error, AnnotationRule::Plan(PlanRule::GateShut)) => {
            GitlabSeverity::Critical
        }
        (AnnotationLevel::Error, AnnotationRule::File(_) | AnnotationRule::Plan(_)) => {
            GitlabSeverity::Major
        }
        (AnnotationLevel::Warning, _) => GitlabSeverity::Minor,
        (AnnotationLevel::Notice, _) => GitlabSeverity::Info,
    };
    let lines = spot.as_ref().and_then(|spot| spot.lines);
    let lines = lines.map_or(GitlabLines { begin: 1, end: 1 }, |lines| GitlabLines {
        begin: lines.first,
        end: lines.last,
    });
    let path = prefix.file(spot.as_ref().map_or(NOWHERE, |spot| &spot.file));
    GitlabIssue {
        description: format!("{message}{target}{help}"),
        check_name: rule.as_str(),
        fingerprint,
        severity,
        location: GitlabLocation { path, lines },
    }
}
