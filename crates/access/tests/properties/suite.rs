//! Questions of policy tests, and coverage, against brute force.

use std::collections::BTreeSet;
use std::sync::Arc;

use access::{
    AccessQuestion, Audience, CedarRequestContext, Decider, Expectation, OrganizationPolicies, ask,
    coverage,
};
use model::diag::{DocumentId, Path, Place, SourceMap};
use model::docker::{
    Decision, LiveContent, PolicyContent, Profile, Resources, Rule, RuleAccess, Scope,
};
use proptest::prelude::*;

use super::brute;
use super::worlds::{World, worlds};

const REQUESTS: &[&str] = &[
    "tcp a.example.com:443",
    "udp b.example.com:53",
    "tcp 10.1.2.3:22",
    "tcp c.example.com:1",
    "get https://a.example.com/",
    "get https://a.example.com/repos/x",
    "read /data",
    "write /data/x",
    "read ~/work",
    "read /etc",
    "mcp invokeTool x",
];

/// The content of a policy, independent of its representation.
enum Said<'a> {
    Rules(Vec<(usize, &'a Rule)>),
    Cedar(&'a str),
    Nothing,
}

fn desired(world: &World) -> Vec<(&Scope, Said<'_>)> {
    let policies = world.desired.iter().map(|policy| {
        let said = match &policy.content {
            PolicyContent::Rules(rules) => {
                Said::Rules(rules.iter().map(|rule| &rule.rule).enumerate().collect())
            }
            PolicyContent::Cedar(cedar) => Said::Cedar(&cedar.text),
        };
        (&policy.scope, said)
    });
    policies.collect()
}

fn live(world: &World) -> Vec<(&Scope, Said<'_>)> {
    let policies = world.live.policies.iter().map(|policy| {
        let said = match &policy.content {
            LiveContent::Rules(rules) => {
                let understood = rules
                    .iter()
                    .enumerate()
                    .filter_map(|(at, rule)| Some((at, rule.rule.as_ref().ok()?)));
                Said::Rules(understood.collect())
            }
            LiveContent::Cedar(cedar) => Said::Cedar(&cedar.text),
            LiveContent::Opaque(_) => Said::Nothing,
        };
        (&policy.scope, said)
    });
    policies.collect()
}

fn audiences() -> Vec<Audience> {
    let mut audiences = Vec::new();
    for bits in 0..16_u8 {
        let chosen = |bit: u8, name: &str| (bits >> bit & 1 == 1).then(|| name.to_owned());
        let teams = [chosen(0, "t1"), chosen(1, "t2"), chosen(2, "t3")]
            .into_iter()
            .flatten()
            .collect();
        audiences.push(Audience {
            teams,
            profiles: chosen(3, "security").into_iter().collect(),
        });
    }
    audiences
}

fn expectations() -> Vec<Expectation> {
    let document = DocumentId {
        file: SourceMap::default().add("t.yaml", ""),
        index: 0,
    };
    let each = audiences().into_iter().flat_map(|audience| {
        let audience = Arc::new(audience);
        REQUESTS.iter().map(move |text| Expectation {
            test: "test".into(),
            case: "case".into(),
            audience: Arc::clone(&audience),
            called: Arc::clone(&audience),
            question: AccessQuestion::parse(text, &CedarRequestContext::default()).unwrap(),
            expected: Decision::Allow.into(),
            place: Place::value(document, Path::root()),
        })
    });
    each.collect()
}

fn reaches(scope: &Scope, audience: &Audience) -> bool {
    let everybody = scope.teams.len() + scope.profiles.len() == 0;
    everybody
        || audience
            .teams
            .iter()
            .any(|team| scope.teams.iter().any(|other| other.as_str() == team))
        || audience
            .profiles
            .iter()
            .any(|profile| scope.profiles.contains(profile))
}

/// Each resource of a rule with a rule that allows it and nothing else.
fn alone(rule: &Rule) -> Vec<(String, Rule)> {
    let only = |resources| Rule {
        extensions: model::docker::Extensions::default(),
        name: rule.name.clone(),
        decision: Decision::Allow,
        access: RuleAccess::new(rule.access.actions(), resources).unwrap(),
    };
    match rule.access.resources() {
        Resources::Plain(texts) => texts
            .into_iter()
            .map(|text| (text.clone(), only(Resources::Plain(vec![text]))))
            .collect(),
        Resources::Http(targets) => targets
            .into_iter()
            .map(|target| (target.to_string(), only(Resources::Http(vec![target]))))
            .collect(),
    }
}

/// The positions of a policy and of a rule in it, and a resource; of a Cedar policy, its position alone.
type Key = (usize, Option<(usize, String)>);

/// The decision and all that decides, by brute force.
fn oracle(policies: &[(&Scope, Said<'_>)], expectation: &Expectation) -> (Decision, BTreeSet<Key>) {
    let mut matching: Vec<(Decision, Key)> = Vec::new();
    for (position, (scope, said)) in policies.iter().enumerate() {
        if !reaches(scope, &expectation.audience) {
            continue;
        }
        match (said, &expectation.question) {
            (Said::Rules(rules), AccessQuestion::Rules(request)) => {
                for (index, rule) in rules {
                    let hits = alone(rule)
                        .into_iter()
                        .filter(|(_, alone)| brute::allows(&[alone], request));
                    matching.extend(
                        hits.map(|(text, _)| (rule.decision, (position, Some((*index, text))))),
                    );
                }
            }
            (Said::Cedar(text), AccessQuestion::Cedar(_)) => {
                let decision = if text.starts_with("permit") {
                    Decision::Allow
                } else {
                    Decision::Deny
                };
                matching.push((decision, (position, None)));
            }
            (Said::Rules(_) | Said::Cedar(_) | Said::Nothing, _) => {}
        }
    }
    let of = |wanted| {
        matching
            .iter()
            .filter(move |(decision, _)| *decision == wanted)
            .map(|(_, key)| key.clone())
    };
    let denies: BTreeSet<Key> = of(Decision::Deny).collect();
    let allows: BTreeSet<Key> = of(Decision::Allow).collect();
    match (denies.is_empty(), allows.is_empty()) {
        (false, _) => (Decision::Deny, denies),
        (true, true) => (Decision::Deny, allows),
        (true, false) => (Decision::Allow, allows),
    }
}

fn check(
    policies: OrganizationPolicies<'_>,
    said: &[(&Scope, Said<'_>)],
) -> Result<(), TestCaseError> {
    let expectations = expectations();
    let outcomes = ask(policies, &expectations).unwrap();
    prop_assert_eq!(outcomes.len(), expectations.len());
    let mut exercised = BTreeSet::new();
    for (expectation, outcome) in expectations.iter().zip(&outcomes) {
        let deciders = outcome.deciders.iter().map(|decider| match decider {
            Decider::Rule { rule, resource } => (
                rule.position.policy,
                Some((rule.position.rule, resource.clone())),
            ),
            Decider::Statement(statement) => (statement.position, None),
        });
        let found = (outcome.decision, deciders.collect::<BTreeSet<Key>>());
        if let AccessQuestion::Cedar(_) = expectation.question {
            let applies = |(scope, said): &(&Scope, Said<'_>)| {
                matches!(said, Said::Cedar(_)) && reaches(scope, &expectation.audience)
            };
            prop_assert_eq!(outcome.unknown.is_empty(), said.iter().any(applies));
        }
        let (decision, deciders) = oracle(said, expectation);
        let expected = (decision.into(), deciders);
        prop_assert_eq!(
            &found,
            &expected,
            "{} {:?}",
            expectation.question,
            expectation.audience
        );
        exercised.extend(expected.1);
    }

    let coverage = coverage(policies, &outcomes).unwrap();
    let mut covered = BTreeSet::new();
    for rule in &coverage.rules {
        let position = rule.rule.position;
        let decided = exercised.iter().any(|(policy, key)| {
            *policy == position.policy && key.as_ref().is_some_and(|(at, _)| *at == position.rule)
        });
        prop_assert_eq!(rule.is_exercised(), decided);
        let flags = rule.resources.iter().map(|(text, flag)| {
            (
                (position.policy, Some((position.rule, text.clone()))),
                *flag,
            )
        });
        covered.extend(flags);
    }
    covered.extend(
        coverage
            .statements
            .iter()
            .map(|it| ((it.statement.position, None), it.exercised)),
    );
    let mut all = BTreeSet::new();
    for (position, (_, said)) in said.iter().enumerate() {
        match said {
            Said::Rules(rules) => {
                for (index, rule) in rules {
                    all.extend(
                        alone(rule)
                            .into_iter()
                            .map(|(text, _)| (position, Some((*index, text)))),
                    );
                }
            }
            Said::Cedar(_) => {
                all.insert((position, None));
            }
            Said::Nothing => {}
        }
    }
    let expected: BTreeSet<(Key, bool)> = all
        .into_iter()
        .map(|key| (key.clone(), exercised.contains(&key)))
        .collect();
    prop_assert_eq!(covered, expected);
    Ok(())
}

proptest! {
    #![proptest_config(crate::properties::cases(48))]

    /// Every question is answered as brute force answers it, by the same rules, and coverage is what decided.
    #[test]
    fn questions_and_coverage_agree_with_brute_force(
        world in prop_oneof![3 => worlds(Profile::Current), 1 => worlds(Profile::Seed)],
    ) {
        check(OrganizationPolicies::Desired(&world.desired), &desired(&world))?;
        check(OrganizationPolicies::Live(&world.live), &live(&world))?;
    }
}
