//! Patterns of requests as people type them: `tcp **.example.com:443`, `get https://api.example.com/**`, `read /data/**`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::model::Name;
use crate::model::docker::pattern::{HttpPattern, NetworkPattern, PathPattern};
use crate::model::docker::{Action, Decision, FileMode, HttpResource, Method, Resources, Rule, RuleAccess, Transport};

/// Why a text is no pattern of requests.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestPatternError {
    /// Only one word.
    #[error("`{0}` is no request; write its kind and what it is about, for example `tcp api.example.com:443`")]
    Alone(String),
    /// The first word is none of the known ones.
    #[error(
        "`{0}` is not a kind of request; use tcp, udp, an HTTP method such as get, http for all of them, read or write"
    )]
    Verb(String),
    /// What follows cannot be read.
    #[error("`{object}` cannot be read: {why}")]
    Object {
        /// What was written.
        object: String,
        /// Why it cannot be read.
        why: String,
    },
}

/// A set of requests that one line describes: those that a rule with such a resource is about.
///
/// `tcp` takes in whatever is spoken on the connection, so HTTP requests too. A line that [`Request`](super::Request)
/// reads as one request stands for it.
#[derive(Debug, Clone)]
pub struct RequestPattern {
    text: String,
    rule: Rule,
}

/// Two patterns are equal if they are about the same actions and the same resource, however they are written.
impl PartialEq for RequestPattern {
    fn eq(&self, other: &Self) -> bool {
        self.rule.access == other.rule.access
    }
}

impl Eq for RequestPattern {}

impl RequestPattern {
    /// A rule that allows these requests and no others.
    pub(super) fn rule(&self) -> &Rule {
        &self.rule
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
        let text = text.trim();
        let (verb, object) =
            text.split_once(char::is_whitespace).ok_or_else(|| RequestPatternError::Alone(text.to_owned()))?;
        let (verb, object) = (verb.to_ascii_lowercase(), object.trim());
        let (actions, resources) = parts(&verb, object)?;
        let wrong = |why: String| RequestPatternError::Object { object: object.to_owned(), why };
        let access = RuleAccess::new(actions, resources).map_err(|error| wrong(error.to_string()))?;
        let name = Name::new("pattern").map_err(|error| wrong(error.to_string()))?;
        Ok(Self { text: format!("{verb} {object}"), rule: Rule { name, decision: Decision::Allow, access } })
    }
}

fn parts(verb: &str, object: &str) -> Result<(Vec<Action>, Resources), RequestPatternError> {
    let wrong = |why: String| RequestPatternError::Object { object: object.to_owned(), why };
    if let Some(mode) = FileMode::ALL.iter().find(|mode| mode.as_str() == verb) {
        PathPattern::parse(object).map_err(|error| wrong(error.to_string()))?;
        return Ok((vec![Action::File(*mode)], Resources::Plain(vec![object.to_owned()])));
    }
    if let Some(transport) = Transport::ALL.iter().find(|known| known.as_str() == format!("connect:{verb}")) {
        // As requests are written, an IPv6 address may stand in brackets.
        let bare = object.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(object);
        NetworkPattern::parse(bare).map_err(|error| wrong(error.to_string()))?;
        return Ok((vec![Action::Connect(*transport)], Resources::Plain(vec![bare.to_owned()])));
    }
    let named = |method: &&Method| method.as_str() == format!("request:{verb}");
    let methods: Vec<Action> = match verb {
        "http" => Method::ALL.iter().copied().map(Action::Request).collect(),
        _ => Method::ALL.iter().filter(named).copied().map(Action::Request).collect(),
    };
    if methods.is_empty() {
        return Err(RequestPatternError::Verb(verb.to_owned()));
    }
    let resource = http(object).ok_or_else(|| {
        wrong(
            "it is no URL; write for example `https://api.example.com/**`, or leave the scheme out for every port"
                .into(),
        )
    })?;
    HttpPattern::parse(&resource).map_err(|errors| {
        let why: Vec<String> = errors.iter().map(|(field, error)| format!("{}: {error}", field.as_str())).collect();
        wrong(why.join("; "))
    })?;
    Ok((methods, Resources::Http(vec![resource])))
}

/// A URL with wildcards; without a scheme it means every port that it does not name.
fn http(url: &str) -> Option<HttpResource> {
    let (default, rest) = match url.split_once("://") {
        Some(("https", rest)) => (Some(443), rest),
        Some(("http", rest)) => (Some(80), rest),
        Some(_) => return None,
        None => (None, url),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (authority, default),
    };
    let path = if path.is_empty() { "/" } else { path };
    Some(HttpResource { host: host.to_owned(), port, path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        text.parse::<RequestPattern>().map_or_else(
            |error| format!("! {error}"),
            |pattern| {
                let resource = match pattern.rule.access.resources() {
                    Resources::Plain(texts) => texts.join(" "),
                    Resources::Http(targets) => targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
                };
                format!("{} {resource}", pattern.rule.access.actions().len())
            },
        )
    }

    #[test]
    fn patterns_are_read_as_people_type_them() {
        let cases = [
            ("tcp **.example.com:443", "1 **.example.com:443"),
            ("  UDP   10.0.0.0/8 ", "1 10.0.0.0/8"),
            ("tcp [2001:db8::1]", "1 2001:db8::1"),
            ("get https://api.example.com/**", "1 api.example.com:443/**"),
            ("get http://api.example.com", "1 api.example.com:80/"),
            ("post *.example.com:8080/x/*", "1 *.example.com:8080/x/*"),
            ("http api.example.com/**", "9 api.example.com/**"),
            ("read /data/**", "1 /data/**"),
            ("write C:\\Program Files\\*", "1 C:\\Program Files\\*"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected, "{text}");
        }
        let same =
            ["get https://a.example.com/x", "GET a.example.com:443/x"].map(|text| text.parse::<RequestPattern>());
        assert_eq!(same[0], same[1]);
        assert_eq!("TCP  a.example.com".parse::<RequestPattern>().unwrap().to_string(), "tcp a.example.com");
    }

    #[test]
    fn what_is_no_pattern_is_explained() {
        let cases = [
            ("", "is no request"),
            ("tcp", "is no request"),
            ("ping a.example.com", "not a kind of request"),
            ("tcp a.example.com:0", "cannot be read"),
            ("tcp https://a.example.com", "cannot be read"),
            ("tcp [2001:db8::1]:443", "cannot be read"),
            ("get ftp://a.example.com/", "is no URL"),
            ("get https://a.example.com:x/", "is no URL"),
            ("get https://a.example.com/a/../b", "path: "),
            ("read data", "cannot be read"),
        ];
        for (text, expected) in cases {
            let error = read(text);
            assert!(error.starts_with("! ") && error.contains(expected), "{text}: {error}");
        }
    }
}
