//! Access rows against brute force: for every set of teams, the rows cover exactly the requests that
//! change.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use access::{
    AccessDifference, AccessRequest, AccessRow, Audience, ChangeDirection, Comparison, Destination,
    EnforcementComparison, FilePath, GroupTable, OrganizationPolicies, RequestAnswer,
    RequestComparison, RowKind,
};
use model::Name;
use model::docker::pattern::PathRoot;
use model::docker::{
    Action, Decision, DesiredPolicy, DesiredRule, FileMode, HttpResource, Method, PolicyContent,
    Resources, Rule, RuleAccess, Scope, TeamId, Transport,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{brute, cases, worlds};

const HOSTS: &[&str] = &[
    "a.b.c",
    "x.b.c",
    "ab.b.c",
    "*.b.c",
    "**.b.c",
    "a*.b.c",
    "*b.b.c",
    "**.c",
    "a.b.c:80",
    "**.b.c:443",
    "*.b.c:22",
    "10.0.0.0/8",
    "10.0.0.1",
    "10.0.0.0/30",
    "**",
    "**:443",
];
const HTTP_HOSTS: &[&str] = &["a.b.c", "*.b.c", "**.c", "a*.b.c", "*b.b.c", "**"];
const HTTP_PATHS: &[&str] = &["/**", "/", "/p", "/p/**", "/*/q", "/p*", "/**/q"];
const FILES: &[&str] = &[
    "/**", "/p", "/p/**", "/*/q", "/p*", "/*q", "~/**", "C:\\**", "*:\\p", "**",
];
const METHODS: &[&str] = &[
    "request:get",
    "request:post",
    "request:put",
    "request:delete",
];
const TEAMS: &[&str] = &["t1", "t2", "t3", "t4"];

/// A rule with the teams of its policy; no teams is everyone.
type Scoped = (Rule, BTreeSet<&'static str>);

fn rule(decision: Decision, actions: &[&str], resources: Resources) -> Rule {
    let actions = actions
        .iter()
        .map(|action| action.parse::<Action>().unwrap());
    Rule {
        extensions: model::docker::Extensions::default(),
        name: Name::new("rule").unwrap(),
        decision,
        access: RuleAccess::new(actions, resources).unwrap(),
    }
}

fn decisions() -> impl Strategy<Value = Decision> {
    prop_oneof![3 => Just(Decision::Allow), 2 => Just(Decision::Deny)]
}

fn plain(
    actions: &'static [&'static str],
    texts: &'static [&'static str],
) -> impl Strategy<Value = Rule> {
    (
        decisions(),
        subsequence(actions, 1..=actions.len()),
        prop::collection::vec(select(texts), 1..4),
    )
        .prop_map(|(decision, actions, texts)| {
            let texts = texts.into_iter().map(str::to_owned).collect();
            rule(decision, &actions, Resources::Plain(texts))
        })
}

fn http() -> impl Strategy<Value = Rule> {
    let port = prop_oneof![2 => Just(None), 1 => Just(Some(80)), 1 => Just(Some(443))];
    let target = (select(HTTP_HOSTS), port, select(HTTP_PATHS)).prop_map(|(host, port, path)| {
        HttpResource {
            host: host.to_owned(),
            port,
            path: path.to_owned(),
        }
    });
    let actions = subsequence(METHODS, 1..=METHODS.len());
    (decisions(), actions, prop::collection::vec(target, 1..3))
        .prop_map(|(decision, actions, targets)| rule(decision, &actions, Resources::Http(targets)))
}

fn scoped() -> impl Strategy<Value = Scoped> {
    let rules = prop_oneof![
        3 => plain(&["connect:tcp", "connect:udp"], HOSTS),
        3 => http(),
        2 => plain(&["read", "write"], FILES),
    ];
    let teams = prop_oneof![1 => Just(Vec::new()), 2 => subsequence(TEAMS, 0..=3)];
    (rules, teams).prop_map(|(rule, teams)| (rule, teams.into_iter().collect()))
}

