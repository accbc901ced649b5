//! Parses patterns of requests: `tcp **.example.com:443`, `get https://api.example.com/**`,
//! `read /data/**`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use smallvec::SmallVec;
use thiserror::Error;

use super::authority::{
    PortError, has_user_info, port as parse_port, scheme_port, without_user_info,
};
use super::parsed::{ParsedResource, ResourceDestination, file, network};
use super::terms::{ActionSet, ResourceMatcher};
use model::docker::pattern::{HostPattern, NetworkPattern, PathGlob, PathPattern};
use model::docker::{Decision, FileMode, Method, Transport};

/// The reason why a text is not a valid pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestPatternError {
    /// Nothing follows the verb.
    #[error(
        "invalid request `{0}`: expected a kind and a resource, for example `tcp api.example.com:443`"
    )]
    Alone(String),
    /// The first word is not a known verb.
    #[error(
        "`{0}` is not a kind of request; use tcp, udp, an HTTP method such as get, http for all of them, read or write"
    )]
    Verb(String),
    /// The text after the verb is invalid.
    #[error("`{object}` cannot be read: {why}")]
    Object {
        /// The text after the verb.
        object: String,
        /// The reason.
        why: String,
    },
}

/// A set of requests in one line: those that a rule with such a resource matches.
///
/// `tcp` includes everything sent on the connection, also HTTP requests. Every valid
/// `Request` is a pattern for itself. There are therefore patterns that rules
/// cannot express, such as `tcp 10.0.0.0/8:22`.
///
/// `PATTERN & PATTERN` matches the requests that both match. It describes crossing wildcards, such
/// as `tcp a*.example.com & tcp *b.example.com`, whose intersection no single pattern describes.
#[derive(Debug, Clone)]
pub struct RequestPattern {
    text: String,
    /// The patterns that must all match; at least one.
    parts: SmallVec<[ParsedResource; 1]>,
}

/// Patterns are equal if they have the same actions and resource, regardless of notation.
impl PartialEq for RequestPattern {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Eq for RequestPattern {}

impl RequestPattern {
    /// Resources of allow rules; the pattern matches the requests that all of them match.
    pub(crate) fn parts(&self) -> &[ParsedResource] {
        &self.parts
    }
}

impl fmt::Display for RequestPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for RequestPattern {
    type Err = RequestPatternError;

    fn from_str(text: &str) -> Result<Self, RequestPatternError> {
        let mut texts = Vec::new();
        let mut parts = SmallVec::new();
        for part in conjuncts(text) {
            let part = part.trim();
            let (verb, object) = part
                .split_once(char::is_whitespace)
                .ok_or_else(|| RequestPatternError::Alone(part.to_owned()))?;
            let verb = verb.to_ascii_lowercase();
            let object = object.trim();
            parts.push(parse(&verb, object)?);
            texts.push(format!("{verb} {object}"));
        }
        Ok(Self {
            text: texts.join(" & "),
            parts,
        })
    }
}

/// Splits at each ` & ` that a verb follows; paths may contain ` & ` too.
fn conjuncts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, separator) in text.match_indices(" & ") {
        let next = at + separator.len();
        let verb = text[next..].trim_start().split(char::is_whitespace).next();
        if verb.is_some_and(|verb| actions(&verb.to_ascii_lowercase()).is_some()) {
            parts.push(&text[start..at]);
            start = next;
        }
    }
    parts.push(&text[start..]);
    parts
}

/// What a verb means.
enum VerbActions {
    Connect(ActionSet),
    Http(ActionSet),
    File(ActionSet),
}

fn actions(verb: &str) -> Option<VerbActions> {
    if let Some(mode) = FileMode::ALL.iter().find(|mode| mode.as_str() == verb) {
        return Some(VerbActions::File(ActionSet::from_positions(
            [*mode as u16].into_iter(),
        )));
    }
    if let Some(transport) = Transport::ALL
        .iter()
        .find(|known| known.as_str() == format!("connect:{verb}"))
    {
        let transport = ActionSet::from_positions([*transport as u16].into_iter());
        return Some(VerbActions::Connect(transport));
    }
    let named = |method: &&Method| verb == "http" || method.as_str() == format!("request:{verb}");
    let methods = Method::ALL
        .iter()
        .filter(named)
        .map(|method| *method as u16);
    let methods = ActionSet::from_positions(methods);
    (!methods.is_empty()).then_some(VerbActions::Http(methods))
}

