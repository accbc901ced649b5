//! Uploads to an address that a server returned. It is the only address that comes from outside, so
//! it is restricted: no credential is sent, plain http only to loopback, and redirects are not
//! followed.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};
use thiserror::Error;

use crate::answer;
use crate::endpoint::Endpoint;
use crate::error::ErrorKind;
use crate::redact::Redactor;
use crate::refusal;
use crate::transport::{HttpOptions, build};

/// Headers that a server cannot request because they belong to the client.
const OWN_HEADERS: &[&str] = &[
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// An upload address returned by a server. `Debug` shows only the host because anyone who knows the
/// address can upload.
#[derive(Clone, PartialEq, Eq)]
pub struct Upload {
    url: String,
    headers: BTreeMap<String, String>,
}

/// The upload address was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum UploadError {
    /// The address is not a URL.
    #[error("the upload address is not a URL")]
    NotUrl,
    /// The address is neither https nor http to loopback.
    #[error("the upload address does not use https")]
    Scheme,
    /// The address is loopback although the service is remote.
    #[error("the upload address is this machine, but the service is not on this machine")]
    Loopback,
    /// The address contains a user name or password.
    #[error("the upload address contains a user name or password")]
    UserInfo,
    /// A requested header that only the client may set.
    #[error("the service asks for the header `{0}`, which is not sent")]
    Header(String),
}

impl Upload {
    /// Creates the address from a response. It is checked before use.
    pub fn new(url: String, headers: BTreeMap<String, String>) -> Self {
        Self { url, headers }
    }

    /// The host for messages. The rest of the address is secret.
    pub fn host(&self) -> String {
        let url = Url::parse(&self.url).ok();
        url.as_ref()
            .and_then(Url::host_str)
            .unwrap_or("an unknown host")
            .to_owned()
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({}, ..)", self.host())
    }
}

/// An address that passed all checks.
#[derive(Clone)]
pub(super) struct CheckedUpload {
    url: Url,
    headers: HeaderMap,
    base: Endpoint,
    pub(super) host: String,
}

/// Checks an address. `from` is the endpoint of the server that returned it.
pub(super) fn check(upload: &Upload, from: &Endpoint) -> Result<CheckedUpload, UploadError> {
    let Upload { url, headers } = upload;
    let url = Url::parse(url).map_err(|_| UploadError::NotUrl)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UploadError::UserInfo);
    }
    let mut origin = url.clone();
    origin.set_query(None);
    origin.set_fragment(None);
    origin.set_path("/");
    // The same rules as for endpoints: https, or http to loopback.
    let base: Endpoint = origin.as_str().parse().map_err(|_| UploadError::Scheme)?;
    if base.is_loopback() && !from.is_loopback() {
        return Err(UploadError::Loopback);
    }
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let refused =
            || UploadError::Header(name.chars().filter(|c| !c.is_control()).take(64).collect());
        let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        if OWN_HEADERS.contains(&known.as_str()) {
            return Err(refused());
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| refused())?;
        value.set_sensitive(true);
        map.insert(known, value);
    }
    let host = base.host();
    Ok(CheckedUpload {
        url,
        headers: map,
        base,
        host,
    })
}

/// Sends the bytes once, without retries.
pub(super) async fn put(
    options: &HttpOptions,
    checked: CheckedUpload,
    bytes: Vec<u8>,
    redactor: &Redactor,
) -> Result<(), ErrorKind> {
    let CheckedUpload {
        url,
        headers,
        base,
        host,
    } = checked;
    let client: Client = build(options, &base).map_err(|error| ErrorKind::NotSent {
        why: redactor.clean(&error.to_string()),
    })?;
    // The address is secret, so only the host is logged.
    let sent = client.put(url).headers(headers).body(bytes).send().await;
    let response = sent.map_err(|error| answer::transport(&error.without_url(), redactor).kind)?;
    let status = response.status();
    tracing::debug!(
        operation = "upload",
        host,
        status = status.as_u16(),
        "answered"
    );
    if status.is_success() {
        return Ok(());
    }
    if status.is_redirection() {
        return Err(ErrorKind::Redirected {
            status: status.as_u16(),
            to: None,
        });
    }
    Err(refusal::read(
        status.as_u16(),
        response.headers(),
        &[],
        redactor,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_for_this_machine() {
        let there: Endpoint = "https://api.example.com".parse().unwrap();
        let here: Endpoint = "http://127.0.0.1:1".parse().unwrap();
        let try_url = |url: &str, from: &Endpoint| {
            check(&Upload::new(url.to_owned(), BTreeMap::new()), from).map(|checked| checked.host)
        };
        assert_eq!(
            try_url("https://files.example.com/a?sig=x#y", &there),
            Ok("files.example.com".to_owned())
        );
        assert_eq!(
            try_url("http://127.0.0.1:2/a", &here),
            Ok("127.0.0.1:2".to_owned())
        );
        for (url, why) in [
            ("http://files.example.com/a", UploadError::Scheme),
            ("ftp://files.example.com/a", UploadError::Scheme),
            ("file:///etc/passwd", UploadError::Scheme),
            ("http://127.0.0.1:2/a", UploadError::Loopback),
            ("https://localhost/a", UploadError::Loopback),
            ("https://me:pw@files.example.com/", UploadError::UserInfo),
            ("/a", UploadError::NotUrl),
        ] {
            assert_eq!(try_url(url, &there), Err(why), "{url}");
        }
        assert_eq!(
            try_url("http://files.example.com/a", &here),
            Err(UploadError::Scheme)
        );
    }

    #[test]
    fn headers_are_those_that_were_asked_for_and_no_credential() {
        let there: Endpoint = "https://api.example.com".parse().unwrap();
        let with = |name: &str, value: &str| {
            let headers = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            check(
                &Upload::new("https://files.example.com/a".to_owned(), headers),
                &there,
            )
            .map(|checked| checked.headers.len())
        };
        assert_eq!(with("x-amz-meta", "a"), Ok(1));
        assert_eq!(with("Content-Type", "application/gzip"), Ok(1));
        for bad in [
            "Authorization",
            "Host",
            "COOKIE",
            "content-length",
            "a b",
            "",
            "a\r\nb",
        ] {
            assert!(
                matches!(with(bad, "a"), Err(UploadError::Header(_))),
                "{bad}"
            );
        }
        assert!(with("x-a", "a\r\nb: c").is_err());
        let upload = Upload::new(
            "https://files.example.com/secret?sig=secret".to_owned(),
            BTreeMap::new(),
        );
        assert_eq!(format!("{upload:?}"), "Upload(files.example.com, ..)");
    }
}
