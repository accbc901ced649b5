//! Parts of hosts and URLs as people type them: schemes, ports and user names.

use std::borrow::Cow;

use thiserror::Error;

/// The reason why a text is not a port.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PortError {
    /// A number below 1 or above 65535.
    #[error("port `{0}` must be between 1 and 65535")]
    Range(String),
    /// Not a number.
    #[error("invalid port `{0}`: expected one number from 1 to 65535")]
    NotNumber(String),
    /// Nothing after the colon.
    #[error("missing port after the colon")]
    Empty,
}

/// Parses a port of a request.
pub(crate) fn port(text: &str) -> Result<u16, PortError> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if text.is_empty() {
        return Err(PortError::Empty);
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PortError::NotNumber(text.to_owned()));
    }
    text.parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| PortError::Range(text.to_owned()))
}

/// The default port of a URL scheme. Schemes are not case-sensitive (RFC 3986, section 3.1).
pub(crate) fn scheme_port(scheme: &str) -> Option<u16> {
    if scheme.eq_ignore_ascii_case("https") {
        Some(443)
    } else if scheme.eq_ignore_ascii_case("http") {
        Some(80)
    } else {
        None
    }
}

/// Whether the authority of a host or URL contains a user name, which may include a password.
pub(crate) fn has_user_info(object: &str) -> bool {
    user_info(object).is_some()
}

/// Replaces the user name and the password of every host or URL in a text, for messages.
pub fn without_user_info(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        match user_info(word) {
            Some(range) => {
                clean.push_str(&word[..range.start]);
                clean.push_str("***");
                clean.push_str(&word[range.end..]);
            }
            None => clean.push_str(word),
        }
    }
    Cow::Owned(clean)
}

/// The part before the last `@` of the authority. A password may contain unescaped `/`, `?` and
/// `#`, so with a scheme everything up to the last `@` counts.
fn user_info(object: &str) -> Option<std::ops::Range<usize>> {
    let start = object.find("://").map_or(0, |at| at + "://".len());
    let rest = &object[start..];
    let end = if start > 0 {
        rest.rfind('@')?
    } else {
        let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
        authority.rfind('@')?
    };
    Some(start..start + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_numbers_from_1_to_65535() {
        assert_eq!(port("443"), Ok(443));
        for text in ["0", "65536", "-1", "00", "99999999999999999999"] {
            assert_eq!(port(text), Err(PortError::Range(text.to_owned())));
        }
        for text in ["https", "443-444", "4_43", "443.0", "1e1", "0x1bb", "-"] {
            assert_eq!(port(text), Err(PortError::NotNumber(text.to_owned())));
        }
        assert_eq!(port(""), Err(PortError::Empty));
    }

    #[test]
    fn passwords_are_not_repeated() {
        let cases = [
            (
                "https://ann:pw@a.example.com/x",
                "https://***@a.example.com/x",
            ),
            (
                "get HTTPS://ann:p/w#@a.example.com",
                "get HTTPS://***@a.example.com",
            ),
            ("ann:pw@a.example.com:443", "***@a.example.com:443"),
            ("a.example.com/@x", "a.example.com/@x"),
            ("tcp a.example.com", "tcp a.example.com"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_user_info(text), expected);
        }
    }
}
