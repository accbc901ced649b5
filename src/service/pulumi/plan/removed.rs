//! Packs and groups that were removed from the manifests and are still live.

use crate::plan::{EventKind, PlanEvent, ResourceKind};
use crate::run::service::EventRequest;
use model::diag::Place;

/// Compares the live packs and groups that no manifest declares with those of the base revision.
pub fn removal_events(request: &EventRequest<'_>) -> Vec<PlanEvent> {
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
