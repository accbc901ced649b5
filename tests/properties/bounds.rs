//! Bounds of access against brute force: a bound that is not reported broken is broken by no request, and every
//! witness breaks the bound that it is reported for.

use polwarden::access::{Bound, Bounds, RequestPattern, breaches};
use polwarden::model::docker::{Decision, HttpResource, Resources, Rule};
use proptest::prelude::*;
use proptest::sample::select;

use super::access::{by_reference, requests, rule, rules};
use super::brute;

/// A pattern as people type it, and the same as a rule, put together by hand.
type Pattern = (&'static str, Rule);

fn plain(text: &'static str, action: &str, resource: &str) -> Pattern {
    (text, rule(Decision::Allow, &[action], Resources::Plain(vec![resource.to_owned()])))
}

fn http(text: &'static str, actions: &[&str], host: &str, port: Option<u16>, path: &str) -> Pattern {
    let target = HttpResource { host: host.to_owned(), port, path: path.to_owned() };
    (text, rule(Decision::Allow, actions, Resources::Http(vec![target])))
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
        http("http **.b/p*", &["request:get", "request:post", "request:put"], "**.b", None, "/p*"),
        plain("read /p/**", "read", "/p/**"),
        plain("write ~/p", "write", "~/p"),
        plain("read *:\\p", "read", "*:\\p"),
    ]
}

fn some() -> impl Strategy<Value = Vec<Pattern>> {
    prop::collection::vec(select(patterns()), 0..4)
}

fn parsed(patterns: &[Pattern]) -> Vec<RequestPattern> {
    patterns.iter().map(|(text, _)| text.parse().unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn bounds_agree_with_brute_force(
        before in rules(),
        after in rules(),
        never in some(),
        always in some(),
        within in prop::option::of(some()),
    ) {
        let (before, after) = (by_reference(&before), by_reference(&after));
        let texts = (parsed(&never), parsed(&always), within.as_deref().map(parsed));
        let bounds = Bounds {
            never: texts.0.iter().collect(),
            always: texts.1.iter().collect(),
            widening: texts.2.as_ref().map(|patterns| patterns.iter().collect()),
        };
        let found = breaches(&before, &after, &bounds);
        let matches = |pattern: &Pattern, request| brute::allows(&[&pattern.1], request);
        let breaks = |bound: Bound, request| {
            let (old, new) = (brute::allows(&before, request), brute::allows(&after, request));
            match bound {
                Bound::Never(at) => new && matches(&never[at], request),
                Bound::Always(at) => !new && matches(&always[at], request),
                Bound::Widening => within.as_ref().is_some_and(|within| {
                    !old && new && !within.iter().any(|pattern| matches(pattern, request))
                }),
            }
        };
        for breach in &found {
            prop_assert!(breaks(breach.bound, &breach.witness), "{:?} {}", breach.bound, breach.witness);
            prop_assert_eq!(breach.after.decision == Decision::Allow, brute::allows(&after, &breach.witness));
        }
        let all = (0..never.len()).map(Bound::Never).chain((0..always.len()).map(Bound::Always)).chain([Bound::Widening]);
        for bound in all {
            if !found.iter().any(|breach| breach.bound == bound) {
                for request in requests() {
                    prop_assert!(!breaks(bound, request), "{bound:?} is not told of {request}");
                }
            }
        }
    }
}
