//! What a plan opens and closes, as a reviewer reads it.

use std::fmt::Write as _;

use super::human::{call_name, place};
use crate::access::Audience;
use crate::plan::{AccessChange, AudienceImpact, DecidingRule, Impact, UnreadableResource};
use crate::render::paint::Painter;
use crate::render::text::neutral;

/// The section of a target's plan about access, by audience.
pub(super) fn human(impact: &Impact, painter: Painter) -> String {
    let Impact { audiences, cedar, unreadable } = impact;
    let mut text = String::new();
    let _ = writeln!(text, "  {}", painter.strong(&headline(impact)));
    for AudienceImpact { audience, changes } in audiences {
        if !changes.is_empty() || audiences.len() > 1 {
            let _ = writeln!(text, "    {}:", who(audience, audiences.len() == 1));
        }
        for change in changes {
            text.push_str(&change_text(change, painter));
        }
        if changes.is_empty() && audiences.len() > 1 {
            let _ = writeln!(text, "      no access changes");
        }
    }
    for policy in cedar {
        let _ = writeln!(text, "    ! Cedar policy \"{}\" changes; what it means is not compared", neutral(policy));
    }
    for UnreadableResource { policy, rule, resource, why } in unreadable {
        let what = call_name(policy, Some(rule));
        let _ = writeln!(
            text,
            "    ! {what}: live resource `{}` is taken to match nothing: {}",
            neutral(resource),
            neutral(why)
        );
    }
    text
}

fn headline(impact: &Impact) -> String {
    let effect = match (impact.widens(), impact.narrows()) {
        (false, false) if impact.audiences.is_empty() => return "Access: not compared".to_owned(),
        (false, false) => return "Access: no access changes; every request is decided as before".to_owned(),
        (true, false) => "widening",
        (false, true) => "narrowing",
        (true, true) => "mixed: some opens, some closes",
    };
    format!("Access: {effect}")
}

pub(super) fn who(audience: &Audience, alone: bool) -> String {
    let Audience { teams, profiles } = audience;
    let teams = teams.iter().map(|team| format!("team {}", neutral(team)));
    let all: Vec<String> =
        teams.chain(profiles.iter().map(|profile| format!("profile {}", neutral(profile)))).collect();
    match all.as_slice() {
        [] if alone => "everybody".to_owned(),
        [] => "people in no team".to_owned(),
        [one] => format!("people in {one} only"),
        many => format!("people in {}", many.join(" and ")),
    }
}

fn change_text(change: &AccessChange, painter: Painter) -> String {
    let AccessChange { opens, resource, ports, methods, witness, before, after } = change;
    let mut what = neutral(resource).into_owned();
    let said = |ports: &str| ports.strip_prefix("port ").is_some_and(|port| resource.ends_with(&format!(":{port}")));
    if let Some(ports) = ports.as_ref().filter(|ports| !said(ports)) {
        let _ = write!(what, ", {ports}");
    }
    if !methods.is_empty() {
        let _ = write!(what, ", {}", methods.join(" "));
    }
    let head = if *opens { painter.good("+ opens ") } else { painter.bad("- closes") };
    let mut text = format!("      {head} {what}  {}\n", painter.dim(&format!("for example: {}", neutral(witness))));
    let _ = writeln!(text, "          before: {}", by(before));
    let _ = writeln!(text, "          after:  {}", by(after));
    text
}

/// The rules that decide, at most three of them by name.
pub(super) fn by(rules: &[DecidingRule]) -> String {
    let Some(first) = rules.first() else { return "denied, as nothing allows it".to_owned() };
    let decision = if first.allows { "allowed" } else { "denied" };
    let named: Vec<String> = rules
        .iter()
        .take(3)
        .map(|DecidingRule { policy, rule, allows: _, resource: _, source }| {
            let source = source.as_ref().map(|source| format!(" ({})", place(source))).unwrap_or_default();
            format!("{}{source}", call_name(policy, Some(rule)))
        })
        .collect();
    let more = if rules.len() > 3 { format!(" and {} more", rules.len() - 3) } else { String::new() };
    format!("{decision} by {}{more}", named.join("; "))
}
