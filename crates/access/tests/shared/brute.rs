//! A second reading of what rules mean, by brute force over texts: recursion and nothing else. It shares no code with
//! the engine of access, not even the parser of patterns.

use std::net::IpAddr;

use access::{AccessRequest, Destination, FilePath};
use model::docker::pattern::PathRoot;
use model::docker::{Decision, Resources, Rule, Transport};

/// Whether the rules allow a request (contract: FACTS, "What the rules mean").
pub(super) fn allows(rules: &[&Rule], request: &AccessRequest) -> bool {
    let matching = |decision| {
        rules
            .iter()
            .any(|rule| rule.decision == decision && applies(rule, request))
    };
    !matching(Decision::Deny) && matching(Decision::Allow)
}

pub(super) fn applies(rule: &Rule, request: &AccessRequest) -> bool {
    let actions: Vec<&str> = rule
        .access
        .actions()
        .into_iter()
        .map(|action| action.as_str())
        .collect();
    match (rule.access.resources(), request) {
        (
            Resources::Plain(resources),
            AccessRequest::Connect {
                transport,
                destination,
                port,
            },
        ) => {
            actions.contains(&transport.as_str())
                && resources
                    .iter()
                    .any(|text| connects(text, destination, *port))
        }
        (
            Resources::Plain(resources),
            AccessRequest::Http {
                destination, port, ..
            },
        ) => {
            actions.contains(&Transport::Tcp.as_str())
                && resources
                    .iter()
                    .any(|text| connects(text, destination, *port))
        }
        (
            Resources::Http(targets),
            AccessRequest::Http {
                method,
                destination,
                port,
                path,
            },
        ) => {
            actions.contains(&method.as_str())
                && targets.iter().any(|target| {
                    let pattern: Vec<&str> = target
                        .path
                        .split('/')
                        .filter(|segment| !segment.is_empty())
                        .collect();
                    let path: Vec<&str> = path.iter().map(String::as_str).collect();
                    host(&target.host, destination)
                        && target.port.is_none_or(|only| only == *port)
                        && segments(&pattern, &path)
                })
        }
        (Resources::Plain(resources), AccessRequest::File { mode, path }) => {
            actions.contains(&mode.as_str()) && resources.iter().any(|text| file(text, path))
        }
        (Resources::Http(_), AccessRequest::Connect { .. } | AccessRequest::File { .. }) => false,
    }
}

fn connects(text: &str, destination: &Destination, port: u16) -> bool {
    if let Some((network, length)) = text.split_once('/') {
        let Ok(network) = network.parse::<IpAddr>() else {
            return false;
        };
        // Patterns of gates, unlike rules, may limit a range to one port.
        let (length, only) = length.split_once(':').unwrap_or((length, ""));
        if !only.is_empty() && only.parse() != Ok(port) {
            return false;
        }
        return in_network(network, length.parse().unwrap(), destination);
    }
    match text.rsplit_once(':') {
        Some((name, only)) if !name.contains(':') => {
            only.parse() == Ok(port) && host(name, destination)
        }
        _ => host(text, destination),
    }
}

fn in_network(network: IpAddr, length: usize, destination: &Destination) -> bool {
    let bits = |address: &IpAddr| -> Vec<u8> {
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        bytes
            .iter()
            .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1))
            .collect()
    };
    match destination {
        Destination::Name(_) => false,
        Destination::Address(address) => {
            address.is_ipv4() == network.is_ipv4()
                && bits(address)[..length] == bits(&network)[..length]
        }
    }
}

fn host(pattern: &str, destination: &Destination) -> bool {
    if pattern == "**" {
        return true;
    }
    let name = match destination {
        Destination::Address(address) => return pattern.parse() == Ok(*address),
        Destination::Name(name) => name,
    };
    let labels: Vec<&str> = name.split('.').collect();
    let (front, rest) = match (pattern.strip_prefix("**."), pattern.strip_prefix("*.")) {
        (Some(rest), _) => (1..=labels.len(), rest),
        (None, Some(rest)) => (1..=1, rest),
        (None, None) => (0..=0, pattern),
    };
    let rest: Vec<&str> = rest.split('.').collect();
    labels.len() >= rest.len()
        && front.contains(&(labels.len() - rest.len()))
        && rest
            .iter()
            .zip(&labels[labels.len() - rest.len()..])
            .all(|(pattern, label)| run(pattern, label))
}

fn file(pattern: &str, path: &FilePath) -> bool {
    if pattern == "**" {
        return true;
    }
    let (separator, pattern) = if let Some(rest) = pattern.strip_prefix("\\\\wsl.localhost\\") {
        if path.root != PathRoot::Wsl {
            return false;
        }
        ('\\', rest)
    } else if let Some(rest) = pattern.strip_prefix('~') {
        if path.root != PathRoot::Home {
            return false;
        }
        ('/', rest)
    } else if let Some(rest) = pattern.strip_prefix('/') {
        if path.root != PathRoot::Posix {
            return false;
        }
        ('/', rest)
    } else {
        let (drive, rest) = pattern.split_once(":\\").unwrap();
        let PathRoot::Drive(letter) = path.root else {
            return false;
        };
        if drive != "*" && drive != letter.to_string() {
            return false;
        }
        ('\\', rest)
    };
    let pattern: Vec<&str> = pattern
        .split(separator)
        .filter(|segment| !segment.is_empty())
        .collect();
    let path: Vec<&str> = path.segments.iter().map(String::as_str).collect();
    segments(&pattern, &path)
}

fn segments(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((&"**", rest)), None) => segments(rest, path),
        (Some((&"**", rest)), Some((_, tail))) => segments(rest, path) || segments(pattern, tail),
        (Some(_), None) => false,
        (Some((first, rest)), Some((segment, tail))) => run(first, segment) && segments(rest, tail),
    }
}

/// Whether a text is matched by a pattern in which `*` stands for any run of characters.
fn run(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            (0..=text.len())
                .filter(|at| text.is_char_boundary(*at))
                .any(|at| run(rest, &text[at..]))
        }
        Some(letter) => text
            .strip_prefix(letter)
            .is_some_and(|text| run(&pattern[letter.len_utf8()..], text)),
    }
}
