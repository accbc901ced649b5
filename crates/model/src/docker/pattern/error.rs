//! Errors of patterns.

use std::ops::Range;

use thiserror::Error;

use crate::diag::Code;
use crate::name::{character_name, is_hidden};

/// The field that contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PatternKind {
    /// A resource of a network rule.
    Network,
    /// The host of an HTTP target.
    HttpHost,
    /// The port of an HTTP target.
    HttpPort,
    /// The path of an HTTP target.
    HttpPath,
    /// A resource of a filesystem rule.
    Path,
}

/// The reason why a text is not a valid pattern; displayed as a sentence without a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[rustfmt::skip]
pub enum PatternFault {
    #[error("a resource must not be empty")]
    Empty,
    /// Leading or trailing white space.
    #[error("a resource must not begin or end with white space")]
    Padded,
    /// An invisible character.
    #[error("a resource must not contain the invisible character {}", character_name(*.0))]
    Control(char),
    /// A scheme such as `https://`.
    #[error("a resource is written without a URL scheme")]
    Scheme,

    /// `user@`.
    #[error("a host has no user name")]
    UserInfo,
    /// A path, query or fragment after a host.
    #[error("a host has no path")]
    HostPath,
    /// `example.com.`
    #[error("a host is written without a dot at its end")]
    TrailingDot,
    /// `.example.com`
    #[error("a host does not begin with a dot")]
    LeadingDot,
    /// `a..b`
    #[error("a host has an empty label")]
    EmptyLabel,
    /// More than 63 bytes between two dots (RFC 1035, section 2.3.4).
    #[error("a label of a host is longer than 63 characters")]
    LabelTooLong,
    /// More than 253 bytes (RFC 1035, section 2.3.4, without the root).
    #[error("a host is longer than 253 characters")]
    HostTooLong,
    /// A character that is invalid in host names.
    #[error("invalid character {0:?} in a host")]
    HostCharacter(char),
    /// An internationalized name in Unicode.
    #[error("an international host is written in its ASCII form")]
    NonAscii,
    /// A hyphen at either end of a label (RFC 1123, section 2.1).
    #[error("a label of a host does not begin or end with a hyphen")]
    LabelHyphen,
    /// Ends with a number, but is not four numbers up to 255.
    #[error("a host that ends in a number must be an IPv4 address")]
    NotAnAddress,

    /// Only `*`, or a wildcard with a dot and nothing after it.
    #[error("a wildcard needs a host after it")]
    WildcardAlone,
    /// `foo.*.com`
    #[error("a wildcard stands for whole labels only at the front of a host")]
    WildcardMisplaced,
    /// `**` next to a label, or three stars.
    #[error("`**` must be a whole label at the front of a host")]
    WildcardGlued,

    /// `example.com:`
    #[error("the port is missing after the colon")]
    PortEmpty,
    /// `example.com:https`
    #[error("a port is a number from 1 to 65535")]
    PortNotNumber,
    /// 0, or more than 65535.
    #[error("a port must be between 1 and 65535")]
    PortRange,
    /// `example.com:0443`
    #[error("a port is written without leading zeros")]
    PortLeadingZero,
    /// A port in a field for hosts only.
    #[error("the host of an HTTP target is written without a port")]
    PortInHost,

    /// `a.example.com b.example.com`
    #[error("one entry contains several hosts")]
    SeveralHosts,

    /// No valid address before the slash.
    #[error("this is not an IP address")]
    CidrAddress,
    /// No valid prefix length after the slash.
    #[error("the prefix length of this address must be between 0 and {0}")]
    CidrPrefix(u8),
    /// Bits set beyond the prefix.
    #[error("a CIDR has no bits set beyond its prefix length")]
    HostBits,
    /// A port after a CIDR.
    #[error("a CIDR has no port")]
    CidrPort,
    /// A port after an IPv6 address in any form.
    #[error("an IPv6 address has no port")]
    Ipv6Port,
    /// An IPv6 address whose last group could be a port.
    #[error("the end of this IPv6 address reads like a port")]
    Ipv6Ambiguous,
    /// `[2001:db8::1]`
    #[error("an IPv6 address is written without brackets")]
    Ipv6Brackets,
    /// `::ffff:10.0.0.1`
    #[error("an IPv4 address is not written inside an IPv6 address")]
    Ipv4Mapped,
    /// An address range as the host of an HTTP target.
    #[error("a CIDR or an IPv6 address cannot be the host of an HTTP target")]
    AddressAsHttpHost,

