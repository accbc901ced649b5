//! Addresses of services. All URLs are created here.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use reqwest::Url;
use thiserror::Error;

/// Maximum length of a path segment in bytes.
const LONGEST_SEGMENT: usize = 256;

/// A service's address: scheme, host, port and an optional path prefix.
///
/// The scheme is `https`, or `http` for loopback hosts (`localhost`, 127.0.0.0/8, `::1`). User
/// information, query and fragment are not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

/// Reasons why a text is not a valid [`Endpoint`]. The text is not included because it may contain
/// a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// The text is not a URL.
    #[error("the endpoint is not a URL; write it like `https://hub.example.com`")]
    NotUrl,
    /// The scheme is neither https nor http.
    #[error("the endpoint's scheme is not https; only https, and http to this machine, are used")]
    Scheme,
    /// Plain http to another machine would expose the credential to the network.
    #[error("plain http to `{0}` would expose the credential to the network; use https")]
    PlainHttp(String),
    /// The URL contains a user name or password.
    #[error(
        "the endpoint contains a user name or password; set the credentials in the environment instead"
    )]
    UserInfo,
    /// The URL contains a query or fragment.
    #[error(
        "the endpoint contains a query or a fragment; use scheme, host, port and path prefix only"
    )]
    Extra,
}

/// Reasons why a text is not a valid path segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum SegmentError {
    /// The text is empty.
    #[error("is empty")]
    Empty,
    /// The text is longer than any name or id of a service.
    #[error("is longer than {LONGEST_SEGMENT} bytes")]
    TooLong,
    /// The text is `.` or contains `..`.
    #[error("contains a dot segment")]
    Dots,
    /// The text contains white space, a control character, a non-ASCII character, or one with a
    /// meaning in URLs.
    #[error("contains a character that is not allowed in a path segment")]
    Character,
}

/// Checks that a text is safe as a path segment: visible ASCII without `/ \ ? # %`, and no dot
/// segment.
///
/// # Errors
/// Returns the violated rule.
pub(crate) fn check_segment(text: &str) -> Result<(), SegmentError> {
    if text.is_empty() {
        return Err(SegmentError::Empty);
    }
    if text.len() > LONGEST_SEGMENT {
        return Err(SegmentError::TooLong);
    }
    if text == "." || text.contains("..") {
        return Err(SegmentError::Dots);
    }
    if text
        .chars()
        .any(|c| !c.is_ascii_graphic() || matches!(c, '/' | '\\' | '?' | '#' | '%'))
    {
        return Err(SegmentError::Character);
    }
    Ok(())
}

impl Endpoint {
    /// Host and port for messages: `hub.docker.com`, `127.0.0.1:8080`.
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        match self.0.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Whether the host is a loopback address.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Whether the scheme is https.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Appends a path segment unless the path already ends with it.
    #[must_use]
    pub fn under(&self, segment: &str) -> Self {
        let present = self
            .0
            .path_segments()
            .and_then(|mut segments| segments.rfind(|s| !s.is_empty()));
        if present == Some(segment) {
            return self.clone();
        }
        let mut url = self.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(segment);
        }
        Self(url)
    }

    /// The URL of a path below this endpoint; segments and query are percent-encoded.
    ///
    /// # Errors
    /// A segment that [`check_segment`] rejects: text from a server or file must not lead to
    /// another path.
    pub(super) fn url(
        &self,
        path: &[String],
        query: &[(String, String)],
    ) -> Result<Url, SegmentError> {
        path.iter().try_for_each(|segment| check_segment(segment))?;
        let mut url = self.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl FromStr for Endpoint {
    type Err = EndpointError;
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let url = Url::parse(text.trim()).map_err(|_| EndpointError::NotUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => {
                return Err(EndpointError::PlainHttp(
                    url.host_str().unwrap_or_default().to_owned(),
                ));
            }
            _ => return Err(EndpointError::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointError::Extra);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// An organization's name, valid as a path segment (contract: `org_name`). It comes from a file
/// that a pull request can edit, so it is checked before it becomes part of a URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrganizationName(Arc<str>);

/// The text is not a valid organization name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the organization's name {0}")]
pub struct OrganizationNameError(SegmentError);

impl OrganizationName {
    /// The name as sent to the service.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrganizationName {
    type Err = OrganizationNameError;
    fn from_str(text: &str) -> Result<Self, OrganizationNameError> {
        check_segment(text).map_err(OrganizationNameError)?;
        Ok(Self(text.into()))
    }
}

impl fmt::Display for OrganizationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_anywhere_and_http_to_this_machine_only() {
        for good in [
            "https://hub.docker.com",
            "https://hub.example.com:8443/prefix/",
            "http://127.0.0.1:80",
            "http://[::1]:9",
            "http://localhost:1",
            "http://127.9.9.9/x",
        ] {
            assert!(good.parse::<Endpoint>().is_ok(), "{good}");
        }
        for (bad, why) in [
            ("hub.docker.com", EndpointError::NotUrl),
            ("", EndpointError::NotUrl),
            ("ftp://localhost", EndpointError::Scheme),
            ("file:///etc/passwd", EndpointError::Scheme),
            (
                "http://hub.docker.com",
                EndpointError::PlainHttp("hub.docker.com".to_owned()),
            ),
            (
                "http://localhost.example.com",
                EndpointError::PlainHttp("localhost.example.com".to_owned()),
            ),
            (
                "http://128.0.0.1",
                EndpointError::PlainHttp("128.0.0.1".to_owned()),
            ),
            ("https://me@hub.example.com", EndpointError::UserInfo),
            ("https://:pw@hub.example.com", EndpointError::UserInfo),
            ("https://hub.example.com?x=1", EndpointError::Extra),
            ("https://hub.example.com#x", EndpointError::Extra),
        ] {
            assert_eq!(bad.parse::<Endpoint>(), Err(why), "{bad}");
        }
    }

    #[test]
    fn a_refused_endpoint_does_not_repeat_its_password() {
        let error = "https://me:hunter2@hub.example.com"
            .parse::<Endpoint>()
            .unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        let error = "http://me:hunter2@hub.example.com"
            .parse::<Endpoint>()
            .unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn a_segment_is_appended_once() {
        for (given, wanted) in [
            ("https://hub.example.com", "https://hub.example.com/v2"),
            ("https://hub.example.com/v2/", "https://hub.example.com/v2"),
            ("https://hub.example.com/a/", "https://hub.example.com/a/v2"),
        ] {
            assert_eq!(
                given.parse::<Endpoint>().unwrap().under("v2").to_string(),
                wanted
            );
        }
    }

    #[test]
    fn urls_stay_below_the_endpoint() {
        let endpoint: Endpoint = "https://hub.example.com/a".parse().unwrap();
        let url = |segment: &str| endpoint.url(&["x".to_owned(), segment.to_owned()], &[]);
        assert_eq!(
            url("pol_1").unwrap().as_str(),
            "https://hub.example.com/a/x/pol_1"
        );
        assert_eq!(
            url("a;b\"").unwrap().as_str(),
            "https://hub.example.com/a/x/a;b%22"
        );
        for bad in [
            "",
            ".",
            "..",
            "a..b",
            "a/b",
            "a\\b",
            "a?b",
            "a#b",
            "%2e%2e",
            "a b",
            "a\nb",
            "é",
            &"x".repeat(300),
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
        let query = [("page_token".to_owned(), "a&b=c#d".to_owned())];
        let url = endpoint.url(&[], &query).unwrap();
        assert_eq!(
            url.query_pairs().collect::<Vec<_>>(),
            [("page_token".into(), "a&b=c#d".into())]
        );
    }
}
