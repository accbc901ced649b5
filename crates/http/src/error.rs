//! Errors of calls.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::call::{HttpCall, RequestEffect};
use crate::redact::Redactor;

/// Whether a failed call may have changed the state of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailedCallOutcome {
    /// The server certainly did not apply the call, or the call only reads.
    NotApplied,
    /// The server may have applied the call. Read back the object before any further decision.
    Unknown,
}

/// Why the certificate of a server is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CertificateProblem {
    /// No trusted certificate authority issued it.
    #[error("the issuer of the server's certificate is not trusted on this machine")]
    UnknownIssuer,
    /// Its time is over.
    #[error("the server's certificate has expired")]
    Expired,
    /// Its time has not come.
    #[error("the server's certificate is not valid yet")]
    NotValidYet,
    /// It was issued for another host.
    #[error("the server's certificate is for another host name")]
    OtherName,
    /// Its authority revoked it.
    #[error("the server's certificate was revoked")]
    Revoked,
    /// Any other fault.
    #[error("the server's certificate is invalid")]
    Other,
}

impl CertificateProblem {
    fn help(self) -> &'static str {
        match self {
            Self::UnknownIssuer | Self::Other => {
                "If a proxy inspects TLS, set SSL_CERT_FILE to a PEM file with the certificate authority of the \
                 proxy (on macOS and Windows, add it to the system's trusted certificates)."
            }
            Self::Expired | Self::NotValidYet => {
                "Check the clock of this machine, and the certificate of the endpoint or of a proxy that inspects TLS."
            }
            Self::OtherName | Self::Revoked => {
                "Check the endpoint, and whether a proxy or a sign-in page answers in its place."
            }
        }
    }
}

/// The reasons why a call fails. All text from servers is cleaned by a [`Redactor`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ErrorKind {
    /// The server returned an error.
    #[error("the server answered {status}{}{}", code.as_ref().filter(|code| **code != status.to_string()).map(|code| format!(" {code}")).unwrap_or_default(),
        message.as_ref().map(|message| format!(": {message}")).unwrap_or_default())]
    Refused {
        /// HTTP status, 400 to 599.
        status: u16,
        /// Error code of the service.
        code: Option<String>,
        /// Error message of the service.
        message: Option<String>,
        /// Request id, for the support of the service.
        request_id: Option<String>,
    },
    /// The server returned a redirect. Redirects are never followed.
    #[error("the server redirected ({status}) to {}, which is not followed", to.as_deref().unwrap_or("nowhere"))]
    Redirected {
        /// HTTP status, 300 to 399.
        status: u16,
        /// Host that the redirect points to.
        to: Option<String>,
    },
    /// The connection failed, so nothing was sent.
    #[error("no connection could be made: {cause}")]
    Unreachable {
        /// Innermost cause.
        cause: String,
    },
    /// The certificate of the server was refused, so nothing was sent.
    #[error("{problem} ({cause})")]
    Certificate {
        /// The problem.
        problem: CertificateProblem,
        /// Error of the TLS library.
        cause: String,
    },
    /// No TLS connection was established, so nothing was sent.
    #[error("no TLS connection could be made: {cause}")]
    Tls {
        /// Error of the TLS library.
        cause: String,
    },
    /// The request exceeded its timeout.
    #[error("no complete answer came in time")]
    TimedOut,
    /// The connection was lost during the request.
    #[error("the connection broke: {cause}")]
    Interrupted {
        /// Innermost cause.
        cause: String,
    },
    /// The response is not JSON: a proxy or a captive portal may have answered instead of the
    /// server.
    #[error("the answer ({status}) is not JSON; its type is {}", content_type.as_deref().unwrap_or("not given"))]
    NotJson {
        /// HTTP status.
        status: u16,
        /// Media type of the response.
        content_type: Option<String>,
    },
    /// The response exceeds the size limit.
    #[error("the answer is longer than {limit} bytes")]
    TooLong {
        /// Limit in bytes.
        limit: usize,
    },
    /// The response does not conform to the API contract.
    #[error("the answer does not fit the contract: at {at}, expected {expected}")]
    Malformed {
        /// JSON path, starting with `$`.
        at: String,
        /// The expected form.
        expected: String,
    },
    /// The content does not match the digest in the response.
    #[error("digest mismatch: the server reports {said}, but the content has {computed}")]
    WrongDigest {
        /// Digest in the response.
        said: String,
        /// Digest of the received bytes.
        computed: String,
    },
    /// A listing is incomplete, so it says nothing about missing objects.
    #[error("the listing is incomplete: {why}")]
    Incomplete {
        /// Reason.
        why: String,
    },
    /// The server accepts nothing for longer than [`RetryPolicy::max_wait`](crate::RetryPolicy).
    #[error("the rate limit is used up, and the server asks to wait {} s more", wait.as_millis().div_ceil(1000))]
    RateLimited {
        /// Requested pause.
        wait: Duration,
    },
    /// The request is invalid for the service. Nothing was sent.
    #[error("the request was not sent: {why}")]
    NotSent {
        /// Reason.
        why: String,
    },
}

