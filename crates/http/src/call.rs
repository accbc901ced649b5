//! Requests, independent of a host.

use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use thiserror::Error;

/// Whether a request may change the state of the service, which decides about retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestEffect {
    /// Changes nothing, so it can be repeated.
    Read,
    /// May change state. It is repeated only if the service certainly did not apply it.
    Write,
}

/// One request: its operation in the API contract, the object it concerns, and the data to send.
///
/// `HttpCall` does not implement `Debug` because the body of a sign-in contains the secret.
pub struct HttpCall {
    pub(super) operation: &'static str,
    pub(super) resource: String,
    pub(super) effect: RequestEffect,
    pub(super) method: Method,
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<RequestBody>,
    pub(super) accept: &'static str,
    pub(super) expects: ExpectedAnswer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ExpectedAnswer {
    Json,
    /// An empty body counts as `null`.
    JsonOrNothing,
}

pub(super) struct RequestBody {
    pub(super) media_type: &'static str,
    pub(super) bytes: Vec<u8>,
}

impl HttpCall {
    /// Creates a GET request for a path below the endpoint. Error messages use `resource` to name
    /// the object, for example `policy pol_1`.
    pub fn read(operation: &'static str, resource: impl Into<String>, path: Vec<String>) -> Self {
        Self {
            operation,
            resource: resource.into(),
            effect: RequestEffect::Read,
            method: Method::GET,
            path,
            query: Vec::new(),
            body: None,
            accept: "application/json",
            expects: ExpectedAnswer::Json,
        }
    }

    /// Creates a request that may change state. Add the body with `Call::with_body`.
    pub fn write(
        operation: &'static str,
        resource: impl Into<String>,
        method: Method,
        path: Vec<String>,
    ) -> Self {
        Self {
            effect: RequestEffect::Write,
            method,
            ..Self::read(operation, resource, path)
        }
    }

    /// Creates a POST that changes no lasting state and can be repeated, such as a sign-in.
    pub fn repeatable_post(
        operation: &'static str,
        resource: impl Into<String>,
        path: Vec<String>,
    ) -> Self {
        Self {
            method: Method::POST,
            ..Self::read(operation, resource, path)
        }
    }

    /// Sets the query parameters. They are percent-encoded when the call is sent.
    #[must_use]
    pub fn with_query(mut self, query: Vec<(String, String)>) -> Self {
        self.query = query;
        self
    }

    /// Adds a query parameter unless the call already has a value for it.
    #[must_use]
    pub fn with_usual_query(mut self, name: &str, value: &str) -> Self {
        self.query
            .retain(|(key, value)| key != name || !value.is_empty());
        if !self.query.iter().any(|(key, _)| key == name) {
            self.query.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Sets a JSON body with its media type, such as `application/merge-patch+json`.
    #[must_use]
    pub fn with_body(mut self, media_type: &'static str, body: &Value) -> Self {
        self.body = Some(RequestBody {
            media_type,
            bytes: body.to_string().into_bytes(),
        });
        self
    }

    /// Requests responses of this media type, such as `application/vnd.example+8`.
    #[must_use]
    pub fn accepting(mut self, media_type: &'static str) -> Self {
        self.accept = media_type;
        self
    }

    /// Allows a response without a body, which counts as `null`.
    #[must_use]
    pub fn with_empty_answer(mut self) -> Self {
        self.expects = ExpectedAnswer::JsonOrNothing;
        self
    }

    /// Replaces the leading path segments `from` by `to`. Returns whether the path starts with
    /// `from`.
    pub fn reroute(&mut self, from: &[&str], to: &[&str]) -> bool {
        let begins = self.path.len() >= from.len()
            && self.path.iter().zip(from).all(|(own, from)| own == from);
        if begins {
            self.path
                .splice(..from.len(), to.iter().map(ToString::to_string));
        }
        begins
    }

    /// The operation's name in the API contract.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The object that the call concerns.
    pub fn resource(&self) -> &str {
        &self.resource
    }
}

/// The value of an `Authorization` header. It has no `Debug` or `Display`.
#[derive(Clone)]
pub struct Authorization(pub(super) HeaderValue);

/// The secret contains a line break or another character that is not allowed in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the token contains characters that are not allowed in a header")]
pub struct AuthorizationError;

impl Authorization {
    /// Creates `SCHEME SECRET`. The scheme is `Bearer` or what the API contract of the service
    /// requires.
    ///
    /// # Errors
    /// The secret contains characters that are not allowed in a header.
    pub fn new(scheme: &str, secret: &SecretString) -> Result<Self, AuthorizationError> {
        let text = format!("{scheme} {}", secret.expose_secret());
        if !text
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic())
        {
            return Err(AuthorizationError);
        }
        let mut value = HeaderValue::from_str(&text).map_err(|_| AuthorizationError)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl std::fmt::Debug for Authorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authorization(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown_and_cannot_add_headers() {
        let good = Authorization::new("Bearer", &SecretString::from("hunter2")).unwrap();
        assert!(!format!("{good:?} {:?}", good.0).contains("hunter2"));
        for bad in ["a\r\nX-Evil: 1", "a\nb", "a\0b", "é"] {
            assert!(Authorization::new("Bearer", &SecretString::from(bad)).is_err());
        }
    }
}