/// Rules before and after: some stay, some change their scope, some come and some go.
fn changes() -> impl Strategy<Value = (Vec<Scoped>, Vec<Scoped>)> {
    let few = || prop::collection::vec(scoped(), 0..4);
    (few(), few(), few(), few()).prop_map(|(stays, old, new, rescoped)| {
        let mut before = stays.clone();
        let mut after = stays;
        before.extend(old);
        after.extend(new);
        for (rule, teams) in rescoped {
            before.push((rule.clone(), teams.clone()));
            let other = TEAMS.iter().copied().filter(|team| !teams.contains(team));
            after.push((rule, other.take(2).collect()));
        }
        (before, after)
    })
}

fn requests() -> &'static [AccessRequest] {
    static REQUESTS: OnceLock<Vec<AccessRequest>> = OnceLock::new();
    REQUESTS.get_or_init(|| {
        let names = ["a.b.c", "x.b.c", "ab.b.c", "y.a.b.c", "b.c", "z.c", "other"];
        let addresses = ["10.0.0.1", "10.0.0.2", "10.9.9.9", "11.0.0.1"];
        let destinations: Vec<Destination> = names
            .iter()
            .map(|name| Destination::Name((*name).to_owned()))
            .chain(addresses.map(|text| Destination::Address(text.parse().unwrap())))
            .collect();
        let paths: Vec<Vec<String>> = ["", "p", "pp", "p/q", "x/q", "p/x/q", "x"]
            .iter()
            .map(|path| {
                let segments = path.split('/').filter(|segment| !segment.is_empty());
                segments.map(str::to_owned).collect()
            })
            .collect();
        let mut requests = Vec::new();
        for destination in &destinations {
            for port in [22, 80, 443] {
                for transport in Transport::ALL {
                    requests.push(AccessRequest::Connect {
                        transport: *transport,
                        destination: destination.clone(),
                        port,
                    });
                }
                for method in [Method::Get, Method::Post, Method::Put, Method::Delete] {
                    for path in &paths {
                        requests.push(AccessRequest::Http {
                            method,
                            destination: destination.clone(),
                            port,
                            path: path.clone(),
                        });
                    }
                }
            }
        }
        for root in [
            PathRoot::Posix,
            PathRoot::Home,
            PathRoot::Drive('C'),
            PathRoot::Drive('D'),
        ] {
            for path in &paths {
                for mode in FileMode::ALL {
                    requests.push(AccessRequest::File {
                        mode: *mode,
                        path: FilePath {
                            root,
                            segments: path.clone(),
                        },
                    });
                }
            }
        }
        requests
    })
}

/// All sets of the four teams.
fn all_people() -> Vec<BTreeSet<&'static str>> {
    (0..16_usize)
        .map(|bits| {
            let chosen = TEAMS
                .iter()
                .enumerate()
                .filter(|(at, _)| bits >> at & 1 == 1);
            chosen.map(|(_, team)| *team).collect()
        })
        .collect()
}

/// A conjunct of a pattern as a rule, by a parser of its own.
fn pattern_rule(text: &str) -> Rule {
    let (verb, object) = text.split_once(' ').unwrap();
    match verb {
        "tcp" | "udp" => rule(
            Decision::Allow,
            &[&format!("connect:{verb}")],
            Resources::Plain(vec![object.to_owned()]),
        ),
        "read" | "write" => rule(
            Decision::Allow,
            &[verb],
            Resources::Plain(vec![object.to_owned()]),
        ),
        _ => {
            let (port, rest) = match object.split_once("://") {
                Some(("https", rest)) => (Some(443), rest),
                Some(("http", rest)) => (Some(80), rest),
                _ => (None, object),
            };
            let (host, path) = rest.split_at(rest.find('/').unwrap());
            let (host, own) = match host.split_once(':') {
                Some((host, port)) => (host, Some(port.parse().unwrap())),
                None => (host, None),
            };
            let target = HttpResource {
                host: host.to_owned(),
                port: own.or(port),
                path: path.to_owned(),
            };
            let all: Vec<&str> = Method::ALL.iter().map(|method| method.as_str()).collect();
            let one = format!("request:{verb}");
            let methods = if verb == "http" {
                all
            } else {
                vec![one.as_str()]
            };
            rule(Decision::Allow, &methods, Resources::Http(vec![target]))
        }
    }
}

