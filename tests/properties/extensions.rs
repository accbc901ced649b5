//! Settings that this version does not know: plans lead to the listed values, leave the others alone,
//! and say the same after a round through a file.

use std::collections::BTreeMap;

use manifest::config::Unmanaged;
use model::docker::{Extensions, LiveContent, PolicyContent, Profile};
use polwarden::plan::TargetPlan;
use polwarden::service::docker::plan::replay;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::plan::world_and_profile;
use super::recompute::{plan as plan_of, recomputed_changes};
use super::worlds::World;

const FIELDS: [&str; 2] = ["approval", "expires_at"];

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!("2027-01-01")),
        Just(json!({"a": 1, "b": {"c": []}})),
        Just(json!({"b": {"d": true}})),
    ]
}

fn fields() -> impl Strategy<Value = BTreeMap<String, Value>> {
    let some = prop::collection::btree_map(
        prop::sample::select(FIELDS.to_vec()).prop_map(str::to_owned),
        value(),
        0..=2,
    );
    prop_oneof![2 => Just(BTreeMap::new()), 1 => some]
}

/// Organizations in which some policies and rules have or list unknown settings.
fn worlds() -> impl Strategy<Value = (World, Profile)> {
    let settings = prop::collection::vec(fields(), 64);
    (world_and_profile(), settings).prop_map(|((mut world, profile), settings)| {
        let mut settings = settings.into_iter().cycle();
        let mut next = || settings.next().unwrap();
        for policy in &mut world.desired {
            policy.extensions = Extensions::try_from(next()).unwrap();
            if let PolicyContent::Rules(rules) = &mut policy.content {
                for item in rules {
                    item.rule.extensions = Extensions::try_from(next()).unwrap();
                }
            }
        }
        let live = |fields: BTreeMap<String, Value>| fields.into_iter().collect();
        for policy in &mut world.live.policies {
            policy.unknown_fields = live(next());
            policy.unknown_fields.retain(|_, value| !value.is_null());
            if let LiveContent::Rules(rules) = &mut policy.content {
                for rule in rules {
                    rule.unknown_fields = live(next());
                    rule.unknown_fields.retain(|_, value| !value.is_null());
                }
            }
        }
        (world, profile)
    })
}

fn after(world: &World, plan: &TargetPlan) -> World {
    World {
        live: replay(&world.live, &plan.calls).unwrap(),
        desired: world.desired.clone(),
    }
}

proptest! {
    #![proptest_config(crate::properties::cases(256))]

    #[test]
    fn listed_settings_are_reached_and_a_plan_after_that_is_empty((world, profile) in worlds()) {
        let plan = plan_of(&world, profile, Unmanaged::Report);
        let reached = after(&world, &plan);
        if plan.held.is_empty() {
            for desired in &world.desired {
                let mut named = reached.live.policies.iter();
                let live = named.find(|live| live.name == desired.name.as_str()).unwrap();
                prop_assert!(desired.extensions.are_in(&live.unknown_fields), "{live:#?}");
                if let PolicyContent::Rules(rules) = &desired.content {
                    for item in rules {
                        let found = live.rules().iter().any(|rule| rule.is(&item.rule));
                        prop_assert!(found, "{:#?} is not in {live:#?}", item.rule);
                    }
                }
            }
        }
        let again = plan_of(&reached, profile, Unmanaged::Report);
        prop_assert_eq!(&again.calls, &Vec::new());
    }

    #[test]
    fn settings_that_are_not_listed_are_left_alone((world, profile) in worlds()) {
        let plan = plan_of(&world, profile, Unmanaged::Report);
        let reached = after(&world, &plan);
        for live in &world.live.policies {
            let Some(later) = reached.live.policies.iter().find(|later| later.id == live.id) else {
                continue;
            };
            let declared = world.desired.iter().find(|desired| desired.name.as_str() == later.name);
            for (name, value) in &live.unknown_fields {
                let is_listed = declared.is_some_and(|desired| {
                    desired.extensions.iter().any(|(listed, _)| listed == name)
                });
                if !is_listed {
                    prop_assert_eq!(later.unknown_fields.get(name), Some(value));
                }
            }
        }
    }

    #[test]
    fn a_recomputed_plan_shows_the_same_settings((world, profile) in worlds()) {
        let plan = plan_of(&world, profile, Unmanaged::Report);
        // A call that is made in parts may create a rule again.
        let is_whole = plan.calls.iter().all(|call| call.why.is_none());
        if plan.held.is_empty() && is_whole {
            let (planned, recomputed) = recomputed_changes(&world, profile, &plan);
            prop_assert_eq!(recomputed, planned);
        }
    }
}
