use std::time::{Duration, Instant};

use serde_json::{Map, json};

use super::pairing::rename_cycles;
use super::{Pairing, pair_rules};
use model::Name;
use model::Opaque;
use model::docker::{
    Action, Decision, DesiredRule, HttpResource, LiveRule, Resources, Rule, RuleAccess, RuleId,
};

/// `allow name a.example.com b.example.com`; the default of the action in `allow:connect:udp` or
/// `allow:request:get` is `connect:tcp`. The path of an HTTP rule is `/`.
fn rule(text: &str) -> Rule {
    let mut words = text.split(' ');
    let first = words.next().unwrap();
    let (decision, action) = first.split_once(':').unwrap_or((first, "connect:tcp"));
    let decision = if decision == "allow" {
        Decision::Allow
    } else {
        Decision::Deny
    };
    let name = Name::new(words.next().unwrap()).unwrap();
    let resources = if action.starts_with("request:") {
        let target = |host: &str| HttpResource {
            host: host.to_owned(),
            port: None,
            path: "/".to_owned(),
        };
        Resources::Http(words.map(target).collect())
    } else {
        Resources::Plain(words.map(str::to_owned).collect())
    };
    let action: Action = action.parse().unwrap();
    Rule {
        extensions: model::docker::Extensions::default(),
        name,
        decision,
        access: RuleAccess::new([action], resources).unwrap(),
    }
}

/// A live rule. `+` adds an unknown field, `?` makes it undecodable.
fn live_rule(number: usize, text: &str) -> LiveRule {
    let rule = rule(text.trim_start_matches(['+', '?']));
    let unknown = text
        .starts_with('+')
        .then(|| ("expires_at".to_owned(), json!("2027-01-01")));
    let opaque = Opaque {
        why: "has the unknown action `connect:quic`".to_owned(),
        raw: json!({}),
    };
    LiveRule {
        id: RuleId::new(&format!("rule_{number}")),
        name: rule.name.to_string(),
        rule: if text.starts_with('?') {
            Err(opaque)
        } else {
            Ok(rule)
        },
        unknown_fields: unknown.into_iter().collect::<Map<_, _>>(),
    }
}

/// A desired rule; `old > ` before it is an alias.
fn desired_rule(index: usize, text: &str) -> DesiredRule {
    let (alias, text) = text
        .split_once(" > ")
        .map_or((None, text), |(alias, text)| (Some(alias), text));
    DesiredRule {
        rule: rule(text),
        aliases: alias
            .into_iter()
            .map(|name| Name::new(name).unwrap())
            .collect(),
        index,
    }
}

/// The pairs as `live→desired`, then the rest.
fn paired(live: &[&str], desired: &[&str]) -> String {
    let live: Vec<LiveRule> = live
        .iter()
        .enumerate()
        .map(|(number, text)| live_rule(number, text))
        .collect();
    let desired: Vec<DesiredRule> = desired
        .iter()
        .enumerate()
        .map(|(index, text)| desired_rule(index, text))
        .collect();
    let Pairing {
        pairs,
        only_live,
        only_desired,
    } = pair_rules(
        &live.iter().collect::<Vec<_>>(),
        &desired.iter().collect::<Vec<_>>(),
    );
    let mut words: Vec<String> = pairs
        .iter()
        .map(|(from, to)| format!("{}→{}", live[*from].name, desired[*to].rule.name))
        .collect();
    words.extend(
        only_live
            .iter()
            .map(|from| format!("-{}", live[*from].name)),
    );
    words.extend(
        only_desired
            .iter()
            .map(|to| format!("+{}", desired[*to].rule.name)),
    );
    words.join(" ")
}

#[test]
fn pairs_are_those_that_a_person_expects() {
    let table: &[(&[&str], &[&str], &str)] = &[
        // Equal rules stay; the rest becomes one patch.
        (
            &["allow a x.com", "allow b y.com"],
            &["allow a x.com", "deny c z.com"],
            "a→a b→c",
        ),
        // The same name, if both are a patch of one field.
        (
            &["allow a x.com", "allow b y.com"],
            &["allow a z.com", "allow b w.com"],
            "a→a b→b",
        ),
        // The same content is a rename.
        (
            &["allow a x.com", "allow b y.com"],
            &["allow c y.com", "allow d x.com"],
            "b→c a→d",
        ),
        // Equal content takes precedence over an equal name, as both are one field.
        (
            &["allow a x.com"],
            &["allow a z.com", "allow b x.com"],
            "a→b +a",
        ),
        // A declared alias takes precedence over similarity.
        (
            &["allow a x.com y.com", "allow b v.com"],
            &["b > allow c x.com y.com z.com"],
            "b→c -a",
        ),
        (
            &["allow a x.com y.com", "allow b v.com"],
            &["allow c x.com y.com z.com"],
            "a→c -b",
        ),
        // Fewer fields take precedence over an alias.
        (
            &["allow a x.com", "deny b y.com"],
            &["b > allow c x.com"],
            "a→c -b",
        ),
        // The same layer, if equally many fields differ.
        (
            &["allow:request:get a x.com", "allow b y.com"],
            &["allow:connect:udp c z.com"],
            "b→c -a",
        ),
        (
            &["allow a x.com", "allow:request:get b y.com"],
            &["allow:request:post c z.com"],
            "b→c -a",
        ),
        // Unknown fields are never carried over to an unrelated rule.
        (&["+allow a x.com"], &["deny b y.com"], "-a +b"),
        (&["+allow a x.com"], &["allow b x.com"], "a→b"),
        (&["+allow a x.com"], &["a > deny b y.com"], "a→b"),
        (&["+allow a x.com"], &["deny a y.com"], "a→a"),
        // A rule that could not be decoded is paired by name, and never with another rule.
        (&["?allow a x.com"], &["allow a x.com"], "a→a"),
        (&["?allow a x.com"], &["a > allow b x.com"], "a→b"),
        (&["?allow a x.com"], &["allow b x.com"], "-a +b"),
    ];
    for (live, desired, expected) in table {
        assert_eq!(paired(live, desired), *expected, "{live:?} {desired:?}");
    }
}

