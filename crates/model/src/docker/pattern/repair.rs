//! Suggestions: one small repair for each fault, repeated until the text parses.
//!
//! A repair never guesses. If a text is ambiguous, or its repair would allow considerably more than
//! the text, there is no suggestion.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

use super::error::{FaultRange, PatternError, PatternFault, PatternKind};

/// Maximum number of repairs of one text.
const MOST_REPAIRS: usize = 8;
/// Maximum length of a repaired text in bytes. Real resources are shorter.
const LONGEST_TEXT: usize = 4096;

/// Ports of schemes and service names.
const PORTS: &[(&str, u16)] = &[
    ("https", 443),
    ("http", 80),
    ("wss", 443),
    ("ws", 80),
    ("ssh", 22),
    ("ftp", 21),
    ("git", 9418),
];

/// Parses `text` with `read`. The error for the first fault contains a suggestion that `read` accepts,
/// if repairs lead to one.
pub(super) fn parse<T>(
    text: &str,
    subject: PatternKind,
    read: fn(&str) -> Result<T, FaultRange>,
) -> Result<T, PatternError> {
    read(text).map_err(|first| explain(text, subject, first, read))
}

fn explain<T>(
    text: &str,
    subject: PatternKind,
    first: FaultRange,
    read: fn(&str) -> Result<T, FaultRange>,
) -> PatternError {
    let mut suggestion = None;
    if text.len() <= LONGEST_TEXT {
        let mut candidate = fix(text, subject, &first);
        for _ in 0..MOST_REPAIRS {
            let Some(repaired) = candidate else { break };
            match read(&repaired) {
                // Every host or path would be far more than the text.
                Ok(_) if repaired == "**" || repaired.starts_with("**:") => break,
                Ok(_) => {
                    suggestion = Some(repaired);
                    break;
                }
                Err(spot) => {
                    candidate = fix(&repaired, subject, &spot).filter(|next| *next != repaired)
                }
            }
        }
    }
    let FaultRange { fault, range } = first;
    PatternError {
        subject,
        fault,
        range,
        suggestion,
    }
}

fn fix(text: &str, subject: PatternKind, spot: &FaultRange) -> Option<String> {
    match spot.fault {
        PatternFault::Padded | PatternFault::Control(_) => {
            Some(text.trim().to_owned()).filter(|trimmed| trimmed != text)
        }
        PatternFault::Scheme => without_scheme(text, subject, spot),
        _ => match subject {
            PatternKind::Network | PatternKind::HttpHost => {
                fix_host(text, spot).or_else(|| fix_address(text, subject, spot))
            }
            PatternKind::HttpPath => {
                fix_http_path(text, spot).or_else(|| fix_segments(text, '/', spot))
            }
            PatternKind::Path => {
                let separator = if text.starts_with(['/', '~']) {
                    '/'
                } else {
                    '\\'
                };
                fix_path(text, spot).or_else(|| fix_segments(text, separator, spot))
            }
            PatternKind::HttpPort => None,
        },
    }
}

fn without_scheme(text: &str, subject: PatternKind, spot: &FaultRange) -> Option<String> {
    let scheme = text[..spot.range.end].trim_end_matches("://");
    let rest = &text[spot.range.end..];
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest[..end].rsplit('@').next()?;
    match subject {
        PatternKind::Network if authority.contains(':') => Some(authority.to_owned()),
        PatternKind::Network => port_of(scheme).map(|port| format!("{authority}:{port}")),
        PatternKind::HttpHost => authority.split(':').next().map(str::to_owned),
        PatternKind::HttpPath => Some(if end == rest.len() {
            "/".to_owned()
        } else {
            rest[end..].to_owned()
        }),
        PatternKind::Path if scheme.eq_ignore_ascii_case("file") && end == 0 => {
            Some(rest.to_owned())
        }
        PatternKind::Path | PatternKind::HttpPort => None,
    }
}

fn port_of(name: &str) -> Option<u16> {
    PORTS
        .iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known))
        .map(|(_, port)| *port)
}