fn compared(before: &[Scoped], after: &[Scoped]) -> AccessDifference {
    let scopes: Vec<Scope> = before
        .iter()
        .chain(after)
        .map(|(_, teams)| Scope {
            teams: teams.iter().map(|team| TeamId::new(team)).collect(),
            ..Scope::default()
        })
        .collect();
    let groups = GroupTable::of(&scopes);
    let mut comparison = Comparison::new();
    for (position, ((rule, _), scope)) in before.iter().chain(after).zip(&scopes).enumerate() {
        let numbers = groups.groups(scope);
        if position < before.len() {
            comparison.add(position, rule, numbers, []);
        } else {
            comparison.add(position, rule, [], numbers);
        }
    }
    comparison.run(&groups).difference
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn rows_cover_exactly_what_changes((before, after) in changes()) {
        let difference = compared(&before, &after);
        prop_assert!(difference.not_listed.is_empty(), "{:?}", difference.not_listed);
        let matched: Vec<Vec<bool>> = difference
            .rows
            .iter()
            .map(|row| {
                let what = RowPatterns::of(row);
                requests().iter().map(|request| what.cover(request)).collect()
            })
            .collect();
        for row in &difference.rows {
            prop_assert!(RowPatterns::of(row).cover(&row.witness), "{row:?} does not cover its witness");
        }
        let sides = [Side::of(&before), Side::of(&after)];
        for people in all_people() {
            let named: BTreeSet<String> = people.iter().map(ToString::to_string).collect();
            let rows: Vec<usize> = (0..difference.rows.len())
                .filter(|row| difference.rows[*row].people.includes(&named))
                .collect();
            for (at, request) in requests().iter().enumerate() {
                let [old, new] = [0, 1].map(|side: usize| sides[side].decide(at, &people));
                for kind in RowKind::ALL {
                    let expected = match kind {
                        RowKind::Opens => !old.allowed && new.allowed,
                        RowKind::Closes => old.allowed && !new.allowed,
                        RowKind::WeakensGuard => old.denied && !new.denied,
                        RowKind::StrengthensGuard => !old.denied && new.denied,
                    };
                    let found = rows.iter().find(|row| {
                        difference.rows[**row].kind == kind && matched[**row][at]
                    });
                    prop_assert_eq!(
                        found.is_some(),
                        expected,
                        "{:?} of {} for {:?}: {:#?}",
                        kind,
                        request,
                        people,
                        found.map(|row| &difference.rows[*row])
                    );
                }
            }
        }
    }
}

/// A policy for each rule.
fn policies(rules: &[Scoped]) -> Vec<DesiredPolicy> {
    let policies = rules
        .iter()
        .enumerate()
        .map(|(number, (rule, teams))| DesiredPolicy {
            name: Name::new(&format!("policy {number}")).unwrap(),
            aliases: Vec::new(),
            protect: false,
            scope: Scope {
                teams: teams.iter().map(|team| TeamId::new(team)).collect(),
                ..Scope::default()
            },
            content: PolicyContent::Rules(vec![DesiredRule {
                rule: rule.clone(),
                aliases: Vec::new(),
                index: 0,
            }]),
            extensions: model::docker::Extensions::default(),
            document: worlds::document(),
        });
    policies.collect()
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn changes_of_single_requests_are_exact((before, after) in changes()) {
        let policies = [policies(&before), policies(&after)];
        let [old_policies, new_policies] = [0, 1].map(|side: usize| {
            OrganizationPolicies::Desired(&policies[side])
        });
        let comparison = RequestComparison::new(old_policies, new_policies);
        let sides = [Side::of(&before), Side::of(&after)];
        let all_people = all_people();
        for (at, request) in requests().iter().enumerate() {
            let answer = comparison.answer(request);
            prop_assert!(!matches!(answer, RequestAnswer::NotAnalyzed));
            let change = match &answer {
                RequestAnswer::Changes(change) => Some((change, change.for_everyone().unwrap())),
                RequestAnswer::Same | RequestAnswer::NotAnalyzed => None,
            };
            for people in &all_people {
                let [old, new] = [0, 1].map(|side: usize| sides[side].decide(at, people).allowed);
                let expected = match (old, new) {
                    (false, true) => Some(ChangeDirection::Opens),
                    (true, false) => Some(ChangeDirection::Closes),
                    (true, true) | (false, false) => None,
                };
                let audience = Audience::of_teams(people.iter().map(ToString::to_string));
                let found = change.as_ref().and_then(|(change, _)| change.for_members(&audience));
                prop_assert_eq!(found, expected, "{} for {:?}", request, people);
                let named: BTreeSet<String> = people.iter().map(ToString::to_string).collect();
                let listed = change.as_ref().map(|(_, changed)| {
                    (changed.opens.includes(&named), changed.closes.includes(&named))
                });
                let expected = (
                    expected == Some(ChangeDirection::Opens),
                    expected == Some(ChangeDirection::Closes),
                );
                prop_assert_eq!(listed.unwrap_or_default(), expected, "{} for {:?}", request, people);
            }
        }
    }
}

