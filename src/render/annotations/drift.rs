//! Diagnostics of drift.

use super::plan::{failed_gate, of_access, of_enforcement};
use super::{Annotation, PlanRule};
use crate::plan::{
    Change, ChangeKind, DriftReport, FieldChange, HeldChange, SourceRef, TargetDrift,
    UnmanagedResource,
};
use crate::render::drift::command;
use crate::render::plan::wording::{full_name, held_reason};
use crate::render::text::neutral;

impl Annotation {
    /// The changes made outside of polwarden, and the access that they opened and closed.
    pub fn of_drift(report: &DriftReport) -> Vec<Self> {
        report.targets.iter().flat_map(of_target).collect()
    }
}

fn of_target(drift: &TargetDrift) -> Vec<Annotation> {
    let TargetDrift {
        target,
        changes,
        since: _,
        access,
        enforcement,
        documents: _,
        held,
        managed: _,
        unlisted: _,
        gates,
        unmanaged: _,
        adopt: _,
        undo: _,
    } = drift;
    let mut found: Vec<Annotation> = of_enforcement(enforcement);
    found.extend(changes.iter().flat_map(|change| of_policy(change, drift)));
    found.extend(held.iter().map(of_held));
    found.extend(drift.unknown_objects().map(|one| of_unknown(one, drift)));
    found.extend(gates.iter().filter(|gate| !gate.passes()).map(failed_gate));
    found.extend(
        access
            .iter()
            .flat_map(|access| of_access(access, (PlanRule::DriftOpens, PlanRule::DriftCloses))),
    );
    for finding in &mut found {
        finding.target = Some(neutral(&target.name).into_owned());
    }
    found
}

/// One diagnostic for each rule that differs, and one for the policy itself if it differs.
fn of_policy(change: &Change, drift: &TargetDrift) -> Vec<Annotation> {
    let since = drift.since.iter().find(|since| since.name == change.name);
    let since = since
        .map(|since| format!("; last changed there {}", since.updated_at))
        .unwrap_or_default();
    let tell = |name: &str, one: &Change, source: Option<&SourceRef>| {
        let kind = match one.kind {
            ChangeKind::Create => "is only at the server".to_owned(),
            ChangeKind::Delete => "is missing at the server".to_owned(),
            ChangeKind::Update | ChangeKind::Within => {
                format!("differs at the server ({})", fields(&one.fields))
            }
        };
        Annotation::of(
            PlanRule::Drift,
            format!("{name} {kind}{since}"),
            &[name, &kind],
        )
        .at(source)
        .with_default_help(&help(change, drift))
    };
    let policy = full_name(change.resource, &change.name, None);
    match change.kind {
        ChangeKind::Create | ChangeKind::Delete => {
            vec![tell(&policy, change, change.source.as_ref())]
        }
        ChangeKind::Update | ChangeKind::Within => {
            let own = (change.kind == ChangeKind::Update)
                .then(|| tell(&policy, change, change.source.as_ref()));
            let rules = change.children.iter().map(|rule| {
                let source = rule.source.as_ref().or(change.source.as_ref());
                tell(
                    &full_name(change.resource, &change.name, Some(&rule.name)),
                    rule,
                    source,
                )
            });
            own.into_iter().chain(rules).collect()
        }
    }
}

fn fields(fields: &[FieldChange]) -> String {
    fields
        .iter()
        .map(|field| field.field.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

fn help(change: &Change, drift: &TargetDrift) -> String {
    let undo = command(&drift.undo).map(|undo| format!("`{undo}` undoes it"));
    let keep = match change.kind {
        ChangeKind::Delete => Some("delete the manifest to keep it so".to_owned()),
        ChangeKind::Create | ChangeKind::Update | ChangeKind::Within => {
            // Not everything that differs can be adopted.
            let keep = drift.adopts(&change.name).then(|| {
                command(&TargetDrift::adopting(
                    &drift.target,
                    [change.name.as_str()],
                ))
            });
            keep.flatten().map(|keep| format!("`{keep}` keeps it"))
        }
    };
    keep.into_iter().chain(undo).collect::<Vec<_>>().join("; ")
}

/// A live object that is neither declared nor listed as known or ignored.
fn of_unknown(one: &UnmanagedResource, drift: &TargetDrift) -> Annotation {
    let what = full_name(one.resource, &one.name, None);
    let keep = drift
        .adopts(&one.name)
        .then(|| command(&TargetDrift::adopting(&drift.target, [one.name.as_str()])));
    let keep = keep
        .flatten()
        .map(|keep| format!("`{keep}` writes a manifest for it; "));
    Annotation::of(
        PlanRule::Drift,
        format!("{what} exists only on the server; no manifest declares it"),
        &[&what, "unmanaged"],
    )
    .with_default_help(&format!(
        "{}to leave it alone, list it in `unmanaged.known`",
        keep.unwrap_or_default()
    ))
}

fn of_held(held: &HeldChange) -> Annotation {
    let HeldChange {
        resource,
        name,
        part,
        source,
        reason,
    } = held;
    let what = full_name(*resource, name, part.as_deref());
    let why = held_reason(reason).to_string();
    Annotation::of(
        PlanRule::Drift,
        format!("{what} differs, which `apply` does not undo: {why}"),
        &[&what, &why],
    )
    .at(source.as_ref())
}