impl ErrorKind {
    fn outcome(&self, effect: RequestEffect) -> FailedCallOutcome {
        if effect == RequestEffect::Read {
            return FailedCallOutcome::NotApplied;
        }
        match self {
            // A request timeout (408) is the only client error after which the server may have
            // applied the request.
            Self::Refused { status, .. } if (400..500).contains(status) && *status != 408 => {
                FailedCallOutcome::NotApplied
            }
            Self::Unreachable { .. }
            | Self::Certificate { .. }
            | Self::Tls { .. }
            | Self::RateLimited { .. }
            | Self::NotSent { .. } => FailedCallOutcome::NotApplied,
            Self::Refused { .. }
            | Self::Redirected { .. }
            | Self::TimedOut
            | Self::Interrupted { .. }
            | Self::NotJson { .. }
            | Self::TooLong { .. }
            | Self::Malformed { .. }
            | Self::WrongDigest { .. }
            | Self::Incomplete { .. } => FailedCallOutcome::Unknown,
        }
    }

    fn help(&self) -> &'static str {
        match self {
            Self::Refused {
                status: 400 | 422, ..
            } => "The service does not accept this content; correct the manifest.",
            Self::Refused { status: 401, .. } => "Check the credentials.",
            Self::Refused { status: 403, .. } => {
                "Check that this account may do this in the organization."
            }
            Self::Refused { status: 404, .. } => {
                "It does not exist, or this account may not see it; check the organization's name and membership."
            }
            Self::Refused { status: 409, .. } => {
                "Something with this name exists already; plan again."
            }
            Self::Refused { status: 429, .. } => {
                "The service's rate limit is used up; run again later or with less concurrency."
            }
            Self::Refused { status: 500.., .. } => "The service has a fault; try again later.",
            Self::Refused { .. } => "Check the request against the service's contract.",
            Self::Redirected { .. } => "Check the endpoint's scheme, host and path.",
            Self::Certificate { problem, .. } => problem.help(),
            Self::Tls { .. } => {
                "Check that the endpoint speaks TLS on this port, and that no proxy interferes; a certificate \
                 authority of your own is trusted through SSL_CERT_FILE."
            }
            Self::Unreachable { .. } => "Check the endpoint, the network and the proxy settings.",
            Self::TimedOut | Self::Interrupted { .. } => {
                "Try again; if it stays, check the network."
            }
            Self::NotJson { .. } => {
                "Check that the endpoint is the service itself and not a proxy or sign-in page."
            }
            Self::TooLong { .. } => "Check that the endpoint is the service itself.",
            Self::Malformed { .. } => {
                "Check that the target's profile is the one that the service speaks."
            }
            Self::WrongDigest { .. } => {
                "The answer was not used. Run again, and contact the support of the service if the error remains."
            }
            Self::Incomplete { .. } => "Nothing was concluded from it; run again.",
            Self::RateLimited { .. } => {
                "Run again after that time, or allow longer waits with --max-wait."
            }
            Self::NotSent { .. } => "Correct the target's configuration or the manifest.",
        }
    }
}

/// A failed call: operation, object, host, reason, outcome and the next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError(Box<ApiErrorDetails>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct ApiErrorDetails {
    operation: &'static str,
    resource: String,
    host: String,
    kind: ErrorKind,
    outcome: FailedCallOutcome,
    help: Cow<'static, str>,
}

