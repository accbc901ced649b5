//! The widening gate with a base: it ignores drift, and without drift it equals the gate without a base.

use std::collections::BTreeMap;

use manifest::config::{Provider, Unmanaged};
use model::docker::{DesiredPolicy, DockerLiveState, LiveContent, PolicyId, Profile, RuleId};
use polwarden::plan::{BasePlan, Gates};
use polwarden::plan::{SourceRef, TargetInfo, TargetPlan};
use polwarden::service::docker::plan::{PolicyPlanRequest, plan_gated, replay};
use proptest::prelude::*;

use super::of_two_hundred;
use super::worlds::{World, worlds};

fn plan(desired: &[DesiredPolicy], live: &DockerLiveState, gates: &Gates) -> TargetPlan {
    let target = TargetInfo {
        name: "production".to_owned(),
        provider: Provider::Docker,
        organization: "my-org".to_owned(),
        profile: Some(Profile::Current),
        endpoint: "embedded".to_owned(),
    };
    let locate = |_: &model::diag::Place| SourceRef {
        file: "p.yaml".to_owned(),
        line: 1,
    };
    let teams = BTreeMap::new();
    plan_gated(
        &PolicyPlanRequest {
            target,
            desired,
            live,
            unmanaged: Unmanaged::Report.into(),
            teams: &teams,
            locate: &locate,
        },
        gates,
    )
}

/// The live state after a plan. Created objects get their own ids because the next plan creates objects too.
fn after(live: &DockerLiveState, plan: &TargetPlan) -> DockerLiveState {
    let mut state = replay(live, &plan.calls).unwrap();
    for policy in &mut state.policies {
        policy.id = PolicyId::new(&format!("was-{}", policy.id));
        if let LiveContent::Rules(rules) = &mut policy.content {
            for rule in rules {
                rule.id = RuleId::new(&format!("was-{}", rule.id));
            }
        }
    }
    state
}

/// Gates that allow no opened access, relative to the base if there is one.
fn closed(base: Option<&TargetPlan>) -> Gates {
    Gates {
        widening: Some(Vec::new()),
        base: base.map(BasePlan::from),
        ..Gates::default()
    }
}

proptest! {
    #![proptest_config(crate::properties::cases(256))]

    #[test]
    fn a_change_of_nothing_opens_nothing(world in worlds(Profile::Current)) {
        let base = plan(&world.desired, &world.live, &Gates::default());
        let head = plan(&world.desired, &world.live, &closed(Some(&base)));
        prop_assert!(head.gates[0].passes(), "{:#?}", head.gates);
    }

    #[test]
    fn without_drift_all_that_opens_is_from_the_change(
        world in worlds(Profile::Current), head in worlds(Profile::Current),
    ) {
        let first = plan(&world.desired, &world.live, &Gates::default());
        let live = after(&world.live, &first);
        let base = plan(&world.desired, &live, &Gates::default());
        prop_assume!(base.calls.is_empty());
        let alone = plan(&head.desired, &live, &closed(None));
        let told = plan(&head.desired, &live, &closed(Some(&base)));
        prop_assert_eq!(alone.gates, told.gates);
    }

    /// Whatever opens on the way from the base to the change shuts the gate, whatever is live.
    #[test]
    fn what_the_change_opens_is_seen_through_any_drift(
        world in worlds(Profile::Current), head in worlds(Profile::Current),
    ) {
        if let Some(told) = widened(&world, &head) {
            prop_assert!(!told.gates[0].passes());
        }
    }
}

/// The plan of a change, if it opens something on the way from where the base is applied to the same end.
fn widened(world: &World, head: &World) -> Option<TargetPlan> {
    let base = plan(&world.desired, &world.live, &Gates::default());
    let told = plan(&head.desired, &world.live, &closed(Some(&base)));
    let from = after(&world.live, &base);
    let onward = plan(&head.desired, &from, &closed(None));
    let opens = !onward.gates[0].passes()
        && onward.held.is_empty()
        && told.held.is_empty()
        && same_end(&world.live, &told, &from, &onward);
    opens.then_some(told)
}

#[test]
fn changes_often_open_something() {
    let pairs = (worlds(Profile::Current), worlds(Profile::Current));
    let found = of_two_hundred(pairs, |(world, head)| widened(&world, &head).is_some());
    assert!(found >= 10, "{found} of 200");
}

/// Whether two plans end at the same state, by names: what is unmanaged may differ where names pass from one to another.
fn same_end(
    live: &DockerLiveState,
    told: &TargetPlan,
    from: &DockerLiveState,
    onward: &TargetPlan,
) -> bool {
    let one = replay(live, &told.calls).unwrap();
    let other = replay(from, &onward.calls).unwrap();
    polwarden::service::docker::plan::replay::verify(&one, &other).is_empty()
}
