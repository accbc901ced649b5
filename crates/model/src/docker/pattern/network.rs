//! Resources of network rules: hosts with ports, addresses and CIDRs.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use ipnet::IpNet;

use super::error::{FaultRange, PatternError, PatternFault, PatternKind, read_common};
use super::host::{HostPattern, ends_in_number, looks_like_address, reject_url_parts};
use super::repair;

/// A resource of a network rule (contract: `RuleResources`, network domain).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NetworkPattern {
    /// A host name or host glob, or `**` for every host.
    Host {
        /// The host; never an address.
        host: HostPattern,
        /// The port; all ports if `None`.
        port: Option<NonZeroU16>,
    },
    /// One address without a prefix length. The contract names only host names and CIDRs. It
    /// matches requests to that address, whether a client uses it as a host or connects to it.
    Address {
        address: IpAddr,
        /// The port; all ports if `None`. Always `None` for IPv6.
        port: Option<NonZeroU16>,
    },
    /// A range of addresses with all ports, without host bits.
    Cidr(IpNet),
}

impl NetworkPattern {
    /// Parses a resource of a network rule.
    ///
    /// # Errors
    /// Returns the invalid bytes.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        repair::parse(text, PatternKind::Network, Self::read)
    }

    /// Parses a resource of a live rule, in which a range with host bits means its network:
    /// `10.1.2.3/8` is `10.0.0.0/8`. Manifests must name the network.
    ///
    /// # Errors
    /// Returns the invalid bytes.
    pub fn parse_live(text: &str) -> Result<Self, PatternError> {
        Self::parse(text).or_else(|error| {
            let net = text.parse::<IpNet>().ok();
            let net = net.filter(|_| error.fault == PatternFault::HostBits);
            let network = net.and_then(|net| Self::read_one(&net.trunc().to_string()).ok());
            network.ok_or(error)
        })
    }

    /// The hosts of an entry that contains several, separated by white space, commas or semicolons.
    /// Nothing unless all of them are valid entries.
    pub fn several(text: &str) -> Option<Vec<String>> {
        // The last one is a no-break space, which comes with text from web pages.
        let is_separator = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | ',' | ';' | '\u{a0}');
        let parts: Vec<String> = text
            .split(is_separator)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect();
        // A space inside of a name is more likely than several names without a dot.
        let is_valid = |part: &String| part.contains(['.', ':']) && Self::read_one(part).is_ok();
        (parts.len() > 1 && parts.iter().all(is_valid)).then_some(parts)
    }

    pub(super) fn read(text: &str) -> Result<Self, FaultRange> {
        Self::read_one(text).map_err(|fault| match Self::several(text) {
            Some(_) => FaultRange::new(PatternFault::SeveralHosts, 0..text.len()),
            None => fault,
        })
    }

    fn read_one(text: &str) -> Result<Self, FaultRange> {
        read_common(text)?;
        reject_url_parts(text)?;
        if let Some(slash) = text.find('/') {
            if looks_like_address(&text[..slash]) {
                return read_cidr(text, slash).map(Self::Cidr);
            }
            return Err(FaultRange::new(PatternFault::HostPath, slash..text.len()));
        }
        if text.starts_with('[') && looks_like_address(text) {
            let fault = if text.contains("]:") {
                PatternFault::Ipv6Port
            } else {
                PatternFault::Ipv6Brackets
            };
            return Err(FaultRange::new(fault, 0..text.len()));
        }
        let Some(colon) = text.find(':') else {
            return read_host(text, None);
        };
        if text[colon + 1..].contains(':') {
            return read_ipv6(text).map(|address| Self::Address {
                address: address.into(),
                port: None,
            });
        }
        // Errors in the host are reported first because it comes first in the text.
        let host = read_host(&text[..colon], None)?;
        let port = read_port(&text[colon + 1..]).map_err(|spot| spot.shifted(colon + 1))?;
        Ok(host.with_port(port))
    }

    fn with_port(self, port: NonZeroU16) -> Self {
        match self {
            Self::Host { host, port: _ } => Self::Host {
                host,
                port: Some(port),
            },
            Self::Address { address, port: _ } => Self::Address {
                address,
                port: Some(port),
            },
            Self::Cidr(net) => Self::Cidr(net),
        }
    }

    /// The host pattern, unless this is an address or range.
    pub fn host(&self) -> Option<&HostPattern> {
        match self {
            Self::Host { host, .. } => Some(host),
            Self::Address { .. } | Self::Cidr(_) => None,
        }
    }

    /// The port; all ports if `None`.
    pub fn port(&self) -> Option<NonZeroU16> {
        match self {
            Self::Host { port, .. } | Self::Address { port, .. } => *port,
            Self::Cidr(_) => None,
        }
    }

    /// The address or range, unless this is a host name.
    pub fn net(&self) -> Option<IpNet> {
        match self {
            Self::Host { .. } => None,
            Self::Address { address, .. } => Some(IpNet::from(*address)),
            Self::Cidr(net) => Some(*net),
        }
    }
}

