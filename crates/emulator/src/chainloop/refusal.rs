//! Why a request is refused, as the service says it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::task::JoinError;

use super::options::ErrorShape;
use crate::service::BadInput;

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// 400: the request cannot be followed.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 401: no token, or one that is not good.
    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid or missing token")
    }

    /// 403: the token is good, but not for this.
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

    /// 500: the emulator failed; `error` goes to the emulator's own log only.
    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "the emulator cannot answer a request");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
    }

    /// An error that a fault puts in the place of the answer.
    pub(super) fn on_purpose(status: StatusCode) -> Self {
        Self::new(status, "a fault that was asked for")
    }

    /// The code of gRPC that goes with the status.
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

    /// The answer, in one of the shapes that the service knows.
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

/// A refusal waits in the answer until it is shaped, on the way out.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<BadInput> for Refusal {
    fn from(input: BadInput) -> Self {
        match input {
            BadInput::MediaType(expected) => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("the content type must be {expected}"),
            ),
            BadInput::TooLarge => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the request body is too large",
            ),
            BadInput::Malformed(message) => Self::invalid(message),
        }
    }
}

impl From<JoinError> for Refusal {
    fn from(error: JoinError) -> Self {
        Self::internal(&error)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::internal(&error)
    }
}
