//! The order of calls, case by case.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Map;

use super::audit::audit_plan;
use super::{PolicyPlanRequest, UNPROVEN, impact, plan_target, replay};
use crate::plan::{DependencyReason, NotAnalyzed, PlanNote, SourceRef, TargetInfo, TargetPlan};
use manifest::config::{Provider, Unmanaged};
use model::Name;
use model::diag::{DocumentId, Place, SourceMap};
use model::docker::{
    Action, Cedar, Decision, DesiredPolicy, DesiredRule, DockerLiveState, LiveContent, LivePolicy,
    LiveRule, PolicyContent, PolicyId, Profile, Resources, Rule, RuleAccess, RuleId, Scope, TeamId,
};

/// `allow name a.example.com b.example.com`; in capital letters by UDP too.
fn rule(text: &str) -> Rule {
    let mut words = text.split(' ');
    let word = words.next().unwrap();
    let decision = if word.eq_ignore_ascii_case("allow") {
        Decision::Allow
    } else {
        Decision::Deny
    };
    let name = Name::new(words.next().unwrap()).unwrap();
    let resources = Resources::Plain(words.map(str::to_owned).collect());
    let udp = word
        .chars()
        .all(char::is_uppercase)
        .then_some("connect:udp");
    let actions = ["connect:tcp"]
        .into_iter()
        .chain(udp)
        .map(|action| action.parse::<Action>().unwrap());
    Rule {
        extensions: model::docker::Extensions::default(),
        name,
        decision,
        access: RuleAccess::new(actions, resources).unwrap(),
    }
}

fn scope(teams: &[&str]) -> Scope {
    Scope {
        teams: teams.iter().map(|team| TeamId::new(team)).collect(),
        ..Scope::default()
    }
}

fn plan(live: (&[&str], &[&str]), desired: (&[&str], &[&str])) -> TargetPlan {
    plan_rules(
        live,
        (desired.0, desired.1.iter().map(|text| rule(text)).collect()),
    )
}

fn plan_rules(live: (&[&str], &[&str]), desired: (&[&str], Vec<Rule>)) -> TargetPlan {
    let before = live.1.iter().map(|text| rule(text)).collect();
    plan_policies(
        vec![live_policy("policy", live.0, before)],
        &[desired_policy(
            "policy",
            desired.0,
            rules_content(desired.1),
        )],
    )
}

fn live_policy(name: &str, teams: &[&str], rules: Vec<Rule>) -> LivePolicy {
    let rules = rules.into_iter().enumerate();
    let rules = rules.map(|(number, rule)| LiveRule {
        id: RuleId::new(&format!("rule_{number}")),
        name: rule.name.to_string(),
        rule: Ok(rule),
        unknown_fields: Map::new(),
    });
    LivePolicy {
        id: PolicyId::new(&format!("pol_{name}")),
        name: name.to_owned(),
        scope: scope(teams),
        unknown_scope_fields: Map::new(),
        content: LiveContent::Rules(rules.collect()),
        created_at: String::new(),
        updated_at: String::new(),
        unknown_fields: Map::new(),
    }
}

fn rules_content(rules: Vec<Rule>) -> PolicyContent {
    let rules = rules.into_iter().enumerate();
    let rules = rules.map(|(index, rule)| DesiredRule {
        rule,
        aliases: Vec::new(),
        index,
    });
    PolicyContent::Rules(rules.collect())
}

fn desired_policy(name: &str, teams: &[&str], content: PolicyContent) -> DesiredPolicy {
    DesiredPolicy {
        extensions: model::docker::Extensions::default(),
        name: Name::new(name).unwrap(),
        aliases: Vec::new(),
        protect: false,
        scope: scope(teams),
        content,
        document: DocumentId {
            file: SourceMap::default().add("policy.yaml", ""),
            index: 0,
        },
    }
}

fn plan_policies(live: Vec<LivePolicy>, desired: &[DesiredPolicy]) -> TargetPlan {
    plan_with_profile(Profile::Current, live, desired)
}

