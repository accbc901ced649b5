//! Paths and bodies of requests.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::service::{EmulatedService, InvalidInput};

/// The path parameters in order.
pub(crate) struct PathParameters<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: EmulatedService> FromRequestParts<Arc<S>>
    for PathParameters<T>
{
    type Rejection = S::Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<S>) -> Result<Self, S::Refusal> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(value)| Self(value))
            .map_err(|rejection| InvalidInput::Malformed(rejection.body_text()).into())
    }
}

/// The body, or the error while reading it.
pub(crate) type RawBody = Result<Bytes, BytesRejection>;

/// The expected form of a JSON body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyFormat {
    pub(crate) media_type: &'static str,
    /// Whether it is a list of objects instead of an object.
    pub(crate) is_list: bool,
    /// Fields with arbitrary content. Nulls are valid only there.
    pub(crate) free: &'static [&'static str],
}

/// Parses a JSON body of the form `form`. Unknown fields, duplicate fields and nulls are errors.
pub(crate) fn body<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: RawBody,
    form: BodyFormat,
) -> Result<T, InvalidInput> {
    let BodyFormat {
        media_type,
        is_list,
        free,
    } = form;
    let sent = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let sent = sent
        .split_once(';')
        .map_or(sent, |(essence, _)| essence)
        .trim();
    if !sent.eq_ignore_ascii_case(media_type) {
        return Err(InvalidInput::MediaType(media_type));
    }
    let bytes = body.map_err(|rejection| match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => InvalidInput::TooLarge,
        _ => InvalidInput::Malformed("the request body cannot be read".to_owned()),
    })?;
    let malformed = |error: serde_json::Error| InvalidInput::Malformed(error.to_string());
    let value: Value = serde_json::from_slice(&bytes).map_err(malformed)?;
    // Serde would also read a struct from an array.
    let is_good = if is_list {
        value
            .as_array()
            .is_some_and(|items| items.iter().all(Value::is_object))
    } else {
        value.is_object()
    };
    if !is_good {
        let wanted = if is_list {
            "a list of objects"
        } else {
            "an object"
        };
        return Err(InvalidInput::Malformed(format!(
            "the request body must be {wanted}"
        )));
    }
    if let Some(place) = find_null(&value, free) {
        return Err(InvalidInput::Malformed(format!("{place} must not be null")));
    }
    serde_json::from_slice(&bytes).map_err(malformed)
}

/// Like [`body`], for requests that may also contain these fields with arbitrary values, which are
/// returned apart.
pub(crate) fn body_with_extras<T: DeserializeOwned>(
    headers: &HeaderMap,
    raw: RawBody,
    form: BodyFormat,
    extras: &[String],
) -> Result<(T, Map<String, Value>), InvalidInput> {
    let all = raw.as_ref().ok().filter(|_| !extras.is_empty());
    let all = all.and_then(|bytes| serde_json::from_slice::<Map<String, Value>>(bytes).ok());
    let Some(all) = all else {
        return Ok((body(headers, raw, form)?, Map::new()));
    };
    let (extra, known): (Map<_, _>, Map<_, _>) =
        all.into_iter().partition(|(name, _)| extras.contains(name));
    let known = Bytes::from(Value::Object(known).to_string());
    Ok((body(headers, Ok(known), form)?, extra))
}

/// The path of the first null, for example `scope.teams`.
fn find_null(value: &Value, free: &[&str]) -> Option<String> {
    let join = |name: String, rest: String| {
        if rest.is_empty() {
            name
        } else {
            format!("{name}.{rest}")
        }
    };
    match value {
        Value::Null => Some(String::new()),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            find_null(item, free).map(|rest| join(index.to_string(), rest))
        }),
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !free.contains(&name.as_str()))
            .find_map(|(name, member)| {
                find_null(member, free).map(|rest| join(name.clone(), rest))
            }),
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
            (
                json!({"scope": {"teams": ["x", null]}}),
                Some("scope.teams.1"),
            ),
            (json!({"free": {"a": null}, "b": {"free": null}}), None),
        ] {
            assert_eq!(find_null(&value, &["free"]).as_deref(), place, "{value}");
        }
    }
}
