//! Parses requests in the notation of the command line: `tcp api.example.com:443`,
//! `get https://api.example.com/x`, `read /data/x`.

use std::net::IpAddr;

use thiserror::Error;

use super::authority::{PortError, has_user_info, port as parse_port, scheme_port};
use super::request::{AccessRequest, Destination, FilePath};
use model::docker::pattern::{GlobSegment, HostPattern, PathGlob, PathPattern};
use model::docker::{FileMode, Method, Transport};

/// The reason why a text is not a valid request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestParseError {
    /// The first word is not a known verb.
    #[error(
        "`{0}` is not a kind of request; use tcp, udp, an HTTP method such as get, read, write or mcp"
    )]
    Verb(String),
    /// Nothing follows the verb.
    #[error("`{0}` says no host, URL or path; write for example `tcp api.example.com:443`")]
    NoObject(String),
    /// A connection without a port.
    #[error("`{0}` has no port; write for example `api.example.com:443` or `[2001:db8::1]:443`")]
    NoPort(String),
    /// Invalid port.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A user name or a password in a host or URL.
    #[error("a request has no user name or password; remove the part up to the `@`")]
    UserInfo,
    /// Invalid host.
    #[error("`{host}` is not a host: {why}")]
    Host {
        /// The host as typed.
        host: String,
        /// The reason.
        why: String,
    },
    /// Invalid URL.
    #[error("`{0}` is not a URL; write for example `https://api.example.com/path`")]
    Url(String),
    /// Invalid path.
    #[error("`{path}` is not a path: {why}")]
    Path {
        /// The path as typed.
        path: String,
        /// The reason.
        why: String,
    },
    /// A wildcard where a single request is expected.
    #[error("`{0}` contains a wildcard; ask about one concrete request")]
    Wildcard(String),
}

impl AccessRequest {
    /// Parses a request: a verb, and a host, URL or path.
    ///
    /// # Errors
    /// The error names the invalid part and shows a valid form.
    pub fn parse(verb: &str, object: &str) -> Result<Self, RequestParseError> {
        let verb = verb.to_ascii_lowercase();
        let file_mode = FileMode::ALL.iter().find(|mode| mode.as_str() == verb);
        if file_mode.is_none() && has_user_info(object) {
            return Err(RequestParseError::UserInfo);
        }
        if object.contains('*') {
            return Err(RequestParseError::Wildcard(object.to_owned()));
        }
        if let Some(mode) = file_mode {
            return Ok(Self::File {
                mode: *mode,
                path: path(object)?,
            });
        }
        if let Some(transport) = Transport::ALL
            .iter()
            .find(|known| known.as_str() == format!("connect:{verb}"))
        {
            let (destination, port) = authority(object)?;
            let port = port.ok_or_else(|| RequestParseError::NoPort(object.to_owned()))?;
            return Ok(Self::Connect {
                transport: *transport,
                destination,
                port,
            });
        }
        if let Some(method) = Method::ALL
            .iter()
            .find(|known| known.as_str() == format!("request:{verb}"))
        {
            return http(*method, object);
        }
        Err(RequestParseError::Verb(verb))
    }
}

fn http(method: Method, url: &str) -> Result<AccessRequest, RequestParseError> {
    let (scheme, rest) = url
        .split_once("://")
        .ok_or_else(|| RequestParseError::Url(url.to_owned()))?;
    let default = scheme_port(scheme).ok_or_else(|| RequestParseError::Url(url.to_owned()))?;
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // Rules ignore queries and fragments.
    let path = path
        .split(['?', '#'])
        .next()
        .filter(|path| !path.is_empty())
        .unwrap_or("/");
    let (destination, port) = authority(host)?;
    let wrong = |why: String| RequestParseError::Path {
        path: path.to_owned(),
        why,
    };
    let glob = PathGlob::parse(path).map_err(|error| wrong(error.to_string()))?;
    Ok(AccessRequest::Http {
        method,
        destination,
        port: port.unwrap_or(default),
        path: texts(glob.segments()),
    })
}

