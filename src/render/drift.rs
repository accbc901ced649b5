//! Renders drift reports.

use std::fmt::Write as _;

use super::paint::Painter;
use super::plan::wording::{full_name, held_reason, place, resource_name};
use super::plan::{
    PlanSection, access, documents, enforcement_section, target_heading, tree, unmanaged_line,
};
use super::text::{count_of, line_start, neutral, neutral_json};
use crate::plan::{Change, ChangeKind, DriftReport, HeldChange, LastChange, TargetDrift};

/// Printed above the changes, because they are shown from the server's side.
pub(super) const INSTEAD: &str =
    "What the server holds instead (+ is only there, - is missing there)";

/// The report for people: what changed outside of polwarden, when, and the next command.
pub fn human(report: &DriftReport, painter: Painter) -> String {
    let mut text = String::new();
    for target in &report.targets {
        target_text(&mut text, target, painter);
    }
    let _ = writeln!(text, "{}", summary(report));
    text
}

pub fn summary(report: &DriftReport) -> String {
    let from = report
        .commit
        .as_ref()
        .map(|commit| neutral(commit.id.get(..10).unwrap_or(&commit.id)).into_owned());
    drift_sentence(
        report,
        &format!(
            " from {}",
            from.unwrap_or_else(|| "the manifests".to_owned())
        ),
    )
}

/// The summary without the commit, so it contains no external text.
pub(super) fn headline(report: &DriftReport) -> String {
    drift_sentence(report, "")
}

fn drift_sentence(report: &DriftReport, from: &str) -> String {
    match report
        .targets
        .iter()
        .filter(|target| target.is_drift())
        .count()
    {
        0 => format!("No drift{from}: what is live is what is wanted."),
        drifted => format!("Drift at {}{from}.", count_of(drifted, "target")),
    }
}

fn target_text(text: &mut String, drift: &TargetDrift, painter: Painter) {
    let TargetDrift {
        target,
        changes,
        access,
        enforcement,
        documents,
        ..
    } = drift;
    let head = target_heading(target);
    let _ = writeln!(text, "{}\n", painter.strong(&line_start(&head)));
    text.push_str(&enforcement_section(enforcement, painter));
    text.push_str(&documents::section(documents, painter));
    if !changes.is_empty() {
        let _ = writeln!(text, "  {}", painter.strong(&format!("{INSTEAD}:")));
    }
    for line in tree(changes, &[]) {
        let _ = writeln!(
            text,
            "{:indent$}{}",
            "",
            line.painted(painter),
            indent = 4 + line.indent
        );
    }
    if changes.is_empty() {
        text.push_str("  No difference.\n");
    }
    text.push('\n');
    if let Some(access) = access.as_ref().filter(|_| !changes.is_empty()) {
        text.push_str(&access::human(access, painter));
        text.push('\n');
    }
    for PlanSection { title, lines } in sections(drift) {
        let _ = writeln!(text, "  {}", painter.strong(&format!("{title}:")));
        for line in lines {
            let _ = writeln!(text, "    {line}");
        }
        text.push('\n');
    }
}

/// The sections of a target in addition to its changes and access.
pub(super) fn sections(drift: &TargetDrift) -> Vec<PlanSection> {
    let TargetDrift {
        target: _,
        changes,
        since,
        access: _,
        enforcement: _,
        documents: _,
        held,
        unmanaged,
        adopt,
        undo,
    } = drift;
    let since = since.iter().map(
        |LastChange {
             name,
             id: _,
             updated_at,
         }| format!("policy \"{}\": {}", neutral(name), neutral(updated_at)),
    );
    let held = held.iter().map(
        |HeldChange {
             resource,
             name,
             part,
             source: _,
             reason,
         }| {
            format!(
                "{}: {}",
                full_name(*resource, name, part.as_deref()),
                held_reason(reason)
            )
        },
    );
    let left = unmanaged.iter().map(unmanaged_line);
    let keep = command(adopt)
        .into_iter()
        .chain(changes.iter().filter_map(deleting));
    let all = [
        PlanSection {
            title: "Last changed at the server",
            lines: since.collect(),
        },
        PlanSection {
            title: "Different, and not to be undone by `apply`",
            lines: held.collect(),
        },
        PlanSection {
            title: "Unmanaged, which is no drift",
            lines: left.collect(),
        },
        PlanSection {
            title: "To keep what is live, write it into the manifests, and merge them",
            lines: keep.collect(),
        },
        PlanSection {
            title: "To undo it",
            lines: command(undo).into_iter().collect(),
        },
    ];
    all.into_iter()
        .filter(|section| !section.lines.is_empty())
        .collect()
}

/// How to keep the deletion of a policy.
fn deleting(change: &Change) -> Option<String> {
    let source = change
        .source
        .as_ref()
        .filter(|_| change.kind == ChangeKind::Delete)?;
    Some(format!(
        "delete the manifest of {} \"{}\" ({})",
        resource_name(change.resource),
        neutral(&change.name),
        place(source)
    ))
}

/// A command for a shell, neutralized; nothing for no words.
pub(super) fn command(words: &[String]) -> Option<String> {
    let words: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
    (!words.is_empty()).then(|| neutral(&words.join(" ")).into_owned())
}

/// Quotes a word for a POSIX shell.
fn shell_word(word: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '.' | '_' | '-' | '/' | ':' | '@' | '%' | '+' | ',')
    };
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The report as indented JSON with a final newline (`schemas/drift.schema.json`).
///
/// # Errors
/// The report cannot be serialized, which does not happen for plain data.
pub fn json(report: &DriftReport) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(neutral_json(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, quoted) in [
            ("p", "p"),
            ("AI services", "'AI services'"),
            ("it's", "'it'\\''s'"),
            ("$(id)", "'$(id)'"),
            ("", "''"),
            ("-x", "-x"),
            ("!", "'!'"),
        ] {
            assert_eq!(shell_word(word), quoted);
        }
        assert_eq!(command(&[]), None);
    }
}
