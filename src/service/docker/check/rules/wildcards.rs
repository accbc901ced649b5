//! `wildcard-gap` and `wildcard-undocumented`.
//!
//! `wildcard-gap` reports `example.com` together with `*.example.com` if deeper names such as
//! `a.b.example.com` are missing: the author probably means the domain and everything below it. A
//! single `**.example.com` without `example.com` is common in published presets and is not
//! reported, nor is a single `*.example.com`.

use std::collections::HashMap;
use std::num::NonZeroU16;

use crate::service::docker::check::context::DockerRuleContext;
use crate::service::docker::check::view::{DockerPolicyView, Entries, EntryGroup, ListView};
use model::diag::{Code, Diagnostic, Place, Replacement};
use model::docker::Decision;
use model::docker::pattern::{HostPattern, WildcardDepth};

/// A domain with the port that it is limited to.
type HostAndPort<'a> = (&'a str, Option<NonZeroU16>);

/// Where the forms of one domain are, as (group, index).
#[derive(Default, Clone, Copy)]
struct NameForms {
    exact: Option<(usize, usize)>,
    one: Option<(usize, usize)>,
    many: bool,
}

pub(super) fn check_policy(
    context: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    // An invalid rule or list may cover the deeper names.
    if !context.knows_rules(policy) {
        return;
    }
    for rule in &policy.rules {
        let groups: Vec<&EntryGroup<'_>> = context.groups(rule).collect();
        // Gaps inside one list are reported at the list.
        check_groups(
            &groups,
            rule.group.is_some(),
            |key| covered_elsewhere(context, policy, rule.decision, key),
            found,
        );
    }
}

pub(super) fn check_list(list: &ListView<'_>, found: &mut Vec<Diagnostic>) {
    let groups: Vec<&EntryGroup<'_>> = list.groups.iter().collect();
    check_groups(&groups, true, |_| false, found);
}

fn check_groups(
    groups: &[&EntryGroup<'_>],
    first_is_own: bool,
    covered: impl Fn(HostAndPort<'_>) -> bool,
    found: &mut Vec<Diagnostic>,
) {
    let one_more = |group: &&EntryGroup<'_>| {
        hosts(group).any(|(_, host, _)| host.depth() == WildcardDepth::One)
    };
    if !first_is_own || !groups.iter().any(one_more) {
        return;
    }
    let mut names: HashMap<HostAndPort<'_>, NameForms> = HashMap::new();
    // The ports of `**`, which covers every name.
    let mut everywhere: Vec<Option<NonZeroU16>> = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        for (index, host, port) in hosts(group) {
            let forms = names.entry((host.name(), port)).or_default();
            match host.depth() {
                WildcardDepth::Exact => forms.exact = forms.exact.or(Some((at, index))),
                WildcardDepth::One => forms.one = forms.one.or(Some((at, index))),
                WildcardDepth::Many => forms.many = true,
                WildcardDepth::All => everywhere.push(port),
            }
        }
    }
    let mut gaps: Vec<_> = names
        .iter()
        .filter_map(|(key, forms)| {
            forms
                .exact
                .zip(forms.one)
                .map(|(exact, one)| (*key, exact, one, forms.many))
        })
        .filter(|((name, port), (exact, _), (one, _), many)| {
            let any_port =
                port.is_some() && names.get(&(*name, None)).is_some_and(|forms| forms.many);
            let is_covered = |wide: &Option<NonZeroU16>| wide.is_none() || wide == port;
            !many
                && !any_port
                && !everywhere.iter().any(is_covered)
                && (*exact == 0 || *one == 0)
                && !covered((name, *port))
        })
        .collect();
    gaps.sort_by_key(|(_, _, one, _)| *one);
    for ((name, port), exact, one, _) in gaps {
        let place =
            |(group, index): (usize, usize)| groups.get(group).map(|group| group.place(index));
        if let (Some(one), Some(exact)) = (place(one), place(exact)) {
            found.push(gap(name, port, one, exact));
        }
    }
}

fn gap(name: &str, port: Option<NonZeroU16>, one: Place, exact: Place) -> Diagnostic {
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let message = format!("names two labels below `{name}`, such as `a.b.{name}`, are not covered");
    Diagnostic::new(Code::WildcardGap, message, one)
        .label("covers exactly one more label")
        .also(exact, "covers only this name")
        .help(format!(
            "write `**.{name}{port}` for all names below `{name}`"
        ))
        .suggest(Replacement::Similar(format!("**.{name}{port}")))
}

/// Whether another rule of the policy with the same decision covers the deeper names.
fn covered_elsewhere(
    context: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    decision: Option<Decision>,
    (name, port): HostAndPort<'_>,
) -> bool {
    let rules = policy.rules.iter().filter(|rule| rule.decision == decision);
    rules
        .flat_map(|rule| context.groups(rule))
        .flat_map(hosts)
        .any(|(_, host, other)| {
            (host.matches_all() || (host.depth() == WildcardDepth::Many && host.name() == name))
                && (other.is_none() || other == port)
        })
}

/// The valid hosts of a group with their positions and ports.
fn hosts<'g>(
    group: &'g EntryGroup<'_>,
) -> impl Iterator<Item = (usize, &'g HostPattern, Option<NonZeroU16>)> {
    let entries = match &group.entries {
        Entries::Hosts(entries) => entries.as_slice(),
        Entries::Paths(_) | Entries::Http(_) => &[],
    };
    entries
        .iter()
        .enumerate()
        .filter_map(|(index, (_, parsed))| {
            let pattern = parsed.as_ref().ok()?;
            Some((index, pattern.host()?, pattern.port()))
        })
}

pub(super) fn check_undocumented(group: &EntryGroup<'_>, found: &mut Vec<Diagnostic>) {
    let hosts = group.hosts_where(HostPattern::has_inner_wildcard);
    found.extend(
        hosts
            .into_iter()
            .map(|(text, place)| undocumented(text, place)),
    );
}

fn undocumented(text: &str, place: Place) -> Diagnostic {
    let message =
        format!("`{text}` has a wildcard inside a label, which the service does not document");
    Diagnostic::new(Code::WildcardUndocumented, message, place)
        .label("treated as any sequence of characters inside this label")
        .help("list all names, or use `*.` in front of the parent domain")
}