impl ApiError {
    /// Creates the error of a failed call. External text in `kind` must already be redacted.
    pub(crate) fn new(call: &HttpCall, host: &str, kind: ErrorKind, redactor: &Redactor) -> Self {
        let outcome = kind.outcome(call.effect);
        let help = Cow::Borrowed(kind.help());
        let resource = redactor.clean(&call.resource);
        Self(Box::new(ApiErrorDetails {
            operation: call.operation,
            resource,
            host: host.to_owned(),
            kind,
            outcome,
            help,
        }))
    }

    /// Replaces the advice of [`help`](Self::help).
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.0.help = help.into();
        self
    }

    /// The operation's name in the API contract: `createRule`.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// The object that the call concerns.
    pub fn resource(&self) -> &str {
        &self.0.resource
    }

    /// Host and port of the server.
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// The reason for the failure.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Whether the call may have changed state.
    pub fn outcome(&self) -> FailedCallOutcome {
        self.0.outcome
    }

    /// The next step, as a sentence.
    pub fn help(&self) -> &str {
        &self.0.help
    }

    /// The HTTP status, if the server returned an error.
    pub fn status(&self) -> Option<u16> {
        match &self.0.kind {
            ErrorKind::Refused { status, .. }
            | ErrorKind::Redirected { status, .. }
            | ErrorKind::NotJson { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The service's error code, such as `not_found`.
    pub fn code(&self) -> Option<&str> {
        match &self.0.kind {
            ErrorKind::Refused { code, .. } => code.as_deref(),
            _ => None,
        }
    }

    /// Request id, for the support of the service.
    pub fn request_id(&self) -> Option<&str> {
        match &self.0.kind {
            ErrorKind::Refused { request_id, .. } => request_id.as_deref(),
            _ => None,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ApiErrorDetails {
            operation,
            resource,
            host,
            kind,
            outcome,
            help,
        } = self.0.as_ref();
        write!(f, "{operation} of {resource} at {host} failed: {kind}")?;
        if let Some(id) = self.request_id() {
            write!(f, " (request id {id})")?;
        }
        if *outcome == FailedCallOutcome::Unknown {
            f.write_str("; whether it was applied is unknown")?;
        }
        write!(f, ". {help}")
    }
}

impl std::error::Error for ApiError {}

#[cfg(test)]
mod tests {
    use reqwest::Method;

    use super::*;

    fn refused(status: u16) -> ErrorKind {
        ErrorKind::Refused {
            status,
            code: None,
            message: None,
            request_id: None,
        }
    }

    #[test]
    fn only_a_sure_refusal_of_a_write_counts_as_not_applied() {
        let unreachable = ErrorKind::Unreachable {
            cause: String::new(),
        };
        for (kind, wanted) in [
            (refused(400), FailedCallOutcome::NotApplied),
            (refused(409), FailedCallOutcome::NotApplied),
            (refused(429), FailedCallOutcome::NotApplied),
            (unreachable, FailedCallOutcome::NotApplied),
            (refused(408), FailedCallOutcome::Unknown),
            (refused(500), FailedCallOutcome::Unknown),
            (refused(503), FailedCallOutcome::Unknown),
            (ErrorKind::TimedOut, FailedCallOutcome::Unknown),
            (
                ErrorKind::Redirected {
                    status: 303,
                    to: None,
                },
                FailedCallOutcome::Unknown,
            ),
            (
                ErrorKind::NotJson {
                    status: 200,
                    content_type: None,
                },
                FailedCallOutcome::Unknown,
            ),
        ] {
            assert_eq!(kind.outcome(RequestEffect::Write), wanted, "{kind:?}");
            assert_eq!(
                kind.outcome(RequestEffect::Read),
                FailedCallOutcome::NotApplied,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn a_message_says_what_where_why_and_what_next() {
        let call = HttpCall::write(
            "createRule",
            "rule `a` of policy pol_1",
            Method::POST,
            Vec::new(),
        );
        let kind = ErrorKind::Refused {
            status: 500,
            code: Some("internal".to_owned()),
            message: Some("internal error".to_owned()),
            request_id: Some("r-1".to_owned()),
        };
        let error = ApiError::new(&call, "hub.example.com", kind, &Redactor::default());
        assert_eq!(
            error.to_string(),
            "createRule of rule `a` of policy pol_1 at hub.example.com failed: the server answered 500 internal: \
             internal error (request id r-1); whether it was applied is unknown. The service has a fault; try again later."
        );
    }
}
