//! The upload host: archives by tickets.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::pulumi::app::{App, digest};
use crate::pulumi::objects::Status;
use crate::pulumi::refusal::Refusal;

/// The headers that an upload requires.
pub(crate) const REQUIRED_HEADERS: [(&str, &str); 2] = [
    ("Content-Type", "application/gzip"),
    ("x-amz-server-side-encryption", "AES256"),
];

/// Stores the bytes unchanged. Until `complete`, another upload replaces them.
pub(crate) fn upload(
    app: &App,
    ticket: &str,
    headers: &HeaderMap,
    bytes: &[u8],
) -> Result<(), Refusal> {
    refuse_credentials(headers)?;
    for (name, value) in REQUIRED_HEADERS {
        let sent = headers
            .get_all(name)
            .iter()
            .map(|sent| sent.as_bytes())
            .collect::<Vec<_>>();
        if sent != [value.as_bytes()] {
            return Err(Refusal::forbidden(&format!(
                "the signature asks for the header {name}: {value}"
            )));
        }
    }
    if bytes.is_empty() {
        return Err(Refusal::bad_request("there is nothing to keep"));
    }
    app.store.write(|records| {
        let version = records.by_ticket(ticket)?.map(|(_, version)| version);
        match version.map(|version| version.status) {
            Some(Status::Incomplete) => Ok(records.set_archive(ticket, &digest(bytes), bytes)?),
            Some(Status::Complete | Status::Deleted) | None => {
                Err(Refusal::forbidden("the upload has expired"))
            }
        }
    })
}

pub(crate) fn download(app: &App, ticket: &str, headers: &HeaderMap) -> Result<Vec<u8>, Refusal> {
    refuse_credentials(headers)?;
    app.store.read(|records| {
        let is_complete = records
            .by_ticket(ticket)?
            .is_some_and(|(_, version)| version.status == Status::Complete);
        let archive = if is_complete {
            records.archive(ticket)?
        } else {
            None
        };
        archive.ok_or_else(|| Refusal::not_found("archive"))
    })
}

/// The URL is signed. A token in the request was sent to the wrong host.
fn refuse_credentials(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key(AUTHORIZATION) {
        return Err(Refusal::bad_request(
            "only one way to authorize is allowed: take the Authorization header away",
        ));
    }
    Ok(())
}
