//! Precedence edges that the service requires, whatever the calls do to access.
//!
//! Example: policy `a` is renamed to `b`, and `b` to `c`. The service rejects duplicate names, so
//! the second call comes first.

use std::collections::{BTreeMap, HashMap};

use crate::plan::graph::{CallPosition, PrecedenceEdge};
use crate::plan::{DependencyReason, PlannedCall, PolicyRef};
use crate::service::docker::plan::timeline::{RuleTrack, Timeline, Track};
use model::docker::{DockerOperation, Rule};
use model::docker::{POLICIES_PER_ORGANIZATION, RULES_PER_POLICY};

/// The edges that the service requires: a policy before its rules, a name or room freed before it
/// is taken, and a policy emptied before it gets rules of another domain.
pub(crate) fn edges(timeline: &Timeline<'_>, calls: &[PlannedCall]) -> Vec<PrecedenceEdge> {
    let mut edges = creation_edges(calls);
    edges.extend(
        timeline
            .policies
            .iter()
            .flat_map(|policy| parts(&policy.names).chain(parts(&policy.scopes))),
    );
    edges.extend(timeline.rules.iter().flat_map(|rule| parts(&rule.contents)));
    let policies = timeline.policies.iter().map(|policy| &policy.names);
    names(
        policies.map(|names| {
            names
                .iter()
                .map(|span| (&*span.what, span.from, span.until))
                .collect()
        }),
        &mut edges,
    );
    policy_room(timeline, &mut edges);
    let mut by_policy: BTreeMap<usize, Vec<&RuleTrack<'_>>> = BTreeMap::new();
    for rule in &timeline.rules {
        by_policy.entry(rule.policy).or_default().push(rule);
    }
    for rules in by_policy.values() {
        rules_of_one(rules, &mut edges);
    }
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// Consecutive versions of the same object are made in their order.
fn parts<T>(track: &Track<T>) -> impl Iterator<Item = PrecedenceEdge> {
    track.iter().filter_map(|span| {
        Some(PrecedenceEdge {
            first: span.from?,
            then: span.until?,
            why: DependencyReason::FirstPart,
        })
    })
}

fn creation_edges(calls: &[PlannedCall]) -> Vec<PrecedenceEdge> {
    let at: HashMap<_, CallPosition> = calls
        .iter()
        .enumerate()
        .map(|(at, call)| (call.id, at))
        .collect();
    let made = calls
        .iter()
        .enumerate()
        .filter_map(|(then, call)| match call.send.docker()? {
            DockerOperation::CreateRule {
                policy: PolicyRef::CreatedBy(maker),
                ..
            } => Some(PrecedenceEdge {
                first: *at.get(maker)?,
                then,
                why: DependencyReason::MakesPolicy,
            }),
            DockerOperation::CreateRule {
                policy: PolicyRef::Existing(_),
                ..
            }
            | DockerOperation::CreatePolicy { .. }
            | DockerOperation::UpdatePolicy { .. }
            | DockerOperation::DeletePolicy { .. }
            | DockerOperation::UpdateRule { .. }
            | DockerOperation::DeleteRule { .. } => None,
        });
    made.collect()
}

/// The names of one object, each with the calls that begin and end it.
type NameHistory<'n> = Vec<(&'n str, Option<CallPosition>, Option<CallPosition>)>;

/// The call that takes a name waits for the call that frees it.
fn names<'n>(things: impl Iterator<Item = NameHistory<'n>>, edges: &mut Vec<PrecedenceEdge>) {
    let mut freed: HashMap<&str, Vec<(usize, CallPosition)>> = HashMap::new();
    let mut taken: Vec<(&str, usize, CallPosition)> = Vec::new();
    for (thing, names) in things.enumerate() {
        for (name, from, until) in names {
            freed
                .entry(name)
                .or_default()
                .extend(until.map(|until| (thing, until)));
            taken.extend(from.map(|from| (name, thing, from)));
        }
    }
    for (name, thing, then) in taken {
        let others = freed
            .get(name)
            .into_iter()
            .flatten()
            .filter(|(other, first)| *other != thing && *first != then);
        edges.extend(others.map(|(_, first)| PrecedenceEdge {
            first: *first,
            then,
            why: DependencyReason::FreesName,
        }));
    }
}