fn plan_with_profile(
    profile: Profile,
    live: Vec<LivePolicy>,
    desired: &[DesiredPolicy],
) -> TargetPlan {
    let target = TargetInfo {
        name: "production".to_owned(),
        provider: Provider::Docker,
        organization: "my-org".to_owned(),
        profile: Some(profile),
        endpoint: "embedded".to_owned(),
    };
    plan_target(&PolicyPlanRequest {
        target,
        desired,
        live: &DockerLiveState { policies: live },
        unmanaged: Unmanaged::Report.into(),
        teams: &BTreeMap::new(),
        locate: &|_: &Place| SourceRef {
            file: "policy.yaml".to_owned(),
            line: 1,
        },
    })
}

/// The calls by their rules, in order.
fn order(plan: &TargetPlan) -> Vec<&str> {
    plan.calls
        .iter()
        .map(|call| call.part.as_deref().unwrap_or("-"))
        .collect()
}

#[test]
fn denies_come_first_and_go_last() {
    let comes = plan_of(
        &[],
        &["allow new c.example.com", "deny fresh d.example.com"],
    );
    assert_eq!(order(&comes), ["fresh", "new"]);
    let goes = plan_of(&["allow old a.example.com", "deny gone b.example.com"], &[]);
    assert_eq!(order(&goes), ["old", "gone"]);
}

/// What a call waits for: the numbers and the reasons.
fn waits(plan: &TargetPlan, call: usize) -> Vec<(u32, u32, DependencyReason)> {
    plan.calls[call]
        .after
        .iter()
        .map(|after| (after.first.0, after.last.0, after.why))
        .collect()
}

#[test]
fn what_does_not_meet_does_not_wait() {
    let plan = plan(
        (&[], &["deny d a.example.com", "allow o x.example.com"]),
        (&[], &["deny d b.example.com", "allow n y.example.com"]),
    );
    assert_eq!(order(&plan), ["n", "d"]);
    assert!(
        plan.calls
            .iter()
            .all(|call| call.after.is_empty() && call.why.is_none()),
        "{:?}",
        plan.calls
    );
}

#[test]
fn a_deny_comes_before_the_allow_that_it_restricts_and_goes_after_it() {
    let comes = plan(
        (&[], &[]),
        (&[], &["allow n **.example.com", "deny d a.example.com"]),
    );
    assert_eq!(order(&comes), ["d", "n"]);
    assert_eq!(waits(&comes, 1), [(1, 1, DependencyReason::DeniesFirst)]);
    let goes = plan(
        (&[], &["allow n **.example.com", "deny d a.example.com"]),
        (&[], &[]),
    );
    assert_eq!(order(&goes), ["n", "d"]);
    assert_eq!(waits(&goes, 1), [(1, 1, DependencyReason::ClosesFirst)]);
}

#[test]
fn what_stays_open_is_opened_anew_before_it_is_closed() {
    // One rule becomes the other: never a moment without.
    let one = plan(
        (&[], &["allow o a.example.com"]),
        (&[], &["allow n *.example.com"]),
    );
    assert_eq!(order(&one), ["n"]);
    // One becomes what covers both, and then the other goes.
    let two = plan(
        (&[], &["allow o a.example.com", "allow p b.example.com"]),
        (&[], &["allow o *.example.com"]),
    );
    assert_eq!(order(&two), ["o", "p"]);
    assert_eq!(waits(&two, 1), [(1, 1, DependencyReason::AllowsFirst)]);
}

#[test]
fn denies_that_trade_places_under_an_allow_are_made_in_parts_and_the_plan_says_why() {
    let plan = plan(
        (
            &[],
            &[
                "deny d a.example.com",
                "deny e b.example.com",
                "allow all **.example.com",
            ],
        ),
        (
            &[],
            &[
                "deny d b.example.com",
                "deny e a.example.com",
                "allow all **.example.com",
            ],
        ),
    );
    assert_eq!(plan.notes, []);
    assert_eq!(plan.calls.len(), 3, "{:?}", plan.calls);
    assert!(plan.calls.iter().any(|call| {
        call.why
            .as_ref()
            .is_some_and(|why| why.contains("one call more"))
    }));
}

