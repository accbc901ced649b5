//! The engine of access against brute force on random texts: 100,000 pairs of a rule set and a request, and what the
//! fixed alphabet of `access` does not reach.

use access::{
    AccessDifference, AccessEffect, AccessRequest, AccessRow, Comparison, Destination, FilePath,
    GroupTable, RequestSet, RowKind, RuleSet, compare,
};
use model::docker::pattern::PathRoot;
use model::docker::{Decision, FileMode, HttpResource, Method, Resources, Rule, Transport};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::access::{decisions, rule};
use super::brute;

/// A label or segment with or without wildcards inside.
fn piece() -> impl Strategy<Value = String> {
    let texts = ["a", "b", "ab", "ba", "aa", "aba", "bab"];
    let globs = [
        "a*", "b*", "*a", "*b", "a*b", "b*a", "a*a", "*a*", "*b*", "ab*", "*ba",
    ];
    prop_oneof![1 => select(texts.to_vec()), 1 => select(globs.to_vec())].prop_map(str::to_owned)
}

fn host() -> impl Strategy<Value = String> {
    (
        select(&["", "", "*.", "**."][..]),
        prop::collection::vec(piece(), 1..3),
    )
        .prop_map(|(front, labels)| format!("{front}{}", labels.join(".")))
        .boxed()
}

/// A host, or every host.
fn host_or_all() -> impl Strategy<Value = String> {
    prop_oneof![8 => host(), 1 => Just("**".to_owned())]
}

fn port() -> impl Strategy<Value = Option<u16>> {
    prop_oneof![2 => Just(None), 1 => Just(Some(443)), 1 => Just(Some(80))]
}

fn connects() -> impl Strategy<Value = String> {
    let hosts = (host_or_all(), port()).prop_map(|(host, port)| match port {
        Some(port) => format!("{host}:{port}"),
        None => host,
    });
    let nets = (0_u32..8, 29_u8..=32).prop_map(|(last, length)| {
        let last = last & !((1_u32 << (32 - length)) - 1);
        format!("10.0.0.{last}/{length}")
    });
    prop_oneof![3 => hosts, 1 => nets]
}

fn glob() -> impl Strategy<Value = String> {
    let segment = prop_oneof![3 => piece(), 1 => Just("*".to_owned()), 1 => Just("**".to_owned())];
    prop::collection::vec(segment, 0..4).prop_map(|segments| format!("/{}", segments.join("/")))
}

fn random_rule() -> impl Strategy<Value = Rule> {
    let connect = (
        decisions(),
        subsequence(vec!["connect:tcp", "connect:udp"], 1..=2),
        prop::collection::vec(connects(), 1..4),
    )
        .prop_map(|(decision, actions, texts)| rule(decision, &actions, Resources::Plain(texts)));
    let target = (host_or_all(), port(), glob()).prop_map(|(host, port, path)| HttpResource {
        host,
        port,
        path,
    });
    let http = (
        decisions(),
        subsequence(vec!["request:get", "request:post"], 1..=2),
        prop::collection::vec(target, 1..3),
    )
        .prop_map(|(decision, actions, targets)| {
            rule(decision, &actions, Resources::Http(targets))
        });
    let path = (select(&["", "~", "C:", "*:"][..]), glob()).prop_map(|(root, path)| match root {
        "C:" | "*:" => format!("{root}{}", path.replace('/', "\\")),
        "~" if path == "/" => "~".to_owned(),
        root => format!("{root}{path}"),
    });
    let path = prop_oneof![8 => path, 1 => Just("**".to_owned())];
    let file = (
        decisions(),
        subsequence(vec!["read", "write"], 1..=2),
        prop::collection::vec(path, 1..4),
    )
        .prop_map(|(decision, actions, texts)| rule(decision, &actions, Resources::Plain(texts)));
    prop_oneof![2 => connect, 2 => http, 1 => file]
}

pub(super) fn random_rules() -> impl Strategy<Value = Vec<Rule>> {
    prop::collection::vec(random_rule(), 1..7)
}

/// Random requests from a seed: far cheaper than as many strategies, and no request needs to shrink.
pub(super) fn random_requests(seed: u64, count: usize) -> Vec<AccessRequest> {
    let mut draw = Draw(seed | 1);
    (0..count).map(|_| draw.request()).collect()
}

/// Xorshift (Marsaglia 2003).
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn text(&mut self) -> String {
        (0..=self.below(3))
            .map(|_| self.one(&['a', 'b', 'c']))
            .collect()
    }

    fn texts(&mut self, least: u64) -> Vec<String> {
        (0..least + self.below(3)).map(|_| self.text()).collect()
    }

    fn request(&mut self) -> AccessRequest {
        let destination = match self.below(5) {
            0 => Destination::Address([10, 0, 0, u8::try_from(self.below(10)).unwrap()].into()),
            _ => Destination::Name(self.texts(1).join(".")),
        };
        let port = self.one(&[80, 443, 8080]);
        match self.below(5) {
            0 | 1 => AccessRequest::Connect {
                transport: self.one(Transport::ALL),
                destination,
                port,
            },
            2 | 3 => {
                let method = self.one(&[Method::Get, Method::Post, Method::Put]);
                AccessRequest::Http {
                    method,
                    destination,
                    port,
                    path: self.texts(0),
                }
            }
            _ => {
                let root = self.one(&[
                    PathRoot::Posix,
                    PathRoot::Home,
                    PathRoot::Drive('C'),
                    PathRoot::Drive('D'),
                ]);
                let path = FilePath {
                    root,
                    segments: self.texts(0),
                };
                AccessRequest::File {
                    mode: self.one(FileMode::ALL),
                    path,
                }
            }
        }
    }
}

