//! Host names and host globs.

use std::fmt;
use std::net::Ipv4Addr;

use super::error::{Fault, PatternError, Spot, Subject, read_common};
use super::repair;

/// The longest label in bytes (RFC 1035, section 2.3.4).
const LONGEST_LABEL: usize = 63;
/// The longest name in bytes, as text without the root (RFC 1035, section 2.3.4).
const LONGEST_NAME: usize = 253;

/// How many labels a name has in front of the ones that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Depth {
    /// None: exactly this name.
    Exact,
    /// `*.`: one label more.
    One,
    /// `**.`: one label more, or many. The name itself is not covered.
    Many,
}

impl Depth {
    /// The wildcard with its dot.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "",
            Self::One => "*.",
            Self::Many => "**.",
        }
    }
}

/// One label of a host pattern after the wildcard in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label<'a> {
    /// Exactly this label.
    Text(&'a str),
    /// This label, in which each `*` matches any run of its characters. Published presets hold such labels, but the
    /// contract does not document them.
    Glob(&'a str),
}

/// A host name or host glob, as written: `example.com`, `*.example.com`, `**.example.com`, `crl*.example.com`.
///
/// An IPv4 address is the name of itself (see [`HostPattern::address`]): a request to it carries it as its host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPattern {
    depth: Depth,
    name: Box<str>,
    inner_wildcard: bool,
}

impl HostPattern {
    /// Parses the host of an HTTP target, which has no port and is no CIDR (contract: `HTTPResource.host`).
    ///
    /// # Errors
    /// Says which bytes keep the text from being a host.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Self::read_http(text).map_err(|spot| repair::explain(text, Subject::HttpHost, spot))
    }

    pub(super) fn read_http(text: &str) -> Result<Self, Spot> {
        read_common(text)?;
        read_no_url(text)?;
        if let Some(slash) = text.find('/') {
            let fault = if looks_like_address(&text[..slash]) {
                Fault::AddressAsHttpHost
            } else {
                Fault::HostPath
            };
            let start = if fault == Fault::HostPath { slash } else { 0 };
            return Err(Spot::new(fault, start..text.len()));
        }
        match (text.find(':'), text.rfind(':')) {
            (Some(first), Some(last)) if first != last => {
                Err(Spot::new(Fault::AddressAsHttpHost, 0..text.len()))
            }
            (Some(colon), _) => Err(Spot::new(Fault::PortInHost, colon..text.len())),
            (None, _) => Self::read(text),
        }
    }

    /// Reads a host without scheme, path and port.
    pub(super) fn read(text: &str) -> Result<Self, Spot> {
        let (depth, name) = match (text.strip_prefix("**."), text.strip_prefix("*.")) {
            (Some(name), _) => (Depth::Many, name),
            (None, Some(name)) => (Depth::One, name),
            (None, None) => (Depth::Exact, text),
        };
        let start = text.len() - name.len();
        if matches!(text, "*" | "**") || name.is_empty() {
            return Err(Spot::new(Fault::WildcardAlone, 0..text.len()));
        }
        if name.ends_with('.') {
            return Err(Spot::new(Fault::TrailingDot, text.len() - 1..text.len()));
        }
        let mut inner_wildcard = false;
        let mut at = start;
        for label in name.split('.') {
            inner_wildcard |= read_label(label).map_err(|spot| lead(spot, at).shifted(at))?;
            at += label.len() + 1;
        }
        if name.len() > LONGEST_NAME {
            return Err(Spot::new(Fault::HostTooLong, start..text.len()));
        }
        if ends_in_number(name) && (depth != Depth::Exact || name.parse::<Ipv4Addr>().is_err()) {
            return Err(Spot::new(Fault::NotAnAddress, 0..text.len()));
        }
        Ok(Self {
            depth,
            name: name.into(),
            inner_wildcard,
        })
    }

    /// How many labels may stand in front of [`Self::name`].
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// The name without the wildcard in front, as written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The labels of [`Self::name`], from left to right; at least one.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = Label<'_>> {
        self.name.split('.').map(|label| {
            if label.contains('*') {
                Label::Glob(label)
            } else {
                Label::Text(label)
            }
        })
    }

    /// Whether a label holds a `*` (accepted, but not documented).
    pub fn has_inner_wildcard(&self) -> bool {
        self.inner_wildcard
    }

    /// Whether capital letters are in the name. The service does not document whether it compares case.
    pub fn has_uppercase(&self) -> bool {
        self.name.bytes().any(|byte| byte.is_ascii_uppercase())
    }

    /// The IPv4 address that the name is.
    pub fn address(&self) -> Option<Ipv4Addr> {
        if self.depth == Depth::Exact && ends_in_number(&self.name) {
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

/// An empty label at the front of the text is a dot that does not belong there.
fn lead(spot: Spot, at: usize) -> Spot {
    if spot.fault == Fault::EmptyLabel && at == 0 {
        Spot::new(Fault::LeadingDot, 0..1)
    } else {
        spot
    }
}

/// Checks one label and says whether it holds a wildcard.
fn read_label(label: &str) -> Result<bool, Spot> {
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
        (None, _) => return Err(Spot::new(Fault::EmptyLabel, whole)),
        (Some(b'-'), _) => return Err(Spot::new(Fault::LabelHyphen, 0..1)),
        (_, Some(b'-')) => return Err(Spot::new(Fault::LabelHyphen, label.len() - 1..label.len())),
        _ => {}
    }
    if stars == bytes.len() && stars <= 2 {
        return Err(Spot::new(Fault::WildcardMisplaced, whole));
    }
    if glued {
        return Err(Spot::new(Fault::WildcardGlued, whole));
    }
    if bytes.len() > LONGEST_LABEL {
        return Err(Spot::new(Fault::LabelTooLong, whole));
    }
    Ok(stars > 0)
}

fn bad_character(label: &str, at: usize) -> Spot {
    match label[at..].chars().next() {
        Some(bad) if bad.is_ascii() => Spot::new(Fault::HostCharacter(bad), at..at + 1),
        _ => Spot::new(Fault::NonAscii, 0..label.len()),
    }
}

/// Whether the last label is a number: no top-level domain is, so that only an IPv4 address ends so.
pub(super) fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text before a slash was meant as an IP address.
pub(super) fn looks_like_address(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b':').count() >= 2
        || (ends_in_number(text)
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// What a URL has and a host has not: a scheme, a user, a query.
pub(super) fn read_no_url(text: &str) -> Result<(), Spot> {
    if let Some(at) = text.find("://") {
        return Err(Spot::new(Fault::Scheme, 0..at + 3));
    }
    if text.bytes().any(|byte| matches!(byte, b'@' | b'?' | b'#')) {
        if let Some(at) = text.find(['?', '#']) {
            let start = text.find('/').map_or(at, |slash| slash.min(at));
            return Err(Spot::new(Fault::HostPath, start..text.len()));
        }
        let at = text.find('@').unwrap_or(0);
        return Err(Spot::new(Fault::UserInfo, 0..at + 1));
    }
    Ok(())
}
