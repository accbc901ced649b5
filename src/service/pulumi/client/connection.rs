//! An endpoint with the token that was given for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use secrecy::SecretString;
use serde_json::Value;

use super::credentials::TOKEN;
use super::reader::PulumiReader;
use super::target::PulumiOrganizationClient;
use super::writer::PulumiWriter;
use http::ConnectionError;
use http::OrganizationName;
use http::{
    ApiError, Authorization, DatedAnswer, Endpoint, ErrorKind, HostClient, HttpCall, HttpClient,
    Upload,
};

const REFUSED_TOKEN: &str =
    "PULUMI_ACCESS_TOKEN is not accepted; it may have expired or been deleted. Give a new one.";
/// What answers look like (contract: `Accept`).
const ACCEPT: &str = "application/vnd.pulumi+8";

/// An endpoint, the token bound to it, and the connections to it. Clones share all of them.
#[derive(Clone)]
pub struct PulumiConnection(Arc<PulumiConnectionInner>);

struct PulumiConnectionInner {
    host: HostClient,
    authorization: Authorization,
    /// Whether the registry stands below `/api/preview` here: the contract's two texts do not agree.
    has_preview: AtomicBool,
}

impl PulumiConnection {
    /// Binds a token to an endpoint. Nothing is sent yet.
    ///
    /// # Errors
    /// The HTTP client cannot be set up, or the token cannot be sent.
    pub fn new(
        http: &HttpClient,
        endpoint: &Endpoint,
        token: &SecretString,
    ) -> Result<Self, ConnectionError> {
        let host = http.bind(endpoint.clone())?;
        host.redactor().add_secret(token);
        let authorization = TOKEN.authorize(token)?;
        Ok(Self(Arc::new(PulumiConnectionInner {
            host,
            authorization,
            has_preview: AtomicBool::new(false),
        })))
    }

    /// Where requests go.
    pub fn endpoint(&self) -> &Endpoint {
        self.0.host.endpoint()
    }

    /// What the service warned of since this was asked last.
    pub fn take_warnings(&self) -> Vec<String> {
        self.0.host.take_warnings()
    }

    /// Reads an organization's packs and groups.
    pub fn reader(&self, organization: &OrganizationName) -> PulumiReader {
        PulumiReader::new(PulumiOrganizationClient::new(
            self.clone(),
            organization.clone(),
        ))
    }

    /// Changes an organization's packs and groups.
    pub fn writer(&self, organization: &OrganizationName) -> PulumiWriter {
        PulumiWriter::new(PulumiOrganizationClient::new(
            self.clone(),
            organization.clone(),
        ))
    }

    pub(super) fn failed(&self, call: &HttpCall, kind: ErrorKind) -> ApiError {
        self.0.host.failed(call, kind)
    }

    pub(super) async fn send(&self, call: HttpCall) -> Result<DatedAnswer<Value>, ApiError> {
        let PulumiConnectionInner {
            host,
            authorization,
            has_preview,
        } = &*self.0;
        let mut call = call.accepting(ACCEPT);
        let is_moved = has_preview.load(Ordering::Relaxed) && reroute(&mut call);
        let answer = host.send_with_date(&call, Some(authorization)).await;
        let answer = match answer {
            // No route at all, as no word of the service's own says: the other text of the contract has another one.
            Err(error) if is_unrouted(&error) && !is_moved && reroute(&mut call) => {
                let answer = host.send_with_date(&call, Some(authorization)).await;
                if !answer.as_ref().is_err_and(is_unrouted) {
                    has_preview.store(true, Ordering::Relaxed);
                }
                answer
            }
            answer => answer,
        };
        answer.map_err(|error| {
            if error.status() == Some(401) {
                error.with_help(REFUSED_TOKEN)
            } else {
                error
            }
        })
    }

    pub(super) async fn put(
        &self,
        call: &HttpCall,
        upload: &Upload,
        bytes: Vec<u8>,
    ) -> Result<(), ApiError> {
        self.0.host.put_to_other_host(call, upload, bytes).await
    }
}

/// Leads a call of the registry below `/api/preview`; tells whether it is one.
fn reroute(call: &mut HttpCall) -> bool {
    call.reroute(&["api", "registry"], &["api", "preview", "registry"])
}

/// A path that is not routed is answered in plain text (contract: errors).
fn is_unrouted(error: &ApiError) -> bool {
    match error.kind() {
        ErrorKind::Refused {
            status: 404,
            code: None,
            message,
            request_id: _,
        } => message
            .as_deref()
            .is_none_or(|message| message == "404 page not found"),
        ErrorKind::Refused { .. }
        | ErrorKind::Redirected { .. }
        | ErrorKind::Unreachable { .. }
        | ErrorKind::TimedOut
        | ErrorKind::Interrupted { .. }
        | ErrorKind::NotJson { .. }
        | ErrorKind::TooLong { .. }
        | ErrorKind::Malformed { .. }
        | ErrorKind::Incomplete { .. }
        | ErrorKind::RateLimited { .. }
        | ErrorKind::NotSent { .. }
        | ErrorKind::WrongDigest { .. } => false,
    }
}
