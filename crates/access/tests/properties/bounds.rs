//! Compares access gates with brute force: a gate that passes is not violated by any request of
//! any audience, and every witness violates the gate that it is reported for.

use std::collections::BTreeSet;

use access::{
    Audience, Gate, GateBreach, GateCheck, GateKind, NamedAudience, People, RequestPattern,
    ScopedRule,
};
use model::docker::{Decision, HttpResource, Resources, Rule, Scope, TeamId};
use proptest::prelude::*;
use proptest::sample::select;

use super::access::{requests, rule, rules};
use super::brute;

/// A pattern as people type it, and the same as a rule, put together by hand.
type Pattern = (&'static str, Rule);

fn plain(text: &'static str, action: &str, resource: &str) -> Pattern {
    (
        text,
        rule(
            Decision::Allow,
            &[action],
            Resources::Plain(vec![resource.to_owned()]),
        ),
    )
}

fn http(
    text: &'static str,
    actions: &[&str],
    host: &str,
    port: Option<u16>,
    path: &str,
) -> Pattern {
    let target = HttpResource {
        host: host.to_owned(),
        port,
        path: path.to_owned(),
    };
    (
        text,
        rule(Decision::Allow, actions, Resources::Http(vec![target])),
    )
}

fn patterns() -> Vec<Pattern> {
    let get = &["request:get"];
    vec![
        plain("tcp a.b:80", "connect:tcp", "a.b:80"),
        plain("tcp **.b", "connect:tcp", "**.b"),
        plain("tcp x*.b:443", "connect:tcp", "x*.b:443"),
        plain("udp 10.0.0.0/31", "connect:udp", "10.0.0.0/31"),
        plain("TCP [2001:db8::1]", "connect:tcp", "2001:db8::1"),
        http("get http://a.b/p/**", get, "a.b", Some(80), "/p/**"),
        http("get https://*.b", get, "*.b", Some(443), "/"),
        http("post a.b/**/q", &["request:post"], "a.b", None, "/**/q"),
        http(
            "http **.b/p*",
            &["request:get", "request:post", "request:put"],
            "**.b",
            None,
            "/p*",
        ),
        plain("read /p/**", "read", "/p/**"),
        plain("write ~/p", "write", "~/p"),
        plain("read *:\\p", "read", "*:\\p"),
    ]
}

fn some() -> impl Strategy<Value = Vec<Pattern>> {
    prop::collection::vec(select(patterns()), 0..4)
}

fn parsed(patterns: &[Pattern]) -> Vec<RequestPattern> {
    patterns
        .iter()
        .map(|(text, _)| text.parse().unwrap())
        .collect()
}

const TEAMS: [&str; 2] = ["t1", "t2"];

/// Rules, each with the teams that its policy is for.
fn scoped() -> impl Strategy<Value = Vec<(Rule, Scope)>> {
    let scope =
        prop::collection::btree_set(select(&TEAMS[..]), 0..=2).prop_map(|teams: BTreeSet<&str>| {
            Scope {
                teams: teams.into_iter().map(TeamId::new).collect(),
                profiles: BTreeSet::new(),
            }
        });
    (rules(), prop::collection::vec(scope, 5))
        .prop_map(|(rules, scopes)| rules.into_iter().zip(scopes).collect())
}

fn given(rules: &[(Rule, Scope)]) -> Vec<ScopedRule<'_>> {
    rules
        .iter()
        .map(|(rule, scope)| ScopedRule {
            policy: "p",
            scope,
            rule,
        })
        .collect()
}

/// The rules that reach people in some teams.
fn pooled<'r>(rules: &'r [(Rule, Scope)], teams: &[&str]) -> Vec<&'r Rule> {
    let reaches = |scope: &Scope| {
        scope.teams.is_empty()
            || teams
                .iter()
                .any(|team| scope.teams.contains(&TeamId::new(team)))
    };
    rules
        .iter()
        .filter(|(_, scope)| reaches(scope))
        .map(|(rule, _)| rule)
        .collect()
}

