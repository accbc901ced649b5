//! `write-without-read`: writing allowed where no rule of the policy allows reading. A writable mount needs both
//! (FACTS, "Filesystem").

use std::collections::HashSet;

use super::Findings;
use crate::service::docker::check::scene::Scene;
use crate::service::docker::check::view::{Entries, PolicyView, RuleView};
use manifest::docker::ActionSpec;
use model::diag::{Code, Diagnostic, Place};
use model::docker::Decision;
use model::docker::pattern::PathPattern;

/// The most pairs of patterns that are compared in one policy; beyond, the rule is silent rather than slow.
const MOST_PAIRS: usize = 50_000;

pub(super) fn check(scene: &Scene<'_>, policy: &PolicyView<'_>, found: &mut Findings) {
    let allows = |rule: &&RuleView<'_>| rule.spec.decision == Decision::Allow;
    let has = |rule: &RuleView<'_>, action| rule.spec.actions.contains(&action);
    let blind: Vec<&RuleView<'_>> = policy
        .rules
        .iter()
        .filter(allows)
        .filter(|rule| has(rule, ActionSpec::Write) && !has(rule, ActionSpec::Read))
        .collect();
    if blind.is_empty() {
        return;
    }
    let readers = policy
        .rules
        .iter()
        .filter(allows)
        .filter(|rule| has(rule, ActionSpec::Read));
    let readable: Vec<&PathPattern> = readers
        .flat_map(|rule| paths(scene, rule))
        .map(|(_, pattern)| pattern)
        .collect();
    let exact: HashSet<&str> = readable.iter().map(|pattern| pattern.as_str()).collect();
    let mut pairs = 0_usize;
    for rule in blind {
        let mut unread =
            paths(scene, rule).filter(|(_, pattern)| !exact.contains(pattern.as_str()));
        let gap = unread.find(|(_, pattern)| {
            pairs += readable.len();
            pairs <= MOST_PAIRS && !readable.iter().any(|reader| reader.covers(pattern))
        });
        if let Some((place, pattern)) = gap {
            found.push(report(rule, &place(), pattern));
        }
    }
}

fn report(rule: &RuleView<'_>, place: &Place, pattern: &PathPattern) -> Diagnostic {
    let message =
        format!("`{pattern}` may be written, but no rule of the policy allows reading it");
    let write = rule
        .spec
        .actions
        .iter()
        .position(|action| *action == ActionSpec::Write)
        .unwrap_or_default();
    Diagnostic::new(Code::WriteWithoutRead, message, place.clone())
        .label("cannot be mounted for writing")
        .also(rule.item("actions", write), "only `write` is allowed here")
        .help("add `read` to the actions: a writable mount needs both")
}

/// The paths of a rule that parse, its own and those of its lists, each with the way to its place.
fn paths<'s>(
    scene: &'s Scene<'_>,
    rule: &'s RuleView<'_>,
) -> impl Iterator<Item = (impl Fn() -> Place + 's, &'s PathPattern)> {
    scene.groups(rule).flat_map(|group| {
        let entries = match &group.entries {
            Entries::Paths(entries) => entries.as_slice(),
            Entries::Hosts(_) | Entries::Http(_) => &[],
        };
        let parsed = entries.iter().enumerate();
        parsed.filter_map(move |(index, (_, parsed))| {
            parsed
                .as_ref()
                .ok()
                .map(|it| (move || group.place(index), it))
        })
    })
}