/// Parses a host with an optional port.
fn authority(text: &str) -> Result<(Destination, Option<u16>), RequestParseError> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, Some(parse_port(port)?))
        }
        _ => (text, None),
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok((Destination::Address(address), port));
    }
    let wrong = |error: model::docker::pattern::PatternError| RequestParseError::Host {
        host: host.to_owned(),
        why: error.to_string(),
    };
    HostPattern::parse(host).map_err(wrong)?;
    Ok((Destination::Name(host.to_owned()), port))
}

fn path(text: &str) -> Result<FilePath, RequestParseError> {
    let wrong = |error: model::docker::pattern::PatternError| RequestParseError::Path {
        path: text.to_owned(),
        why: error.to_string(),
    };
    let pattern = PathPattern::parse(text).map_err(wrong)?;
    Ok(FilePath {
        root: pattern.root(),
        segments: texts(pattern.segments()),
    })
}

/// The segments of a path without wildcards.
fn texts<'s>(segments: impl Iterator<Item = GlobSegment<'s>>) -> Vec<String> {
    segments
        .map(|segment| match segment {
            GlobSegment::Text(text) | GlobSegment::Glob(text) => text.to_owned(),
            GlobSegment::Deep => "**".to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(verb: &str, object: &str) -> String {
        AccessRequest::parse(verb, object)
            .map_or_else(|error| format!("! {error}"), |request| request.to_string())
    }

    #[test]
    fn requests_are_read_as_people_type_them() {
        let cases = [
            ("tcp", "api.example.com:443", "tcp api.example.com:443"),
            ("UDP", "10.0.0.1:53", "udp 10.0.0.1:53"),
            ("tcp", "[2001:db8::1]:443", "tcp [2001:db8::1]:443"),
            (
                "get",
                "https://api.example.com/a/b?q=1#f",
                "get https://api.example.com/a/b",
            ),
            (
                "get",
                "HTTPS://a.example.com/x",
                "get https://a.example.com/x",
            ),
            ("read", "/data/@x", "read /data/@x"),
            (
                "post",
                "http://api.example.com:8080",
                "post https://api.example.com:8080/",
            ),
            ("read", "/data/x", "read /data/x"),
            ("write", "~/work", "write ~/work"),
            ("read", "C:\\data\\x", "read C:\\data\\x"),
        ];
        for (verb, object, expected) in cases {
            assert_eq!(read(verb, object), expected);
        }
    }

    #[test]
    fn what_is_no_request_is_explained() {
        let cases = [
            ("ping", "a.example.com", "not a kind of request"),
            ("tcp", "a.example.com", "has no port"),
            ("tcp", "a.example.com:0", "port `0` must be between"),
            ("tcp", "[2001:db8::1]:65536", "port `65536` must be between"),
            (
                "get",
                "https://a.example.com:-1/x",
                "port `-1` must be between",
            ),
            ("udp", "a.example.com:443-444", "invalid port `443-444`"),
            ("tcp", "a.example.com:", "missing port"),
            (
                "get",
                "https://ann:pass*@a.example.com/",
                "no user name or password",
            ),
            (
                "tcp",
                "ann:pass@a.example.com:443",
                "no user name or password",
            ),
            ("get", "ftp://a.example.com/", "is not a URL"),
            ("tcp", "a_b..c:443", "is not a host"),
            ("get", "a.example.com/x", "is not a URL"),
            ("get", "https://a.example.com/a/../b", "is not a path"),
            ("read", "data", "is not a path"),
            ("tcp", "*.example.com:443", "wildcard"),
        ];
        for (verb, object, expected) in cases {
            let error = read(verb, object);
            assert!(
                error.starts_with("! ") && error.contains(expected),
                "{error}"
            );
        }
    }
}
