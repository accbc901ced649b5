//! Packs and groups that were removed from the manifests and are still live.

use std::collections::HashMap;

use crate::plan::{EventKind, PlanEvent, ResourceKind};
use crate::run::service::EventRequest;
use model::diag::Place;
use model::misleading::skeleton;

/// Compares the live packs and groups that no manifest declares with those of the base revision, and
/// their names with declared ones.
pub fn removal_events(request: &EventRequest<'_>) -> Vec<PlanEvent> {
    let mut events = confusable_names(request);
    events.extend(removed_from_manifests(request));
    events
}

/// Live packs and groups whose names are displayed like declared ones.
fn confusable_names(request: &EventRequest<'_>) -> Vec<PlanEvent> {
    let groups = request.desired.groups.iter();
    let groups = groups.map(|group| (ResourceKind::Group, group.name.as_str(), group.place()));
    let packs = request.desired.packs.iter();
    let packs = packs.map(|pack| (ResourceKind::Pack, pack.name().as_str(), pack.place()));
    let names: HashMap<(ResourceKind, String), (&str, Place)> = groups
        .chain(packs)
        .map(|(resource, name, place)| ((resource, skeleton(name)), (name, place)))
        .collect();
    let events = request.plan.left_undeclared().filter_map(|left| {
        let (name, place) = names.get(&(left.resource, skeleton(&left.name)))?;
        Some(PlanEvent {
            target: Some(request.target.name.clone()),
            source: Some((request.locate)(place)),
            event: EventKind::ConfusableName {
                resource: left.resource,
                name: (*name).to_owned(),
                live: left.name.clone(),
            },
        })
    });
    events.collect()
}

fn removed_from_manifests(request: &EventRequest<'_>) -> Vec<PlanEvent> {
    let Some(base) = request.base else {
        return Vec::new();
    };
    let declared = |resource: ResourceKind, name: &str| -> Option<Place> {
        if resource == ResourceKind::Group {
            let mut groups = base.groups.iter();
            let group = groups.find(|group| group.name.as_str() == name)?;
            return Some(group.place());
        }
        let mut packs = base.packs.iter();
        let pack = packs.find(|pack| pack.name().as_str() == name)?;
        Some(pack.place())
    };
    let events = request.plan.left_undeclared().filter_map(|left| {
        let place = declared(left.resource, &left.name)?;
        Some(PlanEvent {
            target: Some(request.target.name.clone()),
            source: None,
            event: EventKind::RemovedStillLive {
                resource: left.resource,
                name: left.name.clone(),
                effect: None,
                declared: (request.locate_base)(&place),
            },
        })
    });
    events.collect()
}
