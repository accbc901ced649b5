//! Sign-in tokens: they look like JWTs and are checked against a table.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::random;

/// The issued tokens that have not expired.
///
/// The last part of a token is random instead of a signature, and a token is valid if the table
/// contains it. The emulator needs no key, and it refuses foreign tokens, altered tokens and tokens
/// from before a restart.
pub(super) struct IssuedTokens {
    secret: Option<SecretString>,
    ttl: Duration,
    issued: Mutex<HashMap<String, Instant>>,
}

impl IssuedTokens {
    /// If `secret` is set, only this secret can sign in.
    pub(super) fn new(secret: Option<SecretString>, ttl: Duration) -> Self {
        Self {
            secret,
            ttl,
            issued: Mutex::default(),
        }
    }

    /// A token for `subject`, or none if the credentials are refused.
    pub(super) fn sign_in(
        &self,
        subject: &str,
        secret: &str,
    ) -> Result<Option<String>, getrandom::Error> {
        let accepted = match &self.secret {
            Some(expected) => expected.expose_secret() == secret,
            None => !secret.is_empty(),
        };
        if subject.is_empty() || !accepted {
            return Ok(None);
        }
        let token = self.form(subject)?;
        let now = Instant::now();
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.retain(|_, expiry| *expiry > now);
        issued.insert(token.clone(), now + self.ttl);
        Ok(Some(token))
    }

    /// Whether `token` was issued here and has not expired.
    pub(super) fn accepts(&self, token: &str) -> bool {
        let issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued
            .get(token)
            .is_some_and(|expiry| *expiry > Instant::now())
    }

    /// Forgets all tokens, so that clients must sign in again.
    pub(super) fn revoke(&self) {
        self.issued
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// `header.payload.signature`. `iat` and `exp` are whole seconds since the epoch (RFC 7519,
    /// section 2).
    fn form(&self, subject: &str) -> Result<String, getrandom::Error> {
        let issued_at = Timestamp::now().as_second();
        let expires_at =
            issued_at.saturating_add(i64::try_from(self.ttl.as_secs()).unwrap_or(i64::MAX));
        let header = json!({"alg": "HS256", "typ": "JWT"});
        let payload = json!({"sub": subject, "iat": issued_at, "exp": expires_at, "jti": random::base32(16)?});
        let part = |value: serde_json::Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        Ok(format!(
            "{}.{}.{}",
            part(header),
            part(payload),
            random::base64url()?
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_accepted_as_configured() {
        let any = IssuedTokens::new(None, Duration::from_secs(5));
        let one = IssuedTokens::new(Some("right".into()), Duration::from_secs(5));
        for (tokens, subject, secret, accepted) in [
            (&any, "me", "anything", true),
            (&any, "me", "", false),
            (&any, "", "anything", false),
            (&one, "me", "right", true),
            (&one, "me", "wrong", false),
        ] {
            let token = tokens.sign_in(subject, secret).unwrap();
            assert_eq!(token.is_some(), accepted, "{subject} {secret}");
            assert!(token.is_none_or(|token| tokens.accepts(&token)));
        }
    }

    #[test]
    fn foreign_altered_and_expired_tokens_are_refused() {
        let tokens = IssuedTokens::new(None, Duration::from_secs(5));
        let token = tokens.sign_in("me", "s").unwrap().unwrap();
        assert!(!tokens.accepts(&format!("{token}x")));
        assert!(!IssuedTokens::new(None, Duration::from_secs(5)).accepts(&token));
        let brief = IssuedTokens::new(None, Duration::ZERO);
        let token = brief.sign_in("me", "s").unwrap().unwrap();
        assert!(!brief.accepts(&token));
    }

    #[test]
    fn a_token_says_when_it_expires() {
        let token = IssuedTokens::new(None, Duration::from_secs(600))
            .sign_in("me", "s")
            .unwrap()
            .unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let payload: serde_json::Value =
            serde_json::from_slice(&BASE64URL_NOPAD.decode(parts[1].as_bytes()).unwrap()).unwrap();
        assert_eq!(parts.len(), 3);
        assert_eq!(
            payload["exp"].as_i64().unwrap() - payload["iat"].as_i64().unwrap(),
            600
        );
    }
}
