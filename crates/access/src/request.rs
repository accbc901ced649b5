//! Requests, which are what rules decide, and sets of ports.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use model::docker::pattern::PathRoot;
use model::docker::{FileMode, Method, Transport};

/// The destination of a connection. Names are not resolved: a rule about a name does not apply to
/// its addresses (contract: FACTS, "What the rules mean").
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Destination {
    /// A host name, as given by the client.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// A path on a machine, in one of the formats of rules.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FilePath {
    /// The root. Never `Root::AnyDrive`, which only patterns have.
    pub root: PathRoot,
    /// The segments below the root.
    pub segments: Vec<String>,
}

/// One concrete action that a sandbox may attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AccessRequest {
    /// Open a connection, for any protocol on top of it.
    Connect {
        /// The transport protocol.
        transport: Transport,
        /// The host or address.
        destination: Destination,
        /// The port, at least 1.
        port: u16,
    },
    /// Send an HTTP request.
    Http {
        /// The method.
        method: Method,
        /// The host or address.
        destination: Destination,
        /// The port, at least 1.
        port: u16,
        /// The segments of the path.
        path: Vec<String>,
    },
    /// Mount a path.
    File {
        /// For reading or for writing.
        mode: FileMode,
        /// The path.
        path: FilePath,
    },
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { root, segments } = self;
        match root {
            PathRoot::Posix => write!(f, "/{}", segments.join("/")),
            PathRoot::Home if segments.is_empty() => f.write_str("~"),
            PathRoot::Home => write!(f, "~/{}", segments.join("/")),
            PathRoot::Drive(letter) => write!(f, "{letter}:\\{}", segments.join("\\")),
            PathRoot::AnyDrive => write!(f, "*:\\{}", segments.join("\\")),
            PathRoot::Any => f.write_str("**"),
            PathRoot::Wsl => write!(f, "\\\\wsl.localhost\\{}", segments.join("\\")),
        }
    }
}

impl fmt::Display for AccessRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect {
                transport,
                destination,
                port,
            } => {
                let transport = match transport {
                    Transport::Tcp => "tcp",
                    Transport::Udp => "udp",
                };
                write!(f, "{transport} {destination}:{port}")
            }
            Self::Http {
                method,
                destination,
                port,
                path,
            } => {
                let method = method.as_str().trim_start_matches("request:");
                let path = path.join("/");
                match port {
                    443 => write!(f, "{method} https://{destination}/{path}"),
                    80 => write!(f, "{method} http://{destination}/{path}"),
                    port => write!(f, "{method} https://{destination}:{port}/{path}"),
                }
            }
            Self::File { mode, path } => write!(f, "{mode} {path}"),
        }
    }
}

/// A part of all requests that shares no patterns with the others, except for `**`: names are not
/// resolved, and each path format has its own patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestPart {
    Names,
    Addresses,
    PosixPaths,
    HomePaths,
    WslPaths,
    WindowsPaths,
}

impl RequestPart {
    pub(crate) const ALL: [Self; 6] = [
        Self::Names,
        Self::Addresses,
        Self::PosixPaths,
        Self::HomePaths,
        Self::WslPaths,
        Self::WindowsPaths,
    ];

    /// Whether the part consists of mounts. The other parts are about hosts.
    pub(crate) fn is_of_files(self) -> bool {
        match self {
            Self::Names | Self::Addresses => false,
            Self::PosixPaths | Self::HomePaths | Self::WslPaths | Self::WindowsPaths => true,
        }
    }
}

/// A set of ports. Port 0 is invalid and never in a set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PortSet {
    /// Only these ports.
    Only(BTreeSet<u16>),
    /// All ports except these.
    AllBut(BTreeSet<u16>),
}

impl PortSet {
    /// Every port.
    pub fn all() -> Self {
        Self::AllBut(BTreeSet::new())
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Only(ports) if ports.is_empty())
    }

    /// A port of the set: 443 if it is in the set; otherwise the lowest listed port, or, if the set
    /// is what remains without some ports, 80 or the lowest that remains.
    pub fn witness(&self) -> Option<u16> {
        match self {
            Self::Only(ports) => ports
                .iter()
                .copied()
                .find(|port| *port == 443)
                .or_else(|| ports.first().copied()),
            Self::AllBut(ports) => [443, 80]
                .into_iter()
                .chain(1..=u16::MAX)
                .find(|port| !ports.contains(port)),
        }
    }
}

impl fmt::Display for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |ports: &BTreeSet<u16>| {
            ports
                .iter()
                .map(u16::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        match self {
            Self::Only(ports) if ports.len() == 1 => write!(f, "port {}", list(ports)),
            Self::Only(ports) => write!(f, "ports {}", list(ports)),
            Self::AllBut(ports) if ports.is_empty() => f.write_str("every port"),
            Self::AllBut(ports) => write!(f, "every port but {}", list(ports)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PortSet;

    #[test]
    fn the_witness_of_a_port_set_is_in_it_and_usual_if_possible() {
        let cases = [
            (PortSet::all(), Some(443)),
            (PortSet::AllBut([443].into()), Some(80)),
            (PortSet::AllBut([80, 443, 1].into()), Some(2)),
            (PortSet::AllBut((1..=u16::MAX).collect()), None),
            (PortSet::Only([22, 443, 8443].into()), Some(443)),
            (PortSet::Only([22, 8443].into()), Some(22)),
            (PortSet::Only([].into()), None),
        ];
        for (ports, expected) in cases {
            assert_eq!(ports.witness(), expected, "{ports}");
        }
    }
}
