//! Invariant 3, the half that matters most: no call of a plan allows, for a while, what neither the state before nor
//! the state after allows. Judged by brute force.

use access::{AccessRequest, Destination, FilePath};
use model::docker::pattern::PathRoot;
use model::docker::{DockerLiveState, FileMode, LiveContent, Method, Profile, Rule, Transport};
use polwarden::plan::{DependencyReason, PlanNote, PlannedCall, TargetPlan};
use polwarden::service::docker::plan::audit::audit_plan;
use polwarden::service::docker::plan::{audit, replay};
use proptest::prelude::*;

use super::brute;
use super::of_two_hundred;
use super::plan::{plan_for, world_and_profile};
use super::worlds::World;

/// People by team, and by the one profile of people that worlds use.
fn audiences() -> Vec<Vec<&'static str>> {
    let all = ["t1", "t2", "t3", "security"];
    (0..16_u8)
        .map(|bits| {
            (0..4)
                .filter(|at| bits >> at & 1 == 1)
                .map(|at| all[at])
                .collect()
        })
        .collect()
}

fn rules<'a>(state: &'a DockerLiveState, audience: &[&str]) -> Vec<&'a Rule> {
    let counts = |policy: &&model::docker::LivePolicy| {
        policy.scope.is_organization_wide()
            || policy
                .scope
                .teams
                .iter()
                .any(|team| audience.contains(&team.as_str()))
            || policy
                .scope
                .profiles
                .iter()
                .any(|profile| audience.contains(&profile.as_str()))
    };
    let contents =
        state
            .policies
            .iter()
            .filter(counts)
            .filter_map(|policy| match &policy.content {
                LiveContent::Rules(rules) => Some(rules),
                LiveContent::Cedar(_) | LiveContent::Opaque(_) => None,
            });
    contents
        .flatten()
        .filter_map(|rule| rule.rule.as_ref().ok())
        .collect()
}

/// One request for each way in which the patterns of the worlds can match.
fn requests() -> Vec<AccessRequest> {
    let name = |name: &str| Destination::Name(name.to_owned());
    let mut requests = Vec::new();
    for destination in [
        name("a.example.com"),
        name("b.example.com"),
        Destination::Address([10, 1, 1, 1].into()),
    ] {
        for transport in Transport::ALL {
            requests.push(AccessRequest::Connect {
                transport: *transport,
                destination: destination.clone(),
                port: 443,
            });
        }
    }
    for path in [vec![], vec!["repos".to_owned(), "x".to_owned()]] {
        requests.push(AccessRequest::Http {
            method: Method::Get,
            destination: name("a.example.com"),
            port: 443,
            path,
        });
    }
    for (root, segments) in [
        (PathRoot::Posix, vec!["data"]),
        (PathRoot::Posix, vec!["data", "x"]),
        (PathRoot::Posix, vec!["etc"]),
        (PathRoot::Home, vec!["work"]),
    ] {
        let path = FilePath {
            root,
            segments: segments.into_iter().map(str::to_owned).collect(),
        };
        requests.extend(FileMode::ALL.iter().map(|mode| AccessRequest::File {
            mode: *mode,
            path: path.clone(),
        }));
    }
    requests
}

/// The calls in another order that the plan allows: of those that may be made, the one that `pick` says.
fn reordered(calls: &[PlannedCall], mut pick: impl FnMut(usize) -> usize) -> Vec<PlannedCall> {
    let mut left = calls.to_vec();
    let mut made: Vec<PlannedCall> = Vec::new();
    while !left.is_empty() {
        let waits = |call: &PlannedCall| {
            let numbers = call
                .after
                .iter()
                .flat_map(|after| after.first.0..=after.last.0);
            numbers
                .into_iter()
                .any(|number| !made.iter().any(|call| call.id.0 == number))
        };
        let free: Vec<usize> = (0..left.len()).filter(|at| !waits(&left[*at])).collect();
        let next = free[pick(free.len())];
        made.push(left.remove(next));
    }
    made
}

