//! What an error answer says.

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::error::ErrorKind;
use super::redact::Redactor;

/// The headers in which services give the request's id.
const REQUEST_ID: &[&str] = &["x-request-id", "x-correlation-id", "x-amzn-requestid", "cf-ray"];

/// Reads an error answer, in the shapes of the services: `{error: {code, message}}` (governance API),
/// `{detail, message, errinfo}` (the Hub's own errors), `{code, message}` (others).
pub(super) fn read(status: u16, headers: &HeaderMap, body: &[u8], redactor: &Redactor) -> ErrorKind {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let detail = body.get("error").filter(|error| error.is_object()).unwrap_or(&body);
    let text = |keys: &[&str]| {
        let found = keys.iter().filter_map(|key| detail.get(key)).find_map(scalar)?;
        let found = redactor.clean(&found);
        (!found.is_empty()).then_some(found)
    };
    ErrorKind::Refused {
        status,
        code: text(&["code"]),
        message: text(&["message", "detail", "error"]),
        request_id: request_id(headers, redactor),
    }
}

/// The id that the service gave to a request.
pub(super) fn request_id(headers: &HeaderMap, redactor: &Redactor) -> Option<String> {
    let id = REQUEST_ID.iter().find_map(|name| headers.get(*name)?.to_str().ok())?;
    Some(redactor.clean(id))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shapes_of_error_bodies() {
        let with = |code: Option<&str>, message: Option<&str>| ErrorKind::Refused {
            status: 400,
            code: code.map(str::to_owned),
            message: message.map(str::to_owned),
            request_id: Some("r1".to_owned()),
        };
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", "r1".parse().unwrap());
        for (body, wanted) in [
            (
                r#"{"error":{"code":"not_found","message":"no such policy"}}"#,
                with(Some("not_found"), Some("no such policy")),
            ),
            (r#"{"detail":"d","message":"m","errinfo":{}}"#, with(None, Some("m"))),
            (r#"{"detail":"d","message":""}"#, with(None, Some("d"))),
            (r#"{"code":404,"message":"m"}"#, with(Some("404"), Some("m"))),
            (r#"{"error":"text"}"#, with(None, Some("text"))),
            ("<html>", with(None, None)),
            ("[1]", with(None, None)),
            ("", with(None, None)),
        ] {
            assert_eq!(read(400, &headers, body.as_bytes(), &Redactor::default()), wanted, "{body}");
        }
    }
}
