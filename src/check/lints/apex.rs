//! `apex-open`: a deny of all names below a name, while the name itself is allowed: wildcards do not cover it.

use std::collections::HashMap;
use std::num::NonZeroU16;

use super::Scene;
use crate::access::Spot;
use crate::diag::{Code, Diagnostic};
use crate::model::docker::Decision;
use crate::model::docker::pattern::{Depth, HostPattern, NetworkPattern};

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Diagnostic>) {
    let mut open: HashMap<String, Vec<Spot>> = HashMap::new();
    let mut denied: Vec<(Spot, HostPattern)> = Vec::new();
    for (rule, declared) in scene.rules.iter().enumerate() {
        let resources = scene.usage.rules.get(rule).map(|usage| usage.resources.as_slice()).unwrap_or_default();
        for (resource, usage) in resources.iter().enumerate() {
            let spot = Spot { rule, resource };
            let Some((host, _)) = host(&usage.resource) else { continue };
            match (declared.rule.rule.decision, host.depth()) {
                // What is denied anyway is not open.
                (Decision::Allow, Depth::Exact) if matches!(usage.used, crate::access::Use::Decides(_)) => {
                    open.entry(host.name().to_owned()).or_default().push(spot);
                }
                (Decision::Deny, Depth::One | Depth::Many) => denied.push((spot, host)),
                (Decision::Allow | Decision::Deny, _) => {}
            }
        }
    }
    for (deny, host) in denied {
        if let Some(allow) = open.get(host.name()).and_then(|allows| allows.first()) {
            found.extend(finding(scene, deny, *allow, host.name()));
        }
    }
}

fn finding(scene: &Scene<'_>, deny: Spot, allow: Spot, name: &str) -> Option<Diagnostic> {
    let wildcard = scene.text(deny)?;
    let message = format!("`{wildcard}` does not deny `{name}` itself, which stays allowed");
    let finding = Diagnostic::new(Code::ApexOpen, message, scene.resource_place(deny)?)
        .label("covers names below it only")
        .also(scene.resource_place(allow)?, format!("allowed by {}", scene.name(allow.rule, deny.rule)));
    Some(finding.help(format!("deny `{name}` too, if it is meant")))
}

fn host(resource: &str) -> Option<(HostPattern, Option<NonZeroU16>)> {
    match NetworkPattern::parse(resource).ok()? {
        NetworkPattern::Host { host, port } => Some((host, port)),
        NetworkPattern::Address { .. } | NetworkPattern::Cidr(_) => None,
    }
}
