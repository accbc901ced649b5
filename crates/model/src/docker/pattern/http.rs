//! Targets of HTTP rules.

use std::fmt;
use std::num::NonZeroU16;

use super::error::{FaultRange, PatternError, PatternFault, PatternKind, read_common};
use super::glob::{self, GlobSegment};
use super::host::HostPattern;
use super::repair;
use crate::docker::HttpResource;

/// A field of an HTTP target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HttpField {
    /// `host`.
    Host,
    /// `port`.
    Port,
    /// `path`.
    Path,
}

impl HttpField {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Port => "port",
            Self::Path => "path",
        }
    }
}

/// A target of HTTP requests (contract: `HTTPResource`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpPattern {
    /// The host; never a CIDR.
    pub host: HostPattern,
    /// The port; all ports if `None`.
    pub port: Option<NonZeroU16>,
    pub path: PathGlob,
}

impl HttpPattern {
    /// Parses the three fields of a target.
    ///
    /// # Errors
    /// All invalid fields, in the order host, port, path.
    pub fn parse(resource: &HttpResource) -> Result<Self, Vec<(HttpField, PatternError)>> {
        let HttpResource { host, port, path } = resource;
        Self::parse_fields(host, *port, path)
    }

    /// Parses the three fields of a target.
    ///
    /// # Errors
    /// All invalid fields, in the order host, port, path.
    pub fn parse_fields(
        host: &str,
        port: Option<u16>,
        path: &str,
    ) -> Result<Self, Vec<(HttpField, PatternError)>> {
        let host = HostPattern::parse(host).map_err(|error| (HttpField::Host, error));
        let port = match port.map(NonZeroU16::try_from) {
            None => Ok(None),
            Some(Ok(port)) => Ok(Some(port)),
            Some(Err(_)) => Err((
                HttpField::Port,
                PatternError {
                    subject: PatternKind::HttpPort,
                    fault: PatternFault::PortRange,
                    range: 0..1,
                    suggestion: None,
                },
            )),
        };
        let path = PathGlob::parse(path).map_err(|error| (HttpField::Path, error));
        match (host, port, path) {
            (Ok(host), Ok(port), Ok(path)) => Ok(Self { host, port, path }),
            (host, port, path) => Err([host.err(), port.err(), path.err()]
                .into_iter()
                .flatten()
                .collect()),
        }
    }
}

impl fmt::Display for HttpPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, path } = self;
        match port {
            Some(port) => write!(f, "{host}:{port}{path}"),
            None => write!(f, "{host}{path}"),
        }
    }
}

/// The canonical path glob of an HTTP target, from the root.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathGlob(Box<str>);

impl PathGlob {
    /// Parses a path glob (contract: `HTTPResource.path`).
    ///
    /// # Errors
    /// Returns the bytes that are not canonical, and suggests the canonical form.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        repair::parse(text, PatternKind::HttpPath, Self::read)
    }

    pub(super) fn read(text: &str) -> Result<Self, FaultRange> {
        read_common(text)?;
        let Some(body) = text.strip_prefix('/') else {
            return Err(match text.find("://") {
                Some(at) => FaultRange::new(PatternFault::Scheme, 0..at + 3),
                None => FaultRange::new(PatternFault::HttpRelative, 0..0),
            });
        };
        if let Some((at, byte)) = text
            .bytes()
            .enumerate()
            .find(|(_, byte)| matches!(byte, b'?' | b'#' | b'%'))
        {
            return Err(match byte {
                b'?' => FaultRange::new(PatternFault::Query, at..text.len()),
                b'#' => FaultRange::new(PatternFault::Fragment, at..text.len()),
                _ => FaultRange::new(
                    PatternFault::PercentEncoding,
                    at..text.floor_char_boundary((at + 3).min(text.len())),
                ),
            });
        }
        glob::read_segments(body, b'/', 1)?;
        Ok(Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The glob in lowercase, for comparisons that ignore case.
    #[must_use]
    pub fn to_lowercase(&self) -> Self {
        Self(self.0.to_lowercase().into())
    }

    /// Whether this glob matches every path that `other` matches. `true` is always correct; `false`
    /// may also mean that the comparison would be too expensive.
    pub fn covers(&self, other: &Self) -> bool {
        glob::covers(
            &self.segments().collect::<Vec<_>>(),
            &other.segments().collect::<Vec<_>>(),
        )
    }

    /// The segments; none for `/`.
    pub fn segments(&self) -> impl Iterator<Item = GlobSegment<'_>> {
        glob::segments(&self.0, '/')
    }
}

impl fmt::Display for PathGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
