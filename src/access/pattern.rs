//! Sets of requests as people type them: `tcp *.example.com:443`, `get https://api.example.com/**`, `read /data/**`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use super::parse::RequestError;
use super::parsed::{Parsed, Where, file, network};
use super::terms::{About, Actions};
use crate::model::docker::pattern::{HostPattern, NetworkPattern, PathGlob, PathPattern};
use crate::model::docker::{Decision, FileMode, Method, Transport};

/// A set of requests, as typed: a verb and a pattern. It matches what a rule with that action and that resource
/// matches, so that a `tcp` pattern matches HTTP requests over its connections too. In front of a path, `https://`
/// stands for port 443 and `http://` for port 80, unless a port is written.
#[derive(Debug, Clone)]
pub struct RequestPattern {
    text: String,
    parsed: Parsed,
}

impl RequestPattern {
    pub(super) fn parsed(&self) -> &Parsed {
        &self.parsed
    }
}

impl PartialEq for RequestPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for RequestPattern {}

impl fmt::Display for RequestPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for RequestPattern {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        let trimmed = text.trim();
        let Some((verb, object)) = trimmed.split_once(char::is_whitespace) else {
            return Err(RequestError::NoObject(trimmed.to_owned()));
        };
        let (verb, object) = (verb.to_ascii_lowercase(), object.trim_start());
        let parsed = parse(&verb, object)?;
        Ok(Self { text: format!("{verb} {object}"), parsed })
    }
}

fn parse(verb: &str, object: &str) -> Result<Parsed, RequestError> {
    if let Some(mode) = FileMode::ALL.iter().find(|mode| mode.as_str() == verb) {
        let wrong = |why: String| RequestError::Path { path: object.to_owned(), why };
        let pattern = PathPattern::parse(object).map_err(|error| wrong(error.to_string()))?;
        return Ok(file(Decision::Allow, Actions::of([*mode as u16].into_iter()), pattern));
    }
    if let Some(transport) = Transport::ALL.iter().find(|known| known.as_str() == format!("connect:{verb}")) {
        return connect(Actions::of([*transport as u16].into_iter()), object);
    }
    if let Some(method) = Method::ALL.iter().find(|known| known.as_str() == format!("request:{verb}")) {
        return http(Actions::of([*method as u16].into_iter()), object);
    }
    Err(RequestError::Verb(verb.to_owned()))
}

fn connect(transports: Actions, object: &str) -> Result<Parsed, RequestError> {
    // Rules cannot hold a range or an IPv6 address with a port; requests can.
    if let Some((net, port)) = net_with_port(object) {
        let port = port.ok_or_else(|| RequestError::NoPort(object.to_owned()))?;
        let about = About::Connect { transports, port: Some(port) };
        return Ok(Parsed { decision: Decision::Allow, at: Where::Net(net), about });
    }
    let bare = object.strip_prefix('[').and_then(|object| object.strip_suffix(']')).unwrap_or(object);
    let wrong = |why: String| RequestError::Host { host: object.to_owned(), why };
    let pattern = NetworkPattern::parse(bare).map_err(|error| wrong(error.to_string()))?;
    Ok(network(Decision::Allow, transports, pattern))
}

/// `10.0.0.0/8:22`, `[2001:db8::1]:443` or `[2001:db8::/32]:443`; the port is nothing if it is none.
fn net_with_port(text: &str) -> Option<(IpNet, Option<u16>)> {
    let (head, port) = text.rsplit_once(':')?;
    let head = match head.strip_prefix('[').and_then(|head| head.strip_suffix(']')) {
        Some(bare) => bare,
        None if head.contains('/') => head,
        None => return None,
    };
    let net = head.parse::<IpAddr>().map(IpNet::from).or_else(|_| head.parse::<IpNet>()).ok()?;
    let port = port.parse().ok().filter(|port| *port > 0);
    (net.trunc() == net).then_some((net, port))
}

fn http(methods: Actions, url: &str) -> Result<Parsed, RequestError> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| RequestError::Url(url.to_owned()))?;
    let default = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return Err(RequestError::Url(url.to_owned())),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            let port = port.parse().ok().filter(|port| *port > 0);
            (host, port.ok_or_else(|| RequestError::NoPort(authority.to_owned()))?)
        }
        _ => (authority, default),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let at = match bare.parse::<IpAddr>() {
        Ok(address) => Where::Net(address.into()),
        Err(_) => Where::Host(
            HostPattern::parse(host)
                .map_err(|error| RequestError::Host { host: host.to_owned(), why: error.to_string() })?,
        ),
    };
    let wrong = |why: String| RequestError::Path { path: path.to_owned(), why };
    let path = PathGlob::parse(path).map_err(|error| wrong(error.to_string()))?;
    Ok(Parsed { decision: Decision::Allow, at, about: About::Http { methods, port: Some(port), path } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_and_shown() {
        for text in [
            "tcp *.example.com:443",
            "udp **.example.com",
            "tcp 10.0.0.0/8",
            "tcp 10.0.0.0/8:22",
            "tcp [2001:db8::1]:443",
            "tcp [2001:db8::/32]:443",
            "get https://api.example.com/**",
            "post http://*.example.com:8080/v1/*",
            "delete https://[2001:db8::1]/x",
            "read /data/**",
            "write C:\\data\\*.txt",
        ] {
            assert_eq!(text.parse::<RequestPattern>().unwrap().to_string(), text);
        }
        assert_eq!(
            " GET   https://a.example.com ".parse::<RequestPattern>().unwrap().to_string(),
            "get https://a.example.com"
        );
    }

    #[test]
    fn what_is_no_pattern_is_explained() {
        for (text, expected) in [
            ("tcp", "says no host, URL or path"),
            ("ping a.example.com", "not a kind of request"),
            ("tcp *", "is not a host"),
            ("tcp 10.0.0.0/8:0", "has no port"),
            ("tcp a.example.com:x", "is not a host"),
            ("get a.example.com/x", "is not a URL"),
            ("get ftp://a.example.com/x", "is not a URL"),
            ("get https://a.example.com/a//b", "is not a path"),
            ("get https://a.example.com:0/", "has no port"),
            ("read data/**", "is not a path"),
        ] {
            let error = text.parse::<RequestPattern>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
