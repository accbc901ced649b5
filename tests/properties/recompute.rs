//! Saved plans: recomputed from their calls and the live state, they equal the planner's result.

use std::collections::BTreeMap;

use manifest::config::{Provider, Unmanaged};
use model::docker::Profile;
use polwarden::plan::Gates;
use polwarden::plan::{
    AccessImpact, Change, GuardedChange, GuardedKind, LiveCounts, ResourceKind, SourceRef,
    TargetInfo, TargetPlan,
};
use polwarden::service::docker::plan::recompute::recomputed;
use polwarden::service::docker::plan::{PolicyPlanRequest, plan_gated, replay};
use proptest::prelude::*;

use super::plan::world_and_profile;
use super::worlds::World;

fn teams() -> BTreeMap<String, String> {
    BTreeMap::from([("platform".to_owned(), "t1".to_owned())])
}

fn with_request<R>(
    world: &World,
    profile: Profile,
    unmanaged: Unmanaged,
    run: impl FnOnce(&PolicyPlanRequest<'_>) -> R,
) -> R {
    let target = TargetInfo {
        name: "production".to_owned(),
        provider: Provider::Docker,
        organization: "my-org".to_owned(),
        profile: Some(profile),
        endpoint: "embedded".to_owned(),
    };
    // Every place has a line of its own, so that one that is lost or mixed up shows.
    let locate = |place: &model::diag::Place| SourceRef {
        file: format!("{place:?}"),
        line: 1,
    };
    let desired = &world.desired;
    let live = &world.live;
    let request = PolicyPlanRequest {
        target,
        desired,
        live,
        unmanaged: unmanaged.into(),
        teams: &teams(),
        locate: &locate,
    };
    run(&request)
}

pub(super) fn plan(world: &World, profile: Profile, unmanaged: Unmanaged) -> TargetPlan {
    with_request(world, profile, unmanaged, |request| {
        plan_gated(request, &Gates::default())
    })
}

/// Changes by what they say: what has the same name and fate has no order of its own.
fn sorted(mut changes: Vec<Change>) -> Vec<Change> {
    for change in &mut changes {
        change.children = sorted(std::mem::take(&mut change.children));
    }
    changes.sort_by_key(|change| serde_json::to_string(change).unwrap());
    changes
}

/// The changes as the planner and the recomputation show them.
pub(super) fn recomputed_changes(
    world: &World,
    profile: Profile,
    planned: &TargetPlan,
) -> (Vec<Change>, Vec<Change>) {
    let again = with_request(world, profile, Unmanaged::Report, |request| {
        recomputed(planned, request).unwrap()
    });
    (sorted(planned.changes.clone()), sorted(again.changes))
}

proptest! {
    #![proptest_config(crate::properties::cases(512))]

    #[test]
    fn a_recomputed_plan_shows_what_the_planner_showed(
        (world, profile) in world_and_profile(),
        unmanaged in proptest::sample::select(vec![Unmanaged::Report, Unmanaged::Prune]),
    ) {
        let planned = plan(&world, profile, unmanaged);
        // What a file says of its changes, access and counts is not asked for.
        let mut saved = planned.clone();
        saved.live = LiveCounts::new([(ResourceKind::Rule, 7777)]);
        let recomputed = |plan: &TargetPlan| {
            with_request(&world, profile, unmanaged, |request| recomputed(plan, request)).unwrap()
        };
        let again = recomputed(&saved);
        // A call that is split for safety may create a rule again: the planner shows the intended change, and
        // the calls show what they do.
        let whole = planned.calls.iter().all(|call| call.why.is_none());
        if planned.held.is_empty() {
            if whole {
                prop_assert_eq!(sorted(again.changes.clone()), sorted(planned.changes.clone()));
            }
            prop_assert_eq!(&again.access, &planned.access);
        } else {
            // Held changes have another name than their manifest: the planner does not find their lines, but these changes do.
            prop_assert_eq!(without_sources(again.access.clone().unwrap()), without_sources(planned.access.clone().unwrap()));
        }
        // Without the manifests, a policy that is created again under another name counts as deleted.
        let more: Vec<&GuardedChange> = again.guarded.iter().filter(|found| !planned.guarded.contains(found)).collect();
        prop_assert!(planned.guarded.iter().all(|told| again.guarded.contains(told)));
        // A deleted policy and a new one of the same name count as the same policy, which only adds guards.
        let after = replay(&world.live, &planned.calls).unwrap();
        let taken = |name: &str| {
            let goes = world.live.policies.iter().filter(|old| after.policies.iter().all(|new| new.id != old.id));
            goes.into_iter().any(|old| old.name == name && after.policies.iter().any(|new| new.name == name))
        };
        prop_assert!(
            more.iter().all(|found| found.kind == GuardedKind::Prune || taken(&found.name)),
            "{:?}", more
        );
        prop_assert_eq!(&again.live, &planned.live);
        prop_assert_eq!(&again.notes, &planned.notes);

        // A file without changes, access and guards leads to the same plan, apart from the lines of manifests.
        let mut hidden = planned.clone();
        (hidden.changes, hidden.access, hidden.guarded) = (Vec::new(), Some(AccessImpact::default()), Vec::new());
        let found = recomputed(&hidden);
        if whole {
            prop_assert_eq!(sorted(without_lines(found.changes)), sorted(without_lines(planned.changes)));
        }
        prop_assert_eq!(without_sources(found.access.unwrap()), without_sources(planned.access.unwrap()));
        for told in &planned.guarded {
            prop_assert!(found.guarded.contains(told), "{:?} {:?}", told, found.guarded);
        }
    }
}

fn without_lines(changes: Vec<Change>) -> Vec<Change> {
    let bare = |change: Change| Change {
        source: None,
        children: without_lines(change.children),
        ..change
    };
    changes.into_iter().map(bare).collect()
}

/// The impact as JSON, without the lines of rules.
fn without_sources(impact: AccessImpact) -> serde_json::Value {
    let mut json = serde_json::to_value(impact).unwrap();
    strip(&mut json);
    json
}

fn strip(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            fields.remove("source");
            fields.values_mut().for_each(strip);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}
