//! The order of calls, case by case.

use std::collections::BTreeMap;

use serde_json::Map;

use super::{Note, Reason, Request, SourceRef, TargetInfo, TargetPlan, plan_target};
use crate::diag::{DocumentId, Place, SourceMap};
use crate::manifest::config::{Provider, Unmanaged};
use crate::model::Name;
use crate::model::docker::{
    Action, Content, Decision, DesiredPolicy, DesiredRule, LiveContent, LivePolicy, LiveRule, LiveState, PolicyId,
    Profile, Resources, Rule, RuleAccess, RuleId, Scope, TeamId,
};

/// `allow name a.example.com b.example.com`
fn rule(text: &str) -> Rule {
    let mut words = text.split(' ');
    let decision = if words.next() == Some("allow") { Decision::Allow } else { Decision::Deny };
    let name = Name::new(words.next().unwrap()).unwrap();
    let resources = Resources::Plain(words.map(str::to_owned).collect());
    let action: Action = "connect:tcp".parse().unwrap();
    Rule { name, decision, access: RuleAccess::new([action], resources).unwrap() }
}

fn scope(teams: &[&str]) -> Scope {
    Scope { teams: teams.iter().map(|team| TeamId::new(team)).collect(), ..Scope::default() }
}

fn plan(live: (&[&str], &[&str]), desired: (&[&str], &[&str])) -> TargetPlan {
    let rules = live.1.iter().enumerate().map(|(number, text)| {
        let rule = rule(text);
        let id = RuleId::new(&format!("rule_{number}"));
        LiveRule { id, name: rule.name.to_string(), rule: Ok(rule), unknown_fields: Map::new() }
    });
    let policy = LivePolicy {
        id: PolicyId::new("pol_0"),
        name: "policy".to_owned(),
        scope: scope(live.0),
        unknown_scope_fields: Map::new(),
        content: LiveContent::Rules(rules.collect()),
        created_at: String::new(),
        updated_at: String::new(),
        unknown_fields: Map::new(),
    };
    let rules = desired.1.iter().enumerate();
    let rules = rules.map(|(index, text)| DesiredRule { rule: rule(text), aliases: Vec::new(), index });
    let mut sources = SourceMap::default();
    let wanted = DesiredPolicy {
        name: Name::new("policy").unwrap(),
        aliases: Vec::new(),
        protect: false,
        scope: scope(desired.0),
        content: Content::Rules(rules.collect()),
        document: DocumentId { file: sources.add("policy.yaml", ""), index: 0 },
    };
    let target = TargetInfo {
        name: "production".to_owned(),
        provider: Provider::Docker,
        organization: "my-org".to_owned(),
        profile: Profile::Current,
        endpoint: "embedded".to_owned(),
    };
    plan_target(&Request {
        target,
        desired: &[wanted],
        live: &LiveState { policies: vec![policy] },
        unmanaged: Unmanaged::Report,
        teams: &BTreeMap::new(),
        locate: &|_: &Place| SourceRef { file: "policy.yaml".to_owned(), line: 1 },
    })
}

/// The plan of rules for everybody.
fn plan_of(live: &[&str], desired: &[&str]) -> TargetPlan {
    plan((&[], live), (&[], desired))
}

/// The calls by their rules, in order.
fn order(plan: &TargetPlan) -> Vec<&str> {
    plan.calls.iter().map(|call| call.rule.as_deref().unwrap_or("-")).collect()
}

#[test]
fn denies_come_first_and_go_last() {
    let plan = plan(
        (&[], &["allow old a.example.com", "deny gone b.example.com"]),
        (&[], &["allow new c.example.com", "deny fresh d.example.com"]),
    );
    // `old` becomes `new`; `gone` becomes `fresh`, in two steps, as allows come and go in the same run.
    let expected = ["fresh", "new", "fresh"];
    assert_eq!(order(&plan), expected);
    let comes = plan_of(&[], &["allow new c.example.com", "deny fresh d.example.com"]);
    assert_eq!(order(&comes), ["fresh", "new"]);
    let goes = plan_of(&["allow old a.example.com", "deny gone b.example.com"], &[]);
    assert_eq!(order(&goes), ["old", "gone"]);
}

#[test]
fn what_takes_a_name_waits_for_what_gives_it_up() {
    let chain = plan_of(
        &["allow a x.example.com", "allow b y.example.com", "allow c z.example.com"],
        &["allow b x.example.com", "allow c y.example.com"],
    );
    assert_eq!(order(&chain), ["c", "c", "b"], "c goes, b becomes c, a becomes b");
    let waits = |call: usize| chain.calls[call].after.iter().any(|after| after.why == Reason::FreesName);
    assert_eq!([0, 1, 2].map(waits), [false, true, true]);
}

#[test]
fn a_rule_becomes_another_in_one_call_that_keeps_its_id() {
    let plan = plan_of(&["allow a x.example.com"], &["deny b y.example.com"]);
    assert_eq!(plan.calls.len(), 1);
    let fields: Vec<&str> = plan.changes[0].children[0].fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["name", "decision", "resources"]);
    assert_eq!(plan.changes[0].children[0].id.as_deref(), Some("rule_0"));
}

#[test]
fn a_swap_of_denies_is_one_call_where_allows_only_come_or_only_go() {
    let swap = |allow: &[&str], wanted: &[&str]| {
        let live = [&["deny d a.example.com"], allow].concat();
        let desired = [&["deny d b.example.com"], wanted].concat();
        plan((&[], &live), (&[], &desired))
    };
    let comes = swap(&[], &["allow n c.example.com"]);
    assert_eq!(order(&comes), ["d", "n"]);
    let goes = swap(&["allow o c.example.com"], &[]);
    assert_eq!(order(&goes), ["o", "d"]);
}

#[test]
fn a_swap_of_denies_is_split_where_allows_come_and_go_and_the_plan_says_why() {
    let plan = plan(
        (&[], &["deny d a.example.com", "allow o x.example.com"]),
        (&[], &["deny d b.example.com", "allow n y.example.com"]),
    );
    assert_eq!(order(&plan), ["d", "n", "d"]);
    let why: Vec<bool> = plan.calls.iter().map(|call| call.why.is_some()).collect();
    assert_eq!(why, [true, false, false]);
    assert_eq!(plan.notes, []);
}

#[test]
fn new_allows_wait_for_a_scope_that_shrinks_and_old_ones_go_before_it_grows() {
    let shrinks = plan((&[], &[]), (&["t1"], &["allow n a.example.com"]));
    assert_eq!(order(&shrinks), ["-", "n"]);
    let grows = plan((&["t1"], &["allow o a.example.com"]), (&[], &[]));
    assert_eq!(order(&grows).last(), Some(&"-"));
    assert!(matches!(grows.notes.as_slice(), [Note::ScopeWidens { .. }]), "{:?}", grows.notes);
}