/// Cedar policies before and after a change: the teams of each, if it exists; no teams is everyone.
type Reach = (
    Option<BTreeSet<&'static str>>,
    Option<BTreeSet<&'static str>>,
);

fn reaches() -> impl Strategy<Value = Vec<Reach>> {
    let teams = || subsequence(TEAMS, 0..=3).prop_map(|teams| teams.into_iter().collect());
    let side = move || prop_oneof![1 => Just(None), 2 => teams().prop_map(Some)];
    let stays = teams().prop_map(|teams: BTreeSet<_>| (Some(teams.clone()), Some(teams)));
    prop::collection::vec(prop_oneof![1 => stays, 3 => (side(), side())], 0..5)
}

proptest! {
    #![proptest_config(cases(256))]

    /// `mcp *` opens for exactly the people with a Cedar policy before and without one after, and
    /// closes in the opposite case; one policy is named for each of them.
    #[test]
    fn mcp_rows_cover_exactly_the_people_without_a_policy(policies in reaches()) {
        let scope = |teams: &BTreeSet<&'static str>| Scope {
            teams: teams.iter().map(|team| TeamId::new(team)).collect(),
            ..Scope::default()
        };
        let scopes: Vec<Scope> = policies
            .iter()
            .flat_map(|(before, after)| before.iter().chain(after).map(scope))
            .collect();
        let groups = GroupTable::of(&scopes);
        let mut comparison = EnforcementComparison::new();
        for (position, (before, after)) in policies.iter().enumerate() {
            let numbers = |teams: &Option<BTreeSet<&'static str>>| {
                teams.as_ref().map(|teams| groups.groups(&scope(teams))).unwrap_or_default()
            };
            comparison.add(position, numbers(before), numbers(after));
        }
        let difference = comparison.run(&groups);
        prop_assert!(difference.not_listed.is_empty());
        for people in all_people() {
            let named: BTreeSet<String> = people.iter().map(ToString::to_string).collect();
            let met = |teams: &Option<BTreeSet<&'static str>>| {
                teams.as_ref().is_some_and(|teams| teams.is_empty() || !teams.is_disjoint(&people))
            };
            let before = policies.iter().any(|(before, _)| met(before));
            let after = policies.iter().any(|(_, after)| met(after));
            for kind in RowKind::ALL {
                let rows: Vec<usize> = difference
                    .rows
                    .iter()
                    .filter(|row| row.kind == kind && row.people.includes(&named))
                    .map(|row| row.policy)
                    .collect();
                let expected = match kind {
                    RowKind::Opens => before && !after,
                    RowKind::Closes => !before && after,
                    RowKind::WeakensGuard | RowKind::StrengthensGuard => false,
                };
                prop_assert_eq!(rows.len(), usize::from(expected), "{:?} {:?}", kind, people);
                for policy in rows {
                    let (old, new) = &policies[policy];
                    let reach = if kind == RowKind::Opens { old } else { new };
                    prop_assert!(met(reach), "policy {} does not reach {:?}", policy, people);
                }
            }
        }
    }
}