fn fix_host(text: &str, spot: &FaultRange) -> Option<String> {
    let start = spot.range.start;
    let end = spot.range.end;
    match spot.fault {
        PatternFault::UserInfo => text.rsplit('@').next().map(str::to_owned),
        PatternFault::HostPath | PatternFault::PortInHost => Some(text[..start].to_owned()),
        PatternFault::TrailingDot => Some(format!("{}{}", &text[..start], &text[end..])),
        PatternFault::NonAscii => in_ascii(text),
        PatternFault::WildcardGlued => Some(
            match text
                .strip_prefix("**")
                .map(|rest| rest.trim_start_matches('*'))
            {
                Some(rest) if !rest.starts_with('.') && start == 0 => format!("**.{rest}"),
                Some(rest) if start == 0 => format!("**{rest}"),
                _ => format!(
                    "{}{}{}",
                    &text[..start],
                    collapse_stars(&text[start..end], "*"),
                    &text[end..]
                ),
            },
        ),
        PatternFault::PortEmpty => text.strip_suffix(':').map(str::to_owned),
        PatternFault::PortNotNumber if &text[start..end] == "*" => {
            Some(text[..start - 1].to_owned())
        }
        PatternFault::PortNotNumber => {
            port_of(&text[start..end]).map(|port| format!("{}{port}", &text[..start]))
        }
        PatternFault::PortLeadingZero => {
            let digits =
                Some(text[start..].trim_start_matches('0')).filter(|digits| !digits.is_empty())?;
            Some(format!("{}{digits}", &text[..start]))
        }
        _ => None,
    }
}

/// The ASCII form of an internationalized host with its wildcard and port (UTS 46).
fn in_ascii(text: &str) -> Option<String> {
    let (host, port) = text
        .split_once(':')
        .map_or((text, None), |(host, port)| (host, Some(port)));
    let name = host.trim_start_matches('*').trim_start_matches('.');
    let front = &host[..host.len() - name.len()];
    let ascii = idna::domain_to_ascii(name).ok()?;
    Some(match port {
        Some(port) => format!("{front}{ascii}:{port}"),
        None => format!("{front}{ascii}"),
    })
}

fn fix_address(text: &str, subject: PatternKind, spot: &FaultRange) -> Option<String> {
    if subject != PatternKind::Network {
        return None;
    }
    match spot.fault {
        PatternFault::WildcardMisplaced => octets_as_cidr(text),
        PatternFault::HostBits => Some(text.parse::<IpNet>().ok()?.trunc().to_string()),
        PatternFault::Ipv6Brackets => Some(text.replace(['[', ']'], "")),
        PatternFault::Ipv6Ambiguous => Some(format!("{}/128", text.parse::<Ipv6Addr>().ok()?)),
        PatternFault::Ipv4Mapped => match text.split_once('/') {
            None => Some(text.parse::<Ipv6Addr>().ok()?.to_ipv4_mapped()?.to_string()),
            Some((address, prefix)) => {
                let address = address.parse::<Ipv6Addr>().ok()?.to_ipv4_mapped()?;
                Some(
                    Ipv4Net::new(address, prefix.parse::<u8>().ok()?.checked_sub(96)?)
                        .ok()?
                        .trunc()
                        .to_string(),
                )
            }
        },
        PatternFault::CidrPrefix(_) => {
            let (address, prefix) = text.split_once('/')?;
            let address = address.parse::<IpAddr>().ok()?;
            let length = match prefix.parse::<IpAddr>() {
                Ok(mask) => ipnet::ip_mask_to_prefix(mask).ok()?,
                Err(_) => prefix.strip_prefix('0')?.parse::<u8>().ok()?,
            };
            Some(IpNet::new(address, length).ok()?.trunc().to_string())
        }
        _ => None,
    }
}

/// Converts `10.0.*.*` to `10.0.0.0/16`.
fn octets_as_cidr(text: &str) -> Option<String> {
    let labels: Vec<&str> = text.split('.').collect();
    let numbers: Vec<u8> = labels
        .iter()
        .map_while(|label| label.parse().ok())
        .collect();
    if labels.len() != 4
        || numbers.is_empty()
        || labels[numbers.len()..].iter().any(|label| *label != "*")
    {
        return None;
    }
    let mut octets = [0; 4];
    octets[..numbers.len()].copy_from_slice(&numbers);
    let length = u8::try_from(numbers.len() * 8).ok()?;
    Some(Ipv4Net::new(octets.into(), length).ok()?.to_string())
}

