//! Renders the access changes of a plan.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::wording::{audience_name, call_name, deciding_rules, headline, requests};
use crate::plan::{AccessChange, AccessImpact, AudienceImpact, UnreadableResource};
use crate::render::paint::Painter;
use crate::render::text::neutral;

/// The access changes with their audiences, which share most of them.
pub(crate) fn grouped(impact: &AccessImpact) -> Vec<(&AccessChange, Vec<String>)> {
    let mut groups: Vec<(&AccessChange, Vec<String>)> = Vec::new();
    let mut known = HashMap::new();
    for AudienceImpact { audience, changes } in &impact.audiences {
        let who = audience_name(audience, impact.audiences.len() == 1);
        for change in changes {
            let AccessChange {
                opens,
                resource,
                ports,
                methods,
                witness,
                before: _,
                after: _,
            } = &**change;
            let position = *known
                .entry((opens, resource, ports, methods, witness))
                .or_insert(groups.len());
            match groups.get_mut(position) {
                Some((_, people)) => people.push(who.clone()),
                None => groups.push((change, vec![who.clone()])),
            }
        }
    }
    groups
}

/// The access section of a target, by audience.
pub(crate) fn human(impact: &AccessImpact, painter: Painter) -> String {
    let AccessImpact {
        audiences,
        cedar: _,
        unreadable: _,
    } = impact;
    let mut text = String::new();
    let _ = writeln!(text, "  {}", painter.strong(&headline(impact)));
    for AudienceImpact { audience, changes } in audiences {
        if !changes.is_empty() || audiences.len() > 1 {
            let _ = writeln!(
                text,
                "    {}:",
                audience_name(audience, audiences.len() == 1)
            );
        }
        for change in changes {
            text.push_str(&change_text(change, painter));
        }
        if changes.is_empty() && audiences.len() > 1 {
            let _ = writeln!(text, "      no access changes");
        }
    }
    for line in not_compared(impact) {
        let _ = writeln!(text, "    ! {line}");
    }
    text
}

/// What was not compared, one line each.
pub(crate) fn not_compared(impact: &AccessImpact) -> Vec<String> {
    let AccessImpact {
        audiences: _,
        cedar,
        unreadable,
    } = impact;
    let cedar = cedar.iter().map(|policy| {
        format!(
            "Cedar policy \"{}\" changes; what it means is not compared",
            neutral(policy)
        )
    });
    let unreadable = unreadable.iter().map(
        |UnreadableResource {
             policy,
             rule,
             resource,
             why,
         }| {
            let what = call_name(policy, Some(rule));
            format!(
                "{what}: live resource `{}` is taken to match nothing: {}",
                neutral(resource),
                neutral(why)
            )
        },
    );
    cedar.chain(unreadable).collect()
}

fn change_text(change: &AccessChange, painter: Painter) -> String {
    let AccessChange {
        opens,
        resource: _,
        ports: _,
        methods: _,
        witness,
        before,
        after,
    } = change;
    let what = requests(change);
    let head = if *opens {
        painter.good("+ opens ")
    } else {
        painter.bad("- closes")
    };
    let mut text = format!(
        "      {head} {what}  {}\n",
        painter.dim(&format!("for example: {}", neutral(witness)))
    );
    let _ = writeln!(text, "          before: {}", deciding_rules(before));
    let _ = writeln!(text, "          after:  {}", deciding_rules(after));
    text
}
