//! What rules are good for, against brute force: people in up to two teams, and every request of a small world.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use access::{
    AccessRequest, Destination, FilePath, ResourcePosition, ResourceSpace, RuleWithScope,
    UsageReport, UsageStatus, usage,
};
use model::docker::pattern::PathRoot;
use model::docker::{
    Decision, FileMode, Method, Resources, Rule, RuleAccess, Scope, TeamId, Transport,
};
use proptest::prelude::*;
use proptest::sample::select;

use super::access::{any_rule, requests, rule};
use super::brute;

fn scope(teams: &[&str]) -> Scope {
    Scope {
        teams: teams.iter().map(|team| TeamId::new(team)).collect(),
        profiles: BTreeSet::new(),
    }
}

fn scoped_rules() -> impl Strategy<Value = Vec<(Rule, Scope)>> {
    let scopes = vec![
        scope(&[]),
        scope(&[]),
        scope(&["x"]),
        scope(&["y"]),
        scope(&["x", "y"]),
    ];
    prop::collection::vec((any_rule(), select(scopes)), 1..6)
}

/// A rule with one of its resources only.
fn single(rule: &Rule, resource: usize) -> Rule {
    let resources = match rule.access.resources() {
        Resources::Plain(all) => Resources::Plain(vec![all[resource].clone()]),
        Resources::Http(all) => Resources::Http(vec![all[resource].clone()]),
    };
    let access = RuleAccess::new(rule.access.actions(), resources).unwrap();
    Rule {
        extensions: model::docker::Extensions::default(),
        name: rule.name.clone(),
        decision: rule.decision,
        access,
    }
}

const PEOPLE: [&[&str]; 4] = [&[], &["x"], &["y"], &["x", "y"]];

fn reaches(scope: &Scope, person: &[&str]) -> bool {
    scope.teams.is_empty()
        || scope
            .teams
            .iter()
            .any(|team| person.contains(&team.as_str()))
}

fn reaches_all(wide: &Scope, narrow: &Scope) -> bool {
    PEOPLE
        .iter()
        .all(|person| !reaches(narrow, person) || reaches(wide, person))
}

/// Every request of a small world, and some more where the patterns of it differ: that two resources do not cover each
/// other must show in it.
fn world() -> &'static [AccessRequest] {
    static WORLD: OnceLock<Vec<AccessRequest>> = OnceLock::new();
    WORLD.get_or_init(|| {
        let not_http = |request: &&AccessRequest| !matches!(request, AccessRequest::Http { .. });
        let mut world: Vec<AccessRequest> = requests().iter().filter(not_http).cloned().collect();
        let labels = ["zx", "xz", "zaz", "xzy", "az", "zxz"];
        let names = labels
            .iter()
            .flat_map(|label| ["", ".b", ".a.b"].map(|rest| format!("{label}{rest}")));
        for destination in names.map(Destination::Name) {
            for port in [80, 443, 8080] {
                world.extend(Transport::ALL.iter().map(|transport| {
                    let transport = *transport;
                    let destination = destination.clone();
                    AccessRequest::Connect {
                        transport,
                        destination,
                        port,
                    }
                }));
            }
        }
        let texts = |path: &str| {
            path.split('/')
                .filter(|s| !s.is_empty())
                .map(str::to_owned)
                .collect::<Vec<String>>()
        };
        for root in [
            PathRoot::Posix,
            PathRoot::Home,
            PathRoot::Drive('C'),
            PathRoot::Drive('D'),
            PathRoot::Wsl,
        ] {
            for path in [
                "p.x", "zp", "zpz", "pz", "p.z.t", "z/z/q", "p/z/z", "u", "u/p", "u/q", "u/z/z",
                "z/p",
            ] {
                let path = FilePath {
                    root,
                    segments: texts(path),
                };
                world.extend(FileMode::ALL.iter().map(|mode| AccessRequest::File {
                    mode: *mode,
                    path: path.clone(),
                }));
            }
        }
        let hosts = [
            "a.b", "b", "x.b", "xz.b", "z.b", "xx.b", "za.b", "z.a.b", "xy.a.b", "z.z.b",
        ];
        let names = hosts.map(|host| Destination::Name(host.to_owned()));
        for destination in names
            .into_iter()
            .chain([Destination::Address([10, 0, 0, 2].into())])
        {
            for path in [
                "", "p", "q", "x", "p/q", "p/x", "x/q", "zp/q", "pz", "pz/q", "p/z/z", "p/z/q",
                "z/z/q", "z/z", "zp",
            ] {
                for port in [80, 443, 8080] {
                    world.extend(
                        [Method::Get, Method::Post].map(|method| AccessRequest::Http {
                            method,
                            destination: destination.clone(),
                            port,
                            path: texts(path),
                        }),
                    );
                }
            }
        }
        world
    })
}

