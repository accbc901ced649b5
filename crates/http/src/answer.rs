//! Reads responses: JSON, or the reason why there is none; the date; warnings.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Response, StatusCode, Url};
use serde_json::Value;

use crate::call::ExpectedAnswer;
use crate::cause::{chain, innermost};
use crate::error::{CertificateProblem, ErrorKind};
use crate::redact::Redactor;
use crate::refusal;
use crate::retry::{AttemptFailure, Retry};

/// Reads the complete response. `asked` is the wait requested by its headers.
pub(super) async fn read(
    response: Response,
    expects: ExpectedAnswer,
    asked: Option<Duration>,
    limit: usize,
    redactor: &Redactor,
) -> Result<Value, AttemptFailure> {
    let status = response.status();
    let headers = response.headers().clone();
    let url = response.url().clone();
    if status.is_redirection() {
        let to = target(&headers, &url).map(|host| redactor.clean(&host));
        return Err(AttemptFailure::last(ErrorKind::Redirected {
            status: status.as_u16(),
            to,
        }));
    }
    if !status.is_success() {
        // The status decides. If the body is incomplete, only the message is lost.
        let body = body(response, limit, redactor).await.unwrap_or_default();
        let kind = refusal::read(status.as_u16(), &headers, &body, redactor);
        return Err(AttemptFailure {
            kind,
            retry: retry_of(status, asked),
        });
    }
    let body = body(response, limit, redactor).await?;
    if expects == ExpectedAnswer::JsonOrNothing && body.is_empty() {
        return Ok(Value::Null);
    }
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let value = content_type
        .filter(|text| is_json(text))
        .and_then(|_| serde_json::from_slice(&body).ok());
    value.ok_or_else(|| {
        let content_type = content_type.map(|text| redactor.clean(text));
        AttemptFailure::last(ErrorKind::NotJson {
            status: status.as_u16(),
            content_type,
        })
    })
}

fn retry_of(status: StatusCode, asked: Option<Duration>) -> Retry {
    match status.as_u16() {
        429 => Retry::Later(asked),
        408 | 500 | 502 | 503 | 504 => Retry::Fault,
        _ => Retry::Never,
    }
}

/// The host that a redirect points to. The rest of the URL may contain a secret.
fn target(headers: &HeaderMap, from: &Url) -> Option<String> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    from.join(location).ok()?.host_str().map(str::to_owned)
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

async fn body(
    mut response: Response,
    limit: usize,
    redactor: &Redactor,
) -> Result<Vec<u8>, AttemptFailure> {
    let too_long = || AttemptFailure::last(ErrorKind::TooLong { limit });
    let announced = response.content_length().unwrap_or_default();
    let announced = usize::try_from(announced)
        .ok()
        .filter(|length| *length <= limit)
        .ok_or_else(too_long)?;
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| transport(&error, redactor))?
    {
        if body.len() + chunk.len() > limit {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Classifies an error below HTTP.
pub(super) fn transport(error: &reqwest::Error, redactor: &Redactor) -> AttemptFailure {
    let cause = redactor.clean(&innermost(error));
    if error.is_connect() {
        // Certificate errors are permanent, so they are not retried.
        return match tls(error) {
            Some(tls) => AttemptFailure::last(tls_error(tls, cause)),
            None => AttemptFailure {
                kind: ErrorKind::Unreachable { cause },
                retry: Retry::Unsent,
            },
        };
    }
    if error.is_builder() {
        return AttemptFailure::last(ErrorKind::NotSent { why: cause });
    }
    let kind = if error.is_timeout() {
        ErrorKind::TimedOut
    } else {
        ErrorKind::Interrupted { cause }
    };
    AttemptFailure {
        kind,
        retry: Retry::Fault,
    }
}

fn tls<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    chain(error).find_map(|error| error.downcast_ref())
}

fn tls_error(error: &rustls::Error, cause: String) -> ErrorKind {
    use rustls::CertificateError as Certificate;
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return ErrorKind::Tls { cause };
    };
    let problem = match certificate {
        Certificate::Expired | Certificate::ExpiredContext { .. } => CertificateProblem::Expired,
        Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
            CertificateProblem::NotValidYet
        }
        Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
            CertificateProblem::OtherName
        }
        Certificate::Revoked => CertificateProblem::Revoked,
        Certificate::UnknownIssuer | Certificate::BadSignature => CertificateProblem::UnknownIssuer,
        _ => CertificateProblem::Other,
    };
    ErrorKind::Certificate { problem, cause }
}