proptest! {
    // 500 rule sets with 200 requests each are the 100,000 pairs.
    #![proptest_config(crate::properties::cases(500))]

    #[test]
    fn random_requests_are_decided_as_by_brute_force(
        rules in random_rules(),
        seed in any::<u64>(),
    ) {
        let rules: Vec<&Rule> = rules.iter().collect();
        let set = RuleSet::new(&rules);
        prop_assert!(set.unreadable().is_empty(), "{:?}", set.unreadable());
        for request in &random_requests(seed, 200) {
            let expected = brute::allows(&rules, request);
            prop_assert_eq!(set.decide(request).decision == Decision::Allow, expected, "{}", request);
            prop_assert_eq!(set.decides(request) == Decision::Allow, expected, "{}", request);
        }
    }
}

/// Ports that are alike in what is decided, but not in what decides it: the reasons are those of the witness.
#[test]
fn a_row_names_all_that_decides_its_witness() {
    let deny = rule(
        Decision::Deny,
        &["connect:tcp"],
        Resources::Plain(vec!["b*.*a:443".into(), "b*.a*".into()]),
    );
    let everywhere = HttpResource {
        host: "*.a*a".into(),
        port: None,
        path: "/".into(),
    };
    let allow = rule(
        Decision::Allow,
        &["request:post"],
        Resources::Http(vec![everywhere]),
    );
    let difference = compare(&[&deny], &[&allow]);
    let rows: Vec<_> = difference
        .rows
        .iter()
        .filter(|row| !row.before.reasons.is_empty())
        .collect();
    assert!(!rows.is_empty());
    for row in rows {
        assert_eq!(
            row.before,
            RuleSet::new(&[&deny]).decide(&row.witness),
            "{}",
            row.witness
        );
    }
}

/// Witnesses separate sets. Without a witness, no random request separates them. Sets and comparison agree.
fn assert_exact(
    before: &[&Rule],
    after: &[&Rule],
    difference: &AccessDifference,
    seed: u64,
) -> Result<(), TestCaseError> {
    let decides = |row: &&AccessRow| matches!(row.kind, RowKind::Opens | RowKind::Closes);
    for row in difference.rows.iter().filter(decides) {
        let old = brute::allows(before, &row.witness);
        let new = brute::allows(after, &row.witness);
        prop_assert_ne!(old, new, "{}", row.witness);
        prop_assert_eq!(row.before.decision == Decision::Allow, old);
        prop_assert_eq!(row.after.decision == Decision::Allow, new);
        let deciding = RuleSet::new(before).decide(&row.witness);
        prop_assert_eq!(&row.before, &deciding, "the reasons for {}", row.witness);
    }
    let old = RequestSet::allowed_by(before);
    let new = RequestSet::allowed_by(after);
    let is_neutral = difference.effect() == AccessEffect::Neutral;
    prop_assert_eq!(old.equals(&new).unwrap(), is_neutral);
    if is_neutral {
        for request in &random_requests(seed, 200) {
            prop_assert_eq!(
                brute::allows(before, request),
                brute::allows(after, request),
                "{}",
                request
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(crate::properties::cases(100))]

    #[test]
    fn random_differences_are_exact(
        before in random_rules(),
        after in random_rules(),
        seed in any::<u64>(),
    ) {
        let before: Vec<&Rule> = before.iter().collect();
let after: Vec<&Rule> = after.iter().collect();
        assert_exact(&before, &after, &compare(&before, &after), seed)?;
    }

    /// Rules that stay are taken apart only where they meet what changes; the answer is that of all rules.
    #[test]
    fn random_changes_among_rules_that_stay_are_exact(
        stays in prop::collection::vec(random_rule(), 1..12),
        before in prop::collection::vec(random_rule(), 0..3),
        after in prop::collection::vec(random_rule(), 0..3),
        seed in any::<u64>(),
    ) {
        let mut comparison = Comparison::new();
        let all = |own: &'_ [Rule]| -> Vec<Rule> { stays.iter().chain(own).cloned().collect() };
        let old = all(&before);
let new = all(&after);
        for (position, rule) in old.iter().enumerate() {
            let after = if position < stays.len() { vec![0] } else { Vec::new() };
            comparison.add(position, rule, [0], after);
        }
        for (position, rule) in new.iter().enumerate().skip(stays.len()) {
            comparison.add(position, rule, [], [0]);
        }
        let found = comparison.run(&GroupTable::default());
        let old: Vec<&Rule> = old.iter().collect();
let new: Vec<&Rule> = new.iter().collect();
        assert_exact(&old, &new, &found.difference, seed)?;
    }
}
