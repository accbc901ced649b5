//! Who we are to the service.

use secrecy::SecretString;
use thiserror::Error;

use crate::provider::http::Authorization;

/// The variable with the access token.
pub const TOKEN_VARIABLE: &str = "PULUMI_ACCESS_TOKEN";

/// How the service calls its tokens.
pub(super) const SCHEME: &str = "token";

/// Why the environment gives no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CredentialsError {
    /// The variable is not set.
    #[error("there is no access token: set {TOKEN_VARIABLE}")]
    Missing,
    /// It cannot be sent.
    #[error("{TOKEN_VARIABLE} holds control characters or characters beyond ASCII; check how it was pasted")]
    Characters,
}

/// Reads the token from the environment, given as a function. A variable that is empty counts as not set, and white
/// space around the value is dropped.
///
/// # Errors
/// It is not set, or cannot be sent. No error repeats the value.
pub fn token_from(environment: impl Fn(&str) -> Option<String>) -> Result<SecretString, CredentialsError> {
    let token = environment(TOKEN_VARIABLE).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let token = SecretString::from(token.ok_or(CredentialsError::Missing)?);
    Authorization::new(SCHEME, &token).map_err(|_| CredentialsError::Characters)?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn the_environment_gives_a_token_or_a_reason() {
        let with = |value: Option<&str>| {
            let found = token_from(|name| (name == TOKEN_VARIABLE).then(|| value.map(str::to_owned)).flatten());
            found.map(|token| token.expose_secret().to_owned())
        };
        assert_eq!(with(Some(" pul-1\n")), Ok("pul-1".to_owned()));
        assert_eq!(with(Some("  ")), Err(CredentialsError::Missing));
        assert_eq!(with(None), Err(CredentialsError::Missing));
        assert_eq!(with(Some("a\nb")), Err(CredentialsError::Characters));
        assert_eq!(with(Some("é")), Err(CredentialsError::Characters));
    }
}