/// A response with the server's own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatedAnswer<T> {
    /// The content of the response.
    pub what: T,
    /// The `Date` header, if present and valid.
    pub date: Option<Timestamp>,
}

impl<T> DatedAnswer<T> {
    /// Converts the content and keeps the date.
    pub fn map<U>(self, other: impl FnOnce(T) -> U) -> DatedAnswer<U> {
        DatedAnswer {
            what: other(self.what),
            date: self.date,
        }
    }
}

impl<T> std::ops::Deref for DatedAnswer<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.what
    }
}

/// Headers that contain warnings.
const WARNING_HEADERS: &[&str] = &["x-pulumi-warning"];
/// Maximum number of different warnings.
const MOST_WARNINGS: usize = 20;

/// Warnings that were not reported yet, each text once.
#[derive(Debug, Default)]
pub(super) struct Warnings(Mutex<BTreeSet<String>>);

impl Warnings {
    /// Stores the warnings of a response.
    pub(super) fn record_warnings(&self, headers: &HeaderMap, redactor: &Redactor) {
        for text in WARNING_HEADERS
            .iter()
            .filter_map(|name| headers.get(*name)?.to_str().ok())
        {
            let text = redactor.clean(text);
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if !text.is_empty() && kept.len() < MOST_WARNINGS {
                kept.insert(text);
            }
        }
    }

    /// Returns and clears the warnings.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
            .into_iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_are_refused_are_explained() {
        use rustls::{CertificateError as Certificate, Error};
        for (error, message, problem) in [
            (
                Certificate::UnknownIssuer,
                "not trusted",
                Some(CertificateProblem::UnknownIssuer),
            ),
            (
                Certificate::Expired,
                "expired",
                Some(CertificateProblem::Expired),
            ),
            (
                Certificate::NotValidForName,
                "another host name",
                Some(CertificateProblem::OtherName),
            ),
        ] {
            let kind = tls_error(&Error::InvalidCertificate(error), "cause".to_owned());
            assert!(kind.to_string().contains(message), "{kind}");
            let found = match kind {
                ErrorKind::Certificate { problem, .. } => Some(problem),
                _ => None,
            };
            assert_eq!(found, problem);
        }
        let kind = tls_error(&Error::DecryptError, "cause".to_owned());
        assert_eq!(kind.to_string(), "no TLS connection could be made: cause");
    }

    #[test]
    fn media_types_of_json() {
        for good in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON",
            "application/problem+json",
        ] {
            assert!(is_json(good), "{good}");
        }
        for bad in [
            "text/html",
            "",
            "application/jsonp",
            "text/x+json",
            "application/octet-stream",
        ] {
            assert!(!is_json(bad), "{bad}");
        }
    }

    #[test]
    fn of_a_redirect_only_the_host_is_taken() {
        let from: Url = "https://hub.example.com/v2/x".parse().unwrap();
        for (location, wanted) in [
            (
                "https://evil.example.com/x?token=secret",
                Some("evil.example.com"),
            ),
            (
                "https://user:secret@evil.example.com/",
                Some("evil.example.com"),
            ),
            ("/login", Some("hub.example.com")),
            ("//other.example.com/login", Some("other.example.com")),
            ("data:text/plain,x", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, location.parse().unwrap());
            assert_eq!(target(&headers, &from).as_deref(), wanted);
        }
    }
}
