//! `rules-mergeable`: two rules of one policy that say the same about the same things in two steps.
//!
//! Rules with the same actions are often kept apart on purpose, by topic: they are a finding only if they share a
//! resource. Rules with the same resources and other actions of the same kind could always be one.

use std::collections::BTreeSet;

use super::{Declared, Scene};
use crate::diag::{Code, Diagnostic};
use crate::model::docker::{Resources, Rule};

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Diagnostic>) {
    for (rule, Declared { policy, rule: declared }) in scene.rules.iter().enumerate() {
        // What is covered has a finding of its own.
        let covered = |rule: usize| scene.usage.rules.get(rule).is_some_and(|usage| !usage.covered_by.is_empty());
        if covered(rule) {
            continue;
        }
        let earlier = scene.rules.iter().enumerate().take(rule).rev();
        let mut siblings = earlier.take_while(|(_, other)| other.policy.document == policy.document);
        let other = siblings.find_map(|(other, sibling)| {
            let what = shared(&sibling.rule.rule, &declared.rule)?;
            (!covered(other)).then_some((other, what))
        });
        if let Some((other, what)) = other {
            found.extend(finding(scene, rule, other, what));
        }
    }
}

fn finding(scene: &Scene<'_>, rule: usize, other: usize, what: &str) -> Option<Diagnostic> {
    let message = format!("this rule and {} could be one: {what}", scene.name(other, rule));
    let finding = Diagnostic::new(Code::RulesMergeable, message, scene.rule_place(rule)?).label("the second");
    Some(finding.also(scene.rule_place(other)?, "the first").help("move its actions or resources into the first rule"))
}

/// What makes two rules one, if anything does.
fn shared(one: &Rule, other: &Rule) -> Option<&'static str> {
    if one.decision != other.decision || one.access.layer() != other.access.layer() {
        return None;
    }
    let (resources, others) = (one.access.resources(), other.access.resources());
    if resources == others {
        return Some("both are about the same resources");
    }
    if one.access.actions() != other.access.actions() {
        return None;
    }
    let both = match (resources, others) {
        (Resources::Plain(one), Resources::Plain(other)) => {
            let one: BTreeSet<String> = one.into_iter().collect();
            other.iter().any(|resource| one.contains(resource))
        }
        (Resources::Http(one), Resources::Http(other)) => one.iter().any(|resource| other.contains(resource)),
        (Resources::Plain(_), Resources::Http(_)) | (Resources::Http(_), Resources::Plain(_)) => false,
    };
    both.then_some("both have the same actions, and share a resource")
}
