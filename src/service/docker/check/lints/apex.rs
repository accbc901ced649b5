//! `apex-open`: all names below a domain are denied, but the domain itself is allowed, because
//! wildcards do not include it.

use std::collections::{HashMap, HashSet};

use super::scene::Scene;
use access::{ResourceUsage, Spot, Use};
use model::diag::{Code, Diagnostic};
use model::docker::Decision;
use model::docker::pattern::{Depth, HostPattern, NetworkPattern};

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Diagnostic>) {
    let denied = denied(scene);
    if denied.is_empty() {
        return;
    }
    let names: HashSet<&str> = denied.iter().map(|(_, host)| host.name()).collect();
    let mut open: HashMap<String, Spot> = HashMap::new();
    for (spot, usage) in resources(scene, Decision::Allow) {
        // A resource that is denied anyway is not open.
        if !matches!(usage.used, Use::Decides(_)) {
            continue;
        }
        if let Some(host) = host(&usage.resource).filter(|host| host.depth() == Depth::Exact)
            && names.contains(host.name())
        {
            open.entry(host.name().to_owned()).or_insert(spot);
        }
    }
    for (deny, host) in &denied {
        if let Some(allow) = open.get(host.name()) {
            found.extend(finding(scene, *deny, *allow, host.name()));
        }
    }
}

/// Deny rules for the names below a domain.
fn denied(scene: &Scene<'_>) -> Vec<(Spot, HostPattern)> {
    let wildcards =
        resources(scene, Decision::Deny).filter(|(_, usage)| usage.resource.starts_with('*'));
    let hosts = wildcards.filter_map(|(spot, usage)| Some((spot, host(&usage.resource)?)));
    hosts
        .filter(|(_, host)| matches!(host.depth(), Depth::One | Depth::Many))
        .collect()
}

fn resources<'s>(
    scene: &'s Scene<'_>,
    decision: Decision,
) -> impl Iterator<Item = (Spot, &'s ResourceUsage)> {
    let rules = scene.rules.iter().zip(&scene.usage.rules).enumerate();
    let rules = rules.filter(move |(_, (declared, _))| declared.rule.rule.decision == decision);
    rules.flat_map(|(rule, (_, usage))| {
        usage
            .resources
            .iter()
            .enumerate()
            .map(move |(resource, usage)| (Spot { rule, resource }, usage))
    })
}

fn finding(scene: &Scene<'_>, deny: Spot, allow: Spot, name: &str) -> Option<Diagnostic> {
    let wildcard = scene.text(deny)?;
    let message = format!("`{wildcard}` does not deny `{name}` itself, which stays allowed");
    let finding = Diagnostic::new(Code::ApexOpen, message, scene.resource_place(deny)?)
        .label("covers names below it only")
        .also(
            scene.resource_place(allow)?,
            format!("allowed by {}", scene.name(allow.rule, deny.rule)),
        );
    Some(finding.help(format!("deny `{name}` too, if it is meant")))
}

fn host(resource: &str) -> Option<HostPattern> {
    match NetworkPattern::parse(resource).ok()? {
        NetworkPattern::Host { host, port: _ } => Some(host),
        NetworkPattern::Address { .. } | NetworkPattern::Cidr(_) => None,
    }
}
