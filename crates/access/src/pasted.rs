//! Requests in the forms that people paste from browsers, logs and manifests.

use model::docker::{FileMode, Method, Transport};

use super::authority::has_user_info;

/// A request with what was assumed about it. The object is not checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastedRequest {
    /// The kind of request.
    pub verb: String,
    /// What it is about.
    pub object: String,
    /// What the text does not say, such as `port 443`.
    pub assumptions: Vec<&'static str>,
}

impl PastedRequest {
    /// Reads one or two words. Nothing if a single word is neither a URL nor a host nor a path, so that it may be the
    /// name of something else.
    pub fn parse(first: &str, object: Option<&str>) -> Option<Self> {
        let first = first.trim();
        if let Some(object) = object {
            return Some(Self::with_verb(first, object));
        }
        if let Some((verb, object)) = first.split_once(char::is_whitespace) {
            return Some(Self::with_verb(verb, object.trim_start()));
        }
        let assumed = |verb, assumption| {
            let mut request = Self::with_verb(verb, first);
            request.assumptions.insert(0, assumption);
            Some(request)
        };
        if first.contains("://") {
            return assumed("get", "the method GET");
        }
        if first.starts_with('/') || first.starts_with('~') {
            return assumed("read", "reading");
        }
        let is_host = first.contains(['.', ':', '[']);
        match first.contains('/') {
            true if is_host => assumed("get", "the method GET"),
            false if is_host => assumed("tcp", "TCP"),
            _ => None,
        }
    }

    fn with_verb(verb: &str, object: &str) -> Self {
        let lower = verb.to_ascii_lowercase();
        let plain = lower
            .strip_prefix("connect:")
            .or_else(|| lower.strip_prefix("request:"))
            .unwrap_or(&lower);
        let is_transport = Transport::ALL
            .iter()
            .any(|known| known.as_str() == format!("connect:{plain}"));
        let is_method = Method::ALL
            .iter()
            .any(|known| known.as_str() == format!("request:{plain}"));
        let is_file = FileMode::ALL.iter().any(|mode| mode.as_str() == plain);
        // The parser refuses user names and passwords, and everything that it does not know.
        let is_left_alone = has_user_info(object) && !is_file;
        if is_left_alone || !(is_transport || is_method) {
            let verb = if is_file { plain } else { verb };
            return Self {
                verb: verb.to_owned(),
                object: object.to_owned(),
                assumptions: Vec::new(),
            };
        }
        let (object, assumptions) = if is_transport {
            destination(object)
        } else if object.contains("://") {
            (object.to_owned(), Vec::new())
        } else {
            (format!("https://{object}"), vec!["https"])
        };
        Self {
            verb: plain.to_owned(),
            object,
            assumptions,
        }
    }
}

/// Host and port of a URL or a bare host.
fn destination(text: &str) -> (String, Vec<&'static str>) {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    let host = if scheme.is_some() {
        rest.split(['/', '?', '#']).next().unwrap_or(rest)
    } else {
        rest
    };
    // An IPv6 address without brackets has no port.
    let is_address = host.matches(':').count() > 1 && !host.starts_with('[');
    let has_port = match host.rsplit_once(']') {
        Some((_, port)) => port.starts_with(':'),
        None => host.contains(':'),
    };
    if has_port && !is_address {
        return (host.to_owned(), Vec::new());
    }
    let host = if is_address {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    match scheme {
        Some(scheme) if scheme.eq_ignore_ascii_case("http") => (format!("{host}:80"), Vec::new()),
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => (format!("{host}:443"), Vec::new()),
        _ => (format!("{host}:443"), vec!["port 443"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccessQuestion, CedarRequestContext};

    /// The request that is asked about, with what was assumed.
    fn read(text: &str) -> String {
        let (first, object) = match text.split_once(" | ") {
            Some((first, object)) => (first, Some(object)),
            None => (text, None),
        };
        let Some(PastedRequest {
            verb,
            object,
            assumptions,
        }) = PastedRequest::parse(first, object)
        else {
            return "none".to_owned();
        };
        let question = format!("{verb} {object}");
        let question = AccessQuestion::parse(&question, &CedarRequestContext::default());
        let question = question.map_or_else(|error| format!("! {error}"), |it| it.to_string());
        [
            vec![question],
            assumptions.iter().map(ToString::to_string).collect(),
        ]
        .concat()
        .join("; ")
    }

    #[test]
    fn pasted_forms_are_read_and_assumptions_are_named() {
        let cases = [
            (
                "https://api.example.com/repos?page=1",
                "get https://api.example.com/repos; the method GET",
            ),
            ("api.example.com", "tcp api.example.com:443; TCP; port 443"),
            ("api.example.com:22", "tcp api.example.com:22; TCP"),
            (
                "api.example.com/repos",
                "get https://api.example.com/repos; the method GET; https",
            ),
            ("2001:db8::1", "tcp [2001:db8::1]:443; TCP; port 443"),
            ("[2001:db8::1]:22", "tcp [2001:db8::1]:22; TCP"),
            (
                "connect:tcp | api.example.com",
                "tcp api.example.com:443; port 443",
            ),
            ("connect:udp | api.example.com:53", "udp api.example.com:53"),
            ("tcp | https://api.example.com/x", "tcp api.example.com:443"),
            (
                "tcp | http://api.example.com:8080/x",
                "tcp api.example.com:8080",
            ),
            (
                "request:get | https://api.example.com/x",
                "get https://api.example.com/x",
            ),
            (
                "request:post | api.example.com/x",
                "post https://api.example.com/x; https",
            ),
            ("tcp api.example.com:443", "tcp api.example.com:443"),
            ("/data/x", "read /data/x; reading"),
            ("~/src", "read ~/src; reading"),
            ("read | /data/x", "read /data/x"),
            ("duplicate-key", "none"),
            ("5", "none"),
            ("localhost", "none"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_the_parser_refuses_is_still_refused() {
        for text in [
            "tcp | user:secret@api.example.com:443",
            "https://user:secret@api.example.com/",
            "ping | api.example.com",
            "tcp | *.example.com",
        ] {
            let told = read(text);
            assert!(told.starts_with("! ") && !told.contains("secret"), "{told}");
        }
    }
}