/// One resource, and which requests of the world it matches.
struct Single<'a> {
    spot: ResourcePosition,
    rule: Rule,
    scope: &'a Scope,
    matched: Vec<bool>,
}

impl Single<'_> {
    fn within(&self, others: &[&Self]) -> bool {
        (0..self.matched.len())
            .all(|at| !self.matched[at] || others.iter().any(|other| other.matched[at]))
    }
}

fn singles<'a>(rules: &'a [(Rule, Scope)], found: &UsageReport) -> Vec<Single<'a>> {
    let mut all = Vec::new();
    for (position, (rule, scope)) in rules.iter().enumerate() {
        for resource in 0..found.rules[position].resources.len() {
            let rule = single(rule, resource);
            let matched = world()
                .iter()
                .map(|request| brute::applies(&rule, request))
                .collect();
            all.push(Single {
                spot: ResourcePosition {
                    rule: position,
                    resource,
                },
                rule,
                scope,
                matched,
            });
        }
    }
    all
}

/// Whether a resource decides a request: it must match, and the rest must leave it something to decide.
fn decides(own: &Single<'_>, rules: &[(Rule, Scope)], request: &AccessRequest) -> bool {
    let allows = |person: &&[&str]| {
        let pool: Vec<&Rule> = rules
            .iter()
            .filter(|(_, scope)| reaches(scope, person))
            .map(|(rule, _)| rule)
            .collect();
        brute::allows(&pool, request)
    };
    brute::applies(&own.rule, request)
        && match own.rule.decision {
            Decision::Allow => PEOPLE
                .iter()
                .filter(|person| reaches(own.scope, person))
                .any(allows),
            Decision::Deny => rules
                .iter()
                .any(|(rule, _)| rule.decision == Decision::Allow && brute::applies(rule, request)),
        }
}

