//! `apex-open`: all names below a domain are denied, but the domain itself is allowed, because
//! wildcards do not include it.

use std::collections::{HashMap, HashSet};

use super::context::LintContext;
use access::{ResourcePosition, ResourceUsage, UsageStatus};
use model::diag::{Code, Diagnostic};
use model::docker::Decision;
use model::docker::pattern::{HostPattern, NetworkPattern, WildcardDepth};

pub(super) fn check(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
    let denied = denied(context);
    if denied.is_empty() {
        return;
    }
    let names: HashSet<&str> = denied.iter().map(|(_, host)| host.name()).collect();
    let mut open: HashMap<String, ResourcePosition> = HashMap::new();
    for (spot, usage) in resources(context, Decision::Allow) {
        // A resource that is denied anyway is not open.
        if !matches!(usage.used, UsageStatus::Decides(_)) {
            continue;
        }
        if let Some(host) =
            host(&usage.resource).filter(|host| host.depth() == WildcardDepth::Exact)
            && names.contains(host.name())
        {
            open.entry(host.name().to_owned()).or_insert(spot);
        }
    }
    for (deny, host) in &denied {
        if let Some(allow) = open.get(host.name()) {
            found.extend(finding(context, *deny, *allow, host.name()));
        }
    }
}

/// Deny rules for the names below a domain.
fn denied(context: &LintContext<'_>) -> Vec<(ResourcePosition, HostPattern)> {
    let wildcards =
        resources(context, Decision::Deny).filter(|(_, usage)| usage.resource.starts_with('*'));
    let hosts = wildcards.filter_map(|(spot, usage)| Some((spot, host(&usage.resource)?)));
    hosts
        .filter(|(_, host)| matches!(host.depth(), WildcardDepth::One | WildcardDepth::Many))
        .collect()
}

fn resources<'s>(
    context: &'s LintContext<'_>,
    decision: Decision,
) -> impl Iterator<Item = (ResourcePosition, &'s ResourceUsage)> {
    let rules = context.rules.iter().zip(&context.usage.rules).enumerate();
    let rules = rules.filter(move |(_, (declared, _))| declared.rule.rule.decision == decision);
    rules.flat_map(|(rule, (_, usage))| {
        usage
            .resources
            .iter()
            .enumerate()
            .map(move |(resource, usage)| (ResourcePosition { rule, resource }, usage))
    })
}

fn finding(
    context: &LintContext<'_>,
    deny: ResourcePosition,
    allow: ResourcePosition,
    name: &str,
) -> Option<Diagnostic> {
    let wildcard = context.text(deny)?;
    let message = format!("`{wildcard}` does not deny `{name}` itself, which remains allowed");
    let finding = Diagnostic::new(Code::ApexOpen, message, context.resource_place(deny)?)
        .label("covers names below it only")
        .also(
            context.resource_place(allow)?,
            format!("allowed by {}", context.name(allow.rule, deny.rule)),
        );
    Some(finding.help(format!("deny `{name}` too, if this is intended")))
}

fn host(resource: &str) -> Option<HostPattern> {
    match NetworkPattern::parse(resource).ok()? {
        NetworkPattern::Host { host, port: _ } => Some(host),
        NetworkPattern::Address { .. } | NetworkPattern::Cidr(_) => None,
    }
}