fn people(teams: &[&str]) -> Audience {
    Audience::of_teams(teams.iter().map(ToString::to_string))
}

/// Whether people in exactly these teams are meant.
fn includes(people: &People, teams: &[&str]) -> bool {
    people.0.iter().any(|term| {
        term.all_of
            .iter()
            .all(|team| teams.contains(&team.as_str()))
            && !term
                .none_of
                .iter()
                .any(|team| teams.contains(&team.as_str()))
    })
}

/// All audiences.
const COMBINATIONS: [&[&str]; 4] = [&[], &["t1"], &["t2"], &["t1", "t2"]];

proptest! {
    #![proptest_config(crate::properties::cases(48))]

    #[test]
    fn gates_agree_with_brute_force(
        rules in scoped(),
        gates in prop::collection::vec((select(patterns()), any::<bool>(), prop::option::of(0..COMBINATIONS.len())), 0..4),
    ) {
        let gate = |(pattern, never, only): &(Pattern, bool, Option<usize>)| Gate {
            kind: if *never { GateKind::Never } else { GateKind::Always },
            pattern: pattern.0.parse().unwrap(),
            audience: only.map(|at| NamedAudience { name: "x".to_owned(), audience: people(COMBINATIONS[at]) }),
            reason: None,
            source: (),
        };
        let asked: Vec<Gate<()>> = gates.iter().map(gate).collect();
        let after = given(&rules);
        let check = GateCheck { before: &[], after: &after };
        let found: Vec<GateBreach<'_>> = check.against(&asked).unwrap();
        let breaks = |at: usize, teams: &[&str], request| {
            let (pattern, never, _) = &gates[at];
            brute::allows(&[&pattern.1], request) && brute::allows(&pooled(&rules, teams), request) == *never
        };
        for breach in &found {
            // A gate with an audience is about members of exactly its teams.
            let combinations = gates[breach.gate].2.map_or(&COMBINATIONS[..], |only| &COMBINATIONS[only..=only]);
            for teams in combinations.iter().filter(|teams| includes(&breach.people, teams)) {
                prop_assert!(breaks(breach.gate, teams, &breach.witness), "{} {}", asked[breach.gate].pattern, breach.witness);
            }
            prop_assert_eq!(breach.after.0 == Decision::Allow, gates[breach.gate].1);
        }
        for (at, (_, _, only)) in gates.iter().enumerate() {
            let combinations = only.map_or(&COMBINATIONS[..], |only| &COMBINATIONS[only..=only]);
            for teams in combinations {
                if found.iter().any(|breach| breach.gate == at && includes(&breach.people, teams)) {
                    continue;
                }
                for request in requests() {
                    prop_assert!(!breaks(at, teams, request), "{}: no breach for {request} and {teams:?}", asked[at].pattern);
                }
            }
        }
    }

    #[test]
    fn widening_agrees_with_brute_force(before in scoped(), after in scoped(), within in some()) {
        let old = given(&before);
let new = given(&after);
        let found = GateCheck { before: &old, after: &new }.widened(&parsed(&within)).unwrap();
        let opens = |teams: &[&str], request| {
            !brute::allows(&pooled(&before, teams), request)
                && brute::allows(&pooled(&after, teams), request)
                && !within.iter().any(|(_, pattern)| brute::allows(&[pattern], request))
        };
        for breach in &found {
            for teams in COMBINATIONS.iter().filter(|teams| includes(&breach.people, teams)) {
                prop_assert!(opens(teams, &breach.witness), "{} for {teams:?}", breach.witness);
            }
        }
        for teams in COMBINATIONS {
            if !found.iter().any(|breach| includes(&breach.people, teams)) {
                for request in requests() {
                    prop_assert!(!opens(teams, request), "{request} opens for {teams:?}");
                }
            }
        }
    }
}