fn parse(verb: &str, object: &str) -> Result<ParsedResource, RequestPatternError> {
    let wrong = |why: String| RequestPatternError::Object {
        object: object.to_owned(),
        why,
    };
    let is_host = matches!(
        actions(verb),
        Some(VerbActions::Connect(_) | VerbActions::Http(_))
    );
    if is_host && has_user_info(object) {
        return Err(RequestPatternError::Object {
            object: without_user_info(object).into_owned(),
            why: "a request has no user name or password".to_owned(),
        });
    }
    match actions(verb) {
        Some(VerbActions::File(modes)) => {
            let pattern = PathPattern::parse(object).map_err(|error| wrong(error.to_string()))?;
            Ok(file(Decision::Allow, modes, pattern))
        }
        Some(VerbActions::Connect(transports)) => connect(transports, object).map_err(wrong),
        Some(VerbActions::Http(methods)) => http(methods, object).map_err(wrong),
        None => Err(RequestPatternError::Verb(verb.to_owned())),
    }
}

pub(crate) fn connect(transports: ActionSet, object: &str) -> Result<ParsedResource, String> {
    // Rules cannot combine a range or an IPv6 address with a port, but requests can.
    if let Some((net, port)) = net_with_port(object) {
        let port = port.map_err(|error| error.to_string())?;
        let about = ResourceMatcher::Connect {
            transports,
            port: Some(port),
        };
        return Ok(ParsedResource {
            decision: Decision::Allow,
            at: ResourceDestination::Net(net),
            about,
        });
    }
    // In requests, IPv6 addresses may be in brackets.
    let bare = object
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(object);
    let pattern = NetworkPattern::parse(bare).map_err(|error| error.to_string())?;
    Ok(network(Decision::Allow, transports, pattern))
}

/// Splits `10.0.0.0/8:22`, `[2001:db8::1]:443` or `[2001:db8::/32]:443`.
fn net_with_port(text: &str) -> Option<(IpNet, Result<u16, PortError>)> {
    let (head, port) = text.rsplit_once(':')?;
    let head = match head
        .strip_prefix('[')
        .and_then(|head| head.strip_suffix(']'))
    {
        Some(bare) => bare,
        None if head.contains('/') && !head.contains(':') => head,
        None => return None,
    };
    let net = head
        .parse::<IpAddr>()
        .map(IpNet::from)
        .or_else(|_| head.parse::<IpNet>())
        .ok()?;
    (net.trunc() == net).then(|| (net, parse_port(port)))
}

/// Parses a URL with wildcards. Without a scheme or a port, it matches every port.
pub(crate) fn http(methods: ActionSet, url: &str) -> Result<ParsedResource, String> {
    let no_url = "invalid URL; write for example `https://api.example.com/**`, or omit the scheme to match every port";
    let (default, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (Some(scheme_port(scheme).ok_or(no_url)?), rest),
        None => (None, url),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (
            host,
            Some(parse_port(port).map_err(|error| error.to_string())?),
        ),
        _ => (authority, default),
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let at = match bare.parse::<IpAddr>() {
        Ok(address) => ResourceDestination::Net(address.into()),
        Err(_) => ResourceDestination::Host(
            HostPattern::parse(host).map_err(|error| format!("host: {error}"))?,
        ),
    };
    let path = PathGlob::parse(path).map_err(|error| format!("path: {error}"))?;
    Ok(ParsedResource {
        decision: Decision::Allow,
        at,
        about: ResourceMatcher::Http {
            methods,
            port,
            path,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_as_people_type_them() {
        for text in [
            "tcp **.example.com:443",
            "udp 10.0.0.0/8",
            "tcp 10.0.0.0/8:22",
            "tcp [2001:db8::1]",
            "tcp [2001:db8::1]:443",
            "tcp [2001:db8::/32]:443",
            "get https://api.example.com/**",
            "post *.example.com:8080/x/*",
            "delete https://[2001:db8::1]/x",
            "http api.example.com/**",
            "read /data/**",
            "write C:\\Program Files\\*",
            "tcp a*.example.com & tcp *b.example.com:443",
        ] {
            assert_eq!(text.parse::<RequestPattern>().unwrap().to_string(), text);
        }
        let same = ["get https://a.example.com/x", "GET a.example.com:443/x"]
            .map(|text| text.parse::<RequestPattern>());
        assert_eq!(same[0], same[1]);
        assert_eq!(
            "TCP  a.example.com"
                .parse::<RequestPattern>()
                .unwrap()
                .to_string(),
            "tcp a.example.com"
        );
    }

    #[test]
    fn what_is_no_pattern_is_explained() {
        let cases = [
            ("", "invalid request"),
            ("tcp", "invalid request"),
            ("ping a.example.com", "not a kind of request"),
            ("tcp a.example.com:0", "cannot be read"),
            ("tcp https://a.example.com", "cannot be read"),
            ("get ftp://a.example.com/", "invalid URL"),
            ("get https://a.example.com:x/", "invalid port `x`"),
            ("tcp 10.0.0.0/8:65536", "port `65536` must be between"),
            ("get https://a:b@a.example.com/", "no user name or password"),
            ("get https://a.example.com/a/../b", "path: "),
            ("read data", "cannot be read"),
        ];
        for (text, expected) in cases {
            let error = text.parse::<RequestPattern>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
