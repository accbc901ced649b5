//! Host names and host globs.

use std::fmt;
use std::net::Ipv4Addr;

use super::error::{FaultRange, PatternError, PatternFault, PatternKind, read_common};
use super::repair;

/// Maximum length of a label in bytes (RFC 1035, section 2.3.4).
const LONGEST_LABEL: usize = 63;
/// Maximum length of a name in bytes, as text without the root (RFC 1035, section 2.3.4).
const LONGEST_NAME: usize = 253;

/// The number of labels in front of the written ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WildcardDepth {
    /// No other labels: exactly this name.
    Exact,
    /// `*.`: one more label.
    One,
    /// `**.`: one or more labels. The name itself does not match.
    Many,
    /// `**` alone: every host, names and addresses alike. It contains no labels.
    All,
}

impl WildcardDepth {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "",
            Self::One => "*.",
            Self::Many => "**.",
            Self::All => "**",
        }
    }
}

/// A label of a host pattern after the leading wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HostLabel<'a> {
    Text(&'a str),
    /// A label in which each `*` matches any run of characters. Published presets contain such
    /// labels, but the contract does not document them.
    Glob(&'a str),
}

/// A host name or host glob as written: `example.com`, `*.example.com`, `**.example.com`,
/// `crl*.example.com`, or `**` for every host.
///
/// An IPv4 address is its own name (see [`HostPattern::address`]), because a request to it contains
/// it as its host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPattern {
    depth: WildcardDepth,
    name: Box<str>,
    inner_wildcard: bool,
}

impl HostPattern {
    /// Parses the host of an HTTP target, without port or CIDR (contract: `HTTPResource.host`).
    ///
    /// # Errors
    /// Returns the invalid bytes.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        repair::parse(text, PatternKind::HttpHost, Self::read_http)
    }

    pub(super) fn read_http(text: &str) -> Result<Self, FaultRange> {
        read_common(text)?;
        reject_url_parts(text)?;
        if let Some(slash) = text.find('/') {
            let fault = if looks_like_address(&text[..slash]) {
                PatternFault::AddressAsHttpHost
            } else {
                PatternFault::HostPath
            };
            let start = if fault == PatternFault::HostPath {
                slash
            } else {
                0
            };
            return Err(FaultRange::new(fault, start..text.len()));
        }
        match (text.find(':'), text.rfind(':')) {
            (Some(first), Some(last)) if first != last => Err(FaultRange::new(
                PatternFault::AddressAsHttpHost,
                0..text.len(),
            )),
            (Some(colon), _) => Err(FaultRange::new(PatternFault::PortInHost, colon..text.len())),
            (None, _) => Self::read(text),
        }
    }

    /// Parses a host without scheme, path and port.
    pub(super) fn read(text: &str) -> Result<Self, FaultRange> {
        if text == WildcardDepth::All.as_str() {
            return Ok(Self {
                depth: WildcardDepth::All,
                name: "".into(),
                inner_wildcard: false,
            });
        }
        let (depth, name) = match (text.strip_prefix("**."), text.strip_prefix("*.")) {
            (Some(name), _) => (WildcardDepth::Many, name),
            (None, Some(name)) => (WildcardDepth::One, name),
            (None, None) => (WildcardDepth::Exact, text),
        };
        let start = text.len() - name.len();
        if text == "*" || name.is_empty() {
            return Err(FaultRange::new(PatternFault::WildcardAlone, 0..text.len()));
        }
        if name.ends_with('.') {
            return Err(FaultRange::new(
                PatternFault::TrailingDot,
                text.len() - 1..text.len(),
            ));
        }
        let mut inner_wildcard = false;
        let mut at = start;
        for label in name.split('.') {
            inner_wildcard |=
                read_label(label).map_err(|spot| leading_dot(spot, at).shifted(at))?;
            at += label.len() + 1;
        }
        if name.len() > LONGEST_NAME {
            return Err(FaultRange::new(
                PatternFault::HostTooLong,
                start..text.len(),
            ));
        }
        if ends_in_number(name)
            && (depth != WildcardDepth::Exact || name.parse::<Ipv4Addr>().is_err())
        {
            return Err(FaultRange::new(PatternFault::NotAnAddress, 0..text.len()));
        }
        Ok(Self {
            depth,
            name: name.into(),
            inner_wildcard,
        })
    }

    /// The number of labels in front of [`Self::name`].
    pub fn depth(&self) -> WildcardDepth {
        self.depth
    }

    /// Whether the pattern matches every host, names and addresses alike.
    pub fn matches_all(&self) -> bool {
        self.depth == WildcardDepth::All
    }

    /// The name as written, without the leading wildcard; empty for `**`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The labels of [`Self::name`], from left to right; at least one except for `**`.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = HostLabel<'_>> {
        let name = Some(&*self.name).filter(|name| !name.is_empty());
        name.into_iter()
            .flat_map(|name| name.split('.'))
            .map(|label| {
                if label.contains('*') {
                    HostLabel::Glob(label)
                } else {
                    HostLabel::Text(label)
                }
            })
    }

    /// Whether a label contains a `*` (accepted, but not documented).
    pub fn has_inner_wildcard(&self) -> bool {
        self.inner_wildcard
    }

    /// Whether the name contains uppercase letters. The service does not document whether case
    /// matters.
    pub fn has_uppercase(&self) -> bool {
        self.name.bytes().any(|byte| byte.is_ascii_uppercase())
    }

    /// The pattern in lowercase, for comparisons that ignore case as DNS does (RFC 4343).
    #[must_use]
    pub fn to_lowercase(&self) -> Self {
        Self {
            name: self.name.to_ascii_lowercase().into(),
            ..self.clone()
        }
    }

    /// The name as an IPv4 address.
    pub fn address(&self) -> Option<Ipv4Addr> {
        if self.depth == WildcardDepth::Exact && ends_in_number(&self.name) {
            self.name.parse().ok()
        } else {
            None
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            depth,
            name,
            inner_wildcard: _,
        } = self;
        write!(f, "{}{name}", depth.as_str())
    }
}

