//! Plans: invariants 1 and 8, and the parts of 2 and 3 that need no engine of access.

use std::collections::BTreeMap;

use manifest::config::{Provider, Unmanaged};
use model::docker::{
    DesiredPolicy, DockerLiveState, LiveContent, LivePolicy, LiveRule, PolicyContent, PolicyId,
    Profile, RuleId,
};
use polwarden::plan::{
    Change, ChangeKind, Origin, Plan, SourceRef, TargetInfo, TargetPlan, origins, plan_digest,
};
use polwarden::service::docker::plan::replay::verify;
use polwarden::service::docker::plan::{PolicyPlanRequest, drift, plan_target, replay};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::oracle::Service;
use super::worlds::{World, worlds};

fn plan(world: &World, profile: Profile, unmanaged: Unmanaged) -> TargetPlan {
    let target = TargetInfo {
        name: "production".to_owned(),
        provider: Provider::Docker,
        organization: "my-org".to_owned(),
        profile: Some(profile),
        endpoint: "embedded".to_owned(),
    };
    let locate = |_: &model::diag::Place| SourceRef {
        file: "policies/all.yaml".to_owned(),
        line: 1,
    };
    plan_target(&PolicyPlanRequest {
        target,
        desired: &world.desired,
        live: &world.live,
        unmanaged: unmanaged.into(),
        teams: &BTreeMap::new(),
        locate: &locate,
    })
}

/// The same organization with ids as a server gives them: replays call what they make by the number of its call, and
/// two of them must not meet.
fn settled(mut world: World) -> World {
    for (number, policy) in world.live.policies.iter_mut().enumerate() {
        policy.id = PolicyId::new(&format!("settled_{number}"));
        if let LiveContent::Rules(rules) = &mut policy.content {
            for (rule, own) in rules.iter_mut().enumerate() {
                own.id = RuleId::new(&format!("settled_{number}_{rule}"));
            }
        }
    }
    world
}

/// The plan that also deletes undeclared objects.
pub(super) fn plan_for(world: &World, profile: Profile) -> TargetPlan {
    plan(world, profile, Unmanaged::Prune)
}

fn rule_json(live: &LiveRule) -> Value {
    let mut rule = serde_json::to_value(live.rule.as_ref().unwrap()).unwrap();
    for (field, value) in &live.unknown_fields {
        rule[field] = value.clone();
    }
    rule
}

fn policy_json(
    name: &str,
    scope: &model::docker::Scope,
    rules: Map<String, Value>,
    cedar: Value,
) -> Value {
    json!({ "name": name, "teams": scope.teams, "profiles": scope.profiles, "rules": rules, "cedar": cedar })
}

fn service(live: &DockerLiveState) -> Service {
    let policies = live.policies.iter().map(|policy| {
        let (rules, cedar) = match &policy.content {
            LiveContent::Rules(rules) => (
                rules
                    .iter()
                    .map(|rule| (rule.id.to_string(), rule_json(rule)))
                    .collect(),
                Value::Null,
            ),
            LiveContent::Cedar(cedar) => (Map::new(), json!(cedar)),
            LiveContent::Opaque(opaque) => (Map::new(), opaque.raw.clone()),
        };
        (
            policy.id.to_string(),
            policy_json(&policy.name, &policy.scope, rules, cedar),
        )
    });
    Service {
        policies: policies.collect(),
        unique_rules: false,
    }
}

/// The desired state in the form of the oracle. Unsupported fields are compared elsewhere.
pub(super) fn wanted(desired: &[DesiredPolicy]) -> BTreeMap<String, Value> {
    let policies = desired.iter().enumerate().map(|(number, policy)| {
        let (rules, cedar) = match &policy.content {
            PolicyContent::Rules(rules) => (
                rules
                    .iter()
                    .map(|item| (item.rule.name.to_string(), json!(item.rule)))
                    .collect(),
                Value::Null,
            ),
            PolicyContent::Cedar(cedar) => (Map::new(), json!(cedar)),
        };
        (
            number.to_string(),
            policy_json(policy.name.as_str(), &policy.scope, rules, cedar),
        )
    });
    Service {
        policies: policies.collect(),
        unique_rules: false,
    }
    .contents()
}

fn without_unknown_fields(mut contents: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    for policy in contents.values_mut() {
        for rule in policy["rules"].as_array_mut().unwrap() {
            rule.as_object_mut().unwrap().shift_remove("expires_at");
        }
        policy["rules"]
            .as_array_mut()
            .unwrap()
            .sort_by_key(Value::to_string);
    }
    contents
}

pub(super) fn apply(world: &World, plan: &TargetPlan) -> Service {
    states(world, plan).pop().unwrap()
}