#[test]
fn a_shared_resource_counts_more_than_a_similar_name() {
    let hosts = |from: usize| -> String {
        (from..from + 30)
            .map(|host| format!(" h{host}.com"))
            .collect()
    };
    // One of 60 resources is shared; the other rule has the same first 30 characters.
    let shares = format!("allow a{}", hosts(29));
    let similar = format!("allow packages-of-the-build-servers-1{}", hosts(100));
    let desired = format!("allow packages-of-the-build-servers-2{}", hosts(0));
    assert_eq!(
        paired(&[&shares, &similar], &[&desired]),
        "a→packages-of-the-build-servers-2 -packages-of-the-build-servers-1"
    );
}

#[test]
fn names_never_go_round_in_a_ring() {
    let live = ["allow a x.com", "allow b y.com"];
    let swapped = ["allow a y.com", "allow b x.com"];
    assert_eq!(paired(&live, &swapped), "a→a b→b");
    // A chain is not a cycle.
    assert_eq!(
        paired(&live, &["allow b x.com", "allow c y.com"]),
        "a→b b→c"
    );
}

#[test]
fn rings_are_found_and_chains_are_not() {
    assert_eq!(
        rename_cycles(&[("a", "b"), ("b", "c")]),
        Vec::<Vec<usize>>::new()
    );
    assert_eq!(rename_cycles(&[("a", "b"), ("b", "a")]), [vec![0, 1]]);
    assert_eq!(
        rename_cycles(&[("z", "a"), ("a", "b"), ("b", "c"), ("c", "a")]).len(),
        1
    );
    assert_eq!(
        rename_cycles(&[("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")]).len(),
        2
    );
    // Two renames start from the same name, and only the second one closes the cycle.
    assert_eq!(
        rename_cycles(&[("a", "b"), ("b", "x"), ("b", "a")]),
        [vec![0, 2]]
    );
}

/// A policy of the maximum size in which every rule changes.
fn all_changed(turn: usize) -> (Vec<LiveRule>, Vec<DesiredRule>) {
    let hosts = |seed: usize| -> String {
        (0..8)
            .map(|host| format!(" h{}.example.com", (seed * 7 + host * 13) % 997))
            .collect()
    };
    let live =
        (0..250).map(|number| live_rule(number, &format!("allow r{number:03}{}", hosts(number))));
    let desired = (0..250).map(|number| {
        let text = format!(
            "allow r{:03}{}",
            (number + turn) % 250,
            hosts(number * 3 + 1)
        );
        desired_rule(number, &text)
    });
    (live.collect(), desired.collect())
}

/// The bound on the cubic cost: a build without optimization takes some tens of milliseconds.
#[test]
fn a_full_policy_of_changed_rules_is_paired_quickly() {
    for turn in [0, 1, 125] {
        let (live, desired) = all_changed(turn);
        let start = Instant::now();
        let pairing = pair_rules(
            &live.iter().collect::<Vec<_>>(),
            &desired.iter().collect::<Vec<_>>(),
        );
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{:?}",
            start.elapsed()
        );
        assert_eq!(pairing.pairs.len(), 250);
    }
}

#[test]
fn more_rules_than_a_policy_can_hold_are_paired_without_looking_at_all_ways() {
    let live: Vec<LiveRule> = (0..600)
        .map(|number| live_rule(number, &format!("allow r{number} x{number}.com")))
        .collect();
    let desired: Vec<DesiredRule> = (0..500)
        .map(|number| {
            desired_rule(
                number,
                &format!("allow r{} y{number}.com", (number + 1) % 500),
            )
        })
        .collect();
    let pairing = pair_rules(
        &live.iter().collect::<Vec<_>>(),
        &desired.iter().collect::<Vec<_>>(),
    );
    assert_eq!((pairing.pairs.len(), pairing.only_live.len()), (500, 100));
    let by_name = |(from, to): &(usize, usize)| live[*from].name == desired[*to].rule.name.as_str();
    assert!(pairing.pairs.iter().all(by_name));
}
