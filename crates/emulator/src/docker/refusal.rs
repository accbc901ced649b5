//! Refused requests and their answers.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::task::JoinError;

use super::profile::EmulatorProfile;
use crate::service::InvalidInput;

/// A refused request: a status and the error envelope `{"error": {"code", "message"}}` (schema
/// `Error`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DockerRefusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl DockerRefusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// 400: the request is malformed or fails validation.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_argument", message)
    }

    /// 401: the token is missing or invalid.
    pub(super) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "unauthenticated",
        )
    }

    pub(super) fn with_message(self, message: &str) -> Self {
        Self {
            message: message.to_owned(),
            ..self
        }
    }

    /// 404: `what` (for example `policy`) does not exist.
    pub(super) fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("{what} not found"),
        )
    }

    /// An unknown organization. In `seed`, where listing and creating document no 404, it looks
    /// like an organization without permission.
    pub(super) fn unknown_organization(profile: EmulatorProfile) -> Self {
        if profile.hides_organizations() {
            Self::not_found("organization")
        } else {
            Self::new(
                StatusCode::FORBIDDEN,
                "permission_denied",
                "permission denied",
            )
        }
    }

    /// 405: the path exists, but not with this method.
    pub(super) fn no_such_operation() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "unimplemented",
            "method not allowed",
        )
    }

    /// 409: `what` (for example `policy name`) is already in use.
    pub(super) fn conflict(what: &str) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "conflict",
            format!("{what} already in use"),
        )
    }

    /// 413: the body exceeds the limit.
    fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "invalid_argument",
            "the request body is too large",
        )
    }

    /// 415: the body has another media type than the operation expects.
    fn media_type(expected: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "invalid_argument",
            format!("the content type must be {expected}"),
        )
    }

    /// A full organization or policy: 403 `limit_exceeded`, or 400 if the profile does not have
    /// this code.
    pub(super) fn limit(profile: EmulatorProfile, message: String) -> Self {
        if profile.has_limit_exceeded() {
            Self::new(StatusCode::FORBIDDEN, "limit_exceeded", message)
        } else {
            Self::invalid(message)
        }
    }

    /// 500: an internal error. `error` is only written to the emulator's own log.
    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "the emulator cannot answer a request");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "internal error",
        )
    }

    /// An error that a fault returns instead of an answer. The contract does not define a code for
    /// every status.
    pub(super) fn injected_error(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::BAD_REQUEST => "invalid_argument",
            StatusCode::UNAUTHORIZED => "unauthenticated",
            StatusCode::FORBIDDEN => "permission_denied",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::CONFLICT => "conflict",
            StatusCode::TOO_MANY_REQUESTS => "rate_limited",
            status if status.is_client_error() => "invalid_argument",
            _ => "internal",
        };
        Self::new(status, code, "a fault that was asked for")
    }

    /// The same refusal in the format of Docker Hub's own endpoints: `{"detail", "message",
    /// "errinfo"}`.
    pub(super) fn into_hub_response(self) -> Response {
        let Self {
            status,
            code: _,
            message,
        } = self;
        (
            status,
            Json(json!({"detail": message, "message": message, "errinfo": {}})),
        )
            .into_response()
    }
}

impl IntoResponse for DockerRefusal {
    fn into_response(self) -> Response {
        let Self {
            status,
            code,
            message,
        } = self;
        (
            status,
            Json(json!({"error": {"code": code, "message": message}})),
        )
            .into_response()
    }
}

impl From<InvalidInput> for DockerRefusal {
    fn from(input: InvalidInput) -> Self {
        match input {
            InvalidInput::MediaType(expected) => Self::media_type(expected),
            InvalidInput::TooLarge => Self::too_large(),
            InvalidInput::Malformed(message) => Self::invalid(message),
        }
    }
}

impl From<JoinError> for DockerRefusal {
    fn from(error: JoinError) -> Self {
        Self::internal(&error)
    }
}

impl From<rusqlite::Error> for DockerRefusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<getrandom::Error> for DockerRefusal {
    fn from(error: getrandom::Error) -> Self {
        Self::internal(&error)
    }
}
