//! Writes sets of requests as patterns.
//!
//! A term is a resource with its actions. `patterns` writes the intersection of some terms as a
//! list of patterns, one for each action. Where one host or path pattern covers the other, the
//! intersection is written as a single pattern (`tcp **.example.com` and `get https://api.example.com/x`
//! give the latter). Crossing wildcards have no such pattern in general: `a*.example.com` and
//! `*b.example.com` meet in infinitely many names that no single pattern describes, so both are
//! written, joined by `&`.

use ipnet::IpNet;
use smallvec::SmallVec;

use super::index::RuleIndex;
use super::parsed::{ParsedResource, ResourceDestination, file, network};
use super::request_pattern::http;
use super::sets::RequestSet;
use super::terms::{ActionSet, ResourceMatcher, TermMatcher};
use model::docker::pattern::{HostPattern, NetworkPattern, PathGlob, PathPattern};
use model::docker::{Decision, FileMode, Method, Transport};

/// Conjuncts that could not be combined further.
type Conjuncts = SmallVec<[ParsedResource; 1]>;

/// The requests that all of these terms match, as patterns that are joined by "or"; `None` if a
/// resource cannot be written as a pattern.
pub(crate) fn patterns(index: &RuleIndex, terms: &[u32]) -> Option<Vec<String>> {
    let mut conjuncts = Conjuncts::new();
    for term in terms {
        let mut next = resource(index, *term)?;
        let mut at = 0;
        while let Some(known) = conjuncts.get(at) {
            if let Some(both) = intersection(known, &next) {
                // The combination may be combined with earlier conjuncts too.
                next = both;
                conjuncts.remove(at);
                at = 0;
            } else {
                at += 1;
            }
        }
        conjuncts.push(next);
    }
    Some(texts(&conjuncts))
}

/// The resource of a term, parsed from its text.
fn resource(index: &RuleIndex, term: u32) -> Option<ParsedResource> {
    let term = index.term_of(term);
    let entry = index.entries.get(*term.entries.first()? as usize)?;
    let text = &*entry.resource;
    match term.what {
        TermMatcher::Connect { transports, .. } => {
            let pattern = NetworkPattern::parse_live(text).ok()?;
            Some(network(Decision::Allow, transports, pattern))
        }
        TermMatcher::Http { methods, .. } => http(methods, text).ok(),
        TermMatcher::File { modes } => {
            let path = PathPattern::parse(text).ok()?;
            Some(file(Decision::Allow, modes, path))
        }
    }
}

/// The intersection of two resources as one resource, if there is a simple one.
fn intersection(one: &ParsedResource, two: &ParsedResource) -> Option<ParsedResource> {
    let at = destination(&one.at, &two.at)?;
    let about = match (&one.about, &two.about) {
        (
            ResourceMatcher::Connect { transports, port },
            ResourceMatcher::Connect {
                transports: other,
                port: other_port,
            },
        ) => ResourceMatcher::Connect {
            transports: transports.intersection(*other),
            port: common_port(*port, *other_port)?,
        },
        // An HTTP request is also a TCP connection.
        (ResourceMatcher::Connect { port, .. }, ResourceMatcher::Http { .. }) => {
            http_within(&two.about, *port)?
        }
        (ResourceMatcher::Http { .. }, ResourceMatcher::Connect { port, .. }) => {
            http_within(&one.about, *port)?
        }
        (
            ResourceMatcher::Http {
                methods,
                port,
                path,
            },
            ResourceMatcher::Http {
                methods: other,
                port: other_port,
                path: other_path,
            },
        ) => ResourceMatcher::Http {
            methods: methods.intersection(*other),
            port: common_port(*port, *other_port)?,
            path: common_path(path, other_path)?,
        },
        (ResourceMatcher::File { modes }, ResourceMatcher::File { modes: other }) => {
            ResourceMatcher::File {
                modes: modes.intersection(*other),
            }
        }
        (ResourceMatcher::File { .. }, _) | (_, ResourceMatcher::File { .. }) => return None,
    };
    // The host of an HTTP pattern cannot be a range.
    if let (ResourceDestination::Net(net), ResourceMatcher::Http { .. }) = (&at, &about)
        && net.prefix_len() < net.max_prefix_len()
    {
        return None;
    }
    Some(ParsedResource {
        decision: Decision::Allow,
        at,
        about,
    })
}

fn http_within(about: &ResourceMatcher, within: Option<u16>) -> Option<ResourceMatcher> {
    let ResourceMatcher::Http {
        methods,
        port,
        path,
    } = about
    else {
        return None;
    };
    Some(ResourceMatcher::Http {
        methods: *methods,
        port: common_port(*port, within)?,
        path: path.clone(),
    })
}

/// The port in both; `None` if they have none in common.
fn common_port(one: Option<u16>, two: Option<u16>) -> Option<Option<u16>> {
    match (one, two) {
        (Some(one), Some(two)) => (one == two).then_some(Some(one)),
        (one, two) => Some(one.or(two)),
    }
}

