//! Access tokens that the client gets from its environment and that the service does not issue.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};

/// The accepted access tokens. No `Debug`, because it contains tokens.
pub(super) struct AccessTokens {
    only: Option<SecretString>,
    known: Mutex<UsedTokens>,
}

#[derive(Default)]
struct UsedTokens {
    used: HashSet<String>,
    revoked: HashSet<String>,
}

impl AccessTokens {
    /// `only` is the one accepted token. Without it, every token that is not empty is accepted.
    pub(super) fn new(only: Option<SecretString>) -> Self {
        Self {
            only,
            known: Mutex::default(),
        }
    }

    pub(super) fn accepts(&self, token: &str) -> bool {
        let expected = self
            .only
            .as_ref()
            .is_none_or(|only| only.expose_secret() == token);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let good = expected && !token.is_empty() && !known.revoked.contains(token);
        if good {
            known.used.insert(token.to_owned());
        }
        good
    }

    /// Revokes `token` and all tokens that were used so far. Without `only`, new tokens are still
    /// accepted.
    pub(super) fn revoke(&self, token: Option<&str>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let UsedTokens { used, revoked } = &mut *known;
        revoked.extend(used.drain());
        revoked.extend(token.map(str::to_owned));
    }
}

/// The token of `Authorization: SCHEME TOKEN`.
pub(crate) fn token<'h>(headers: &'h HeaderMap, scheme: &str) -> Option<&'h str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (found, token) = value.split_once(' ')?;
    found.eq_ignore_ascii_case(scheme).then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_accepted_as_configured_until_they_are_revoked() {
        let any = AccessTokens::new(None);
        let one = AccessTokens::new(Some("right".into()));
        assert!(any.accepts("a") && any.accepts("b") && !any.accepts(""));
        assert!(one.accepts("right") && !one.accepts("wrong"));
        any.revoke(Some("c"));
        one.revoke(None);
        assert!(!any.accepts("a") && !any.accepts("b") && !any.accepts("c") && any.accepts("d"));
        assert!(!one.accepts("right"));
    }
}
