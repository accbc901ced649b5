//! `mixed-scripts` and `confusable-name` for policies, rules, lists, teams, hosts and paths.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use crate::service::confusable::{OwnedName, check_hosts, check_names, check_paths};
use crate::service::docker::check::context::DockerRuleContext;
use crate::service::docker::check::view::{DockerPolicyView, Entries, EntryGroup};
use model::diag::{Diagnostic, Path, Place};

pub(super) fn check_rules(
    _: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let mut names = Vec::with_capacity(policy.rules.len());
    // The rule of each name, and the position of an alias.
    let mut origins = Vec::with_capacity(policy.rules.len());
    for (owner, rule) in policy.rules.iter().enumerate() {
        let text = rule.spec.name.as_str();
        names.push(OwnedName { text, owner });
        origins.push((rule, None));
        for (index, text) in rule.spec.aliases.iter().enumerate() {
            names.push(OwnedName { text, owner });
            origins.push((rule, Some(index)));
        }
    }
    let place = |index: usize| match origins[index] {
        (rule, None) => rule.field("name"),
        (rule, Some(alias)) => rule.item("aliases", alias),
    };
    check_names("rule name", &names, place, found);
}

pub(super) fn check_target(context: &DockerRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    check_policy_names(context, found);
    let names: Vec<OwnedName<'_>> = context
        .lists
        .iter()
        .enumerate()
        .map(|(owner, list)| OwnedName {
            text: &list.manifest.metadata.name,
            owner,
        })
        .collect();
    let place = |index: usize| context.lists[index].name_place();
    check_names("list name", &names, place, found);
    check_teams(context, found);
    check_resources(context, found);
}

fn check_policy_names(context: &DockerRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    let mut names = Vec::with_capacity(context.policies.len());
    let mut origins = Vec::with_capacity(context.policies.len());
    for (owner, policy) in context.policies.iter().enumerate() {
        let metadata = &policy.manifest.metadata;
        let text = metadata.name.as_str();
        names.push(OwnedName { text, owner });
        origins.push((policy, None));
        for (index, text) in metadata.aliases.iter().enumerate() {
            names.push(OwnedName { text, owner });
            origins.push((policy, Some(index)));
        }
    }
    let place = |index: usize| match origins[index] {
        (policy, None) => policy.name_place(),
        (policy, Some(alias)) => policy.alias_place(alias),
    };
    check_names("policy name", &names, place, found);
}

/// Teams of scopes. A team that occurs several times is one name.
fn check_teams(context: &DockerRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    let mut names: Vec<OwnedName<'_>> = Vec::new();
    let mut origins = Vec::new();
    let mut seen = HashSet::<&str, RandomState>::default();
    for policy in &context.policies {
        let scope = policy.manifest.spec.scope.as_ref();
        let teams = scope.and_then(|scope| scope.teams.as_deref());
        for (index, text) in teams.unwrap_or_default().iter().enumerate() {
            if seen.insert(text.as_str()) {
                let owner = names.len();
                names.push(OwnedName { text, owner });
                origins.push((policy.document, index));
            }
        }
    }
    let place = |index: usize| {
        let (document, team) = origins[index];
        let path = Path::root()
            .key("spec")
            .key("scope")
            .key("teams")
            .index(team);
        Place::value(document, path)
    };
    check_names("team", &names, place, found);
}

/// Hosts and paths of all rules and lists. Each text is checked once.
fn check_resources(context: &DockerRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    let rules = context.policies.iter().flat_map(|policy| &policy.rules);
    let groups = rules
        .filter_map(|rule| rule.group.as_ref())
        .chain(context.lists.iter().flat_map(|list| &list.groups));
    let mut seen = std::collections::HashSet::new();
    let mut hosts: Vec<&str> = Vec::new();
    let mut host_origins: Vec<(&EntryGroup<'_>, usize)> = Vec::new();
    let mut paths: Vec<&str> = Vec::new();
    let mut path_origins: Vec<(&EntryGroup<'_>, usize)> = Vec::new();
    for group in groups {
        match &group.entries {
            Entries::Hosts(entries) => {
                for (index, (text, parsed)) in entries.iter().enumerate() {
                    let host = parsed.as_ref().ok().and_then(|pattern| pattern.host());
                    if host.is_some() && seen.insert(*text) {
                        hosts.push(text);
                        host_origins.push((group, index));
                    }
                }
            }
            Entries::Http(entries) => {
                for (index, (spec, parsed)) in entries.iter().enumerate() {
                    if parsed.is_err() {
                        continue;
                    }
                    if seen.insert(spec.host.as_str()) {
                        hosts.push(&spec.host);
                        host_origins.push((group, index));
                    }
                    if !spec.path.is_ascii() && seen.insert(spec.path.as_str()) {
                        paths.push(&spec.path);
                        path_origins.push((group, index));
                    }
                }
            }
            Entries::Paths(entries) => {
                for (index, (text, parsed)) in entries.iter().enumerate() {
                    if parsed.is_ok() && seen.insert(*text) {
                        paths.push(text);
                        path_origins.push((group, index));
                    }
                }
            }
        }
    }
    let place = |group: &EntryGroup<'_>, index: usize, field: &str| match &group.entries {
        Entries::Hosts(_) | Entries::Paths(_) => group.place(index),
        Entries::Http(_) => Place::value(group.document, group.path().index(index).key(field)),
    };
    let host_place = |index: usize| {
        let (group, entry) = host_origins[index];
        place(group, entry, "host")
    };
    check_hosts(&hosts, host_place, found);
    let path_place = |index: usize| {
        let (group, entry) = path_origins[index];
        place(group, entry, "path")
    };
    check_paths(&paths, path_place, found);
}
