//! Renders drift reports.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::layout::Layout;
use super::plan::wording::{full_name, held_reason, place, resource_name};
use super::plan::{
    PlanSection, SectionLine, access, documents, enforcement_section, gates, target_heading, tree,
    unmanaged_line,
};
use super::prose::Prose;
use super::text::{count_of, line_start, neutral, neutral_json, plural, shell_word};
use crate::plan::{
    Change, ChangeKind, DriftReport, HeldChange, LastChange, ResourceKind, TargetDrift,
    UnmanagedResource,
};
use manifest::config::Unmanaged;

/// Printed above the changes, because they are shown from the server's side.
pub(super) const INSTEAD: &str =
    "Differences of the server (+ exists only there, - is missing there)";

/// Maximum number of known objects to name in the closing line.
const NAMES: usize = 5;

/// The report for people: what changed outside of polwarden, when, and the next command.
pub fn human(report: &DriftReport, layout: Layout) -> String {
    let mut text = String::new();
    for target in &report.targets {
        target_text(&mut text, target, layout);
    }
    text.push_str(&layout.wrap(&summary(report), "", ""));
    text
}

pub fn summary(report: &DriftReport) -> String {
    let commit = report.commit.as_ref().map(|commit| {
        format!(
            " (commit {})",
            neutral(commit.id.get(..10).unwrap_or(&commit.id))
        )
    });
    let known = |one: &UnmanagedResource| format!("\"{}\"", neutral(&one.name));
    drift_sentence(report, &commit.unwrap_or_default(), Some(&known))
}

/// The summary without the commit, so it contains no external text.
pub(super) fn headline(report: &DriftReport) -> String {
    drift_sentence(report, "", None)
}

/// The result, and what it does not cover. `known` shows an object that is listed as known.
fn drift_sentence(
    report: &DriftReport,
    commit: &str,
    known: Option<&dyn Fn(&UnmanagedResource) -> String>,
) -> String {
    let drifted = report.targets.iter().filter(|target| target.is_drift());
    let mut text = match drifted.count() {
        0 => format!("No drift in {}{commit}.", managed(report)),
        drifted => format!("Drift in {}{commit}.", count_of(drifted, "target")),
    };
    let failed = report.targets.iter().flat_map(|target| &target.gates);
    let failed = failed.filter(|gate| !gate.passes()).count();
    if failed > 0 {
        let _ = write!(
            text,
            " {} on the live state.",
            plural(failed, "gate fails", "gates fail")
        );
    }
    let left = not_checked(report, known);
    if !left.is_empty() {
        let _ = write!(text, " Not checked: {}.", left.join(", "));
    }
    text
}

