//! Refused requests and their answers.

use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinError;

use crate::service::InvalidInput;

/// A refused request: a status and the error `{code, message, errors?}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PulumiRefusal {
    status: StatusCode,
    message: String,
    wrong: Option<InvalidAttribute>,
}

/// The invalid field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct InvalidAttribute {
    resource: &'static str,
    attribute: String,
    error_type: &'static str,
    custom_message: String,
}

impl PulumiRefusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            wrong: None,
        }
    }

    /// 400: the request is invalid.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 400: a field of the request is invalid.
    pub(super) fn invalid(
        resource: &'static str,
        attribute: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let attribute = attribute.into();
        let custom_message = message.into();
        let message = format!("Bad Request: {resource} {attribute}: {custom_message}");
        let wrong = Some(InvalidAttribute {
            resource,
            attribute,
            error_type: "invalid",
            custom_message,
        });
        Self {
            wrong,
            ..Self::new(StatusCode::BAD_REQUEST, message)
        }
    }

    /// 401: the token is missing or invalid.
    pub(super) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "Unauthorized: No credentials provided or are invalid.",
        )
    }

    /// 403: the token is valid, but has no permission.
    pub(super) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 404: `what` (for example `Policy Pack`) does not exist.
    pub(super) fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            format!("Not Found: {what} not found"),
        )
    }

    /// 409: the request conflicts with the current state.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 500: an internal error. `error` is only written to the emulator's own log.
    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "the emulator cannot answer a request");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }

    /// 500: the service cannot read data that it stored.
    pub(super) fn unreadable() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }

    /// An error that a fault returns instead of an answer.
    pub(super) fn injected_error(status: StatusCode) -> Self {
        Self::new(status, "a fault that was asked for")
    }

    /// The same refusal in the upload host's format: XML.
    pub(super) fn into_upload_response(self) -> Response {
        let Self {
            status,
            message,
            wrong: _,
        } = self;
        let code = match status {
            StatusCode::BAD_REQUEST => "InvalidRequest",
            StatusCode::FORBIDDEN => "AccessDenied",
            StatusCode::NOT_FOUND => "NoSuchKey",
            StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
            StatusCode::PAYLOAD_TOO_LARGE => "EntityTooLarge",
            status if status.is_client_error() => "InvalidRequest",
            _ => "InternalError",
        };
        let message = message.replace('&', "&amp;").replace('<', "&lt;");
        let text = format!(
            "<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>\n"
        );
        let mut response = (status, text).into_response();
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        response
    }
}

impl IntoResponse for PulumiRefusal {
    fn into_response(self) -> Response {
        let Self {
            status,
            message,
            wrong,
        } = self;
        let mut body = json!({"code": status.as_u16(), "message": message});
        if let (Some(wrong), Some(members)) = (wrong, body.as_object_mut()) {
            members.insert("errors".to_owned(), json!([wrong]));
        }
        (status, Json(body)).into_response()
    }
}

impl From<InvalidInput> for PulumiRefusal {
    fn from(input: InvalidInput) -> Self {
        match input {
            InvalidInput::MediaType(expected) => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("Unsupported Media Type: the content type must be {expected}"),
            ),
            InvalidInput::TooLarge => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the request body is too large",
            ),
            InvalidInput::Malformed(message) => {
                Self::bad_request(format!("Bad Request: {message}"))
            }
        }
    }
}

impl From<JoinError> for PulumiRefusal {
    fn from(error: JoinError) -> Self {
        Self::internal(&error)
    }
}

impl From<rusqlite::Error> for PulumiRefusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<getrandom::Error> for PulumiRefusal {
    fn from(error: getrandom::Error) -> Self {
        Self::internal(&error)
    }
}
