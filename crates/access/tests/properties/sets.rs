//! Sets of requests as values: every operation agrees with brute force, request by request.

use access::{RequestPattern, RequestSet};
use model::docker::{Decision, HttpResource, Resources, Rule};
use proptest::prelude::*;
use proptest::sample::select;

use super::access::{requests, rule, rules};
use super::brute;
use super::random::{random_requests, random_rules};

/// What is done with the next set.
#[derive(Debug, Clone, Copy)]
enum Operation {
    Union,
    Intersection,
    Difference,
    ReverseDifference,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::{Difference, Intersection, ReverseDifference, Union};
    select(vec![
        Union,
        Union,
        Intersection,
        Difference,
        ReverseDifference,
    ])
}

fn apply(operation: Operation, left: &RequestSet, right: &RequestSet) -> RequestSet {
    match operation {
        Operation::Union => left.union(right),
        Operation::Intersection => left.intersection(right),
        Operation::Difference => left.difference(right),
        Operation::ReverseDifference => right.difference(left),
    }
}

fn on_booleans(operation: Operation, left: bool, right: bool) -> bool {
    match operation {
        Operation::Union => left || right,
        Operation::Intersection => left && right,
        Operation::Difference => left && !right,
        Operation::ReverseDifference => right && !left,
    }
}

proptest! {
    #![proptest_config(crate::properties::cases(32))]

    /// A formula over up to a dozen sets contains the requests that brute force computes for it.
    #[test]
    fn operations_agree_pointwise(
        first in prop_oneof![rules(), random_rules()],
        more in prop::collection::vec((operation(), prop_oneof![rules(), random_rules()]), 0..12),
        seed in any::<u64>(),
    ) {
        let random = random_requests(seed, 200);
        let mut set = RequestSet::allowed_by(&first.iter().collect::<Vec<_>>());
        for (operation, rules) in &more {
            set = apply(*operation, &set, &RequestSet::allowed_by(&rules.iter().collect::<Vec<_>>()));
        }
        let expected = |request: &_| {
            let start = brute::allows(&first.iter().collect::<Vec<_>>(), request);
            more.iter().fold(start, |held, (operation, rules)| {
                on_booleans(*operation, held, brute::allows(&rules.iter().collect::<Vec<_>>(), request))
            })
        };
        let sample = requests().iter().step_by(11);
        for request in sample.chain(&random) {
            prop_assert_eq!(set.contains(request), expected(request), "{}", request);
        }
        match set.witness().unwrap() {
            Some(witness) => prop_assert!(expected(&witness), "{}", witness),
            None => for request in requests().iter().chain(&random) {
                prop_assert!(!expected(request), "the set contains {}", request);
            },
        }
    }

    /// The laws of sets, as proofs by the engine itself.
    #[test]
    fn laws_hold(a in rules(), b in rules(), c in rules()) {
        let [a, b, c] = [a, b, c].map(|rules| RequestSet::allowed_by(&rules.iter().collect::<Vec<_>>()));
        prop_assert!(a.difference(&a).is_empty().unwrap());
        prop_assert!(a.intersection(&b).equals(&b.intersection(&a)).unwrap());
        prop_assert!(a.difference(&b.union(&c)).equals(&a.difference(&b).difference(&c)).unwrap());
        prop_assert!(a.intersection(&b).union(&a.difference(&b)).equals(&a).unwrap());
        prop_assert!(a.is_subset(&a.union(&b)).unwrap() && a.intersection(&b).is_subset(&b).unwrap());
        prop_assert_eq!(a.is_subset(&b).unwrap() && b.is_subset(&a).unwrap(), a.equals(&b).unwrap());
    }
}

fn pattern(text: &str) -> RequestPattern {
    text.parse().unwrap()
}

fn allow(action: &str, resource: &str) -> Rule {
    rule(
        Decision::Allow,
        &[action],
        Resources::Plain(vec![resource.to_owned()]),
    )
}

