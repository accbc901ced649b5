//! Explains which changes make a request be decided the other way.

use std::net::IpAddr;

use ipnet::IpNet;

use super::applicable::{ApplicableRule, ApplicableRules, AttributedDecision};
use super::decide::RuleSet;
use super::request::{AccessRequest, Destination, FilePath};
use model::docker::pattern::{GlobSegment, NetworkPattern, PathPattern};
use model::docker::{Action, Decision, HttpResource, Layer, Resources, Rule, Transport};

/// The changes after which a request is decided the other way.
#[derive(Debug)]
pub struct Remedy<'p, 'a> {
    /// The opposite of the current decision.
    pub to: Decision,
    /// The layers of the deciding rules; if no rule matches, all layers that could allow the
    /// request.
    pub layers: Vec<Layer>,
    /// The rules that must stop matching the request, with their matching resources. All of them
    /// must change.
    pub lose: Vec<(&'p ApplicableRule<'a>, String)>,
    /// The resource to allow; `None` if an existing rule allows the request once the denies are
    /// gone.
    pub add: Option<Addition<'p, 'a>>,
}

/// A resource to add to an allow rule.
#[derive(Debug)]
pub struct Addition<'p, 'a> {
    /// The narrowest resource that matches the request.
    pub resource: String,
    /// The allow rule with the same action that has the most similar resource, with that resource.
    pub nearest: Option<(&'p ApplicableRule<'a>, String)>,
}

impl<'a> ApplicableRules<'a> {
    /// Finds the changes after which a request is decided the other way.
    pub fn remedy(&self, request: &AccessRequest) -> Remedy<'_, 'a> {
        let AttributedDecision {
            decision,
            unknown: _,
            rules: lose,
        } = self.decide(request);
        let mut layers: Vec<Layer> = lose
            .iter()
            .map(|(pooled, _)| pooled.rule.access.layer())
            .collect();
        if layers.is_empty() {
            layers = possible_layers(request);
        }
        layers.sort_unstable();
        layers.dedup();
        match decision {
            Decision::Allow => Remedy {
                to: Decision::Deny,
                layers,
                lose,
                add: None,
            },
            Decision::Deny => {
                let allowed = !lose.is_empty() && self.allows(request);
                let add = (!allowed).then(|| Addition {
                    resource: resource(request),
                    nearest: self.nearest(request),
                });
                Remedy {
                    to: Decision::Allow,
                    layers,
                    lose,
                    add,
                }
            }
        }
    }

    /// Whether the allow rules alone allow a request.
    fn allows(&self, request: &AccessRequest) -> bool {
        let rules = self.rules().iter().map(|pooled| pooled.rule);
        let allows: Vec<&Rule> = rules
            .filter(|rule| rule.decision == Decision::Allow)
            .collect();
        RuleSet::new(&allows).decide(request).decision == Decision::Allow
    }