#[test]
fn unknown_settings_that_are_lost_when_a_call_is_made_in_parts_are_not_expected_afterwards() {
    let mut live = live_policy(
        "old",
        &[],
        vec![
            rule("ALLOW four a.example.com"),
            rule("deny three a.example.com"),
        ],
    );
    let LiveContent::Rules(rules) = &mut live.content else {
        panic!("a policy of rules");
    };
    let udp = ["connect:udp".parse::<Action>().unwrap()];
    let resources = Resources::Plain(["a.example.com".to_owned()].into());
    rules[1].rule = Ok(Rule {
        access: RuleAccess::new(udp, resources).unwrap(),
        ..rule("deny three a.example.com")
    });
    let setting = ("expires_at".to_owned(), "2027-01-01".into());
    rules[1].unknown_fields = Map::from_iter([setting]);
    let mut desired = desired_policy(
        "new",
        &[],
        rules_content(vec![rule("allow three a.example.com")]),
    );
    desired.aliases = vec![Name::new("old").unwrap()];
    let state = DockerLiveState {
        policies: vec![live.clone()],
    };

    let plan = plan_policies(vec![live], &[desired]);

    assert!(plan.calls.iter().any(|call| call.why.is_some()));
    let after = replay(&state, &plan.calls).unwrap();
    let expected = impact::unknown_parts(&state, &after, &|_, _| None);
    let shown: BTreeSet<_> = plan
        .access
        .unwrap()
        .not_analyzed
        .into_iter()
        .map(|part| NotAnalyzed {
            source: None,
            ..part
        })
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn new_allows_wait_for_a_scope_that_shrinks_and_old_ones_go_before_it_grows() {
    let shrinks = plan((&[], &[]), (&["t1"], &["allow n a.example.com"]));
    assert_eq!(order(&shrinks), ["-", "n"]);
    let grows = plan((&["t1"], &["allow o a.example.com"]), (&[], &[]));
    assert_eq!(order(&grows).last(), Some(&"-"));
    assert!(
        matches!(grows.notes.as_slice(), [PlanNote::ScopeWidens { .. }]),
        "{:?}",
        grows.notes
    );
}

/// A plan of rules for everyone.
fn plan_of(live: &[&str], desired: &[&str]) -> TargetPlan {
    plan((&[], live), (&[], desired))
}

#[test]
fn what_takes_a_name_waits_for_what_gives_it_up() {
    let chain = plan_of(
        &[
            "allow a x.example.com",
            "allow b y.example.com",
            "allow c z.example.com",
        ],
        &["allow b x.example.com", "allow c y.example.com"],
    );
    assert_eq!(
        order(&chain),
        ["c", "c", "b"],
        "c goes, b becomes c, a becomes b"
    );
    let waits = |call: usize| {
        chain.calls[call]
            .after
            .iter()
            .any(|after| after.why == DependencyReason::FreesName)
    };
    assert_eq!([0, 1, 2].map(waits), [false, true, true]);
}

#[test]
fn a_rule_becomes_another_in_one_call_that_keeps_its_id() {
    let plan = plan_of(&["allow a x.example.com"], &["deny b y.example.com"]);
    assert_eq!(plan.calls.len(), 1);
    let fields: Vec<&str> = plan.changes[0].children[0]
        .fields
        .iter()
        .map(|field| field.field.as_str())
        .collect();
    assert_eq!(fields, ["name", "decision", "resources"]);
    assert_eq!(plan.changes[0].children[0].id.as_deref(), Some("rule_0"));
}

#[test]
fn what_cannot_be_compared_is_called_one_by_one_in_an_order_that_the_service_takes() {
    let too_complex: Vec<String> = ('a'..='z')
        .map(|letter| format!("*{letter}*.example.com"))
        .collect();
    let too_complex = format!("allow wide {}", too_complex.join(" "));
    let plan = plan_of(
        &[
            "allow a x.example.com",
            "allow b y.example.com",
            "allow c z.example.com",
        ],
        &[
            "allow b x.example.com",
            "allow c y.example.com",
            &too_complex,
        ],
    );
    assert!(
        plan.notes
            .iter()
            .any(|note| matches!(note, PlanNote::Unproved { .. })),
        "{:?}",
        plan.notes
    );
    assert!(plan.gap_notes().next().is_some());
    for (earlier, call) in (0..).zip(&plan.calls).skip(1) {
        assert!(
            call.after
                .iter()
                .any(|after| (after.first.0, after.last.0) == (1, earlier)),
            "{call:?}"
        );
    }
    let freed: Vec<u32> = plan
        .calls
        .iter()
        .flat_map(|call| &call.after)
        .filter(|after| after.why == DependencyReason::FreesName)
        .map(|after| after.last.0)
        .collect();
    assert!(
        !freed.is_empty(),
        "names are still handed on in order: {:?}",
        plan.calls
    );
}

#[test]
fn a_full_policy_is_changed_through_an_intermediate_rule() {
    let fill: Vec<String> = (0..247)
        .map(|number| format!("allow f{number} f{number}.example.org"))
        .collect();
    let rules = |own: [&str; 3]| -> Vec<String> {
        own.iter()
            .map(|text| (*text).to_owned())
            .chain(fill.clone())
            .collect()
    };
    let before = rules([
        "allow all **.example.com",
        "deny d a.example.com",
        "deny e b.example.com",
    ]);
    let after = rules([
        "allow all **.example.com",
        "DENY d b.example.com",
        "DENY e a.example.com",
    ]);
    let texts = |rules: &[String]| {
        rules
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("|")
    };
    let before = texts(&before);
    let after = texts(&after);
    let plan = plan_of(
        &before.split('|').collect::<Vec<_>>(),
        &after.split('|').collect::<Vec<_>>(),
    );
    assert_eq!(plan.gap_notes().count(), 0, "{:?}", plan.notes);
    assert_eq!(order(&plan), ["d", "e", "d"]);
    let why: Vec<bool> = plan.calls.iter().map(|call| call.why.is_some()).collect();
    assert_eq!(why, [true, false, false]);
}

/// Each policy must be emptied before it changes its domain, and neither can be emptied first.
#[test]
fn policies_that_exchange_their_domains_leave_one_gap_each() {
    let hosts = || vec![rule("allow hosts a.example.com")];
    let files = || vec![file_rule("allow files /data")];
    let plan = plan_policies(
        vec![
            live_policy("one", &[], hosts()),
            live_policy("two", &[], files()),
        ],
        &[
            desired_policy("one", &[], rules_content(files())),
            desired_policy("two", &[], rules_content(hosts())),
        ],
    );
    let gaps: Vec<&PlanNote> = plan.gap_notes().collect();
    let [PlanNote::Gap { policy, why }] = gaps.as_slice() else {
        panic!("{gaps:?} {:?}", plan.calls)
    };
    assert_eq!(policy, "one");
    assert!(
        why.contains("` is allowed for everyone before and after"),
        "{why}"
    );
}

/// `allow name /data`, as a rule of the domain of files.
fn file_rule(text: &str) -> Rule {
    let rule = rule(text);
    let resources = rule.access.resources();
    Rule {
        access: RuleAccess::new(["read".parse::<Action>().unwrap()], resources).unwrap(),
        ..rule
    }
}

fn plan_to_files(live: &[&str], desired: &[&str]) -> TargetPlan {
    let desired: Vec<Rule> = desired.iter().map(|text| file_rule(text)).collect();
    plan_rules((&[], live), (&[], desired))
}

/// If the allow rule crossed the domain, the deny rule would be deleted before it.
#[test]
fn the_rule_that_crosses_the_domain_is_chosen_with_the_order() {
    let plan = plan_to_files(
        &["allow one a.example.com", "deny two a.example.com"],
        &["allow one /data", "deny three /data"],
    );
    assert_eq!(order(&plan), ["one", "three", "one"]);
    assert!(plan.calls.iter().all(|call| call.why.is_none()));
    assert_eq!(plan.notes, []);

    // The names of the allow rules make them the most similar ones.
    let many = |decision: &str, resource: &str| -> Vec<String> {
        let rules =
            (0..30).map(|number| format!("{decision} {decision}{number} {resource}{number}"));
        rules.collect()
    };
    let live = [many("allow", "host"), vec!["deny guard host0".to_owned()]].concat();
    let desired = [
        many("allow", "/data/"),
        vec!["deny closed /data/0".to_owned()],
    ]
    .concat();
    let texts = |rules: &[String]| {
        rules
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let live = texts(&live);
    let desired = texts(&desired);
    let plan = plan_to_files(
        &live.lines().collect::<Vec<_>>(),
        &desired.lines().collect::<Vec<_>>(),
    );
    assert_eq!(plan.calls.len(), 61);
    assert!(plan.calls.iter().all(|call| call.why.is_none()));
    assert_eq!(plan.notes, []);
}

/// In each ring, every rule takes the resource of the next one, which costs one extra call.
#[test]
fn extra_calls_say_if_not_all_lists_of_calls_were_compared() {
    let rings = |count: usize, turned: usize| -> Vec<String> {
        (0..count * 15)
            .map(|number| {
                let (ring, place) = (number / 15, (number + turned) % 15);
                format!("allow n{number} host{ring}x{place}.example.com")
            })
            .collect()
    };
    let plan_of = |count: usize| {
        let before = rings(count, 0);
        let after = rings(count, 1);
        let texts = |rules: &[String]| rules.join("\n");
        let before = texts(&before);
        let after = texts(&after);
        plan(
            (&[], &before.lines().collect::<Vec<_>>()),
            (&[], &after.lines().collect::<Vec<_>>()),
        )
    };
    let reasons = |plan: &TargetPlan| -> Vec<String> {
        plan.calls
            .iter()
            .filter_map(|call| call.why.clone())
            .collect()
    };

    let one = plan_of(1);
    assert_eq!(one.calls.len(), 16);
    assert!(!reasons(&one)[0].contains(UNPROVEN), "{:?}", reasons(&one));
    let two = plan_of(2);
    assert_eq!(two.calls.len(), 32);
    let all = reasons(&two);
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all.iter().all(|why| why.ends_with(UNPROVEN)), "{all:?}");
}

#[test]
fn several_calls_for_cedar_policies_leave_a_gap_and_one_does_not() {
    // A name, the team that the policy applies to, and the text.
    type Row = (&'static str, &'static str, &'static str);
    let cedar = |text: &str| Cedar {
        text: text.to_owned(),
        schema_url: "https://example.com/schema".to_owned(),
    };
    let plan = |live: &[Row], desired: &[Row]| {
        let live = live.iter().map(|(name, team, text)| LivePolicy {
            id: PolicyId::new(&format!("pol_{name}")),
            name: (*name).to_owned(),
            scope: scope(&[team]),
            unknown_scope_fields: Map::new(),
            content: LiveContent::Cedar(cedar(text)),
            created_at: String::new(),
            updated_at: String::new(),
            unknown_fields: Map::new(),
        });
        let desired: Vec<DesiredPolicy> = desired
            .iter()
            .map(|(name, team, text)| {
                desired_policy(name, &[team], PolicyContent::Cedar(cedar(text)))
            })
            .collect();
        plan_policies(live.collect(), &desired)
    };
    const BEFORE: &str = "permit(principal, action, resource);";
    const AFTER: &str = "forbid(principal, action, resource);";
    let live = [("b", "t1", BEFORE), ("a", "t1", BEFORE)];
    let cases: [(&str, &[Row], usize, bool); 6] = [
        ("texts", &[("a", "t1", AFTER), ("b", "t1", AFTER)], 2, true),
        (
            "teams",
            &[("a", "t2", BEFORE), ("b", "t2", BEFORE)],
            2,
            true,
        ),
        (
            "text and team",
            &[("a", "t1", AFTER), ("b", "t2", BEFORE)],
            2,
            true,
        ),
        (
            "one text",
            &[("a", "t1", AFTER), ("b", "t1", BEFORE)],
            1,
            false,
        ),
        (
            "text and team of one",
            &[("a", "t2", AFTER), ("b", "t1", BEFORE)],
            1,
            false,
        ),
        (
            "nothing",
            &[("a", "t1", BEFORE), ("b", "t1", BEFORE)],
            0,
            false,
        ),
    ];
    for (what, desired, calls, gap) in cases {
        let plan = plan(&live, desired);
        assert_eq!(plan.calls.len(), calls, "{what}: {:?}", plan.calls);
        let gaps: Vec<&PlanNote> = plan.gap_notes().collect();
        match gaps.as_slice() {
            [PlanNote::Gap { policy, why }] if gap => {
                assert_eq!(policy, "a", "{what}");
                assert!(why.contains("change in 2 calls"), "{what}: {why}");
            }
            found => assert!(!gap && found.is_empty(), "{what}: {found:?}"),
        }
    }
    // Creating policies counts too.
    let created = plan(&[], &[("a", "t1", AFTER), ("b", "t1", AFTER)]);
    assert_eq!(created.gap_notes().count(), 1, "{:?}", created.notes);
    let created = plan(&[], &[("a", "t1", AFTER)]);
    assert_eq!(created.gap_notes().count(), 0, "{:?}", created.notes);
}

/// A new policy allows a request for two teams, and a renamed one denies it for one of them. Every
/// order of whole calls leaves a gap; the planner must find one with the fewest gaps.
#[test]
fn a_gap_that_no_order_avoids_is_the_only_one() {
    let live = live_policy(
        "beta",
        &["t2"],
        vec![rule("allow one 10.0.0.0/8 a.example.com")],
    );
    let mut alpha = desired_policy(
        "alpha",
        &["t3"],
        rules_content(vec![rule("deny one 10.0.0.0/8 a.example.com")]),
    );
    alpha.aliases = vec![Name::new("beta").unwrap()];
    let delta = desired_policy(
        "delta",
        &["t2", "t3"],
        rules_content(vec![
            rule("allow one b.example.com"),
            rule("allow three 10.0.0.0/8"),
        ]),
    );
    let gamma = desired_policy(
        "gamma",
        &["t1"],
        rules_content(vec![rule("deny one 10.0.0.0/8")]),
    );
    let state = DockerLiveState {
        policies: vec![live.clone()],
    };
    for profile in [Profile::Intermediate, Profile::Current] {
        let desired = [alpha.clone(), delta.clone(), gamma.clone()];
        let plan = plan_with_profile(profile, vec![live.clone()], &desired);
        assert_eq!(audit_plan(&state, &plan), [], "{profile:?}");
        assert!(plan.gap_notes().next().is_some(), "{profile:?}");
    }
}

/// Profile `seed` permits equal names. The rule with unknown settings stays, so that the other one can
/// become the new rule in one call.
#[test]
fn of_two_equal_rules_the_one_with_unknown_settings_stays() {
    let rules = vec![rule("deny four a.example.com"); 2];
    let mut live = live_policy("policy", &[], rules);
    let LiveContent::Rules(rules) = &mut live.content else {
        panic!("a policy of rules");
    };
    rules[1].unknown_fields = Map::from_iter([("expires_at".to_owned(), "2027-01-01".into())]);
    let desired = rules_content(vec![
        rule("deny four a.example.com"),
        rule("allow one b.example.com"),
    ]);
    let desired = desired_policy("policy", &[], desired);
    let plan = plan_with_profile(Profile::Seed, vec![live], &[desired]);
    assert_eq!(plan.calls.len(), 1, "{:#?}", plan.calls);
}