/// The first step of some order that opens or closes access beyond the states before and after.
fn broken(live: &DockerLiveState, calls: &[PlannedCall]) -> Option<String> {
    let after = replay(live, calls).unwrap();
    let requests = requests();
    for made in 1..calls.len() {
        // An order that the plan does not allow may not even be possible.
        let Ok(state) = replay(live, &calls[..made]) else {
            continue;
        };
        for audience in audiences() {
            let old = rules(live, &audience);
            let now = rules(&state, &audience);
            let new = rules(&after, &audience);
            for request in &requests {
                let allows = |rules: &[&Rule]| brute::allows(rules, request);
                if allows(&old) == allows(&new) && allows(&now) != allows(&new) {
                    return Some(format!(
                        "after {made} calls people in {audience:?}: {request}\n{calls:#?}"
                    ));
                }
            }
        }
    }
    None
}

/// A plan whose calls wait for nothing but what they need.
fn loose_plan(world: &World, profile: Profile) -> TargetPlan {
    let mut plan = plan_for(world, profile);
    for call in &mut plan.calls {
        call.after.retain(|after| {
            matches!(
                after.why,
                DependencyReason::MakesPolicy | DependencyReason::FirstPart
            )
        });
    }
    plan
}

#[test]
fn plans_whose_calls_wait_for_nothing_often_break_a_promise() {
    let breaks = |(world, profile): (World, Profile)| {
        let calls = reordered(&loose_plan(&world, profile).calls, |free| free - 1);
        broken(&world.live, &calls).is_some()
    };
    let found = of_two_hundred(world_and_profile(), breaks);
    assert!(found >= 10, "{found} of 200");
}

fn has_gap(plan: &TargetPlan) -> bool {
    plan.notes
        .iter()
        .any(|note| matches!(note, PlanNote::Gap { .. }))
}

proptest! {
    #![proptest_config(crate::properties::cases(256))]

    /// In every order that the plan allows, each step allows everyone the requests that are allowed both before and
    /// after the run, and denies the requests that are denied both before and after.
    #[test]
    fn every_step_stays_between_before_and_after(
        (world, profile) in world_and_profile(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 64),
    ) {
        let plan = plan_for(&world, profile);
        // Where the plan says that access is not what it should be for a while, a person knows.
        prop_assume!(!has_gap(&plan));
        let mut at = 0;
        let random = |free: usize| {
            at += 1;
            picks[at % picks.len()].index(free)
        };
        let orders = [plan.calls.clone(), reordered(&plan.calls, |free| free - 1), reordered(&plan.calls, random)];
        for calls in orders {
            let broken = broken(&world.live, &calls);
            prop_assert!(broken.is_none(), "{}", broken.unwrap_or_default());
        }
        prop_assert_eq!(audit(&world.live, &plan.calls), []);
    }

    /// The audit finds every plan with an order of calls that violates a guarantee: here plans whose calls have no dependencies.
    #[test]
    fn the_audit_finds_what_brute_force_finds(
        (world, profile) in world_and_profile(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 64),
    ) {
        let mut plan = loose_plan(&world, profile);
        let mut at = 0;
        let random = |free: usize| {
            at += 1;
            picks[at % picks.len()].index(free)
        };
        let orders = [reordered(&plan.calls, |free| free - 1), reordered(&plan.calls, random)];
        if let Some(broken) = orders.iter().find_map(|calls| broken(&world.live, calls)) {
            prop_assert!(!audit(&world.live, &plan.calls).is_empty(), "{broken}");
            // A plan may come from a file: telling of a gap that need not be excuses nothing.
            if !has_gap(&plan) {
                plan.notes.push(PlanNote::Gap { policy: "any".into(), why: "forged".into() });
                prop_assert!(!audit_plan(&world.live, &plan).is_empty(), "{broken}");
            }
        }
    }

    /// The audit finds exactly the gaps that a plan reports.
    #[test]
    fn a_gap_is_told_of_only_where_there_is_one((world, profile) in world_and_profile()) {
        let plan = plan_for(&world, profile);
        let breaches = audit(&world.live, &plan.calls);
        prop_assert!(breaches.is_empty() || has_gap(&plan), "{breaches:?}");
    }
}