    /// An HTTP path that does not begin with `/`.
    #[error("an HTTP path begins with a slash")]
    HttpRelative,
    /// `?…`
    #[error("an HTTP path has no query")]
    Query,
    /// `#…`
    #[error("an HTTP path has no fragment")]
    Fragment,
    /// `%2F`
    #[error("an HTTP path is written without percent-encoding")]
    PercentEncoding,

    /// `.` or `..` as a segment.
    #[error("a path has no `.` or `..` segments")]
    DotSegment,
    /// `//`
    #[error("a path has no repeated separators")]
    RepeatedSeparator,
    /// `/data/`
    #[error("a path has no separator at its end")]
    TrailingSeparator,
    /// `a**` or `**.txt`
    #[error("`**` stands for whole segments only")]
    DeepGlued,
    /// `***`
    #[error("a wildcard has one star or two")]
    TooManyStars,

    /// A file path without a root.
    #[error("a path begins with `/`, `~/`, a drive or `\\\\wsl.localhost\\`")]
    Relative,
    /// `$HOME` or `%USERPROFILE%`.
    #[error("environment variables in a path are not expanded, so the path matches nothing")]
    Variable,
    /// `~user`
    #[error("`~` is the home directory of the sandbox user; `~` with a user name is not supported")]
    HomeOfUser,
    /// Slashes and backslashes in one path.
    #[error("a path must not mix `/` and `\\`")]
    MixedSeparators,
    /// A network share other than WSL.
    #[error("unsupported network share; only `\\\\wsl.localhost\\` is supported")]
    UnknownShare,
    /// `\\wsl.localhost` without a distribution.
    #[error("a WSL path names the distribution")]
    NoDistribution,
    /// `C:data`
    #[error("a drive is followed by a backslash")]
    DriveRelative,
    /// A character that is invalid in Windows file names.
    #[error("invalid character {0:?} in a Windows path")]
    PathCharacter(char),
}

/// An invalid pattern: the reason, the bytes, and a suggestion.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{fault}")]
pub struct PatternError {
    pub subject: PatternKind,
    pub fault: PatternFault,
    /// The invalid bytes of the text; empty at the position of a missing part.
    pub range: Range<usize>,
    /// A valid text that was most likely intended, or `None` if that would be a guess.
    pub suggestion: Option<String>,
}

impl PatternError {
    pub fn code(&self) -> Code {
        match self.subject {
            PatternKind::Network | PatternKind::HttpHost => host_code(self.fault),
            PatternKind::HttpPort => Code::PortInvalid,
            PatternKind::HttpPath => Code::HttpPathInvalid,
            PatternKind::Path if self.fault == PatternFault::Variable => Code::PathVariable,
            PatternKind::Path => Code::PathInvalid,
        }
    }

    /// The next step, as a sentence without a period, including the suggestion.
    pub fn help(&self) -> Option<String> {
        let advice = advice(self.subject, self.fault);
        match (&self.suggestion, advice) {
            (Some(text), Some(advice)) => Some(format!("write `{text}`; {advice}")),
            (Some(text), None) => Some(format!("write `{text}`")),
            (None, advice) => advice.map(str::to_owned),
        }
    }
}

fn host_code(fault: PatternFault) -> Code {
    match fault {
        PatternFault::WildcardAlone
        | PatternFault::WildcardMisplaced
        | PatternFault::WildcardGlued => Code::WildcardMisplaced,
        PatternFault::PortEmpty
        | PatternFault::PortNotNumber
        | PatternFault::PortRange
        | PatternFault::PortLeadingZero
        | PatternFault::PortInHost => Code::PortInvalid,
        PatternFault::CidrAddress
        | PatternFault::CidrPrefix(_)
        | PatternFault::HostBits
        | PatternFault::CidrPort
        | PatternFault::Ipv6Port
        | PatternFault::Ipv6Ambiguous
        | PatternFault::Ipv6Brackets
        | PatternFault::Ipv4Mapped
        | PatternFault::AddressAsHttpHost => Code::CidrInvalid,
        _ => Code::HostMalformed,
    }
}