impl fmt::Display for NetworkPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { host, port: None } => write!(f, "{host}"),
            Self::Host {
                host,
                port: Some(port),
            } => write!(f, "{host}:{port}"),
            Self::Address {
                address,
                port: Some(port),
            } => write!(f, "{address}:{port}"),
            // The end of a compressed address can look like a port.
            Self::Address {
                address: IpAddr::V6(address),
                port: None,
            } if read_ipv6(&address.to_string()).is_err() => {
                let [a, b, c, d, e, g, h, i] = address.segments();
                write!(f, "{a:x}:{b:x}:{c:x}:{d:x}:{e:x}:{g:x}:{h:x}:{i:x}")
            }
            Self::Address {
                address,
                port: None,
            } => write!(f, "{address}"),
            Self::Cidr(net) => write!(f, "{net}"),
        }
    }
}

fn read_host(text: &str, port: Option<NonZeroU16>) -> Result<NetworkPattern, FaultRange> {
    if ends_in_number(text)
        && let Ok(address) = text.parse::<Ipv4Addr>()
    {
        return Ok(NetworkPattern::Address {
            address: address.into(),
            port,
        });
    }
    if text.is_empty() {
        return Err(FaultRange::new(PatternFault::EmptyLabel, 0..0));
    }
    HostPattern::read(text).map(|host| NetworkPattern::Host { host, port })
}

/// Parses a port: a decimal number without sign and leading zeros.
pub(super) fn read_port(text: &str) -> Result<NonZeroU16, FaultRange> {
    let fault = match text.as_bytes() {
        [] => PatternFault::PortEmpty,
        digits if !digits.iter().all(u8::is_ascii_digit) => PatternFault::PortNotNumber,
        [b'0', _, ..] => PatternFault::PortLeadingZero,
        _ => match text.parse::<NonZeroU16>() {
            Ok(port) => return Ok(port),
            Err(_) => PatternFault::PortRange,
        },
    };
    Err(FaultRange::new(fault, 0..text.len()))
}

/// Parses an IPv6 address whose end cannot be confused with a port.
fn read_ipv6(text: &str) -> Result<Ipv6Addr, FaultRange> {
    let (head, last) = text.rsplit_once(':').unwrap_or((text, ""));
    let port_like = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    let head_is_address = head.parse::<Ipv6Addr>().is_ok();
    match text.parse::<Ipv6Addr>() {
        Ok(address) if address.to_ipv4_mapped().is_some() => {
            Err(FaultRange::new(PatternFault::Ipv4Mapped, 0..text.len()))
        }
        Ok(_) if port_like && head_is_address => Err(FaultRange::new(
            PatternFault::Ipv6Ambiguous,
            head.len()..text.len(),
        )),
        Ok(address) => Ok(address),
        Err(_) if head_is_address => Err(FaultRange::new(
            PatternFault::Ipv6Port,
            head.len()..text.len(),
        )),
        Err(_) => Err(FaultRange::new(PatternFault::CidrAddress, 0..text.len())),
    }
}

fn read_cidr(text: &str, slash: usize) -> Result<IpNet, FaultRange> {
    let address = &text[..slash];
    let prefix = &text[slash + 1..];
    if address.starts_with('[') {
        return Err(FaultRange::new(PatternFault::Ipv6Brackets, 0..slash));
    }
    let Ok(address) = address.parse::<IpAddr>() else {
        return Err(FaultRange::new(PatternFault::CidrAddress, 0..slash));
    };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    if let Some(colon) = prefix.find(':') {
        return Err(FaultRange::new(
            PatternFault::CidrPort,
            slash + 1 + colon..text.len(),
        ));
    }
    let canonical = !prefix.is_empty()
        && prefix.bytes().all(|byte| byte.is_ascii_digit())
        && (prefix == "0" || !prefix.starts_with('0'));
    let net = prefix
        .parse::<u8>()
        .ok()
        .filter(|_| canonical)
        .and_then(|length| IpNet::new(address, length).ok());
    let Some(net) = net else {
        return Err(FaultRange::new(
            PatternFault::CidrPrefix(longest),
            slash + 1..text.len(),
        ));
    };
    if net.addr() != net.network() {
        return Err(FaultRange::new(PatternFault::HostBits, 0..text.len()));
    }
    match net {
        IpNet::V6(v6) if v6.prefix_len() >= 96 && v6.network().to_ipv4_mapped().is_some() => {
            Err(FaultRange::new(PatternFault::Ipv4Mapped, 0..text.len()))
        }
        net => Ok(net),
    }
}