#[test]
fn any_number_of_sets_can_be_joined() {
    let rules: Vec<Rule> = (0..300)
        .map(|number| allow("connect:tcp", &format!("h{number}.example.com:443")))
        .collect();
    let all = RequestSet::allowed_by(&rules.iter().collect::<Vec<_>>());
    let one_by_one = rules.iter().fold(RequestSet::default(), |all, rule| {
        all.union(&RequestSet::allowed_by(&[rule]))
    });
    assert!(all.equals(&one_by_one).unwrap());
    let but_one = one_by_one.difference(&RequestSet::allowed_by(&[&rules[217]]));
    assert!(!all.equals(&but_one).unwrap() && but_one.is_subset(&all).unwrap());
    assert_eq!(
        all.difference(&but_one)
            .witness()
            .unwrap()
            .unwrap()
            .to_string(),
        "tcp h217.example.com:443"
    );
    assert!(RequestSet::default().is_empty().unwrap());
}

#[test]
fn a_pattern_matches_what_a_rule_with_it_matches() {
    let http = |methods: &str, host: &str, port, path: &str| {
        let target = HttpResource {
            host: host.to_owned(),
            port: Some(port),
            path: path.to_owned(),
        };
        rule(Decision::Allow, &[methods], Resources::Http(vec![target]))
    };
    for (text, rule) in [
        (
            "tcp **.example.com:443",
            allow("connect:tcp", "**.example.com:443"),
        ),
        ("udp 10.0.0.0/8", allow("connect:udp", "10.0.0.0/8")),
        ("read ~/**", allow("read", "~/**")),
        (
            "get https://*.example.com/a/**",
            http("request:get", "*.example.com", 443, "/a/**"),
        ),
        (
            "post http://example.com",
            http("request:post", "example.com", 80, "/"),
        ),
    ] {
        let matched = RequestSet::matching([&pattern(text)]);
        let allowed = RequestSet::allowed_by(&[&rule]);
        assert!(matched.equals(&allowed).unwrap(), "{text}");
    }
}

#[test]
fn witnesses_look_as_people_write_them() {
    for (texts, without, witness) in [
        (
            &["tcp **.example.com"][..],
            &[][..],
            "tcp api.example.com:443",
        ),
        (
            &["tcp **.example.com"],
            &["tcp api.example.com"],
            "tcp www.example.com:443",
        ),
        (
            &["tcp **.example.com"],
            &["tcp *.example.com"],
            "tcp api.eu.example.com:443",
        ),
        (
            &["tcp example.com"],
            &["tcp example.com:443"],
            "tcp example.com:80",
        ),
        (&["tcp crl*.example.com:80"], &[], "tcp crl1.example.com:80"),
        (
            &["tcp example.com:8443", "tcp example.com:443"],
            &[],
            "tcp example.com:443",
        ),
        (&["read /data/*"], &[], "read /data/file.txt"),
        (
            &["read /data/*"],
            &["read /data/file.txt"],
            "read /data/notes.md",
        ),
        (&["read /data/**"], &["read /data"], "read /data/file.txt"),
        (
            &["read /data/**"],
            &["read /data", "read /data/*"],
            "read /data/docs/file.txt",
        ),
        (&["read /data/*.csv"], &[], "read /data/report.csv"),
        (&["read /data/*.log"], &[], "read /data/file.log"),
        (
            &["read *:\\data\\*"],
            &["read C:\\**"],
            "read D:\\data\\file.txt",
        ),
        (
            &["get https://*.example.com/**"],
            &["get https://*.example.com/"],
            "get https://api.example.com/items",
        ),
        (&["tcp 10.0.0.0/8"], &["tcp 10.0.0.1"], "tcp 10.0.0.2:443"),
    ] {
        let set = |texts: &[&str]| {
            RequestSet::matching(&texts.iter().map(|text| pattern(text)).collect::<Vec<_>>())
        };
        let found = set(texts).difference(&set(without)).witness().unwrap();
        assert_eq!(
            found.map(|request| request.to_string()).as_deref(),
            Some(witness),
            "{texts:?} without {without:?}"
        );
    }
}
