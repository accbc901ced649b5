//! Renders the gates of a plan: failed gates in full, the others by number.

use std::fmt::Write as _;

use super::wording::{call_name, decision, gate_text, place};
use crate::plan::{BreachInfo, DecidingRule, GateInfo, GateOutcome, GateSource};
use crate::render::layout::Layout;
use crate::render::plan::access_view::{AccessLineKind, not_analyzed_text, sides, who};
use crate::render::text::{neutral, neutral_hosts, plural};

/// Maximum number of breaches to show per gate. The JSON output contains all.
const SHOWN: usize = 5;

/// Indentation of the details of a gate.
const INDENT: &str = "      ";

/// Why a gate may pass although the plan opens access.
const SEEN_FROM_THE_BASE: &str =
    "Only access opened by this change counts as widening, not by undoing drift.";

/// The section about gates, if there are any. `three_way` means that drift is distinguished.
pub(crate) fn human(gates: &[GateOutcome], three_way: bool, layout: Layout) -> String {
    let painter = layout.painter;
    let mut text = String::new();
    if gates.is_empty() {
        return text;
    }
    let _ = writeln!(text, "{}", painter.strong(&headline(gates)));
    for outcome in gates {
        if !is_shown(outcome) {
            continue;
        }
        let sign = if outcome.passes() {
            painter.good("✓")
        } else {
            painter.bad("✗")
        };
        let gate = format!(
            "{}  {}",
            gate_text(&outcome.gate),
            painter.dim(&source(&outcome.source))
        );
        text.push_str(&layout.hang(&format!("  {sign} "), &gate));
        text.push_str(&details(outcome, layout));
    }
    for remark in remarks(gates, three_way) {
        text.push_str(&layout.wrap(&painter.dim(&remark), "  ", "  "));
    }
    text
}

/// The number of gates that pass or fail.
pub(crate) fn headline(gates: &[GateOutcome]) -> String {
    match (failed(gates), gates.len()) {
        (0, all) => format!("Gates: {all} passed"),
        (failed, all) => format!("Gates: {failed} of {all} failed"),
    }
}

fn failed(gates: &[GateOutcome]) -> usize {
    gates.iter().filter(|gate| !gate.passes()).count()
}

/// Whether a gate is shown with its details.
pub(crate) fn is_shown(outcome: &GateOutcome) -> bool {
    !outcome.passes() || is_removed(outcome)
}

fn is_removed(outcome: &GateOutcome) -> bool {
    matches!(outcome.source, GateSource::Base { .. })
}

/// What else a reader must know about the gates.
pub(crate) fn remarks(gates: &[GateOutcome], three_way: bool) -> Vec<String> {
    let mut remarks = Vec::new();
    let failed = failed(gates);
    let passed = gates.len() - failed;
    if failed > 0 && passed > 0 {
        remarks.push(plural(passed, "other gate passed", "other gates passed"));
    }
    let is_about_widening =
        |outcome: &GateOutcome| matches!(outcome.gate, GateInfo::DenyWidening { .. });
    if three_way && gates.iter().any(is_about_widening) {
        remarks.push(SEEN_FROM_THE_BASE.to_owned());
    }
    remarks
}

/// Why a gate fails, or why it is still evaluated.
pub(crate) fn details(outcome: &GateOutcome, layout: Layout) -> String {
    let mut text = String::new();
    if is_removed(outcome) {
        let note = "this change removes the gate; it applies until the merge";
        text.push_str(&layout.hang(INDENT, note));
    }
    if let Some(why) = &outcome.unknown {
        let why = format!("not analyzed: {}", neutral(why));
        text.push_str(&layout.hang(INDENT, &why));
    }
    for entry in &outcome.not_analyzed {
        let entry = format!("not analyzed: {}", not_analyzed_text(entry));
        text.push_str(&layout.hang(INDENT, &entry));
    }
    for breach in outcome.breaches.iter().take(SHOWN) {
        breach_text(&mut text, breach, &outcome.gate, layout);
    }
    if outcome.breaches.len() > SHOWN {
        let more = format!("… ({} more)", outcome.breaches.len() - SHOWN);
        text.push_str(&layout.hang(INDENT, &more));
    }
    text
}

/// Where a gate is configured.
pub(crate) fn source(source: &GateSource) -> String {
    match source {
        GateSource::CommandLine => String::new(),
        GateSource::Config(at) => place(at),
        GateSource::Base { at, revision } => {
            let short: String = revision.chars().take(12).collect();
            format!("{} at {}", place(at), neutral(&short))
        }
    }
}

fn breach_text(text: &mut String, breach: &BreachInfo, gate: &GateInfo, layout: Layout) {
    let BreachInfo {
        who: people,
        witness,
        already,
        blame,
        before,
        after,
        assumption,
    } = breach;
    let already = if *already {
        "  (also before this plan)"
    } else {
        ""
    };
    let line = format!(
        "{}: {}{already}",
        who(people),
        layout.painter.strong(&neutral_hosts(witness))
    );
    text.push_str(&layout.hang(INDENT, &line));
    match gate {
        GateInfo::DenyWidening { .. } => {
            let sides = sides(
                AccessLineKind::Opened,
                assumption.is_some(),
                (before, after),
            );
            text.push_str(&layout.hang("        before: ", &sides.before));
            text.push_str(&layout.hang("        after:  ", &sides.after));
        }
        GateInfo::Never { .. } | GateInfo::Always { .. } => {
            text.push_str(&layout.hang("        ", &decision(after, assumption.as_deref())));
        }
    }
    let gone = |rule: &DecidingRule| !after.contains(rule);
    for rule in blame.iter().filter(|rule| gone(rule)).take(3) {
        let DecidingRule {
            policy,
            rule,
            allows,
            asks,
            resource,
            source,
        } = rule;
        let decision = match (allows, asks) {
            (true, true) => "approval",
            (true, false) => "allow",
            (false, _) => "deny",
        };
        let source = source
            .as_ref()
            .map(|source| format!(" ({})", place(source)))
            .unwrap_or_default();
        let what = call_name(policy, rule.as_deref());
        let line = format!(
            "removed: {decision} of `{}` by {what}{source}",
            neutral_hosts(resource)
        );
        text.push_str(&layout.hang("        ", &line));
    }
}
