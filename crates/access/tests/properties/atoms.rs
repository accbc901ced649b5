//! Combinations of rules that match a request together, compared with brute force.

use std::collections::BTreeSet;

use access::{AccessRequest, AtomFinder};
use model::docker::{Decision, Rule};
use proptest::prelude::*;

use super::access::{requests, rules};
use super::brute;

/// The positions of the allow rules and of the deny rules that match a request.
type Combination = (Vec<usize>, Vec<usize>);

fn matching(rules: &[Rule], request: &AccessRequest) -> Combination {
    let of = |decision: Decision| {
        (0..rules.len())
            .filter(|at| rules[*at].decision == decision && brute::applies(&rules[*at], request))
            .collect()
    };
    (of(Decision::Allow), of(Decision::Deny))
}

proptest! {
    #![proptest_config(crate::properties::cases(48))]

    #[test]
    fn every_combination_with_a_wanted_rule_is_visited_once(
        rules in rules(),
        wanted in prop::collection::vec(any::<bool>(), 5),
    ) {
        let mut finder = AtomFinder::default();
        for (number, rule) in rules.iter().enumerate() {
            finder.add(number, rule);
        }
        let mut found: Vec<(Combination, Option<AccessRequest>)> = Vec::new();
        finder
            .visit(&|number| wanted[number], &mut |atom| {
                let combination = (atom.allows.to_vec(), atom.denies.to_vec());
                found.push((combination, atom.witness()));
            })
            .unwrap();
        let is_wanted = |(allows, denies): &Combination| {
            allows.iter().chain(denies).any(|number| wanted[*number])
        };
        let mut visited: BTreeSet<Combination> = BTreeSet::new();
        for (combination, witness) in found {
            prop_assert!(is_wanted(&combination), "{:?}", combination);
            if let Some(request) = witness {
                prop_assert_eq!(&matching(&rules, &request), &combination, "{}", request);
            }
            visited.insert(combination);
        }
        for request in requests() {
            let combination = matching(&rules, request);
            prop_assert!(
                !is_wanted(&combination) || visited.contains(&combination),
                "{request}: {combination:?}"
            );
        }
    }
}
