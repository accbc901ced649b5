//! How long a token lives.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// A token is renewed this long before it ends, or a tenth of its life before, whichever is shorter.
const LONGEST_MARGIN: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct TokenClaims {
    exp: f64,
    iat: Option<f64>,
}

/// How long from now a token can be used before it should be renewed; nothing if it does not say. Its signature is not
/// checked: a wrong answer costs a sign-in, or a 401 and then a sign-in.
///
/// With `iat` (RFC 7519 section 4.1.6) the life is counted from when the token was received, so that a wrong clock here
/// does not matter; otherwise `exp` is compared with `now` (seconds since 1970).
pub(super) fn remaining_lifetime(token: &str, now: i64) -> Option<Duration> {
    let payload = token.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let TokenClaims { exp, iat } = serde_json::from_slice(&payload).ok()?;
    let since = iat.unwrap_or(now as f64);
    let life = Duration::try_from_secs_f64(exp - since)
        .ok()
        .filter(|life| !life.is_zero())?;
    Some(life - LONGEST_MARGIN.min(life / 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("x.{}.x", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn the_life_of_a_token() {
        for (claims, wanted) in [
            (r#"{"exp":1600,"iat":1000}"#, Some(570)),
            (r#"{"exp":1600}"#, Some(570)),
            (r#"{"exp":1100,"iat":1000}"#, Some(90)),
            // This machine's clock is a year late; the life is what counts.
            (r#"{"exp":9000600,"iat":9000000}"#, Some(570)),
            (r#"{"exp":900}"#, None),
            (r#"{"exp":1e300}"#, None),
            (r#"{"exp":"soon"}"#, None),
            (r#"{}"#, None),
            ("not json", None),
        ] {
            assert_eq!(
                remaining_lifetime(&token(claims), 1000),
                wanted.map(Duration::from_secs),
                "{claims}"
            );
        }
        for opaque in ["", "opaque", "a.b", "a.!!!.c"] {
            assert_eq!(remaining_lifetime(opaque, 1000), None);
        }
    }
}