/// If the limit would be exceeded, new policies wait for deleted ones.
fn policy_room(timeline: &Timeline<'_>, edges: &mut Vec<PrecedenceEdge>) {
    let live = timeline
        .policies
        .iter()
        .filter(|policy| policy.made.is_none())
        .count();
    let made: Vec<CallPosition> = timeline
        .policies
        .iter()
        .filter_map(|policy| policy.made)
        .collect();
    if live + made.len() > POLICIES_PER_ORGANIZATION {
        let gone: Vec<CallPosition> = timeline
            .policies
            .iter()
            .filter_map(|policy| policy.gone)
            .collect();
        edges.extend(product(&gone, &made, DependencyReason::FreesRoom));
    }
}

fn rules_of_one(rules: &[&RuleTrack<'_>], edges: &mut Vec<PrecedenceEdge>) {
    // An update that keeps the name does not free it, so merge consecutive versions with the same
    // name.
    let named = rules.iter().map(|rule| {
        rule.contents
            .iter()
            .fold(NameHistory::new(), |mut names, span| {
                match names.last_mut() {
                    Some(last) if last.0 == span.what.name.as_str() => last.2 = span.until,
                    _ => names.push((span.what.name.as_str(), span.from, span.until)),
                }
                names
            })
    });
    names(named, edges);
    let new: Vec<(CallPosition, &Rule)> = rules.iter().filter_map(|rule| first(rule)).collect();
    let gone: Vec<(CallPosition, &Rule)> = rules.iter().filter_map(|rule| last(rule)).collect();
    let live = rules.iter().filter(|rule| first(rule).is_none()).count();
    if live + new.len() > RULES_PER_POLICY {
        for (then, _) in &new {
            edges.extend(gone.iter().map(|(first, _)| PrecedenceEdge {
                first: *first,
                then: *then,
                why: DependencyReason::FreesRoom,
            }));
        }
    }
    let domain = |rule: &Rule| rule.access.layer().domain();
    // The last rule of the old domain may become the first rule of the new one.
    for track in rules {
        for (old, next) in track.contents.iter().zip(track.contents.iter().skip(1)) {
            let Some(then) = next
                .from
                .filter(|_| domain(&old.what) != domain(&next.what))
            else {
                continue;
            };
            let others = gone
                .iter()
                .filter(|(_, other)| domain(other) == domain(&old.what));
            edges.extend(others.map(|(first, _)| PrecedenceEdge {
                first: *first,
                then,
                why: DependencyReason::EmptiesDomain,
            }));
            let others = new
                .iter()
                .filter(|(_, other)| domain(other) != domain(&old.what));
            edges.extend(others.map(|(other, _)| PrecedenceEdge {
                first: then,
                then: *other,
                why: DependencyReason::EmptiesDomain,
            }));
        }
    }
    for (then, rule) in &new {
        let others = gone
            .iter()
            .filter(|(_, other)| domain(other) != domain(rule));
        edges.extend(others.map(|(first, _)| PrecedenceEdge {
            first: *first,
            then: *then,
            why: DependencyReason::EmptiesDomain,
        }));
    }
}

/// The call that creates a rule, with the rule's content at that time.
fn first<'r>(rule: &'r RuleTrack<'_>) -> Option<(CallPosition, &'r Rule)> {
    let span = rule.contents.first()?;
    Some((span.from?, &span.what))
}

/// The call that deletes a rule, with the rule's content at that time.
fn last<'r>(rule: &'r RuleTrack<'_>) -> Option<(CallPosition, &'r Rule)> {
    let span = rule.contents.last()?;
    Some((span.until?, &span.what))
}

fn product(
    first: &[CallPosition],
    then: &[CallPosition],
    why: DependencyReason,
) -> Vec<PrecedenceEdge> {
    first
        .iter()
        .flat_map(|first| {
            then.iter().map(move |then| PrecedenceEdge {
                first: *first,
                then: *then,
                why,
            })
        })
        .collect()
}
