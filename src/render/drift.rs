//! Drift, for people and for machines.

use std::fmt::Write as _;

use super::paint::Painter;
use super::plan::access;
use super::plan::tree;
use super::plan::words::{call_name, held_reason};
use super::text::{line_start, many, neutral, neutral_json, plural};
use crate::plan::{DriftReport, Held, Since, TargetDrift, UnmanagedPolicy};

/// The report for people: what the server does differently, since when, and how to go on.
pub fn human(report: &DriftReport, painter: Painter) -> String {
    let mut text = String::new();
    for target in &report.targets {
        target_text(&mut text, target, painter);
    }
    let drifted = report.targets.iter().filter(|target| target.is_drift()).count();
    let from = report.commit.as_ref().map(|commit| format!(" {}", commit.id.get(..10).unwrap_or(&commit.id)));
    let from = from.unwrap_or_else(|| " the manifests".to_owned());
    if drifted == 0 {
        let _ = writeln!(text, "No drift from{from}: what is live is what is wanted.");
    } else {
        let _ = writeln!(
            text,
            "Drift at {} from{from}. To keep it, write it into the manifests, and merge them; `polwarden apply` undoes it.",
            many(drifted, "target")
        );
    }
    text
}

fn target_text(text: &mut String, drift: &TargetDrift, painter: Painter) {
    let TargetDrift { target, changes, since, access, held, unmanaged } = drift;
    let head = format!("{} · {} · profile {}", neutral(&target.name), neutral(&target.organization), target.profile);
    let _ = writeln!(text, "{}\n", painter.strong(&line_start(&head)));
    if !changes.is_empty() {
        let _ = writeln!(
            text,
            "  {}",
            painter.strong("What the server holds instead (+ is only there, - is missing there):")
        );
    }
    for line in tree(changes, &[]) {
        let _ = writeln!(text, "{:indent$}{}", "", line.painted(painter), indent = 4 + line.indent);
    }
    if changes.is_empty() {
        text.push_str("  No difference.\n");
    }
    text.push('\n');
    if !changes.is_empty() {
        text.push_str(&access::human(access, painter));
        text.push('\n');
    }
    let since = since
        .iter()
        .map(|Since { policy, id: _, updated_at }| format!("policy \"{}\": {}", neutral(policy), neutral(updated_at)));
    section(text, painter, "Last changed at the server:", since.collect());
    let held = held.iter().map(|Held { resource: _, policy, rule, source: _, reason }| {
        format!("{}: {}", call_name(policy, rule.as_deref()), held_reason(reason))
    });
    section(text, painter, "Different, and not to be undone by `apply`:", held.collect());
    let left = unmanaged.iter().map(|UnmanagedPolicy { id: _, name, rules, treatment: _, becomes: _ }| {
        format!("\"{}\" ({})", neutral(name), many(*rules, "rule"))
    });
    let left: Vec<String> = left.collect();
    let title = format!("Unmanaged, which is no drift ({}):", plural(left.len(), "policy", "policies"));
    section(text, painter, &title, left);
}

fn section(text: &mut String, painter: Painter, title: &str, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "  {}", painter.strong(title));
    for line in lines {
        let _ = writeln!(text, "    {line}");
    }
    text.push('\n');
}

/// The report as JSON, indented, with a newline at the end (`schemas/drift.schema.json`).
///
/// # Errors
/// Passes on what the serializer says; plain data gives it no reason to.
pub fn json(report: &DriftReport) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(neutral_json(&text).into_owned())
}
