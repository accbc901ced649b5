//! Renders the gates of a plan: failed gates in full, the others by number.

use std::fmt::Write as _;

use super::wording::{call_name, deciding_rules, gate_text, place};
use crate::plan::{BreachInfo, DecidingRule, GateInfo, GateOutcome, GateSource};
use crate::render::paint::Painter;
use crate::render::plan::access_view::{AccessLineKind, not_analyzed_text, sides, who};
use crate::render::text::{neutral, plural};

/// Maximum number of breaches to show per gate. The JSON output contains all.
const SHOWN: usize = 5;

/// Why a gate may pass although the plan opens access.
const SEEN_FROM_THE_BASE: &str =
    "widening is what this change opens: what undoing drift opens does not count";

/// The section about gates, if there are any. `three_way` means that drift is distinguished.
pub(crate) fn human(gates: &[GateOutcome], three_way: bool, painter: Painter) -> String {
    let mut text = String::new();
    if gates.is_empty() {
        return text;
    }
    let shut: Vec<&GateOutcome> = gates.iter().filter(|gate| !gate.passes()).collect();
    let holding = gates.len() - shut.len();
    let headline = match (shut.len(), gates.len()) {
        (0, 1) => "Gates: the one holds".to_owned(),
        (0, all) => format!("Gates: all {all} hold"),
        (broken, all) => format!(
            "Gates: {broken} of {all} {} not hold",
            if broken == 1 { "does" } else { "do" }
        ),
    };
    let _ = writeln!(text, "  {}", painter.strong(&headline));
    for outcome in gates {
        let removed = matches!(outcome.source, GateSource::Base { .. });
        if outcome.passes() && !removed {
            continue;
        }
        let sign = if outcome.passes() {
            painter.good("✓")
        } else {
            painter.bad("✗")
        };
        let _ = writeln!(
            text,
            "    {sign} {}  {}",
            gate_text(&outcome.gate),
            painter.dim(&source(&outcome.source))
        );
        if removed {
            let _ = writeln!(
                text,
                "        gate removed by this change; still applies until merged"
            );
        }
        if let Some(why) = &outcome.unknown {
            let _ = writeln!(text, "        could not be worked out: {}", neutral(why));
        }
        for entry in &outcome.not_analyzed {
            let _ = writeln!(text, "        not analyzed: {}", not_analyzed_text(entry));
        }
        for breach in outcome.breaches.iter().take(SHOWN) {
            breach_text(&mut text, breach, &outcome.gate, painter);
        }
        if outcome.breaches.len() > SHOWN {
            let _ = writeln!(text, "        and {} more", outcome.breaches.len() - SHOWN);
        }
    }
    if !shut.is_empty() && holding > 0 {
        let _ = writeln!(
            text,
            "    {}",
            painter.dim(&plural(holding, "more: holds", "more: hold"))
        );
    }
    if three_way
        && gates
            .iter()
            .any(|outcome| matches!(outcome.gate, GateInfo::DenyWidening { .. }))
    {
        let _ = writeln!(text, "    {}", painter.dim(SEEN_FROM_THE_BASE));
    }
    text
}

fn source(source: &GateSource) -> String {
    match source {
        GateSource::CommandLine => String::new(),
        GateSource::Config(at) => place(at),
        GateSource::Base { at, revision } => {
            let short: String = revision.chars().take(12).collect();
            format!("{} at {}", place(at), neutral(&short))
        }
    }
}

fn breach_text(text: &mut String, breach: &BreachInfo, gate: &GateInfo, painter: Painter) {
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
        "  (so before this plan too)"
    } else {
        ""
    };
    let _ = writeln!(
        text,
        "        {}: {}{already}",
        who(people),
        painter.strong(&neutral(witness))
    );
    match gate {
        GateInfo::DenyWidening { .. } => {
            let sides = sides(
                AccessLineKind::Opened,
                assumption.is_some(),
                (before, after),
            );
            let _ = writeln!(text, "          before: {}", sides.before);
            let _ = writeln!(text, "          after:  {}", sides.after);
        }
        GateInfo::Never { .. } | GateInfo::Always { .. } => {
            let _ = writeln!(text, "          {}", deciding_rules(after));
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
        let _ = writeln!(
            text,
            "          what goes: the {decision} of `{}` by {what}{source}",
            neutral(resource)
        );
    }
}