/// The state before the plan, and those after each of its calls.
pub(super) fn states(world: &World, plan: &TargetPlan) -> Vec<Service> {
    let mut service = service(&world.live);
    service.unique_rules = plan.target.profile != Some(Profile::Seed);
    let mut states = vec![service.clone()];
    for call in serde_json::to_value(&plan.calls)
        .unwrap()
        .as_array()
        .unwrap()
    {
        service.call(call);
        states.push(service.clone());
    }
    states
}

pub(super) fn world_and_profile() -> impl Strategy<Value = (World, Profile)> {
    proptest::sample::select(Profile::ALL).prop_flat_map(|profile| (worlds(profile), Just(profile)))
}

/// The state that the plan leads to, by the crate's own replay.
fn after(world: &World, plan: &TargetPlan) -> World {
    World {
        live: replay(&world.live, &plan.calls).unwrap(),
        desired: world.desired.clone(),
    }
}

proptest! {
    #![proptest_config(crate::properties::cases(512))]

    /// Invariant 1: the plan leads to the desired state, except for changes that it holds back.
    #[test]
    fn a_plan_leads_to_what_is_wanted((world, profile) in world_and_profile()) {
        let plan = plan(&world, profile, Unmanaged::Prune);
        let contents = without_unknown_fields(apply(&world, &plan).contents());
        if plan.held.is_empty() {
            prop_assert_eq!(contents, wanted(&world.desired));
        } else {
            let held: Vec<&str> = plan.held.iter().map(|held| held.name.as_str()).collect();
            for (name, policy) in wanted(&world.desired) {
                let renamed = world.desired.iter().any(|desired| desired.name.as_str() == name
                    && desired.aliases.iter().any(|alias| held.contains(&alias.as_str())));
                if !held.contains(&name.as_str()) && !renamed {
                    prop_assert_eq!(contents.get(&name), Some(&policy));
                }
            }
        }
    }

    /// Invariant 1: a plan after an apply is empty.
    #[test]
    fn a_plan_after_an_apply_is_empty((world, profile) in world_and_profile()) {
        let first = plan(&world, profile, Unmanaged::Prune);
        let second = plan(&after(&world, &first), profile, Unmanaged::Prune);
        prop_assert_eq!(second.calls, Vec::new());
        prop_assert_eq!(second.changes, Vec::new());
    }

    /// Invariant 1: a plan does not depend on input order.
    #[test]
    fn a_plan_does_not_depend_on_order((world, profile) in world_and_profile(), seed in any::<u64>()) {
        let shuffled = shuffle(&world, seed);
        prop_assert_eq!(plan(&world, profile, Unmanaged::Report), plan(&shuffled, profile, Unmanaged::Report));
    }

    /// The crate's replay and the oracle agree on every state that a plan leads to.
    #[test]
    fn replay_agrees_with_the_oracle((world, profile) in world_and_profile()) {
        let plan = plan(&world, profile, Unmanaged::Prune);
        let replayed = after(&world, &plan).live;
        prop_assert_eq!(service(&replayed).contents(), apply(&world, &plan).contents());
        prop_assert_eq!(verify(&replayed, &reversed(&replayed)), Vec::new());
    }

    /// A plan survives its file, and so does its digest.
    #[test]
    fn a_plan_survives_its_file((world, profile) in world_and_profile()) {
        let targets = vec![plan(&world, profile, Unmanaged::Prune)];
        let plan = Plan { format_version: 1, tool_version: "0".to_owned(), commit: None, tree: None, digest: None, only: Vec::new(), origins: None, events: Vec::new(), targets };
        let read: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
        prop_assert_eq!(plan_digest(&read).unwrap(), plan_digest(&plan).unwrap());
        prop_assert_eq!(read, plan);
    }

    /// Changes of both plans are drift. If the live state matches the base, all changes belong to the change.
    #[test]
    fn drift_is_told_from_changes((world, profile) in world_and_profile(), (other, _) in world_and_profile()) {
        let base = plan(&world, profile, Unmanaged::Prune);
        let told = origins(&base.changes, &base.changes);
        prop_assert!(told.iter().all(|told| told.origin == Origin::Drift), "{:?}", told);
        let there = settled(after(&world, &base));
        let head = World { desired: other.desired, ..there.clone() };
        let head = plan(&head, profile, Unmanaged::Prune);
let base = plan(&there, profile, Unmanaged::Prune);
        let told = origins(&head.changes, &base.changes);
        prop_assert!(told.iter().all(|told| told.origin == Origin::Change), "{:?}", told);
    }

    /// Drift is the plan seen from the other side: what the plan adds is missing, what it removes is there. Undoing it
    /// leaves none.
    #[test]
    fn drift_is_what_a_plan_undoes((world, profile) in world_and_profile()) {
        let plan = plan(&world, profile, Unmanaged::Prune);
        let found = drift(&plan, &world.live, &BTreeMap::new()).unwrap();
        let count = |changes: &[Change], kind: ChangeKind| {
            changes.iter().flat_map(|change| change.children.iter().chain([change])).filter(|change| change.kind == kind).count()
        };
        // A rule that is created again for safety, instead of a patch, is another rule afterwards.
        let whole = plan.calls.iter().all(|call| call.why.is_none());
        for (there, back) in [
            (ChangeKind::Create, ChangeKind::Delete),
            (ChangeKind::Delete, ChangeKind::Create),
            (ChangeKind::Update, ChangeKind::Update),
        ] {
            if whole {
                prop_assert_eq!(count(&found.changes, there), count(&plan.changes, back), "{:?}", found.changes);
            }
        }
        let there = found.access.unwrap();
let back = plan.access.as_ref().unwrap();
        prop_assert_eq!(there.opens.is_empty(), back.closes.is_empty());
        prop_assert_eq!(there.closes.is_empty(), back.opens.is_empty());
        let done = after(&world, &plan);
        let rest = drift(&self::plan(&done, profile, Unmanaged::Prune), &done.live, &BTreeMap::new()).unwrap();
        prop_assert_eq!(rest.changes, Vec::new());
    }

    /// Invariant 8: unsupported and undeclared objects are never touched.
    #[test]
    fn what_is_not_understood_stays((world, profile) in world_and_profile()) {
        let plan = plan(&world, profile, Unmanaged::Report);
        let before = service(&world.live);
        let after = apply(&world, &plan);
        let declared = |policy: &LivePolicy| world.desired.iter().any(|desired| {
            desired.name.as_str() == policy.name || desired.aliases.iter().any(|alias| alias.as_str() == policy.name)
        });
        for policy in &world.live.policies {
            let opaque = matches!(policy.content, LiveContent::Opaque(_));
            if opaque || !declared(policy) {
                prop_assert_eq!(after.policies.get(policy.id.as_str()), before.policies.get(policy.id.as_str()));
            }
            let LiveContent::Rules(rules) = &policy.content else { continue };
            for rule in rules.iter().filter(|rule| !rule.unknown_fields.is_empty()) {
                let kept = after.policies.get(policy.id.as_str()).and_then(|policy| policy["rules"].get(rule.id.as_str()));
                if let Some(kept) = kept {
                    prop_assert_eq!(&kept["expires_at"], &rule.unknown_fields["expires_at"]);
                }
            }
        }
    }

    /// A call waits for calls with lower numbers only, so that the numbers are an order in which all can be made.
    #[test]
    fn calls_wait_for_earlier_calls((world, profile) in world_and_profile()) {
        let plan = plan(&world, profile, Unmanaged::Prune);
        for call in &plan.calls {
            prop_assert!(call.after.iter().all(|after| after.first <= after.last && after.last < call.id), "{:?}", call);
        }
        let numbers: Vec<u32> = plan.calls.iter().map(|call| call.id.0).collect();
        prop_assert_eq!(numbers, (1..=u32::try_from(plan.calls.len()).unwrap()).collect::<Vec<_>>());
        if profile == Profile::Seed {
            let text = serde_json::to_string(&plan.calls).unwrap();
            prop_assert!(!text.contains("updatePolicy") && !text.contains("deletePolicy"));
        }
    }
}

fn reversed(live: &DockerLiveState) -> DockerLiveState {
    let mut policies = live.policies.clone();
    policies.reverse();
    for policy in &mut policies {
        policy.id = PolicyId::new("another");
        if let LiveContent::Rules(rules) = &mut policy.content {
            rules.reverse();
            rules
                .iter_mut()
                .for_each(|rule| rule.id = RuleId::new("another"));
        }
    }
    DockerLiveState { policies }
}

/// The same world in another order.
fn shuffle(world: &World, seed: u64) -> World {
    let mut world = world.clone();
    let mut state = seed | 1;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below.max(1)
    };
    let live = world.live.policies.len();
    (0..live).for_each(|i| world.live.policies.swap(i, next(live)));
    let desired = world.desired.len();
    (0..desired).for_each(|i| world.desired.swap(i, next(desired)));
    for policy in &mut world.live.policies {
        if let LiveContent::Rules(rules) = &mut policy.content {
            let length = rules.len();
            (0..length).for_each(|i| rules.swap(i, next(length)));
        }
    }
    for policy in &mut world.desired {
        if let PolicyContent::Rules(rules) = &mut policy.content {
            let length = rules.len();
            (0..length).for_each(|i| rules.swap(i, next(length)));
        }
    }
    world
}
