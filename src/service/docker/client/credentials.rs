//! Who we are to the service.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use http::Authorization;

/// The variable with the user or organization name.
pub const IDENTIFIER_VARIABLE: &str = "DOCKER_HUB_IDENTIFIER";
/// The variable with the password, personal or organization access token.
pub const SECRET_VARIABLE: &str = "DOCKER_HUB_SECRET";
/// The variable with a ready bearer token.
pub const TOKEN_VARIABLE: &str = "POLWARDEN_DOCKER_TOKEN";

/// How to sign in. A `Connection` binds it to one endpoint; secrets are shown nowhere.
#[derive(Clone)]
pub enum DockerCredentials {
    /// A name and a secret, exchanged for short-lived tokens (contract: `bearerAuth`).
    SignIn {
        /// The user's or organization's name.
        identifier: String,
        /// Password, personal access token or organization access token.
        secret: SecretString,
    },
    /// A token that was obtained elsewhere; it is never renewed.
    Token(SecretString),
}

impl fmt::Debug for DockerCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn {
                identifier,
                secret: _,
            } => write!(f, "SignIn({identifier}, ..)"),
            Self::Token(_) => f.write_str("Token(..)"),
        }
    }
}

/// Why the environment contains no valid credentials.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DockerCredentialsError {
    /// None of the variables is set.
    #[error("no credentials: set {IDENTIFIER_VARIABLE} and {SECRET_VARIABLE}, or {TOKEN_VARIABLE}")]
    Missing,
    /// One of two that belong together.
    #[error("{present} is set but {missing} is not; a sign-in needs both")]
    Half {
        /// The variable that is set.
        present: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// An access token where a bearer token belongs: the service refuses it (contract: `bearerAuth`).
    #[error(
        "{TOKEN_VARIABLE} contains an access token, which cannot be used directly; \
         set it in {SECRET_VARIABLE}, and its user or organization in {IDENTIFIER_VARIABLE}"
    )]
    AccessToken,
    /// It cannot be sent.
    #[error("{0} contains control characters or non-ASCII characters; check how it was pasted")]
    Characters(&'static str),
}

/// Reads the credentials from the environment, given as a function. A variable that is empty counts as not set, and
/// white space around a value is dropped: both are what files and pipelines leave behind. [`TOKEN_VARIABLE`] goes first.
///
/// # Errors
/// Nothing or half of it is set, or the value cannot work. No error repeats a value.
pub fn credentials_from(
    environment: impl Fn(&str) -> Option<String>,
) -> Result<DockerCredentials, DockerCredentialsError> {
    let value = |name| {
        environment(name)
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    };
    if let Some(token) = value(TOKEN_VARIABLE) {
        if token.starts_with("dckr_") {
            return Err(DockerCredentialsError::AccessToken);
        }
        let token = SecretString::from(token);
        Authorization::new("Bearer", &token)
            .map_err(|_| DockerCredentialsError::Characters(TOKEN_VARIABLE))?;
        return Ok(DockerCredentials::Token(token));
    }
    match (
        value(IDENTIFIER_VARIABLE),
        value(SECRET_VARIABLE).map(SecretString::from),
    ) {
        (Some(identifier), Some(secret)) => {
            if identifier.chars().any(char::is_control) {
                return Err(DockerCredentialsError::Characters(IDENTIFIER_VARIABLE));
            }
            if secret.expose_secret().chars().any(char::is_control) {
                return Err(DockerCredentialsError::Characters(SECRET_VARIABLE));
            }
            Ok(DockerCredentials::SignIn { identifier, secret })
        }
        (Some(_), None) => Err(DockerCredentialsError::Half {
            present: IDENTIFIER_VARIABLE,
            missing: SECRET_VARIABLE,
        }),
        (None, Some(_)) => Err(DockerCredentialsError::Half {
            present: SECRET_VARIABLE,
            missing: IDENTIFIER_VARIABLE,
        }),
        (None, None) => Err(DockerCredentialsError::Missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<String, DockerCredentialsError> {
        let find = |name: &str| {
            variables
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| (*value).to_owned())
        };
        credentials_from(find).map(|credentials| match credentials {
            DockerCredentials::SignIn { identifier, secret } => {
                format!("{identifier}:{}", secret.expose_secret())
            }
            DockerCredentials::Token(token) => token.expose_secret().to_owned(),
        })
    }

    #[test]
    fn the_environment_gives_credentials_or_a_reason() {
        let half = |present, missing| Err(DockerCredentialsError::Half { present, missing });
        let id = IDENTIFIER_VARIABLE;
        let secret = SECRET_VARIABLE;
        let token = TOKEN_VARIABLE;
        for (variables, wanted) in [
            (vec![], Err(DockerCredentialsError::Missing)),
            (
                vec![(id, "me"), (secret, "s3cret\n")],
                Ok("me:s3cret".to_owned()),
            ),
            (
                vec![(id, "me"), (secret, "s"), (token, "t")],
                Ok("t".to_owned()),
            ),
            (
                vec![(id, "me"), (secret, "s"), (token, " ")],
                Ok("me:s".to_owned()),
            ),
            (vec![(id, "me")], half(id, secret)),
            (vec![(id, ""), (secret, "s")], half(secret, id)),
            (
                vec![(token, "dckr_pat_x")],
                Err(DockerCredentialsError::AccessToken),
            ),
            (
                vec![(token, "a\nb")],
                Err(DockerCredentialsError::Characters(token)),
            ),
            (
                vec![(id, "m\u{7}e"), (secret, "s")],
                Err(DockerCredentialsError::Characters(id)),
            ),
            (
                vec![(id, "me"), (secret, "a\nb")],
                Err(DockerCredentialsError::Characters(secret)),
            ),
        ] {
            assert_eq!(from(&variables), wanted, "{variables:?}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let sign_in = DockerCredentials::SignIn {
            identifier: "me".to_owned(),
            secret: "hunter2".into(),
        };
        assert_eq!(
            format!(
                "{sign_in:?} {:?}",
                DockerCredentials::Token("hunter2".into())
            ),
            "SignIn(me, ..) Token(..)"
        );
    }
}
