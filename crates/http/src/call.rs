//! One request, before it is bound to a host.

use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use thiserror::Error;

/// What a request does to the service's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// None: sending it twice is the same as once.
    Read,
    /// It may change something: it is sent again only when it surely was not applied.
    Write,
}

/// One request: the operation's name in the contract, what it is about, and what goes over the wire.
///
/// It is not `Debug`: the body of a sign-in holds the secret.
pub struct Call {
    pub(super) operation: &'static str,
    pub(super) resource: String,
    pub(super) effect: Effect,
    pub(super) method: Method,
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Body>,
    pub(super) accept: &'static str,
    pub(super) expects: Expects,
}

/// What a good answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Expects {
    Json,
    /// JSON, or nothing at all: then the answer is null.
    JsonOrNothing,
}

pub(super) struct Body {
    pub(super) media_type: &'static str,
    pub(super) bytes: Vec<u8>,
}

impl Call {
    /// A GET of a path below the endpoint. `resource` says in an error what it was about: `policy pol_1`.
    pub fn read(operation: &'static str, resource: impl Into<String>, path: Vec<String>) -> Self {
        let effect = Effect::Read;
        let method = Method::GET;
        let query = Vec::new();
        let body = None;
        let accept = "application/json";
        let expects = Expects::Json;
        Self {
            operation,
            resource: resource.into(),
            effect,
            method,
            path,
            query,
            body,
            accept,
            expects,
        }
    }

    /// A request that may change something. Add the body with [`Call::with_body`].
    pub fn write(
        operation: &'static str,
        resource: impl Into<String>,
        method: Method,
        path: Vec<String>,
    ) -> Self {
        Self {
            effect: Effect::Write,
            method,
            ..Self::read(operation, resource, path)
        }
    }

    /// A POST that changes nothing that lasts and may be repeated, such as a sign-in.
    pub fn exchange(
        operation: &'static str,
        resource: impl Into<String>,
        path: Vec<String>,
    ) -> Self {
        Self {
            method: Method::POST,
            ..Self::read(operation, resource, path)
        }
    }

    /// The call with query parameters; they are percent-encoded when it is sent.
    #[must_use]
    pub fn with_query(mut self, query: Vec<(String, String)>) -> Self {
        self.query = query;
        self
    }

    /// The call with a query parameter that it does not have yet, or has without a value.
    #[must_use]
    pub fn with_usual_query(mut self, name: &str, value: &str) -> Self {
        self.query
            .retain(|(key, value)| key != name || !value.is_empty());
        if !self.query.iter().any(|(key, _)| key == name) {
            self.query.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// The call with a JSON body under a media type such as `application/merge-patch+json`.
    #[must_use]
    pub fn with_body(mut self, media_type: &'static str, body: &Value) -> Self {
        self.body = Some(Body {
            media_type,
            bytes: body.to_string().into_bytes(),
        });
        self
    }

    /// The call asking for answers of a media type such as `application/vnd.example+8`.
    #[must_use]
    pub fn accepting(mut self, media_type: &'static str) -> Self {
        self.accept = media_type;
        self
    }

    /// The call with an answer that may have no body; it counts as null then.
    #[must_use]
    pub fn answering_nothing(mut self) -> Self {
        self.expects = Expects::JsonOrNothing;
        self
    }

    /// Puts other segments in the place of those that the path begins with; tells whether it begins so.
    pub fn reroute(&mut self, from: &[&str], to: &[&str]) -> bool {
        let begins = self.path.len() >= from.len()
            && self.path.iter().zip(from).all(|(own, from)| own == from);
        if begins {
            self.path
                .splice(..from.len(), to.iter().map(ToString::to_string));
        }
        begins
    }

    /// The operation's name in the contract.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// What the call is about.
    pub fn resource(&self) -> &str {
        &self.resource
    }
}

/// The value of an `Authorization` header. It is shown nowhere.
#[derive(Clone)]
pub struct Authorization(pub(super) HeaderValue);

/// A secret that cannot stand in a header: it holds a line break or another control character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the token holds characters that a header cannot carry")]
pub struct AuthorizationError;

impl Authorization {
    /// `SCHEME SECRET`; the scheme is `Bearer` or what the service's contract says.
    ///
    /// # Errors
    /// The secret holds characters that a header cannot carry.
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