fn fix_http_path(text: &str, spot: &FaultRange) -> Option<String> {
    match spot.fault {
        PatternFault::HttpRelative => Some(format!("/{text}")),
        PatternFault::Query | PatternFault::Fragment => Some(text[..spot.range.start].to_owned()),
        PatternFault::PercentEncoding => percent_decoded(text),
        _ => None,
    }
}

/// Decodes once. Encoded characters that are special in path globs are not decoded, because that
/// would change their meaning.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let [high, low, tail @ ..] = rest else {
            return None;
        };
        let digit = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        let decoded = digit(*high)? << 4 | digit(*low)?;
        if matches!(decoded, b'*' | b'?' | b'#' | b'%' | b'/' | b'\\') {
            return None;
        }
        bytes.push(decoded);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

fn fix_path(text: &str, spot: &FaultRange) -> Option<String> {
    let start = spot.range.start;
    let end = spot.range.end;
    match spot.fault {
        PatternFault::Variable if start == 0 && is_home(&text[..end]) => {
            Some(format!("~{}", text[end..].replace('\\', "/")))
        }
        PatternFault::MixedSeparators if text.starts_with(['/', '~']) => {
            Some(text.replace('\\', "/"))
        }
        PatternFault::MixedSeparators => Some(text.replace('/', "\\")),
        PatternFault::UnknownShare if text[..end].eq_ignore_ascii_case("\\\\wsl$") => {
            Some(format!("\\\\wsl.localhost{}", &text[end..]))
        }
        _ => None,
    }
}

fn is_home(variable: &str) -> bool {
    const HOMES: &[&str] = &[
        "$HOME",
        "${HOME}",
        "%HOME%",
        "%USERPROFILE%",
        "$env:USERPROFILE",
        "$env:HOME",
    ];
    HOMES.iter().any(|home| home.eq_ignore_ascii_case(variable))
}

fn fix_segments(text: &str, separator: char, spot: &FaultRange) -> Option<String> {
    let start = spot.range.start;
    let end = spot.range.end;
    match spot.fault {
        PatternFault::TrailingSeparator => {
            Some(text.trim_end_matches(separator).to_owned()).filter(|left| !left.is_empty())
        }
        PatternFault::RepeatedSeparator => {
            let front = &text[..end - 1];
            let rest = text[end - 1..].trim_start_matches(separator);
            Some(format!("{front}{rest}"))
        }
        PatternFault::DotSegment => without_dots(text, separator, spot),
        PatternFault::TooManyStars => Some(format!(
            "{}{}{}",
            &text[..start],
            collapse_stars(&text[start..end], "**"),
            &text[end..]
        )),
        PatternFault::DeepGlued => {
            let segment = &text[start..end];
            let fixed = match segment.strip_prefix("**") {
                Some(rest) => format!("**{separator}*{}", collapse_stars(rest, "*")),
                None => collapse_stars(segment, "*"),
            };
            Some(format!("{}{fixed}{}", &text[..start], &text[end..]))
        }
        _ => None,
    }
}

/// Removes one `.` or `..` segment, for `..` with the preceding segment if that is a plain name.
fn without_dots(text: &str, separator: char, spot: &FaultRange) -> Option<String> {
    let start = spot.range.start;
    let end = spot.range.end;
    let front = text[..start].strip_suffix(separator)?;
    let rest = &text[end..];
    let front = if &text[start..end] == "." {
        front
    } else {
        let (parent, name) = front.rsplit_once(separator)?;
        if name.is_empty() || name.contains('*') {
            return None;
        }
        parent
    };
    let fixed = format!("{front}{rest}");
    Some(if fixed.is_empty() {
        separator.to_string()
    } else {
        fixed
    })
}

/// Replaces every run of stars with `with`.
fn collapse_stars(text: &str, with: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    let mut in_run = false;
    for c in text.chars() {
        if c != '*' {
            collapsed.push(c);
        } else if !in_run {
            collapsed.push_str(with);
        }
        in_run = c == '*';
    }
    collapsed
}
