//! `loopback-incomplete`: a deny of the own machine that leaves some of its names out.
//!
//! A name is never compared with the addresses that it resolves to, so each name and address of the
//! machine needs a deny of its own.

use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, Ipv4Addr};

use super::context::{DeclaredRule, LintContext};
use access::{AccessRequest, Destination, ResourcePosition, RuleSet};
use model::diag::{Code, Diagnostic};
use model::docker::pattern::{NetworkPattern, WildcardDepth};
use model::docker::{Decision, Rule, RuleAccess, Transport};

/// The ways to name the own machine, as rules write them.
const NAMES: [&str; 4] = ["localhost", "127.0.0.1", "::1", "host.docker.internal"];

pub(super) fn check(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
    // Two rules of one policy that leave the same names out are one mistake.
    let mut told = HashSet::new();
    for (rule, declared) in context.rules.iter().enumerate() {
        let Some((position, port, transports)) = named(context, rule, declared) else {
            continue;
        };
        let missing = missing(context, declared, port, &transports);
        if !missing.is_empty() && told.insert((declared.policy.document, missing.clone())) {
            let spot = ResourcePosition {
                rule,
                resource: position,
            };
            found.extend(finding(context, spot, &missing));
        }
    }
}

/// The first resource of a deny rule that names the own machine, with its port, and the transports
/// of the rule.
fn named(
    context: &LintContext<'_>,
    rule: usize,
    declared: &DeclaredRule<'_>,
) -> Option<(usize, Option<u16>, Vec<Transport>)> {
    let rule_content = &declared.rule.rule;
    let RuleAccess::Network {
        actions,
        resources: _,
    } = &rule_content.access
    else {
        return None;
    };
    if rule_content.decision != Decision::Deny {
        return None;
    }
    let resources = &context.usage.rules.get(rule)?.resources;
    let mut patterns = resources.iter().enumerate().filter_map(|(at, usage)| {
        let pattern = NetworkPattern::parse(&usage.resource).ok()?;
        is_own_machine(&pattern).then(|| (at, pattern.port().map(std::num::NonZeroU16::get)))
    });
    let (at, port) = patterns.next()?;
    Some((at, port, actions.iter().copied().collect()))
}

/// Whether a resource names the own machine and little else.
fn is_own_machine(pattern: &NetworkPattern) -> bool {
    if let Some(host) = pattern.host() {
        return host.depth() == WildcardDepth::Exact
            && NAMES
                .iter()
                .any(|name| name.eq_ignore_ascii_case(host.name()));
    }
    pattern.net().is_some_and(|net| match net.network() {
        IpAddr::V4(network) => {
            network.is_loopback() && net.contains(&IpAddr::V4(Ipv4Addr::LOCALHOST))
        }
        IpAddr::V6(network) => network.is_loopback(),
    })
}

/// The names of the own machine that no deny rule for the same people covers.
fn missing(
    context: &LintContext<'_>,
    declared: &DeclaredRule<'_>,
    port: Option<u16>,
    transports: &[Transport],
) -> Vec<&'static str> {
    let scope = &declared.policy.scope;
    let denies: Vec<&Rule> = context
        .rules
        .iter()
        .filter(|other| {
            let reached = &other.policy.scope;
            reached.is_organization_wide() || reached == scope
        })
        .map(|other| &other.rule.rule)
        .filter(|rule| rule.decision == Decision::Deny)
        .collect();
    let port = port.unwrap_or_else(|| unwritten_port(&denies));
    let denies = RuleSet::new(&denies);
    let is_denied = |name: &str| {
        let destination = match name.parse::<IpAddr>() {
            Ok(address) => Destination::Address(address),
            Err(_) => Destination::Name(name.to_owned()),
        };
        transports.iter().all(|transport| {
            let request = AccessRequest::Connect {
                transport: *transport,
                destination: destination.clone(),
                port,
            };
            // A request without a matching rule has no reason.
            !denies.decide(&request).reasons.is_empty()
        })
    };
    NAMES.into_iter().filter(|name| !is_denied(name)).collect()
}

/// A port that no deny rule names, which stands for all such ports.
fn unwritten_port(denies: &[&Rule]) -> u16 {
    let written: BTreeSet<u16> = denies
        .iter()
        .flat_map(|rule| rule.access.resource_texts())
        .filter_map(|text| Some(NetworkPattern::parse(&text).ok()?.port()?.get()))
        .collect();
    (1..=u16::MAX)
        .rev()
        .find(|port| !written.contains(port))
        .unwrap_or(u16::MAX)
}

fn finding(
    context: &LintContext<'_>,
    spot: ResourcePosition,
    missing: &[&str],
) -> Option<Diagnostic> {
    let text = context.text(spot)?;
    let names = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    let message = format!(
        "`{text}` is denied, but not {}, which reach the same machine",
        names(missing)
    );
    let finding = Diagnostic::new(
        Code::LoopbackIncomplete,
        message,
        context.resource_place(spot)?,
    );
    Some(
        finding
            .label("denies one of several names")
            .help(format!("deny all of {}", names(&NAMES))),
    )
}
