//! Who we are to the service.

use secrecy::SecretString;

use http::AccessTokenError;
use http::TokenVariable;

/// The variable with the access token.
pub const TOKEN_VARIABLE: &str = "PULUMI_ACCESS_TOKEN";

/// Where the token is, and how the service calls it.
pub(super) const TOKEN: TokenVariable = TokenVariable {
    variable: TOKEN_VARIABLE,
    scheme: "token",
};

/// Reads the token from the environment, given as a function. A variable that is empty counts as not set, and white
/// space around the value is dropped.
///
/// # Errors
/// It is not set, or cannot be sent. No error repeats the value.
pub fn token_from(
    environment: impl Fn(&str) -> Option<String>,
) -> Result<SecretString, AccessTokenError> {
    TOKEN.token_from(environment)
}
