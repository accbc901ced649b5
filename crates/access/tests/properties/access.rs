//! The engine of access against brute force: exhaustively on small alphabets, and on random rule sets.

use std::sync::OnceLock;

use access::{AccessEffect, AccessRequest, Destination, FilePath, RowKind, RuleSet, compare};
use model::Name;
use model::docker::pattern::PathRoot;
use model::docker::{
    Action, Decision, FileMode, HttpResource, Method, Resources, Rule, RuleAccess, Transport,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::brute;

const HOSTS: &[&str] = &[
    "a.b",
    "b",
    "a",
    "*.b",
    "**.b",
    "**.a.b",
    "a.b:80",
    "*.b:443",
    "x*.b",
    "*x.b",
    "x*y.a.b",
    "*a*.b",
    "xx.b",
    "10.0.0.0/30",
    "10.0.0.0/31",
    "10.0.0.2",
    "10.0.0.2:80",
    "0.0.0.0/0",
    "2001:db8::/126",
    "2001:db8::/128",
    "::/0",
    "**",
    "**:80",
];
const HTTP_HOSTS: &[&str] = &["a.b", "*.b", "**.b", "10.0.0.2", "x*.b", "**"];
const HTTP_PATHS: &[&str] = &[
    "/", "/**", "/*", "/p", "/p/**", "/p/*", "/**/q", "/p*", "/*p/q", "/p/**/q",
];
const FILES: &[&str] = &[
    "/",
    "/**",
    "/p",
    "/p/*",
    "/p/**",
    "/*/q",
    "/**/q",
    "/p*",
    "/*.t",
    "/p.*",
    "/*p*",
    "/p.t",
    "~",
    "~/**",
    "~/p",
    "C:\\**",
    "*:\\p",
    "*:\\**",
    "D:\\p\\*",
    "C:\\p",
    "\\\\wsl.localhost\\u\\**",
    "\\\\wsl.localhost\\*\\p",
    "**",
];

pub(super) fn rule(decision: Decision, actions: &[&str], resources: Resources) -> Rule {
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

pub(super) fn decisions() -> impl Strategy<Value = Decision> {
    prop_oneof![3 => Just(Decision::Allow), 2 => Just(Decision::Deny)]
}

fn plain(
    actions: &'static [&'static str],
    texts: &'static [&'static str],
) -> impl Strategy<Value = Rule> {
    let resources = prop::collection::vec(select(texts), 1..4);
    (
        decisions(),
        subsequence(actions, 1..=actions.len()),
        resources,
    )
        .prop_map(|(decision, actions, texts)| {
            rule(
                decision,
                &actions,
                Resources::Plain(texts.into_iter().map(str::to_owned).collect()),
            )
        })
}

fn http() -> impl Strategy<Value = Rule> {
    let port = prop_oneof![2 => Just(None), 1 => Just(Some(80))];
    let target = (select(HTTP_HOSTS), port, select(HTTP_PATHS)).prop_map(|(host, port, path)| {
        HttpResource {
            host: host.to_owned(),
            port,
            path: path.to_owned(),
        }
    });
    let actions = subsequence(vec!["request:get", "request:post"], 1..=2);
    (decisions(), actions, prop::collection::vec(target, 1..4))
        .prop_map(|(decision, actions, targets)| rule(decision, &actions, Resources::Http(targets)))
}

pub(super) fn any_rule() -> impl Strategy<Value = Rule> {
    prop_oneof![
        plain(&["connect:tcp", "connect:udp"], HOSTS),
        http(),
        plain(&["read", "write"], FILES),
    ]
}

pub(super) fn rules() -> impl Strategy<Value = Vec<Rule>> {
    prop::collection::vec(any_rule(), 0..5)
}

/// Every request over a small alphabet that reaches each corner of the patterns above.
pub(super) fn requests() -> &'static [AccessRequest] {
    static REQUESTS: OnceLock<Vec<AccessRequest>> = OnceLock::new();
    REQUESTS.get_or_init(all_requests)
}

