//! What rules mean, for 100, 1,000 and 10,000 rules of 8 resources: `cargo bench --bench access`.
//!
//! The column `items/s` counts resources (of both sides, where there are two) or requests: it stays level where the
//! work grows in proportion.

mod planning;
#[path = "../corpus/random.rs"]
mod random;
mod rules;

use std::hint::black_box;

use access::{RequestSet, RuleSet, RuleWithScope, compare, usage};
use divan::Bencher;
use divan::counter::ItemsCount;
use model::docker::{Rule, Scope};
use rules::{Kind, requests, rule_set};

/// What the program uses.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

const SIZES: [usize; 3] = [100, 1_000, 10_000];
const RESOURCES_A_RULE: usize = 8;

fn refer(rules: &[Rule]) -> Vec<&Rule> {
    rules.iter().collect()
}

/// Two sets that have nine rules of ten in common: what opens and what closes.
#[divan::bench(args = SIZES)]
fn difference_of_a_tenth(bencher: Bencher<'_, '_>, rules: usize) {
    let before = rule_set(Kind::Realistic, rules, 1);
    let mut after = rule_set(Kind::Realistic, rules, 2);
    for (position, rule) in before
        .iter()
        .enumerate()
        .filter(|(position, _)| position % 10 != 0)
    {
        after[position] = rule.clone();
    }
    differences(bencher, &before, &after);
}

/// Two sets that have nothing in common but chance.
#[divan::bench(args = SIZES)]
fn difference_of_everything(bencher: Bencher<'_, '_>, rules: usize) {
    differences(
        bencher,
        &rule_set(Kind::Realistic, rules, 1),
        &rule_set(Kind::Realistic, rules, 2),
    );
}

/// Two sets full of wildcards inside of labels and segments: an answer or an error, in bounded time.
#[divan::bench(args = SIZES)]
fn difference_of_adversarial_sets(bencher: Bencher<'_, '_>, rules: usize) {
    differences(
        bencher,
        &rule_set(Kind::Adversarial, rules, 1),
        &rule_set(Kind::Adversarial, rules, 2),
    );
}

fn differences(bencher: Bencher<'_, '_>, before: &[Rule], after: &[Rule]) {
    let old = refer(before);
    let new = refer(after);
    let resources = (before.len() + after.len()) * RESOURCES_A_RULE;
    bencher
        .counter(ItemsCount::new(resources))
        .bench_local(|| black_box(compare(&old, &new)));
}

/// That two sets are equal, by the algebra of sets.
#[divan::bench(args = SIZES)]
fn proof_of_equality(bencher: Bencher<'_, '_>, rules: usize) {
    let rules = rule_set(Kind::Realistic, rules, 1);
    let turned: Vec<&Rule> = rules.iter().rev().collect();
    let resources = 2 * rules.len() * RESOURCES_A_RULE;
    bencher.counter(ItemsCount::new(resources)).bench_local(|| {
        black_box(RequestSet::allowed_by(&refer(&rules)).equals(&RequestSet::allowed_by(&turned)))
    });
}

/// Which rules never decide and which cover each other.
#[divan::bench(args = SIZES)]
fn usage_of_rules_of_a_set(bencher: Bencher<'_, '_>, rules: usize) {
    let rules = rule_set(Kind::Realistic, rules, 1);
    let everybody = Scope::default();
    let scoped: Vec<RuleWithScope<'_>> = rules
        .iter()
        .map(|rule| RuleWithScope {
            rule,
            scope: &everybody,
        })
        .collect();
    bencher
        .counter(ItemsCount::new(rules.len() * RESOURCES_A_RULE))
        .bench_local(|| black_box(usage(&scoped)));
}

/// A thousand decisions, without reasons.
#[divan::bench(args = SIZES)]
fn a_thousand_decisions(bencher: Bencher<'_, '_>, rules: usize) {
    let rules = rule_set(Kind::Realistic, rules, 1);
    let set = RuleSet::new(&refer(&rules));
    let requests = requests(&rules, 1_000);
    bencher
        .counter(ItemsCount::new(requests.len()))
        .bench_local(|| {
            for request in &requests {
                black_box(set.decides(black_box(request)));
            }
        });
}

/// A thousand decisions, each with the rules that make it.
#[divan::bench(args = SIZES)]
fn a_thousand_decisions_with_reasons(bencher: Bencher<'_, '_>, rules: usize) {
    let rules = rule_set(Kind::Realistic, rules, 1);
    let set = RuleSet::new(&refer(&rules));
    let requests = requests(&rules, 1_000);
    bencher
        .counter(ItemsCount::new(requests.len()))
        .bench_local(|| {
            for request in &requests {
                black_box(set.decide(black_box(request)));
            }
        });
}
