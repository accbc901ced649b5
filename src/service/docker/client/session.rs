//! One sign-in for many requests.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::credentials::DockerCredentials;
use super::token::remaining_lifetime;
use http::json::{DecodeError, ROOT, decode, required};
use http::{ApiError, Authorization, ErrorKind, HostClient, HttpCall};
use model::docker::Profile;

const REFUSED_SIGN_IN: &str = "Check DOCKER_HUB_IDENTIFIER and DOCKER_HUB_SECRET. The sign-in is not tried again: \
     repeated failures lock the account.";
const WRONG_SIGN_IN: &str =
    "Check the endpoint and the target's profile: the sign-in differs between profiles.";

/// The two sign-ins of the contract (`bearerAuth`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignInMethod {
    /// Profile `seed`: `POST /users/login`.
    Login,
    /// Later profiles: `POST /auth/token`.
    Token,
}

impl SignInMethod {
    pub(super) fn for_profile(profile: Profile) -> Self {
        match profile {
            Profile::Seed => Self::Login,
            Profile::Intermediate | Profile::Current => Self::Token,
        }
    }

    fn call(self, identifier: &str, secret: &SecretString) -> (HttpCall, &'static str) {
        let secret = secret.expose_secret();
        let (path, body, field) = match self {
            Self::Login => (
                ["users", "login"],
                json!({"username": identifier, "password": secret}),
                "token",
            ),
            Self::Token => (
                ["auth", "token"],
                json!({"identifier": identifier, "secret": secret}),
                "access_token",
            ),
        };
        let path = path.iter().map(ToString::to_string).collect();
        let call = HttpCall::repeatable_post("signIn", format!("`{identifier}`"), path);
        (call.with_body("application/json", &body), field)
    }
}

/// A token that was given out.
pub(super) struct SessionToken {
    pub(super) authorization: Authorization,
    renew_at: Option<Instant>,
}

/// Tokens for one endpoint, obtained when needed. While one request signs in, all others wait for the result.
pub(super) struct TokenSession {
    credentials: DockerCredentials,
    state: Mutex<SessionState>,
}

#[derive(Default)]
struct SessionState {
    login: Option<Arc<SessionToken>>,
    token: Option<Arc<SessionToken>>,
    /// A sign-in that the server refused, whichever of the two it was. It is never tried again.
    refused: Option<ApiError>,
}

impl TokenSession {
    pub(super) fn new(credentials: DockerCredentials) -> Self {
        Self {
            credentials,
            state: Mutex::default(),
        }
    }

    /// Whether a token that is refused can be replaced.
    pub(super) fn can_renew(&self) -> bool {
        matches!(self.credentials, DockerCredentials::SignIn { .. })
    }

    /// The token to use; `refused` is one that the server just refused.
    pub(super) async fn token(
        &self,
        host: &HostClient,
        sign_in: SignInMethod,
        refused: Option<&Arc<SessionToken>>,
    ) -> Result<Arc<SessionToken>, ApiError> {
        let mut state = self.state.lock().await;
        if let Some(error) = &state.refused {
            return Err(error.clone());
        }
        let SessionState {
            login,
            token,
            refused: refusal,
        } = &mut *state;
        let slot = match sign_in {
            SignInMethod::Login => login,
            SignInMethod::Token => token,
        };
        let usable = |token: &&Arc<SessionToken>| {
            let fresh = token.renew_at.is_none_or(|at| Instant::now() < at);
            fresh && !refused.is_some_and(|refused| Arc::ptr_eq(refused, token))
        };
        if let Some(token) = slot.as_ref().filter(usable) {
            return Ok(Arc::clone(token));
        }
        let obtained = match &self.credentials {
            DockerCredentials::Token(token) => ready(host, token)?,
            DockerCredentials::SignIn { identifier, secret } => {
                match request_token(host, sign_in, identifier, secret).await {
                    Ok(token) => token,
                    Err(error) => {
                        if error.status().is_some_and(is_refusal) {
                            *refusal = Some(error.clone());
                        }
                        return Err(error);
                    }
                }
            }
        };
        let obtained = Arc::new(obtained);
        *slot = Some(Arc::clone(&obtained));
        Ok(obtained)
    }
}

/// A client error, except those that say nothing about the credentials: too slow, too many.
fn is_refusal(status: u16) -> bool {
    (400..500).contains(&status) && !matches!(status, 408 | 429)
}

fn ready(host: &HostClient, token: &SecretString) -> Result<SessionToken, ApiError> {
    host.redactor().add_secret(token);
    let call = HttpCall::repeatable_post("signIn", "the ready token", Vec::new());
    let authorization = Authorization::new("Bearer", token).map_err(|error| {
        host.failed(
            &call,
            ErrorKind::NotSent {
                why: error.to_string(),
            },
        )
    })?;
    Ok(SessionToken {
        authorization,
        renew_at: None,
    })
}

async fn request_token(
    host: &HostClient,
    sign_in: SignInMethod,
    identifier: &str,
    secret: &SecretString,
) -> Result<SessionToken, ApiError> {
    host.redactor().add_secret(secret);
    let (call, field) = sign_in.call(identifier, secret);
    let asked_at = Instant::now();
    let answer = host
        .send(&call, None)
        .await
        .map_err(|error| match error.status() {
            Some(401 | 403) => error.with_help(REFUSED_SIGN_IN),
            Some(404 | 405) => error.with_help(WRONG_SIGN_IN),
            _ => error,
        })?;
    let token = take_secret(&answer, field).map_err(|kind| host.failed(&call, kind))?;
    host.redactor().add_secret(&token);
    let authorization = Authorization::new("Bearer", &token).map_err(|error| {
        host.failed(
            &call,
            ErrorKind::NotSent {
                why: error.to_string(),
            },
        )
    })?;
    let life = remaining_lifetime(token.expose_secret(), Timestamp::now().as_second());
    Ok(SessionToken {
        authorization,
        renew_at: life.and_then(|life: Duration| asked_at.checked_add(life)),
    })
}

fn take_secret(answer: &Value, field: &'static str) -> Result<SecretString, ErrorKind> {
    let at = format!("{ROOT}.{field}");
    match decode(required(answer, ROOT, field)?, &at)? {
        "" => Err(DecodeError::new(at, "a token, found a string").into()),
        token => Ok(SecretString::from(token)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::hostile;

    #[test]
    fn hostile_text_is_not_repeated_in_errors() {
        let answer = json!({"access_token": "t", "refresh": {"a": 1}});
        hostile::check(&answer, |answer| take_secret(answer, "access_token"));
        assert!(take_secret(&json!({"token": ""}), "token").is_err());
    }
}