/// "4 managed policies", or "2 managed policy packs and 1 managed policy group".
fn managed(report: &DriftReport) -> String {
    let mut counts: BTreeMap<ResourceKind, usize> = BTreeMap::new();
    for (kind, count) in report.targets.iter().flat_map(|target| &target.managed) {
        *counts.entry(*kind).or_default() += count;
    }
    let words = counts.iter().map(|(kind, count)| {
        let (one, many) = kind.words();
        let noun = if *count == 1 { one } else { many };
        format!("{count} managed {noun}")
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() {
        "the manifests".to_owned()
    } else {
        words.join(" and ")
    }
}

/// What the report leaves out, with numbers.
fn not_checked(
    report: &DriftReport,
    known: Option<&dyn Fn(&UnmanagedResource) -> String>,
) -> Vec<String> {
    let count = |of: &dyn Fn(&UnmanagedResource) -> bool| {
        let mut found: BTreeMap<ResourceKind, Vec<&UnmanagedResource>> = BTreeMap::new();
        for one in report.targets.iter().flat_map(|target| &target.unmanaged) {
            if of(one) {
                found.entry(one.resource).or_default().push(one);
            }
        }
        found
    };
    let noun = |kind: ResourceKind, count: usize| {
        let (one, many) = kind.words();
        format!("{count} unmanaged {}", if count == 1 { one } else { many })
    };
    let mut left = Vec::new();
    for (kind, found) in count(&|one| one.known) {
        let names = found
            .iter()
            .take(NAMES)
            .map(|one| known.map(|known| known(one)));
        let names: Option<Vec<String>> = names.collect();
        let names = names.map(|names| {
            let more = found.len().saturating_sub(NAMES);
            let more = if more > 0 {
                format!(", … {more} more")
            } else {
                String::new()
            };
            format!(" ({}{more})", names.join(", "))
        });
        left.push(format!(
            "{} listed as known{}",
            noun(kind, found.len()),
            names.unwrap_or_default()
        ));
    }
    for (kind, found) in count(&|one| !one.known && one.treatment == Unmanaged::Ignore) {
        left.push(format!("{} (`unmanaged: ignore`)", noun(kind, found.len())));
    }
    if report.targets.iter().any(|target| target.unlisted) {
        left.push("documents without a manifest, which the service cannot list".to_owned());
    }
    left
}

fn target_text(text: &mut String, drift: &TargetDrift, layout: Layout) {
    let painter = layout.painter;
    let TargetDrift {
        target,
        changes,
        access,
        enforcement,
        documents,
        gates,
        ..
    } = drift;
    let head = target_heading(target);
    let _ = writeln!(text, "{}\n", painter.strong(&line_start(&head)));
    text.push_str(&enforcement_section(enforcement, layout));
    text.push_str(&documents::section(documents, layout));
    if !changes.is_empty() {
        let title = painter.strong(&format!("{INSTEAD}:"));
        text.push_str(&layout.wrap(&title, "", "  "));
    }
    for line in tree(changes, &[]) {
        let indent = " ".repeat(2 + line.indent);
        text.push_str(&layout.wrap(&line.painted(painter), &indent, &format!("{indent}    ")));
    }
    if changes.is_empty() {
        text.push_str("No differences in managed objects.\n");
    }
    text.push('\n');
    if let Some(access) = access.as_ref().filter(|_| drift.may_change_access()) {
        text.push_str(&access::human(access, layout, usize::MAX));
        text.push('\n');
    }
    if !gates.is_empty() {
        text.push_str(&gates::human(gates, false, layout));
        text.push('\n');
    }
    for PlanSection { title, lines } in sections(drift) {
        text.push_str(&layout.wrap(&painter.strong(&format!("{title}:")), "", "  "));
        for SectionLine { text: line, detail } in lines {
            text.push_str(&layout.wrap(&line.to_string(), "  ", "      "));
            if let Some(detail) = detail {
                text.push_str(&layout.wrap(&detail.to_string(), "      ", "      "));
            }
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
        managed: _,
        unlisted: _,
        gates: _,
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
            Prose::from(format!("{}: ", full_name(*resource, name, part.as_deref())))
                .and(held_reason(reason))
        },
    );
    let unknown = drift.unknown_objects().map(unmanaged_line);
    let known = unmanaged.iter().filter(|one| one.known).map(unmanaged_line);
    let keep = command(adopt)
        .into_iter()
        .chain(changes.iter().filter_map(deleting));
    let all = [
        PlanSection::new("Last changed at the server", since),
        PlanSection::new("Different, and not to be undone by `apply`", held),
        PlanSection::new(
            "Unmanaged: no manifest declares them (import them, list them in `unmanaged.known`, or delete them)",
            unknown,
        ),
        PlanSection::new("Not checked: unmanaged and listed as known", known),
        PlanSection::new(
            "To keep the live state, import it into the manifests and merge them",
            keep,
        ),
        PlanSection::new("To undo it", command(undo)),
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

/// The report as indented JSON with a final newline (`schemas/drift.schema.json`).
///
/// # Errors
/// The report cannot be serialized, which does not happen for plain data.
pub fn json(report: &DriftReport) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(neutral_json(&text).into_owned())
}
