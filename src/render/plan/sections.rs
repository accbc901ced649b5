//! The sections of a target in addition to its changes, access and gates.

use super::wording::{full_name, held_reason, note, parts, place};
use crate::plan::{
    GuardedChange, GuardedKind, HeldChange, Origin, PlanNote, ResourceKind, TargetOrigins,
    TargetPlan, UnmanagedResource,
};
use crate::render::paint::Painter;
use crate::render::prose::Prose;
use crate::render::text::neutral;
use manifest::config::Unmanaged;

/// Lines with a title, neutralized.
pub(crate) struct PlanSection {
    pub(crate) title: &'static str,
    pub(crate) lines: Vec<SectionLine>,
}

/// A line of a section, and what to do about it.
pub(crate) struct SectionLine {
    pub(crate) text: Prose,
    pub(crate) detail: Option<Prose>,
}

impl<T: Into<Prose>> From<T> for SectionLine {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            detail: None,
        }
    }
}

impl PlanSection {
    pub(crate) fn new<T: Into<SectionLine>>(
        title: &'static str,
        lines: impl IntoIterator<Item = T>,
    ) -> Self {
        Self {
            title,
            lines: lines.into_iter().map(Into::into).collect(),
        }
    }
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
        PlanSection::new("Extra calls for safety", extra),
        PlanSection::new("To be acknowledged at `apply` (`--ack`)", unseen),
        PlanSection::new(
            "Notes",
            notes
                .iter()
                .filter(|note| !is_guarded(note, guarded))
                .map(note),
        ),
        PlanSection::new(
            "Held, not done by this plan",
            held_lines(held, origins, painter),
        ),
        PlanSection::new(
            "Unmanaged, left alone (no manifest declares them; `import` writes manifests)",
            left,
        ),
    ];
    all.into_iter()
        .filter(|section| !section.lines.is_empty())
        .collect()
}

/// Whether the guards say the same.
fn is_guarded(note: &PlanNote, guarded: &[GuardedChange]) -> bool {
    match note {
        PlanNote::ScopeWidens { policy: _ } => guarded
            .iter()
            .any(|change| change.kind == GuardedKind::ScopeWidens),
        PlanNote::Gap { .. }
        | PlanNote::GroupGap { .. }
        | PlanNote::Unproved { .. }
        | PlanNote::GoesBack { .. }
        | PlanNote::LevelsNotGated
        | PlanNote::UnknownFields { .. } => false,
    }
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
) -> Vec<Prose> {
    let told = |at: usize| origins.and_then(|origins| origins.held.get(at)).copied();
    held.iter()
        .enumerate()
        .map(|(at, held)| held_line(held, told(at), painter))
        .collect()
}

fn held_line(held: &HeldChange, origin: Option<Origin>, painter: Painter) -> Prose {
    let HeldChange {
        resource,
        name,
        part,
        source,
        reason,
    } = held;
    let mut line = Prose::from(format!(
        "! {}: ",
        full_name(*resource, name, part.as_deref())
    ))
    .and(held_reason(reason));
    if let Some(origin) = origin {
        line = line.and_text(format!("  [{}]", origin.as_str()));
    }
    if let Some(source) = source {
        line = line.and_text(format!("  {}", painter.dim(&place(source))));
    }
    line
}
