//! Access tokens that a service does not issue itself: what the environment of a client holds.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};

/// Which access tokens are good. It has no `Debug`: it holds tokens.
pub(super) struct AccessTokens {
    only: Option<SecretString>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    used: HashSet<String>,
    revoked: HashSet<String>,
}

impl AccessTokens {
    /// `only` is the one good token; without it, any that is not empty is good.
    pub(super) fn new(only: Option<SecretString>) -> Self {
        Self {
            only,
            known: Mutex::default(),
        }
    }

    /// Whether a token is good.
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

    /// Revokes all tokens that were used so far, and this one. Others stay good, where any is.
    pub(super) fn revoke(&self, token: Option<&str>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { used, revoked } = &mut *known;
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
