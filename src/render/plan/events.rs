//! The words of events. All formats use them.

use super::sections::{PlanSection, SectionLine};
use super::wording::{full_name, place, resource_name};
use crate::plan::{EventKind, Plan, PlanEvent, TargetPlan, ValueChange};
use crate::render::prose::Prose;
use crate::render::text::neutral;
use model::CONFIG_FILE_NAME;
use model::misleading::escape_non_ascii;

/// An event in one sentence, and the next step. Both are neutralized.
pub(crate) struct EventText {
    pub(crate) message: Prose,
    pub(crate) help: Option<Prose>,
}

/// The section of the events that concern all targets.
pub(crate) fn common_events(plan: &Plan) -> Option<PlanSection> {
    section(plan.events.iter().filter(|event| event.target.is_none()))
}

/// The section of the events of one target.
pub(crate) fn target_events(plan: &Plan, target: &TargetPlan) -> Option<PlanSection> {
    let name = &target.target.name;
    let events = plan.events.iter();
    section(events.filter(|event| event.target.as_ref() == Some(name)))
}

fn section<'e>(events: impl Iterator<Item = &'e PlanEvent>) -> Option<PlanSection> {
    let mut lines = Vec::new();
    for event in events {
        let EventText { message, help } = event_text(event);
        let at = event.source.as_ref().map(place);
        let at = at.map(|at| format!("  {at}")).unwrap_or_default();
        lines.push(SectionLine {
            text: Prose::words("! ").and(message).and_text(at),
            detail: help,
        });
    }
    (!lines.is_empty()).then_some(PlanSection {
        title: "Review first",
        lines,
    })
}

pub(crate) fn event_text(event: &PlanEvent) -> EventText {
    let (message, help) = match &event.event {
        EventKind::RemovedStillLive {
            resource,
            name,
            effect,
            declared,
        } => {
            let effect = effect
                .as_ref()
                .map(|effect| format!(" ({})", neutral(effect)));
            let restore = format!("to keep it, restore {}", neutral(&declared.file));
            let help = if resource.can_be_listed_as_removed() {
                Prose::words("to delete it, add ")
                    .and_code(format!("removed: [{}]", quoted(name)))
                    .and_words(" to the target; ")
                    .and_text(restore)
            } else {
                Prose::from(restore).and_words("; to delete it, set `unmanaged: prune`")
            };
            let message = format!(
                "removed from git but still live: {}{}",
                full_name(*resource, name, None),
                effect.unwrap_or_default()
            );
            (message.into(), Some(help))
        }
        EventKind::ProbableRename { name, live } => (
            format!(
                "probable rename: new policy \"{}\" has the same rules as live policy \"{}\", which no manifest declares",
                neutral(name),
                neutral(live)
            )
            .into(),
            Some(
                Prose::words("to rename it instead of creating a second policy, add ")
                    .and_code(format!("aliases: [{}]", quoted(live)))
                    .and_words(" to `metadata`"),
            ),
        ),
        EventKind::ConfusableName {
            resource,
            name,
            live,
        } => {
            let what = resource_name(*resource);
            (
                format!(
                    "{what} \"{}\" can be confused with live {what} \"{}\", which no manifest declares",
                    escape_non_ascii(name),
                    escape_non_ascii(live)
                )
                .into(),
                Some(Prose::from(format!(
                    "look at the live {what}; if it is not needed, delete it"
                ))),
            )
        }
        EventKind::RemovedNotLive { name } => (
            Prose::words("`removed` lists ").and_text(format!(
                "\"{}\", which is not on the server",
                neutral(name)
            )),
            Some(Prose::words("remove the entry")),
        ),
        EventKind::ConfigChanged { setting, value } => (
            format!(
                "{CONFIG_FILE_NAME}: {} changed: {}",
                neutral(setting),
                difference(value)
            )
            .into(),
            None,
        ),
        EventKind::ProtectionRemoved { name } => (
            Prose::from(format!(
                "policy \"{}\" is no longer protected ",
                neutral(name)
            ))
            .and_words("(`protect: true`)"),
            None,
        ),
        EventKind::TestRemoved {
            name,
            case,
            declared,
        } => {
            let case = case
                .as_ref()
                .map(|case| format!("case \"{}\" of ", neutral(case)));
            (
                format!(
                    "{}policy test \"{}\" is deleted (base revision: {})",
                    case.unwrap_or_default(),
                    neutral(name),
                    place(declared)
                )
                .into(),
                None,
            )
        }
        EventKind::ManifestNotRead { file, now } => (
            format!(
                "manifest {} is no longer read: it is now called {}",
                neutral(file),
                neutral(now)
            )
            .into(),
            Some(Prose::words(
                "manifests end in `.yaml`, `.yml` or `.json` and do not begin with a dot",
            )),
        ),
    };
    EventText { message, help }
}

/// A name as a YAML string.
fn quoted(name: &str) -> String {
    let text = serde_json::to_string(name).unwrap_or_else(|_| name.to_owned());
    neutral(&text).into_owned()
}

fn difference(value: &ValueChange) -> String {
    match value {
        ValueChange::Scalar { before, after } => {
            let shown = |value: &Option<String>| {
                let text = value.as_deref().map(neutral);
                text.map_or_else(|| "not set".to_owned(), |text| text.into_owned())
            };
            format!("{} → {}", shown(before), shown(after))
        }
        ValueChange::Set {
            added,
            removed,
            kept: _,
        } => {
            let list = |verb: &str, items: &[String]| {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| neutral(item).into_owned())
                    .collect();
                (!items.is_empty()).then(|| format!("{verb} {}", items.join(", ")))
            };
            let parts: Vec<String> = [list("removed", removed), list("added", added)]
                .into_iter()
                .flatten()
                .collect();
            parts.join("; ")
        }
        ValueChange::Text { before, after } => {
            format!("{} → {}", neutral(before), neutral(after))
        }
    }
}

/// What identifies an event across runs, without lines.
pub(crate) fn identity(event: &EventKind) -> Vec<&str> {
    match event {
        EventKind::RemovedStillLive { name, .. }
        | EventKind::RemovedNotLive { name }
        | EventKind::ProtectionRemoved { name } => vec![name],
        EventKind::ProbableRename { name, live }
        | EventKind::ConfusableName {
            name,
            live,
            resource: _,
        } => {
            vec![name, live]
        }
        EventKind::ConfigChanged { setting, value: _ } => vec![setting],
        EventKind::TestRemoved {
            name,
            case,
            declared: _,
        } => vec![name, case.as_deref().unwrap_or_default()],
        EventKind::ManifestNotRead { file, now } => vec![file, now],
    }
}