/// The patterns of a row as rules.
struct RowPatterns {
    what: Vec<Vec<Rule>>,
    except: Vec<Vec<Rule>>,
}

impl RowPatterns {
    fn of(row: &AccessRow) -> Self {
        let rules = |text: &String| text.split(" & ").map(pattern_rule).collect();
        Self {
            what: row.what.iter().map(rules).collect(),
            except: row.except.iter().map(rules).collect(),
        }
    }

    fn cover(&self, request: &AccessRequest) -> bool {
        let matches = |conjuncts: &Vec<Rule>| {
            conjuncts
                .iter()
                .all(|conjunct| brute::applies(conjunct, request))
        };
        self.what.iter().any(matches) && !self.except.iter().any(matches)
    }
}

/// The rules that match each request, by brute force.
struct Side<'r> {
    rules: &'r [Scoped],
    matching: Vec<Vec<usize>>,
}

struct Decided {
    allowed: bool,
    denied: bool,
}

impl<'r> Side<'r> {
    fn of(rules: &'r [Scoped]) -> Self {
        let matching = requests().iter().map(|request| {
            let numbers = 0..rules.len();
            numbers
                .filter(|at| brute::applies(&rules[*at].0, request))
                .collect()
        });
        Self {
            rules,
            matching: matching.collect(),
        }
    }

    fn decide(&self, request: usize, people: &BTreeSet<&str>) -> Decided {
        let any = |decision: Decision| {
            self.matching[request]
                .iter()
                .map(|at| &self.rules[*at])
                .any(|(rule, teams)| {
                    rule.decision == decision && (teams.is_empty() || !teams.is_disjoint(people))
                })
        };
        let denied = any(Decision::Deny);
        Decided {
            allowed: any(Decision::Allow) && !denied,
            denied,
        }
    }
}

/// "GET everywhere, POST on one path": methods and paths that do not open together are not combined.
#[test]
fn methods_and_paths_are_not_combined() {
    let target = |path: &str| {
        Resources::Http(vec![HttpResource {
            host: "github.com".to_owned(),
            port: Some(443),
            path: path.to_owned(),
        }])
    };
    let everyone = BTreeSet::new();
    let after = [
        (
            rule(Decision::Allow, &["request:get"], target("/**")),
            everyone.clone(),
        ),
        (
            rule(
                Decision::Allow,
                &["request:post"],
                target("/*/*/git-upload-pack"),
            ),
            everyone,
        ),
    ];
    let difference = compared(&[], &after);
    let rows: Vec<(usize, &[String], &[String])> = difference
        .rows
        .iter()
        .map(|row| (row.rule, row.what.as_slice(), row.except.as_slice()))
        .collect();
    let get = ["get https://github.com/**".to_owned()];
    let post = ["post https://github.com/*/*/git-upload-pack".to_owned()];
    assert_eq!(
        rows,
        [
            (0, get.as_slice(), [].as_slice()),
            (1, post.as_slice(), [].as_slice())
        ]
    );
}

/// A deny inside of what opens is an exception; a second allow that stays is one too.
#[test]
fn exceptions_are_carved_out() {
    let tcp = |decision, text: &str| {
        let resources = Resources::Plain(vec![text.to_owned()]);
        (rule(decision, &["connect:tcp"], resources), BTreeSet::new())
    };
    let deny = tcp(Decision::Deny, "ftp.example.com:21");
    let kept = tcp(Decision::Allow, "api.example.com");
    let new = tcp(Decision::Allow, "**.example.com");
    let before = [deny.clone(), kept.clone()];
    let after = [deny, kept, new];
    let difference = compared(&before, &after);
    assert_eq!(difference.rows.len(), 1, "{:#?}", difference.rows);
    let row = &difference.rows[0];
    assert_eq!(row.what, ["tcp **.example.com"]);
    let except: BTreeSet<&str> = row.except.iter().map(String::as_str).collect();
    assert_eq!(
        except,
        BTreeSet::from(["tcp api.example.com", "tcp ftp.example.com:21"])
    );
}
