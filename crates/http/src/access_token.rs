//! An access token that the environment holds.

use secrecy::SecretString;
use thiserror::Error;

use super::{Authorization, ClientError};

/// Why the environment gives no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CredentialsError {
    /// The variable is not set.
    #[error("there is no access token: set {variable}")]
    Missing {
        /// The variable.
        variable: &'static str,
    },
    /// It cannot be sent.
    #[error(
        "{variable} holds control characters or characters beyond ASCII; check how it was pasted"
    )]
    Characters {
        /// The variable.
        variable: &'static str,
    },
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectionError {
    /// The HTTP client cannot be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The token cannot be sent.
    #[error(transparent)]
    Token(#[from] CredentialsError),
}

/// How a service calls its tokens, and where ours is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenPlace {
    pub variable: &'static str,
    /// What stands before the token in `Authorization`.
    pub scheme: &'static str,
}

impl TokenPlace {
    /// Reads the token from the environment, given as a function. A variable that is empty counts as not set, and white
    /// space around the value is dropped. No error repeats the value.
    pub fn token_from(
        self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<SecretString, CredentialsError> {
        let Self {
            variable,
            scheme: _,
        } = self;
        let token = environment(variable)
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
        let token = SecretString::from(token.ok_or(CredentialsError::Missing { variable })?);
        self.authorize(&token)?;
        Ok(token)
    }

    /// The header's value.
    pub fn authorize(self, token: &SecretString) -> Result<Authorization, CredentialsError> {
        let Self { variable, scheme } = self;
        Authorization::new(scheme, token).map_err(|_| CredentialsError::Characters { variable })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn the_environment_gives_a_token_or_a_reason() {
        let variable = "A_TOKEN";
        let place = TokenPlace {
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
            Err(CredentialsError::Missing { variable })
        );
        assert_eq!(with(None), Err(CredentialsError::Missing { variable }));
        assert_eq!(
            with(Some("a\nb")),
            Err(CredentialsError::Characters { variable })
        );
        assert_eq!(
            with(Some("é")),
            Err(CredentialsError::Characters { variable })
        );
    }
}
