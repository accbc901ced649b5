//! Refused requests and their answers.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::task::JoinError;

use super::options::ErrorShape;
use crate::service::InvalidInput;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChainloopRefusal {
    status: StatusCode,
    message: String,
}

impl ChainloopRefusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// 400: the request is invalid.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 401: the token is missing or invalid.
    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid or missing token")
    }

    /// 403: the token is valid, but has no permission.
    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 404: `what` does not exist.
    pub(super) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} not found"))
    }

    /// 409: the name is taken.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 500: an internal error. `error` is only written to the emulator's own log.
    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "the emulator cannot answer a request");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
    }

    /// An error that a fault returns instead of an answer.
    pub(super) fn injected_error(status: StatusCode) -> Self {
        Self::new(status, "a fault that was asked for")
    }

    /// The gRPC code of the status.
    fn code(&self) -> u8 {
        match self.status.as_u16() {
            401 => 16,
            403 => 7,
            404 => 5,
            409 => 6,
            429 => 8,
            503 => 14,
            504 => 4,
            400..=499 => 3,
            _ => 13,
        }
    }

    /// The answer in the given shape.
    pub(super) fn shaped(self, shape: ErrorShape) -> Response {
        let code = self.code();
        let Self { status, message } = self;
        match shape {
            ErrorShape::Code => (
                status,
                Json(json!({"code": code, "message": message, "details": []})),
            )
                .into_response(),
            ErrorShape::Level => {
                let body = json!({"level": "error", "code": status.as_u16().to_string(), "reason": message});
                (status, Json(body)).into_response()
            }
            ErrorShape::Text => (status, format!("{message}\n")).into_response(),
            ErrorShape::Empty => status.into_response(),
        }
    }
}

/// The refusal is stored in the answer's extensions until the middleware `shape_errors` formats it.
impl IntoResponse for ChainloopRefusal {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<InvalidInput> for ChainloopRefusal {
    fn from(input: InvalidInput) -> Self {
        match input {
            InvalidInput::MediaType(expected) => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("the content type must be {expected}"),
            ),
            InvalidInput::TooLarge => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the request body is too large",
            ),
            InvalidInput::Malformed(message) => Self::invalid(message),
        }
    }
}

impl From<JoinError> for ChainloopRefusal {
    fn from(error: JoinError) -> Self {
        Self::internal(&error)
    }
}

impl From<rusqlite::Error> for ChainloopRefusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::internal(&error)
    }
}
