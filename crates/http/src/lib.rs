//! The one HTTP client of all providers.
//!
//! It knows nothing of any service. What it promises to all of them:
//! - **One host.** A [`HostClient`] is bound to an [`Endpoint`]; a [`Call`] holds path segments and never a URL, and
//!   redirects are not followed, so a credential cannot reach another host.
//! - **No blind retry of a write.** A write is sent again only when the server surely did not apply it.
//! - **Bounded.** Requests at a time, bytes of an answer, retries and pauses all have a limit.
//! - **No secrets in texts.** All that a server says passes a [`Redactor`] before it reaches an [`ApiError`].

pub mod access_token;
mod answer;
mod call;
mod client;
mod dated;
mod endpoint;
pub mod endpoint_choice;
mod error;
pub mod json;
pub mod operation;
mod options;
pub mod organization;
mod pause;
mod redact;
mod refusal;
mod retry;
mod upload;
mod warnings;

pub use access_token::{ConnectionError, CredentialsError};
pub use call::{Authorization, AuthorizationError, Call, Effect};
pub use client::{ClientError, HostClient, HttpClient};
pub use dated::Dated;
pub use endpoint::{Endpoint, EndpointError, SegmentError, check_segment};
pub use endpoint_choice::EndpointChoice;
pub use error::{ApiError, ErrorKind, Outcome};
pub use options::{HttpOptions, RetryPolicy};
pub use organization::{Organization, OrganizationError};
pub use redact::Redactor;
pub use upload::{Upload, UploadError};
