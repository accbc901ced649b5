//! Renders diagnostics as a GitLab Code Quality report.

use serde::Serialize;

use super::findings::{Finding, Findings, PlanRule, Prefix, RuleId, Weight};
use super::text::neutral_json;

/// The path of diagnostics without a file: GitLab drops entries without a path.
const NOWHERE: &str = manifest::config::FILE_NAME;

#[derive(Serialize)]
struct Issue<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: String,
    severity: Severity,
    location: Location,
}

/// The severities of GitLab.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Info,
    Minor,
    Major,
    Critical,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

/// The report as JSON.
///
/// # Errors
/// The report cannot be serialized, which does not happen for plain data.
pub fn gitlab(findings: &Findings, prefix: &Prefix) -> serde_json::Result<String> {
    let issues: Vec<Issue<'_>> = findings
        .fingerprinted()
        .into_iter()
        .map(|(finding, print)| issue(finding, print, prefix))
        .collect();
    let mut text = serde_json::to_string_pretty(&issues)?;
    text.push('\n');
    Ok(neutral_json(&text).into_owned())
}

fn issue<'a>(finding: &'a Finding, fingerprint: String, prefix: &Prefix) -> Issue<'a> {
    let Finding {
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
        (Weight::Error, RuleId::Plan(PlanRule::GateShut)) => Severity::Critical,
        (Weight::Error, RuleId::File(_) | RuleId::Plan(_)) => Severity::Major,
        (Weight::Warning, _) => Severity::Minor,
        (Weight::Notice, _) => Severity::Info,
    };
    let lines = spot.as_ref().and_then(|spot| spot.lines);
    let lines = lines.map_or(Lines { begin: 1, end: 1 }, |lines| Lines {
        begin: lines.first,
        end: lines.last,
    });
    let path = prefix.file(spot.as_ref().map_or(NOWHERE, |spot| &spot.file));
    Issue {
        description: format!("{message}{target}{help}"),
        check_name: rule.as_str(),
        fingerprint,
        severity,
        location: Location { path, lines },
    }
}
