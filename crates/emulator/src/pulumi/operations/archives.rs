//! The upload host: archives by tickets.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::pulumi::app::{PulumiApp, digest};
use crate::pulumi::objects::VersionStatus;
use crate::pulumi::refusal::PulumiRefusal;

/// The headers that an upload requires.
pub(crate) const REQUIRED_HEADERS: [(&str, &str); 2] = [
    ("Content-Type", "application/gzip"),
    ("x-amz-server-side-encryption", "AES256"),
];

/// Stores the bytes unchanged. Until `complete`, another upload replaces them.
pub(crate) fn upload(
    app: &PulumiApp,
    ticket: &str,
    headers: &HeaderMap,
    bytes: &[u8],
) -> Result<(), PulumiRefusal> {
    refuse_credentials(headers)?;
    for (name, value) in REQUIRED_HEADERS {
        let sent = headers
            .get_all(name)
            .iter()
            .map(|sent| sent.as_bytes())
            .collect::<Vec<_>>();
        if sent != [value.as_bytes()] {
            return Err(PulumiRefusal::forbidden(&format!(
                "the signature asks for the header {name}: {value}"
            )));
        }
    }
    if bytes.is_empty() {
        return Err(PulumiRefusal::bad_request("there is nothing to keep"));
    }
    app.store.write(|records| {
        let version = records.by_ticket(ticket)?.map(|(_, version)| version);
        match version.map(|version| version.status) {
            Some(VersionStatus::Incomplete) => {
                Ok(records.set_archive(ticket, &digest(bytes), bytes)?)
            }
            Some(VersionStatus::Complete | VersionStatus::Deleted) | None => {
                Err(PulumiRefusal::forbidden("the upload has expired"))
            }
        }
    })
}

pub(crate) fn download(
    app: &PulumiApp,
    ticket: &str,
    headers: &HeaderMap,
) -> Result<Vec<u8>, PulumiRefusal> {
    refuse_credentials(headers)?;
    app.store.read(|records| {
        let is_complete = records
            .by_ticket(ticket)?
            .is_some_and(|(_, version)| version.status == VersionStatus::Complete);
        let archive = if is_complete {
            records.archive(ticket)?
        } else {
            None
        };
        archive.ok_or_else(|| PulumiRefusal::not_found("archive"))
    })
}

/// The URL is signed. A token in the request was sent to the wrong host.
fn refuse_credentials(headers: &HeaderMap) -> Result<(), PulumiRefusal> {
    if headers.contains_key(AUTHORIZATION) {
        return Err(PulumiRefusal::bad_request(
            "only one authorization method is allowed: remove the Authorization header",
        ));
    }
    Ok(())
}
