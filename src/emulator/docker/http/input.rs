//! Paths and bodies of requests.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::refusal::Refusal;

/// The parameters in the path, in their order.
pub(super) struct At<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(value)| Self(value)).map_err(|rejection| Refusal::invalid(rejection.body_text()))
    }
}

/// A body as it arrived, or why it did not.
pub(super) type RawBody = Result<Bytes, BytesRejection>;

/// The content of a JSON body: of the media type `media_type`, without null anywhere and without unknown or repeated
/// members (no schema of a request is nullable).
pub(super) fn body<T: DeserializeOwned>(headers: &HeaderMap, body: RawBody, media_type: &str) -> Result<T, Refusal> {
    let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let sent = sent.split_once(';').map_or(sent, |(essence, _)| essence).trim();
    if !sent.eq_ignore_ascii_case(media_type) {
        return Err(Refusal::media_type(media_type));
    }
    let bytes = body.map_err(|rejection| match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::too_large(),
        _ => Refusal::invalid("the request body cannot be read"),
    })?;
    let malformed = |error: serde_json::Error| Refusal::invalid(error.to_string());
    let value: Value = serde_json::from_slice(&bytes).map_err(malformed)?;
    if !value.is_object() {
        return Err(Refusal::invalid("the request body must be an object"));
    }
    if let Some(place) = place_of_null(&value) {
        return Err(Refusal::invalid(format!("{place} must not be null")));
    }
    serde_json::from_slice(&bytes).map_err(malformed)
}

/// Where the first null is, such as `scope.teams`.
fn place_of_null(value: &Value) -> Option<String> {
    let join = |name: String, rest: String| if rest.is_empty() { name } else { format!("{name}.{rest}") };
    match value {
        Value::Null => Some(String::new()),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| place_of_null(item).map(|rest| join(index.to_string(), rest))),
        Value::Object(members) => {
            members.iter().find_map(|(name, member)| place_of_null(member).map(|rest| join(name.clone(), rest)))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nulls_are_found_at_any_depth() {
        for (value, place) in [
            (json!({"a": 1, "b": [true, {"c": "x"}]}), None),
            (json!({"a": null}), Some("a")),
            (json!({"scope": {"teams": ["x", null]}}), Some("scope.teams.1")),
        ] {
            assert_eq!(place_of_null(&value).as_deref(), place, "{value}");
        }
    }
}
