//! HTTP handlers of the upload host, which does not use JSON.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::http::{PathParameters, RawBody};
use crate::pulumi::app::{PulumiApp, digest};
use crate::pulumi::operations::archives;
use crate::pulumi::refusal::PulumiRefusal;
use crate::service::EmulatedService as _;
use crate::service::InvalidInput;

pub(super) async fn upload(
    State(app): State<Arc<PulumiApp>>,
    PathParameters(ticket): PathParameters<String>,
    headers: HeaderMap,
    raw: RawBody,
) -> Response {
    let Ok(bytes) = raw else {
        return PulumiRefusal::from(InvalidInput::TooLarge).into_upload_response();
    };
    let tag = format!("\"{}\"", digest(&bytes));
    match app
        .run(move |app| archives::upload(app, &ticket, &headers, &bytes))
        .await
    {
        Ok(()) => match HeaderValue::from_str(&tag) {
            Ok(tag) => (StatusCode::OK, [(ETAG, tag)]).into_response(),
            Err(error) => PulumiRefusal::internal(&error).into_upload_response(),
        },
        Err(refusal) => refusal.into_upload_response(),
    }
}

pub(super) async fn download(
    State(app): State<Arc<PulumiApp>>,
    PathParameters(ticket): PathParameters<String>,
    headers: HeaderMap,
) -> Response {
    match app
        .run(move |app| archives::download(app, &ticket, &headers))
        .await
    {
        Ok(bytes) => (
            [(CONTENT_TYPE, HeaderValue::from_static("application/gzip"))],
            bytes,
        )
            .into_response(),
        Err(refusal) => refusal.into_upload_response(),
    }
}

pub(super) async fn not_found() -> Response {
    PulumiRefusal::not_found("object").into_upload_response()
}

pub(super) async fn no_such_operation() -> Response {
    (
        StatusCode::METHOD_NOT_ALLOWED,
        PulumiRefusal::injected_error(StatusCode::METHOD_NOT_ALLOWED).into_upload_response(),
    )
        .into_response()
}