fn check(rules: &[(Rule, Scope)], found: &UsageReport) -> Result<(), TestCaseError> {
    let singles = singles(rules, found);
    for own in &singles {
        let resource = &found.rules[own.spot.rule].resources[own.spot.resource];
        let met = || {
            world()
                .iter()
                .zip(&own.matched)
                .filter(|(_, matched)| **matched)
                .map(|(request, _)| request)
        };
        match &resource.used {
            UsageStatus::Decides(witness) => {
                prop_assert!(
                    decides(own, rules, witness),
                    "{} does not decide {witness}",
                    resource.resource
                );
            }
            UsageStatus::Blocked(_) | UsageStatus::DeniesNothing => {
                for request in met() {
                    prop_assert!(
                        !decides(own, rules, request),
                        "{} decides {request}",
                        resource.resource
                    );
                }
            }
            UsageStatus::MatchesNothing => prop_assert!(false, "{} is readable", resource.resource),
        }
        if let UsageStatus::Blocked(blockers) = &resource.used {
            prop_assert!(!blockers.is_empty());
            for blocker in blockers {
                let deny = singles
                    .iter()
                    .find(|single| single.spot == blocker.deny)
                    .unwrap();
                prop_assert!(deny.rule.decision == Decision::Deny);
                prop_assert!(
                    brute::applies(&deny.rule, &blocker.witness)
                        && brute::applies(&own.rule, &blocker.witness)
                );
                let alone = own.within(&[deny]) && reaches_all(deny.scope, own.scope);
                prop_assert_eq!(
                    blocker.alone,
                    alone,
                    "{} is blocked alone",
                    &resource.resource
                );
            }
        }
    }
    for (one, (rule, scope)) in rules.iter().enumerate() {
        for (two, (other, other_scope)) in rules.iter().enumerate() {
            if one != two && other.decision == rule.decision {
                let of = |rule: usize| {
                    singles
                        .iter()
                        .filter(move |single| single.spot.rule == rule)
                };
                let all: Vec<&Single<'_>> = of(two).collect();
                let covers =
                    reaches_all(other_scope, scope) && of(one).all(|single| single.within(&all));
                prop_assert_eq!(
                    found.rules[one].covered_by.contains(&two),
                    covers,
                    "{:?} covers {:?}",
                    other,
                    rule
                );
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(crate::properties::cases(40))]

    #[test]
    fn coverage_agrees_with_brute_force(rules in scoped_rules()) {
        let scoped: Vec<RuleWithScope<'_>> = rules.iter().map(|(rule, scope)| RuleWithScope { rule, scope }).collect();
        check(&rules, &usage(&scoped).unwrap())?;
    }
}

fn plain(decision: Decision, action: &str, resources: &[&str]) -> Rule {
    rule(
        decision,
        &[action],
        Resources::Plain(resources.iter().map(ToString::to_string).collect()),
    )
}

fn of_everybody(rules: &[Rule]) -> UsageReport {
    let everybody = Scope::default();
    usage(
        &rules
            .iter()
            .map(|rule| RuleWithScope {
                rule,
                scope: &everybody,
            })
            .collect::<Vec<_>>(),
    )
    .unwrap()
}

#[test]
fn several_denies_block_together() {
    use Decision::{Allow, Deny};
    let found = of_everybody(&[
        plain(Allow, "connect:tcp", &["10.0.0.0/8"]),
        plain(Deny, "connect:tcp", &["10.0.0.0/9"]),
        plain(Deny, "connect:tcp", &["10.128.0.0/9"]),
    ]);
    let UsageStatus::Blocked(blockers) = &found.rules[0].resources[0].used else {
        panic!("{found:?}")
    };
    assert_eq!(
        blockers
            .iter()
            .map(|b| (b.deny.rule, b.alone))
            .collect::<Vec<_>>(),
        [(1, false), (2, false)]
    );
    assert_eq!(blockers[0].witness.to_string(), "tcp 10.0.0.1:443");
    assert!(!found.rules[0].decides() && found.rules[1].decides());
}

#[test]
fn a_deny_for_some_blocks_nothing_for_others() {
    use Decision::{Allow, Deny};
    let rules = [
        (plain(Allow, "read", &["/data/**"]), scope(&["x", "y"])),
        (plain(Deny, "read", &["/data/**"]), scope(&["x"])),
        (plain(Allow, "read", &["/data/a"]), scope(&["x"])),
    ];
    let scoped: Vec<RuleWithScope<'_>> = rules
        .iter()
        .map(|(rule, scope)| RuleWithScope { rule, scope })
        .collect();
    let found = usage(&scoped).unwrap();
    assert!(found.rules[0].decides(), "people in team y");
    assert!(
        matches!(&found.rules[2].resources[0].used, UsageStatus::Blocked(blockers) if blockers[0].alone)
    );
    assert_eq!(found.rules[2].covered_by, [0]);
    assert_eq!(found.rules[0].covered_by, [0_usize; 0]);
}

#[test]
fn rules_cover_with_all_their_resources_together() {
    use Decision::Allow;
    let found = of_everybody(&[
        plain(Allow, "connect:tcp", &["**.example.com"]),
        plain(
            Allow,
            "connect:tcp",
            &["*.example.com", "**.a.example.com", "x.y.example.com"],
        ),
        plain(Allow, "connect:tcp", &["a.example.com", "b.a.example.com"]),
        plain(Allow, "connect:tcp", &["b.a.example.com", "a.example.com"]),
    ]);
    assert_eq!(found.rules[0].covered_by, [0_usize; 0]);
    assert_eq!(found.rules[1].covered_by, [0]);
    assert_eq!(
        found.rules[2].covered_by,
        [0, 1, 3],
        "two resources of rule 1 do it together"
    );
    assert_eq!(found.rules[3].covered_by, [0, 1, 2]);
}

#[test]
fn ranges_inside_of_others_and_allows_to_everything() {
    use Decision::{Allow, Deny};
    let found = of_everybody(&[
        plain(Allow, "connect:tcp", &["0.0.0.0/1", "128.0.0.0/1"]),
        plain(Deny, "connect:tcp", &["10.0.0.0/8"]),
        plain(Allow, "connect:tcp", &["10.1.0.0/16"]),
        plain(Allow, "connect:udp", &["10.1.2.0/24"]),
        plain(Allow, "read", &["/**", "~/x"]),
        plain(Deny, "read", &["~/**"]),
    ]);
    let names = |spot: ResourcePosition| {
        found.rules[spot.rule].resources[spot.resource]
            .resource
            .as_str()
    };
    let overlaps: Vec<(&str, &str)> = found
        .overlaps
        .iter()
        .map(|o| (names(o.outer), names(o.inner)))
        .collect();
    assert_eq!(
        overlaps,
        [("0.0.0.0/1", "10.0.0.0/8"), ("10.0.0.0/8", "10.1.0.0/16")]
    );
    let all = |rule: usize| {
        found.rules[rule]
            .opens_all
            .iter()
            .map(|(action, space)| (action.as_str(), *space))
            .collect::<Vec<_>>()
    };
    assert_eq!(all(0), [("connect:tcp", ResourceSpace::Ipv4)]);
    assert_eq!(all(4), [("read", ResourceSpace::Posix)]);
    assert!((1..4).chain([5]).all(|rule| all(rule).is_empty()));
}