/// An empty label at the start of the text is a leading dot.
fn leading_dot(spot: FaultRange, at: usize) -> FaultRange {
    if spot.fault == PatternFault::EmptyLabel && at == 0 {
        FaultRange::new(PatternFault::LeadingDot, 0..1)
    } else {
        spot
    }
}

/// Checks one label and returns whether it contains a wildcard.
fn read_label(label: &str) -> Result<bool, FaultRange> {
    let whole = 0..label.len();
    let mut stars = 0_usize;
    let mut glued = false;
    let bytes = label.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => {}
            b'*' => {
                glued |= at > 0 && bytes[at - 1] == b'*';
                stars += 1;
            }
            _ => return Err(bad_character(label, at)),
        }
    }
    match (bytes.first(), bytes.last()) {
        (None, _) => return Err(FaultRange::new(PatternFault::EmptyLabel, whole)),
        (Some(b'-'), _) => return Err(FaultRange::new(PatternFault::LabelHyphen, 0..1)),
        (_, Some(b'-')) => {
            return Err(FaultRange::new(
                PatternFault::LabelHyphen,
                label.len() - 1..label.len(),
            ));
        }
        _ => {}
    }
    if stars == bytes.len() && stars <= 2 {
        return Err(FaultRange::new(PatternFault::WildcardMisplaced, whole));
    }
    if glued {
        return Err(FaultRange::new(PatternFault::WildcardGlued, whole));
    }
    if bytes.len() > LONGEST_LABEL {
        return Err(FaultRange::new(PatternFault::LabelTooLong, whole));
    }
    Ok(stars > 0)
}

fn bad_character(label: &str, at: usize) -> FaultRange {
    match label[at..].chars().next() {
        Some(bad) if bad.is_ascii() => {
            FaultRange::new(PatternFault::HostCharacter(bad), at..at + 1)
        }
        _ => FaultRange::new(PatternFault::NonAscii, 0..label.len()),
    }
}

/// Whether the last label is a number. No top-level domain is numeric, so only IPv4 addresses end
/// like this.
pub(super) fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text before a slash is probably an IP address.
pub(super) fn looks_like_address(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b':').count() >= 2
        || (ends_in_number(text)
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// Rejects the parts of URLs that hosts do not have: scheme, user, query.
pub(super) fn reject_url_parts(text: &str) -> Result<(), FaultRange> {
    if let Some(at) = text.find("://") {
        return Err(FaultRange::new(PatternFault::Scheme, 0..at + 3));
    }
    if text.bytes().any(|byte| matches!(byte, b'@' | b'?' | b'#')) {
        if let Some(at) = text.find(['?', '#']) {
            let start = text.find('/').map_or(at, |slash| slash.min(at));
            return Err(FaultRange::new(PatternFault::HostPath, start..text.len()));
        }
        let at = text.find('@').unwrap_or(0);
        return Err(FaultRange::new(PatternFault::UserInfo, 0..at + 1));
    }
    Ok(())
}
