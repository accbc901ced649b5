//! `mixed-actions`, `mixed-domains`, `udp-allowed` and `write-without-read`.

use std::collections::HashSet;

use crate::service::docker::check::context::DockerRuleContext;
use crate::service::docker::check::view::{DockerPolicyView, Entries, RuleView, action};
use manifest::docker::ActionSpec;
use model::diag::{Code, Diagnostic, Place};
use model::docker::Decision;
use model::docker::pattern::PathPattern;

pub(super) fn check_layers(
    _: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    for rule in policy.rules.iter().filter(|rule| rule.layer.is_none()) {
        let mut actions = rule
            .actions
            .iter()
            .map(|(index, spec)| (*index, action(*spec)));
        let Some((first_index, first)) = actions.next() else {
            continue;
        };
        let Some((index, other)) = actions.find(|(_, other)| other.layer() != first.layer()) else {
            continue;
        };
        let message = format!(
            "a rule mixes {} and {} actions",
            first.layer(),
            other.layer()
        );
        found.push(
            Diagnostic::new(Code::MixedActions, message, rule.item("actions", index))
                .label(format!("`{other}` is a {} action", other.layer()))
                .also(
                    rule.item("actions", first_index),
                    format!("`{first}` is a {} action", first.layer()),
                )
                .help("make one rule for each kind of action"),
        );
    }
}

pub(super) fn check_domains(
    _: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let mut domains = policy
        .rules
        .iter()
        .filter_map(|rule| rule.layer.map(|layer| (rule, layer.domain())));
    let Some((first, domain)) = domains.next() else {
        return;
    };
    let Some((other, second)) = domains.find(|(_, second)| *second != domain) else {
        return;
    };
    let message = format!("a policy contains {domain} and {second} rules");
    found.push(
        Diagnostic::new(Code::MixedDomains, message, other.field("actions"))
            .label(format!("makes this a {second} policy"))
            .also(
                first.field("actions"),
                format!("makes this a {domain} policy"),
            )
            .help(format!("move the {second} rules to a separate policy")),
    );
}

pub(super) fn check_udp(
    _: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    for rule in policy
        .rules
        .iter()
        .filter(|rule| rule.decision == Some(Decision::Allow))
    {
        let Some((index, _)) = rule
            .actions
            .iter()
            .find(|(_, action)| *action == ActionSpec::ConnectUdp)
        else {
            continue;
        };
        let message = format!(
            "the rule `{}` allows UDP, which is rarely needed",
            rule.spec.name
        );
        found.push(
            Diagnostic::new(Code::UdpAllowed, message, rule.item("actions", *index))
                .label("also opens DNS and QUIC, which carry data past HTTP rules")
                .help("keep only `connect:tcp`, unless a service in the list needs UDP"),
        );
    }
}

/// Maximum number of pairs of patterns to compare in one policy. Beyond it, the rule reports
/// nothing instead of becoming slow.
const MOST_PAIRS: usize = 50_000;

pub(super) fn check_unreadable(
    context: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let allows = |rule: &&RuleView<'_>| rule.decision == Some(Decision::Allow);
    let blind: Vec<&RuleView<'_>> = policy
        .rules
        .iter()
        .filter(allows)
        .filter(|rule| rule.has_action(ActionSpec::Write) && !rule.has_action(ActionSpec::Read))
        .collect();
    // An invalid rule or list may allow reading.
    if blind.is_empty() || !context.knows_rules(policy) {
        return;
    }
    let readers = policy
        .rules
        .iter()
        .filter(allows)
        .filter(|rule| rule.has_action(ActionSpec::Read));
    let readable: Vec<&PathPattern> = readers
        .flat_map(|rule| paths(context, rule))
        .map(|(_, pattern)| pattern)
        .collect();
    let exact: HashSet<&str> = readable.iter().map(|pattern| pattern.as_str()).collect();
    let mut pairs = 0_usize;
    for rule in blind {
        let mut unread =
            paths(context, rule).filter(|(_, pattern)| !exact.contains(pattern.as_str()));
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

/// The valid paths of a rule and of its lists, each with a function that builds its place.
fn paths<'s>(
    context: &'s DockerRuleContext<'_>,
    rule: &'s RuleView<'_>,
) -> impl Iterator<Item = (impl Fn() -> Place + 's, &'s PathPattern)> {
    context.groups(rule).flat_map(|group| {
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
