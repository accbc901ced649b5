//! Checks the proxy variables of the environment.
//!
//! The HTTP library ignores a variable that it cannot read, and connects directly. That would bypass
//! the proxy without a message, so such a variable is an error before anything is sent.

use std::env::VarError;

use reqwest::Url;
use thiserror::Error;

/// The variables with the address of a proxy. Both letter cases are common.
const PROXIES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];
/// The variables with the hosts that are reached without a proxy.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// An environment variable that cannot be used. The message does not contain its value, which may
/// include a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("invalid proxy variable {variable}: {fault}")]
pub struct ProxyVariableError {
    variable: &'static str,
    fault: ProxyFault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
enum ProxyFault {
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error(
        "a character must be percent-encoded, for example `#` in a password as `%23`, `@` as `%40`, `/` as `%2F`"
    )]
    Character,
    #[error("unsupported scheme; use `http://` or `https://`")]
    Scheme,
    #[error("expected a URL such as `http://proxy.example.com:3128`, without a path")]
    Url,
    #[error("expected hosts, addresses or CIDRs that are separated by commas")]
    Exception,
    #[error("it is ignored because REQUEST_METHOD is set; unset one of the two")]
    Ignored,
}

/// Checks all proxy variables. `variable` reads the environment.
///
/// # Errors
/// A variable that would be ignored.
pub(crate) fn check(
    variable: impl Fn(&str) -> Result<String, VarError>,
) -> Result<(), ProxyVariableError> {
    let read = |name: &'static str| match variable(name) {
        Ok(value) => Ok(value),
        Err(VarError::NotPresent) => Ok(String::new()),
        Err(VarError::NotUnicode(_)) => Err(ProxyVariableError {
            variable: name,
            fault: ProxyFault::NotUtf8,
        }),
    };
    let is_cgi = !matches!(variable("REQUEST_METHOD"), Err(VarError::NotPresent));
    for name in PROXIES {
        let value = read(name)?;
        // An empty variable means no proxy.
        if value.is_empty() {
            continue;
        }
        let checked = if is_cgi {
            Err(ProxyFault::Ignored)
        } else {
            check_proxy(&value)
        };
        checked.map_err(|fault| ProxyVariableError {
            variable: name,
            fault,
        })?;
    }
    for name in EXCEPTIONS {
        check_exceptions(&read(name)?).map_err(|fault| ProxyVariableError {
            variable: name,
            fault,
        })?;
    }
    Ok(())
}

fn check_proxy(value: &str) -> Result<(), ProxyFault> {
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    if !matches!(scheme, "http" | "https") {
        return Err(ProxyFault::Scheme);
    }
    let is_valid = |byte: u8| {
        byte.is_ascii_graphic()
            && !matches!(
                byte,
                b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
            )
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (user, host) = rest.rsplit_once('@').unwrap_or(("", rest));
    if user
        .bytes()
        .any(|byte| matches!(byte, b'#' | b'/' | b'?' | b'@' | b'[' | b']'))
        || !rest.bytes().all(is_valid)
    {
        return Err(ProxyFault::Character);
    }
    if host.contains(['/', '?', '#']) {
        return Err(ProxyFault::Url);
    }
    let url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| ProxyFault::Url)?;
    if url.port() == Some(0) || url.host_str().is_none_or(str::is_empty) || host.ends_with(':') {
        return Err(ProxyFault::Url);
    }
    Ok(())
}

fn check_exceptions(value: &str) -> Result<(), ProxyFault> {
    for entry in value.split(',').map(str::trim) {
        let is_range = match entry.split_once('/') {
            None => true,
            Some((address, prefix)) => {
                let longest = match address.parse::<std::net::IpAddr>() {
                    Ok(std::net::IpAddr::V4(_)) => Some(32),
                    Ok(std::net::IpAddr::V6(_)) => Some(128),
                    Err(_) => None,
                };
                let prefix = prefix.parse::<u8>().ok();
                prefix
                    .zip(longest)
                    .is_some_and(|(prefix, most)| prefix <= most)
            }
        };
        if !is_range || entry.contains(|c: char| c.is_whitespace() || c.is_control() || c == ';') {
            return Err(ProxyFault::Exception);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, value: &str) -> Result<(), ProxyVariableError> {
        check(|asked| {
            if asked == name {
                Ok(value.to_owned())
            } else {
                Err(VarError::NotPresent)
            }
        })
    }

    #[test]
    fn every_variable_that_cannot_be_read_is_named() {
        let bad = [
            "http://ann:pa#ss@127.0.0.1:3128",
            "http://ann:pa/ss@127.0.0.1:3128",
            "http://ann:pa?ss@127.0.0.1:3128",
            "http://ann@home:secret@127.0.0.1:3128",
            "http://127.0.0.1 :3128",
            "http://bad host:3128",
            "http://127.0.0.1:3128 ",
            "http://127.0.0.1:port",
            "http://127.0.0.1:65536",
            "http://127.0.0.1:0",
            "http://127.0.0.1:",
            "http://",
            "http:///",
            "http://proxy/path",
            "http://proxy?x",
            "socks5://127.0.0.1:1080",
            "HTTP://127.0.0.1:3128",
            "ftp://127.0.0.1",
            "http://bücher.example.com",
            " ",
            "http://a\u{0}b",
        ];
        for name in PROXIES {
            for value in bad {
                let error = of(name, value).unwrap_err().to_string();
                assert!(error.contains(name), "{value}: {error}");
                assert!(!error.contains("ann"), "{error}");
                assert!(!error.contains("secret"), "{error}");
            }
        }
        for name in EXCEPTIONS {
            for value in [
                "a.example.com b.example.com",
                "10.0.0.0/33",
                "http://a",
                "a;b",
                "a/b",
            ] {
                let error = of(name, value).unwrap_err().to_string();
                assert!(error.contains(name), "{value}: {error}");
            }
        }
    }

    #[test]
    fn usual_values_are_accepted() {
        for value in [
            "",
            "http://127.0.0.1:3128",
            "http://127.0.0.1:3128/",
            "https://proxy.example.com",
            "proxy.example.com:3128",
            "http://ann:pa%23ss@proxy.example.com:3128",
            "ann:secret@proxy.example.com:3128",
            "http://[2001:db8::1]:3128",
        ] {
            assert_eq!(of("HTTPS_PROXY", value), Ok(()), "{value}");
        }
        for value in [
            "",
            "*",
            "localhost,127.0.0.1, .example.com",
            "10.0.0.0/8,::1,fd00::/8,",
        ] {
            assert_eq!(of("no_proxy", value), Ok(()), "{value}");
        }
    }

    #[test]
    fn a_variable_that_is_not_text_or_would_be_ignored_is_an_error() {
        let not_text = check(|name| {
            if name == "https_proxy" {
                Err(VarError::NotUnicode("x".into()))
            } else {
                Err(VarError::NotPresent)
            }
        });
        assert!(not_text.unwrap_err().to_string().contains("https_proxy"));
        let ignored = check(|name| match name {
            "REQUEST_METHOD" => Ok("GET".to_owned()),
            "ALL_PROXY" => Ok("http://proxy.example.com".to_owned()),
            _ => Err(VarError::NotPresent),
        });
        let ignored = ignored.unwrap_err().to_string();
        assert!(ignored.contains("ALL_PROXY") && ignored.contains("REQUEST_METHOD"));
    }
}
