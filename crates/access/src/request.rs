//! Requests: what a rule set decides about.

use std::fmt;
use std::net::IpAddr;

use model::docker::pattern::Root;
use model::docker::{FileMode, Method, Transport};

/// Where a connection goes. A name is not checked against addresses (contract: FACTS, "What the rules mean").
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Destination {
    /// A host name, as the client gave it.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// A path on a machine, in one of the formats that rules know.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FilePath {
    /// Where it begins. Never [`Root::AnyDrive`], which only patterns have.
    pub root: Root,
    /// Its segments.
    pub segments: Vec<String>,
}

/// One concrete thing that a sandbox may want to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Request {
    /// Open a connection, whatever is spoken on it.
    Connect {
        /// How.
        transport: Transport,
        /// Where to.
        destination: Destination,
        /// The port.
        port: u16,
    },
    /// Send an HTTP request.
    Http {
        /// The method.
        method: Method,
        /// Where to.
        destination: Destination,
        /// The port.
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
            Root::Posix => write!(f, "/{}", segments.join("/")),
            Root::Home if segments.is_empty() => f.write_str("~"),
            Root::Home => write!(f, "~/{}", segments.join("/")),
            Root::Drive(letter) => write!(f, "{letter}:\\{}", segments.join("\\")),
            Root::AnyDrive => write!(f, "*:\\{}", segments.join("\\")),
            Root::Wsl => write!(f, "\\\\wsl.localhost\\{}", segments.join("\\")),
        }
    }
}

impl fmt::Display for Request {
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