    /// The allow rule with the same action, and therefore of the same layer, with the most similar
    /// resource; the first one of equals.
    fn nearest(&self, request: &AccessRequest) -> Option<(&ApplicableRule<'a>, String)> {
        let mut best: Option<(usize, &ApplicableRule<'a>, String)> = None;
        let action = narrowest_action(request);
        for pooled in self.rules() {
            let access = &pooled.rule.access;
            if pooled.rule.decision != Decision::Allow || !access.actions().contains(&action) {
                continue;
            }
            let texts: Vec<(usize, String)> = match access.resources() {
                Resources::Plain(texts) => texts
                    .into_iter()
                    .map(|text| (plain(request, &text), text))
                    .collect(),
                Resources::Http(targets) => targets
                    .iter()
                    .map(|target| (http(request, target), target.to_string()))
                    .collect(),
            };
            for (similarity, text) in texts {
                if similarity > best.as_ref().map_or(0, |(best, ..)| *best) {
                    best = Some((similarity, pooled, text));
                }
            }
        }
        best.map(|(_, pooled, text)| (pooled, text))
    }
}

fn possible_layers(request: &AccessRequest) -> Vec<Layer> {
    match request {
        AccessRequest::Connect { .. } => vec![Layer::Network],
        AccessRequest::Http { .. } => vec![Layer::Network, Layer::Http],
        AccessRequest::File { .. } => vec![Layer::Filesystem],
    }
}

/// The action of the narrowest rule for a request. HTTP rules cannot name IPv6 addresses, so these
/// use the network layer.
fn narrowest_action(request: &AccessRequest) -> Action {
    match request {
        AccessRequest::Connect { transport, .. } => Action::Connect(*transport),
        AccessRequest::Http {
            destination: Destination::Address(IpAddr::V6(_)),
            ..
        } => Action::Connect(Transport::Tcp),
        AccessRequest::Http { method, .. } => Action::Request(*method),
        AccessRequest::File { mode, .. } => Action::File(*mode),
    }
}

/// The narrowest resource for one request. IPv6 addresses have no port in rules.
fn resource(request: &AccessRequest) -> String {
    match request {
        AccessRequest::Connect {
            destination: Destination::Address(IpAddr::V6(address)),
            ..
        }
        | AccessRequest::Http {
            destination: Destination::Address(IpAddr::V6(address)),
            ..
        } => {
            let pattern = NetworkPattern::Address {
                address: (*address).into(),
                port: None,
            };
            pattern.to_string()
        }
        AccessRequest::Connect {
            destination, port, ..
        } => format!("{destination}:{port}"),
        AccessRequest::Http {
            destination,
            port,
            path,
            ..
        } => {
            let host = destination.to_string();
            let path = format!("/{}", path.join("/"));
            HttpResource {
                host,
                port: Some(*port),
                path,
            }
            .to_string()
        }
        AccessRequest::File { path, .. } => path.to_string(),
    }
}

/// The similarity of a resource of a network or filesystem rule; 0 means unrelated.
fn plain(request: &AccessRequest, text: &str) -> usize {
    match request {
        AccessRequest::Connect { destination, .. } | AccessRequest::Http { destination, .. } => {
            match NetworkPattern::parse_live(text) {
                Ok(pattern) => match (destination, pattern.net(), pattern.host()) {
                    (Destination::Address(address), Some(net), _) => addresses(*address, net),
                    (Destination::Name(name), _, Some(host)) => hosts(name, host.name()),
                    (Destination::Address(_), None, _) | (Destination::Name(_), _, None) => 0,
                },
                Err(_) => 0,
            }
        }
        AccessRequest::File { path, .. } => {
            PathPattern::parse(text).map_or(0, |pattern| paths(path, &pattern))
        }
    }
}

/// The similarity of an HTTP target. The host counts more than the path.
fn http(request: &AccessRequest, target: &HttpResource) -> usize {
    let AccessRequest::Http {
        destination, path, ..
    } = request
    else {
        return 0;
    };
    let host = match destination {
        Destination::Name(name) => hosts(name, &target.host),
        Destination::Address(address) => usize::from(target.host == address.to_string()),
    };
    let wanted = target.path.split('/').filter(|segment| !segment.is_empty());
    let common = path
        .iter()
        .zip(wanted)
        .take_while(|(one, other)| one.as_str() == *other)
        .count();
    if host == 0 {
        0
    } else {
        host * 1000 + common.min(999)
    }
}

/// The number of common labels at the end, from two on: a common top-level domain means nothing.
fn hosts(name: &str, pattern: &str) -> usize {
    let common = name
        .rsplit('.')
        .zip(pattern.rsplit('.'))
        .take_while(|(one, other)| one == other)
        .count();
    if common >= 2 || name == pattern {
        common
    } else {
        0
    }
}

/// The number of common leading bits, if it is at least half of a typical network prefix.
fn addresses(address: IpAddr, net: IpNet) -> usize {
    let (common, least) = match (address, net.network()) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            ((one.to_bits() ^ other.to_bits()).leading_zeros(), 16)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            ((one.to_bits() ^ other.to_bits()).leading_zeros(), 32)
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return 0,
    };
    if common >= least { common as usize } else { 0 }
}

/// The number of common leading segments, for paths of the same format.
fn paths(path: &FilePath, pattern: &PathPattern) -> usize {
    if path.root != pattern.root() {
        return 0;
    }
    let text = |segment: GlobSegment<'_>| match segment {
        GlobSegment::Text(text) => Some(text.to_owned()),
        GlobSegment::Glob(_) | GlobSegment::Deep => None,
    };
    let wanted = pattern.segments().map_while(text);
    path.segments
        .iter()
        .zip(wanted)
        .take_while(|(one, other)| *one == other)
        .count()
}
