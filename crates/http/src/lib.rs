//! The HTTP client of all services.
//!
//! The crate does not depend on any service. Its guarantees:
//!
//! - **One host.** A [`HostClient`] is bound to an [`Endpoint`]. A [`HttpCall`] contains path segments,
//!   never a URL, and redirects are not followed, so a credential cannot reach another host.
//! - **No blind retry of a write.** A write is repeated only if the server certainly did not apply
//!   it.
//! - **Limits.** Concurrent requests, response sizes, retries and pauses are limited. All calls to a
//!   host share one pace, which follows the rate limit of the server.
//! - **No secrets in messages.** All text from servers passes a [`Redactor`] before it becomes part
//!   of an [`ApiError`].

#![warn(missing_docs)]

mod access_token;
mod answer;
mod call;
mod cause;
mod client;
mod endpoint;
mod endpoint_choice;
mod error;
pub mod json;
pub mod operation;
mod pace;
mod pause;
mod proxy;
mod redact;
mod refusal;
mod retry;
mod transport;
mod upload;

pub use access_token::{AccessTokenError, ConnectionError, TokenVariable};
pub use answer::DatedAnswer;
pub use call::{Authorization, AuthorizationError, HttpCall, RequestEffect};
pub use client::{HostClient, HttpClient};
pub use endpoint::{Endpoint, EndpointError, OrganizationName, OrganizationNameError};
pub use endpoint_choice::EndpointChoice;
pub use error::{ApiError, CertificateProblem, ErrorKind, FailedCallOutcome};
pub use pace::RateLimitNotice;
pub use proxy::ProxyVariableError;
pub use redact::Redactor;
pub use transport::{ClientError, HttpOptions, RetryPolicy};
pub use upload::Upload;
