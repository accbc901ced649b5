//! The sections of a target in addition to its changes, access and gates.

use super::wording::{full_name, held_reason, note, parts, place};
use crate::plan::{
    GuardedChange, HeldChange, Origin, ResourceKind, TargetOrigins, TargetPlan, UnmanagedResource,
};
use crate::render::paint::Painter;
use crate::render::text::neutral;
use manifest::config::Unmanaged;

/// Lines with a title, neutralized.
pub(crate) struct PlanSection {
    pub(crate) title: &'static str,
    pub(crate) lines: Vec<String>,
}

/// The sections that are not empty.
pub(crate) fn sections(
    plan: &TargetPlan,
    origins: Option<&TargetOrigins>,
    painter: Painter,
) -> Vec<PlanSection> {
    let TargetPlan {
        calls,
        held,
        unmanaged,
        guarded,
        notes,
        ..
    } = plan;
    let extra = calls
        .iter()
        .filter_map(|call| Some((call, call.why.as_ref()?)));
    let extra = extra.map(|(call, why)| {
        format!(
            "call {} ({}): {}",
            call.id.0,
            full_name(call.send.resource(), &call.name, call.part.as_deref()),
            neutral(why)
        )
    });
    let unseen = guarded.iter().map(
        |GuardedChange {
             kind: _,
             resource,
             name,
             how,
         }| { format!("! {}: {}", full_name(*resource, name, None), neutral(how)) },
    );
    let left = unmanaged
        .iter()
        .filter(|policy| policy.treatment == Unmanaged::Report);
    let left = left.map(unmanaged_line);
    let all = [
        PlanSection {
            title: "Extra calls for safety",
            lines: extra.collect(),
        },
        PlanSection {
            title: "To be acknowledged at `apply` (`--ack`)",
            lines: unseen.collect(),
        },
        PlanSection {
            title: "Notes",
            lines: notes.iter().map(note).collect(),
        },
        PlanSection {
            title: "Held, not done by this plan",
            lines: held_lines(held, origins, painter),
        },
        PlanSection {
            title: "Unmanaged, left alone (no manifest declares them; `import` writes manifests)",
            lines: left.collect(),
        },
    ];
    all.into_iter()
        .filter(|section| !section.lines.is_empty())
        .collect()
}

/// An unmanaged object in one line. The kind is omitted if the provider has only one.
pub(crate) fn unmanaged_line(unmanaged: &UnmanagedResource) -> String {
    let UnmanagedResource {
        resource,
        id: _,
        name,
        parts: count,
        treatment: _,
        known,
        becomes: _,
    } = unmanaged;
    let known = if *known { ", listed as known" } else { "" };
    let kind = match resource {
        ResourceKind::Policy | ResourceKind::Rule => String::new(),
        ResourceKind::Pack
        | ResourceKind::Version
        | ResourceKind::PackPolicy
        | ResourceKind::Group
        | ResourceKind::EnabledPack
        | ResourceKind::PolicyDocument
        | ResourceKind::GroupDocument => format!("{} ", resource.words().0),
    };
    format!(
        "{kind}\"{}\" ({}{known})",
        neutral(name),
        parts(*resource, *count)
    )
}

fn held_lines(
    held: &[HeldChange],
    origins: Option<&TargetOrigins>,
    painter: Painter,
) -> Vec<String> {
    let told = |at: usize| origins.and_then(|origins| origins.held.get(at)).copied();
    held.iter()
        .enumerate()
        .map(|(at, held)| held_line(held, told(at), painter))
        .collect()
}

fn held_line(held: &HeldChange, origin: Option<Origin>, painter: Painter) -> String {
    let HeldChange {
        resource,
        name,
        part,
        source,
        reason,
    } = held;
    let mut line = format!(
        "! {}: {}",
        full_name(*resource, name, part.as_deref()),
        held_reason(reason)
    );
    if let Some(origin) = origin {
        line.push_str(&format!("  [{}]", origin.as_str()));
    }
    if let Some(source) = source {
        line.push_str("  ");
        line.push_str(&painter.dim(&place(source)));
    }
    line
}
