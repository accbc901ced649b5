//! Invariant 3, the half that matters most: no call of a plan allows, for a while, what neither the state before nor
//! the state after allows. Judged by brute force.

use polwarden::access::{Destination, FilePath, Request};
use polwarden::model::docker::pattern::Root;
use polwarden::model::docker::{FileMode, LiveContent, LiveState, Method, Rule, Transport};
use polwarden::plan::{Call, Note, replay};
use proptest::prelude::*;

use super::brute;
use super::plan::{plan_for, world_and_profile};

/// People by team, and by the one profile of people that worlds use.
fn audiences() -> Vec<Vec<&'static str>> {
    let all = ["t1", "t2", "t3", "security"];
    (0..16_u8).map(|bits| (0..4).filter(|at| bits >> at & 1 == 1).map(|at| all[at]).collect()).collect()
}

fn rules<'a>(state: &'a LiveState, audience: &[&str]) -> Vec<&'a Rule> {
    let counts = |policy: &&polwarden::model::docker::LivePolicy| {
        policy.scope.is_organization_wide()
            || policy.scope.teams.iter().any(|team| audience.contains(&team.as_str()))
            || policy.scope.profiles.iter().any(|profile| audience.contains(&profile.as_str()))
    };
    let contents = state.policies.iter().filter(counts).filter_map(|policy| match &policy.content {
        LiveContent::Rules(rules) => Some(rules),
        LiveContent::Cedar(_) | LiveContent::Opaque(_) => None,
    });
    contents.flatten().filter_map(|rule| rule.rule.as_ref().ok()).collect()
}

/// One request for each way in which the patterns of the worlds can match.
fn requests() -> Vec<Request> {
    let name = |name: &str| Destination::Name(name.to_owned());
    let mut requests = Vec::new();
    for destination in [name("a.example.com"), name("b.example.com"), Destination::Address([10, 1, 1, 1].into())] {
        for transport in Transport::ALL {
            requests.push(Request::Connect { transport: *transport, destination: destination.clone(), port: 443 });
        }
    }
    for path in [vec![], vec!["repos".to_owned(), "x".to_owned()]] {
        requests.push(Request::Http { method: Method::Get, destination: name("a.example.com"), port: 443, path });
    }
    for (root, segments) in [
        (Root::Posix, vec!["data"]),
        (Root::Posix, vec!["data", "x"]),
        (Root::Posix, vec!["etc"]),
        (Root::Home, vec!["work"]),
    ] {
        let path = FilePath { root, segments: segments.into_iter().map(str::to_owned).collect() };
        requests.extend(FileMode::ALL.iter().map(|mode| Request::File { mode: *mode, path: path.clone() }));
    }
    requests
}

/// The calls in another order that the plan allows: of those that may be made, always the last one.
fn turned(calls: &[Call]) -> Vec<Call> {
    let mut left = calls.to_vec();
    let mut made: Vec<Call> = Vec::new();
    while !left.is_empty() {
        let waits = |call: &Call| {
            let numbers = call.after.iter().flat_map(|after| after.first.0..=after.last.0);
            numbers.into_iter().any(|number| !made.iter().any(|call| call.id.0 == number))
        };
        let next = left.iter().rposition(|call| !waits(call)).expect("some call can be made");
        made.push(left.remove(next));
    }
    made
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_step_widens_beyond_before_and_after((world, profile) in world_and_profile()) {
        let plan = plan_for(&world, profile);
        // Where the plan says that access is not what it should be for a while, a person knows.
        prop_assume!(!plan.notes.iter().any(|note| matches!(note, Note::Gap { .. })));
        let after = replay(&world.live, &plan.calls).unwrap();
        let requests = requests();
        for calls in [plan.calls.clone(), turned(&plan.calls)] {
            for made in 1..calls.len() {
                let state = replay(&world.live, &calls[..made]).unwrap();
                for audience in audiences() {
                    let (old, now, new) = (rules(&world.live, &audience), rules(&state, &audience), rules(&after, &audience));
                    for request in &requests {
                        let excess = brute::allows(&now, request)
                            && !brute::allows(&old, request)
                            && !brute::allows(&new, request);
                        prop_assert!(!excess, "after {made} calls people in {audience:?} may {request}");
                    }
                }
            }
        }
    }
}
