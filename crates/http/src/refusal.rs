//! Error responses.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;

use crate::error::ErrorKind;
use crate::redact::Redactor;

/// Headers that contain the request id.
const REQUEST_ID: &[&str] = &[
    "x-request-id",
    "x-pulumi-request-id",
    "x-correlation-id",
    "x-amzn-requestid",
    "cf-ray",
];

/// Parses an error response in the forms of the services: `{error: {code, message}}` (governance
/// API), `{detail, message, errinfo}` (Docker Hub), `{code, message}` (others), `{level, code,
/// reason}` and plain text (Chainloop).
pub(super) fn read(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    redactor: &Redactor,
) -> ErrorKind {
    let plain = plain_text(headers, body);
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let detail = body
        .get("error")
        .filter(|error| error.is_object())
        .unwrap_or(&body);
    let text = |keys: &[&str]| {
        let found = keys
            .iter()
            .filter_map(|key| detail.get(key))
            .find_map(scalar)?;
        let found = redactor.clean(&found);
        (!found.is_empty()).then_some(found)
    };
    ErrorKind::Refused {
        status,
        code: text(&["code"]),
        message: match (
            text(&["message", "detail", "error", "reason"]),
            members(detail, redactor),
        ) {
            (Some(message), Some(members)) => Some(format!("{message} ({members})")),
            (message, members) => message
                .or(members)
                .or_else(|| plain.map(|text| redactor.clean(text))),
        },
        request_id: request_id(headers, redactor),
    }
}

/// The first line of a plain text response. Sign-in pages and error pages of gateways are HTML, so
/// they are not shown.
fn plain_text<'b>(headers: &HeaderMap, body: &'b [u8]) -> Option<&'b str> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let is_plain = content_type
        .split(';')
        .next()?
        .trim()
        .eq_ignore_ascii_case("text/plain");
    let text = std::str::from_utf8(body).ok().filter(|_| is_plain)?;
    // JSON is parsed as JSON regardless of its media type.
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .filter(|line| !line.starts_with('{'))
}

/// Formats `errors` (Pulumi: `{resource, attribute?, errorType, customMessage?}`).
fn members(body: &Value, redactor: &Redactor) -> Option<String> {
    const MOST: usize = 5;
    let errors = body.get("errors")?.as_array()?;
    let said = errors.iter().take(MOST).filter_map(|error| {
        let text = |key: &str| {
            error
                .get(key)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let why = text("customMessage").or_else(|| text("errorType"))?;
        let of = [text("resource"), text("attribute")]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(".");
        Some(redactor.clean(&if of.is_empty() {
            why.to_owned()
        } else {
            format!("{of}: {why}")
        }))
    });
    let said: Vec<String> = said.collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// The service's id of the request.
pub(super) fn request_id(headers: &HeaderMap, redactor: &Redactor) -> Option<String> {
    let id = REQUEST_ID
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok())?;
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
            (
                r#"{"detail":"d","message":"m","errinfo":{}}"#,
                with(None, Some("m")),
            ),
            (r#"{"detail":"d","message":""}"#, with(None, Some("d"))),
            (
                r#"{"code":404,"message":"m"}"#,
                with(Some("404"), Some("m")),
            ),
            (r#"{"error":"text"}"#, with(None, Some("text"))),
            (
                r#"{"level":"error","code":"x","reason":"r"}"#,
                with(Some("x"), Some("r")),
            ),
            (
                r#"{"code":400,"message":"bad","errors":[{"resource":"PolicyPack","attribute":"name","errorType":"invalid"},
                    {"resource":"Stack","errorType":"missing","customMessage":"no stack"},{"errorType":7}]}"#,
                with(
                    Some("400"),
                    Some("bad (PolicyPack.name: invalid; Stack: no stack)"),
                ),
            ),
            ("<html>", with(None, None)),
            ("[1]", with(None, None)),
            ("", with(None, None)),
        ] {
            assert_eq!(
                read(400, &headers, body.as_bytes(), &Redactor::default()),
                wanted,
                "{body}"
            );
        }
        headers.insert(CONTENT_TYPE, "text/plain; charset=utf-8".parse().unwrap());
        let plain = read(400, &headers, b"\n no such policy\n", &Redactor::default());
        assert_eq!(plain, with(None, Some("no such policy")));
        assert_eq!(
            read(400, &headers, b"\xff", &Redactor::default()),
            with(None, None)
        );
    }
}