fn all_requests() -> Vec<AccessRequest> {
    let labels = ["a", "b", "x", "y", "xx", "xy", "xay", "z"];
    let mut names: Vec<String> = labels.iter().map(ToString::to_string).collect();
    for one in labels {
        for two in labels {
            names.push(format!("{one}.{two}"));
            names.extend(labels.iter().map(|three| format!("{one}.{two}.{three}")));
        }
    }
    names.extend(["z.y.a.b", "z.z.z.b", "z.xy.a.b"].map(str::to_owned));
    let mut destinations: Vec<Destination> = names.into_iter().map(Destination::Name).collect();
    let addresses = [
        "10.0.0.0",
        "10.0.0.1",
        "10.0.0.2",
        "10.0.0.3",
        "10.0.0.4",
        "2001:db8::",
        "2001:db8::1",
        "2001:db9::",
    ];
    destinations.extend(addresses.map(|address| Destination::Address(address.parse().unwrap())));

    let segments = ["p", "q", "pp", "p.t", "x", "x.t"];
    let mut paths: Vec<Vec<String>> = vec![Vec::new()];
    for one in segments {
        paths.push(vec![one.to_owned()]);
        for two in segments {
            paths.push(vec![one.to_owned(), two.to_owned()]);
            paths
                .extend(["p", "q", "x"].map(|three| [one, two, three].map(str::to_owned).to_vec()));
        }
    }
    let mut requests = Vec::new();
    for destination in &destinations {
        for port in [80, 443, 8080] {
            let connect = |transport| AccessRequest::Connect {
                transport,
                destination: destination.clone(),
                port,
            };
            requests.extend(Transport::ALL.iter().map(|transport| connect(*transport)));
        }
    }
    let http_hosts =
        ["a.b", "b", "x.b", "z.b", "z.a.b", "a"].map(|name| Destination::Name(name.to_owned()));
    for destination in http_hosts
        .into_iter()
        .chain([Destination::Address("10.0.0.2".parse().unwrap())])
    {
        for path in &paths {
            for (method, port) in [
                (Method::Get, 80),
                (Method::Post, 443),
                (Method::Get, 443),
                (Method::Put, 80),
            ] {
                requests.push(AccessRequest::Http {
                    method,
                    destination: destination.clone(),
                    port,
                    path: path.clone(),
                });
            }
        }
    }
    for root in [
        PathRoot::Posix,
        PathRoot::Home,
        PathRoot::Drive('C'),
        PathRoot::Drive('D'),
        PathRoot::Drive('E'),
        PathRoot::Wsl,
    ] {
        for path in paths
            .iter()
            .filter(|path| root != PathRoot::Wsl || !path.is_empty())
        {
            let path = FilePath {
                root,
                segments: path.clone(),
            };
            requests.extend(FileMode::ALL.iter().map(|mode| AccessRequest::File {
                mode: *mode,
                path: path.clone(),
            }));
        }
    }
    requests
}

pub(super) fn by_reference(rules: &[Rule]) -> Vec<&Rule> {
    rules.iter().collect()
}

proptest! {
    #![proptest_config(crate::properties::cases(64))]

    /// Every request of a small world is decided as brute force decides it.
    #[test]
    fn decisions_agree_with_brute_force(rules in rules()) {
        let rules = by_reference(&rules);
        let set = RuleSet::new(&rules);
        prop_assert!(set.unreadable().is_empty(), "{:?}", set.unreadable());
        for request in requests() {
            let allowed = set.decide(request).decision == Decision::Allow;
            prop_assert_eq!(allowed, brute::allows(&rules, request), "{}", request);
        }
    }

    /// Two sets differ exactly if some request tells them apart, and every witness does.
    #[test]
    fn differences_are_exact(before in rules(), after in rules()) {
        let before = by_reference(&before);
let after = by_reference(&after);
        let difference = compare(&before, &after);
        for row in &difference.rows {
            let old = brute::allows(&before, &row.witness);
let new = brute::allows(&after, &row.witness);
            let expected = match row.kind {
                RowKind::Opens => (false, true),
                RowKind::Closes => (true, false),
                RowKind::WeakensGuard | RowKind::StrengthensGuard => continue,
            };
            prop_assert_eq!((old, new), expected, "{}", row.witness);
        }
        if difference.effect() == AccessEffect::Neutral {
            for request in requests() {
                let old = brute::allows(&before, request);
let new = brute::allows(&after, request);
                prop_assert_eq!(old, new, "no row reports {}", request);
            }
        }
    }

    /// Opened access is reported even if other access of the same rule closes, and vice versa.
    #[test]
    fn each_direction_is_told(before in rules(), after in rules()) {
        let before = by_reference(&before);
let after = by_reference(&after);
        let difference = compare(&before, &after);
        let told = |kind| difference.rows.iter().any(|row| row.kind == kind);
        for request in requests() {
            match (brute::allows(&before, request), brute::allows(&after, request)) {
                (false, true) => prop_assert!(told(RowKind::Opens), "{}", request),
                (true, false) => prop_assert!(told(RowKind::Closes), "{}", request),
                (true, true) | (false, false) => {}
            }
        }
    }
}