/// The narrower of two destinations, if one covers the other.
fn destination(
    one: &ResourceDestination,
    two: &ResourceDestination,
) -> Option<ResourceDestination> {
    if one == two {
        return Some(one.clone());
    }
    let narrow = match (one, two) {
        (ResourceDestination::Net(one_net), ResourceDestination::Net(two_net)) => {
            if two_net.contains(one_net) {
                one
            } else if one_net.contains(two_net) {
                two
            } else {
                return None;
            }
        }
        (ResourceDestination::Path(one_path), ResourceDestination::Path(two_path)) => {
            if two_path.covers(one_path) {
                one
            } else if one_path.covers(two_path) {
                two
            } else {
                return None;
            }
        }
        (ResourceDestination::Host(one_host), ResourceDestination::Host(two_host)) => {
            if host_covers(two_host, one_host) {
                one
            } else if host_covers(one_host, two_host) {
                two
            } else {
                return None;
            }
        }
        (ResourceDestination::Host(host), ResourceDestination::Net(_)) if host.matches_all() => two,
        (ResourceDestination::Net(_), ResourceDestination::Host(host)) if host.matches_all() => one,
        // An exact IPv4 address may be written as a host.
        (ResourceDestination::Host(host), ResourceDestination::Net(net)) => {
            let address = std::net::IpAddr::from(host.address()?);
            net.contains(&address).then_some(one)?
        }
        (ResourceDestination::Net(net), ResourceDestination::Host(host)) => {
            let address = std::net::IpAddr::from(host.address()?);
            net.contains(&address).then_some(two)?
        }
        (ResourceDestination::Path(_), _) | (_, ResourceDestination::Path(_)) => return None,
    };
    Some(narrow.clone())
}

fn host_covers(wide: &HostPattern, narrow: &HostPattern) -> bool {
    let set = |host: &HostPattern| {
        RequestSet::from_resources(vec![ParsedResource {
            decision: Decision::Allow,
            at: ResourceDestination::Host(host.clone()),
            about: ResourceMatcher::Connect {
                transports: ActionSet::from_positions(std::iter::once(Transport::Tcp as u16)),
                port: None,
            },
        }])
    };
    set(narrow).is_subset(&set(wide)).unwrap_or(false)
}

/// The narrower of two path globs, if one covers the other.
fn common_path(one: &PathGlob, two: &PathGlob) -> Option<PathGlob> {
    if one.covers(two) {
        Some(two.clone())
    } else if two.covers(one) {
        Some(one.clone())
    } else {
        None
    }
}

/// One text for each combination of actions of the conjuncts.
fn texts(conjuncts: &[ParsedResource]) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for (position, conjunct) in conjuncts.iter().enumerate() {
        let own = resource_texts(conjunct);
        if position == 0 {
            texts = own;
            continue;
        }
        texts = texts
            .iter()
            .flat_map(|text| own.iter().map(move |other| (text, other)))
            .filter(|(text, other)| may_meet(text, other))
            .map(|(text, other)| format!("{text} & {other}"))
            .collect();
    }
    texts
}

/// Whether two patterns can have a request in common, judged by their verbs.
fn may_meet(one: &str, two: &str) -> bool {
    let one = one.split(' ').next();
    let two = two.split(' ').next();
    let one_is_connection = matches!(one, Some("tcp" | "udp"));
    let two_is_connection = matches!(two, Some("tcp" | "udp"));
    match (one_is_connection, two_is_connection) {
        (true, false) => one == Some("tcp"),
        (false, true) => two == Some("tcp"),
        (true, true) | (false, false) => one == two || one == Some("http") || two == Some("http"),
    }
}

/// A resource as patterns, one for each action; all HTTP methods together are `http`.
fn resource_texts(resource: &ParsedResource) -> Vec<String> {
    let ParsedResource {
        decision: _,
        at,
        about,
    } = resource;
    match about {
        ResourceMatcher::Connect { transports, port } => {
            let object = object(at, *port);
            Transport::ALL
                .iter()
                .filter(|transport| transports.contains(**transport as u16))
                .map(|transport| {
                    let verb = transport.as_str().trim_start_matches("connect:");
                    format!("{verb} {object}")
                })
                .collect()
        }
        ResourceMatcher::Http {
            methods,
            port,
            path,
        } => {
            let object = match port {
                Some(443) => format!("https://{}{path}", authority(at, None)),
                Some(80) => format!("http://{}{path}", authority(at, None)),
                port => format!("{}{path}", authority(at, *port)),
            };
            let own = || {
                Method::ALL
                    .iter()
                    .filter(|method| methods.contains(**method as u16))
            };
            if own().count() == Method::ALL.len() {
                return vec![format!("http {object}")];
            }
            own()
                .map(|method| {
                    let verb = method.as_str().trim_start_matches("request:");
                    format!("{verb} {object}")
                })
                .collect()
        }
        ResourceMatcher::File { modes } => FileMode::ALL
            .iter()
            .filter(|mode| modes.contains(**mode as u16))
            .map(|mode| format!("{mode} {}", object(at, None)))
            .collect(),
    }
}

/// A destination of connections, or a path.
fn object(at: &ResourceDestination, port: Option<u16>) -> String {
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    match at {
        ResourceDestination::Host(host) => format!("{host}{port}"),
        ResourceDestination::Path(path) => path.to_string(),
        ResourceDestination::Net(net) => {
            let text = net_text(net);
            if matches!(net, IpNet::V6(_)) && !port.is_empty() {
                format!("[{text}]{port}")
            } else {
                format!("{text}{port}")
            }
        }
    }
}

/// The host and port of a URL.
fn authority(at: &ResourceDestination, port: Option<u16>) -> String {
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    match at {
        ResourceDestination::Net(net @ IpNet::V6(_)) => format!("[{}]{port}", net_text(net)),
        ResourceDestination::Host(_)
        | ResourceDestination::Net(IpNet::V4(_))
        | ResourceDestination::Path(_) => object(at, None) + &port,
    }
}

/// A single address is written without its length.
fn net_text(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() {
        net.addr().to_string()
    } else {
        net.to_string()
    }
}