/// The advice for a fault, if the suggestion is not sufficient.
fn advice(subject: PatternKind, fault: PatternFault) -> Option<&'static str> {
    Some(match fault {
        PatternFault::Empty => "remove the entry, or write a resource",
        PatternFault::HostPath => "paths belong in a rule with HTTP actions and `httpResources`",
        PatternFault::LeadingDot => {
            "write `*.` in front for names one label deeper, or `**.` for all names below"
        }
        PatternFault::EmptyLabel => "remove one of the dots, or write the missing label",
        PatternFault::LabelTooLong | PatternFault::HostTooLong => {
            "check the name: no name server could answer for it"
        }
        PatternFault::HostCharacter(_) => {
            "use letters, digits, `-`, `_` and dots, one host per entry"
        }
        PatternFault::NonAscii => "the ASCII form begins with `xn--`",
        PatternFault::Control(_) => "remove it; in YAML, `\\u` escapes in double quotes show it",
        PatternFault::LabelHyphen => "remove the hyphen",
        PatternFault::SeveralHosts => "write each host as a separate entry",
        PatternFault::NotAnAddress => {
            "write four numbers from 0 to 255, or a CIDR such as `10.0.0.0/8`"
        }
        PatternFault::WildcardAlone => {
            "name the domain, as in `**.example.com`; every host is written `**`"
        }
        PatternFault::WildcardMisplaced | PatternFault::WildcardGlued => {
            "use `*.example.com` for one label more and `**.example.com` for any number"
        }
        PatternFault::PortEmpty => "leave the colon out for every port",
        PatternFault::PortNotNumber => {
            "write one number, as in `example.com:443`; leave it out for every port"
        }
        PatternFault::PortRange => "ports go from 1 to 65535; leave the port out for every port",
        PatternFault::PortInHost => "move the port to the field `port`",
        PatternFault::CidrAddress => {
            "write the address in full, as in `10.0.0.0/8` or `2001:db8::/32`"
        }
        PatternFault::CidrPort => "a CIDR covers every port; use host names where the port matters",
        PatternFault::Ipv6Port => {
            "the service documents no IPv6 address with a port; write a CIDR such as `2001:db8::1/128`"
        }
        PatternFault::Ipv6Ambiguous => "add a prefix length; a port cannot follow an IPv6 address",
        PatternFault::AddressAsHttpHost => {
            "write a host name, or use network actions with `resources`"
        }
        PatternFault::HttpRelative => {
            "a path such as `/api/**` is matched against the whole path of a request"
        }
        PatternFault::Query | PatternFault::Fragment => "only the path of a request is compared",
        PatternFault::DotSegment => "write the path without `.` and `..` segments",
        PatternFault::DeepGlued => "`*` matches inside a segment, `**` any number of segments",
        PatternFault::Relative => "write the whole path from its root",
        PatternFault::Variable => "use `~` for the home directory, or write the path in full",
        PatternFault::HomeOfUser => "write `~/…` or the full path",
        PatternFault::UnknownShare => "mount the share under a drive or a directory and name that",
        PatternFault::NoDistribution => "write for example `\\\\wsl.localhost\\Ubuntu\\home\\**`",
        PatternFault::DriveRelative => "a path on a drive starts at its root, as in `C:\\data\\**`",
        PatternFault::PathCharacter(_) => "use only characters that Windows allows in file names",
        PatternFault::Scheme if subject == PatternKind::Network => "the port replaces `https://`",
        PatternFault::CidrPrefix(32) => "a prefix length follows the address, as in `10.0.0.0/8`",
        PatternFault::CidrPrefix(_) => "a prefix length follows the address, as in `2001:db8::/32`",
        _ => return None,
    })
}

/// A fault with its bytes, during parsing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FaultRange {
    pub(super) fault: PatternFault,
    pub(super) range: Range<usize>,
}

impl FaultRange {
    pub(super) fn new(fault: PatternFault, range: Range<usize>) -> Self {
        Self { fault, range }
    }

    /// Moves the fault by `by` bytes.
    pub(super) fn shifted(self, by: usize) -> Self {
        Self {
            fault: self.fault,
            range: self.range.start + by..self.range.end + by,
        }
    }
}

/// Checks that apply to all kinds of resources.
pub(super) fn read_common(text: &str) -> Result<(), FaultRange> {
    if text.is_empty() {
        return Err(FaultRange::new(PatternFault::Empty, 0..0));
    }
    let bytes = text.as_bytes();
    // All invisible characters are below 0x20, equal to 0x7f, or not ASCII, so plain ASCII needs only
    // one pass.
    if bytes.iter().any(|byte| *byte < 0x20 || *byte >= 0x7f)
        && let Some((at, control)) = text.char_indices().find(|(_, c)| is_hidden(*c))
    {
        return Err(FaultRange::new(
            PatternFault::Control(control),
            at..at + control.len_utf8(),
        ));
    }
    let start = text.len() - text.trim_start().len();
    if start > 0 {
        return Err(FaultRange::new(PatternFault::Padded, 0..start));
    }
    let end = text.trim_end().len();
    if end < text.len() {
        return Err(FaultRange::new(PatternFault::Padded, end..text.len()));
    }
    Ok(())
}
