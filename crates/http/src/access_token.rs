//! Access tokens from environment variables.

use secrecy::SecretString;
use thiserror::Error;

use super::{Authorization, ClientError};

/// The access token in the environment is missing or cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AccessTokenError {
    /// The variable is unset or empty.
    #[error("no access token: set {variable}")]
    Missing {
        /// Name of the environment variable.
        variable: &'static str,
    },
    /// The value contains characters that an HTTP header cannot carry.
    #[error(
        "{variable} contains control characters or non-ASCII characters; check how it was pasted"
    )]
    Characters {
        /// Name of the environment variable.
        variable: &'static str,
    },
}

/// A connection to a service could not be created.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectionError {
    /// The HTTP client could not be configured.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The token is missing or cannot be sent.
    #[error(transparent)]
    Token(#[from] AccessTokenError),
}

/// The environment variable of a service's access token and the scheme under which it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenVariable {
    /// Name of the environment variable.
    pub variable: &'static str,
    /// The authorization scheme, such as `Bearer`.
    pub scheme: &'static str,
}

impl TokenVariable {
    /// Reads the token from `environment`, a lookup function for variables. An empty variable
    /// counts as unset, and surrounding white space is removed. Errors never contain the value.
    ///
    /// # Errors
    /// The variable is unset, or its value cannot be sent in a header.
    pub fn token_from(
        self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<SecretString, AccessTokenError> {
        let Self {
            variable,
            scheme: _,
        } = self;
        let token = environment(variable)
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
        let token = SecretString::from(token.ok_or(AccessTokenError::Missing { variable })?);
        self.authorize(&token)?;
        Ok(token)
    }

    /// Creates the value of the `Authorization` header.
    ///
    /// # Errors
    /// The token contains characters that are not allowed in a header.
    pub fn authorize(self, token: &SecretString) -> Result<Authorization, AccessTokenError> {
        let Self { variable, scheme } = self;
        Authorization::new(scheme, token).map_err(|_| AccessTokenError::Characters { variable })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn the_environment_gives_a_token_or_a_reason() {
        let variable = "A_TOKEN";
        let place = TokenVariable {
            variable,
            scheme: "Bearer",
        };
        let with = |value: Option<&str>| {
            let found = place.token_from(|name| {
                (name == variable)
                    .then(|| value.map(str::to_owned))
                    .flatten()
            });
            found.map(|token| token.expose_secret().to_owned())
        };
        assert_eq!(with(Some(" one\n")), Ok("one".to_owned()));
        assert_eq!(
            with(Some("  ")),
            Err(AccessTokenError::Missing { variable })
        );
        assert_eq!(with(None), Err(AccessTokenError::Missing { variable }));
        assert_eq!(
            with(Some("a\nb")),
            Err(AccessTokenError::Characters { variable })
        );
        assert_eq!(
            with(Some("é")),
            Err(AccessTokenError::Characters { variable })
        );
    }
}
