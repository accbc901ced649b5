//! Terms: the meaning of resources, apart from the destination or path that leads to them in the
//! index.

use smallvec::SmallVec;

use super::bits::BitSet;
use super::segments::FixedMap;
use model::docker::pattern::{GlobSegment, PathGlob, glob_matches};
use model::docker::{Decision, FileMode, Method, Transport};

/// The common meaning of one or more entries at the same place.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) decision: Decision,
    pub(crate) what: TermMatcher,
    /// The sides that all its entries are on.
    pub(crate) sides: BitSet,
    /// The first term with the same decision and meaning at the same place, on any sides.
    pub(crate) meaning: u32,
    pub(crate) entries: SmallVec<[u32; 2]>,
}

/// A set of actions of one kind, as bits at their positions in `ALL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ActionSet(u16);

impl ActionSet {
    /// A set of actions; `action as u16` is its position.
    pub(crate) fn from_positions(positions: impl Iterator<Item = u16>) -> Self {
        Self(positions.fold(0, |bits, position| bits | 1 << position))
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn contains(self, position: u16) -> bool {
        self.0 >> position & 1 == 1
    }
}

/// The kind of requests that a term matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TermMatcher {
    Connect {
        transports: ActionSet,
        port: Option<u16>,
    },
    Http {
        methods: ActionSet,
        port: Option<u16>,
        path: u32,
    },
    File {
        modes: ActionSet,
    },
}

impl TermMatcher {
    /// Whether it matches connections by this transport.
    pub(crate) fn matches_transport(self, transport: Transport) -> bool {
        match self {
            Self::Connect { transports, .. } => transports.contains(transport as u16),
            Self::Http { .. } | Self::File { .. } => false,
        }
    }

    /// Whether it matches HTTP requests with this method.
    pub(crate) fn requests(self, method: Method) -> bool {
        match self {
            Self::Http { methods, .. } => methods.contains(method as u16),
            Self::Connect { .. } | Self::File { .. } => false,
        }
    }

    /// Whether it matches mounts with this mode.
    pub(crate) fn mounts(self, mode: FileMode) -> bool {
        match self {
            Self::File { modes } => modes.contains(mode as u16),
            Self::Connect { .. } | Self::Http { .. } => false,
        }
    }

    /// Whether both match connections by a common transport, regardless of ports.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        Transport::ALL.iter().any(|transport| {
            self.matches_transport(*transport) && other.matches_transport(*transport)
        })
    }

    /// The port, if it is limited to one.
    pub(crate) fn port(self) -> Option<u16> {
        match self {
            Self::Connect { port, .. } | Self::Http { port, .. } => port,
            Self::File { .. } => None,
        }
    }
}

/// Like `TermMatcher`, but with the path itself instead of its number. It does not depend on an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ResourceMatcher {
    Connect {
        transports: ActionSet,
        port: Option<u16>,
    },
    Http {
        methods: ActionSet,
        port: Option<u16>,
        path: PathGlob,
    },
    File {
        modes: ActionSet,
    },
}

/// The distinct HTTP path globs of an index, so that terms are small and comparable.
#[derive(Debug, Default)]
pub(crate) struct PathTable {
    paths: Vec<(PathGlob, Box<[PathPiece]>)>,
    known: FixedMap<Box<str>, u32>,
}

#[derive(Debug)]
enum PathPiece {
    Text(Box<str>),
    Glob(Box<str>),
    Deep,
}

impl PathTable {
    pub(crate) fn term_matcher(&mut self, about: &ResourceMatcher) -> TermMatcher {
        match about {
            ResourceMatcher::Connect { transports, port } => TermMatcher::Connect {
                transports: *transports,
                port: *port,
            },
            ResourceMatcher::Http {
                methods,
                port,
                path,
            } => TermMatcher::Http {
                methods: *methods,
                port: *port,
                path: self.path(path),
            },
            ResourceMatcher::File { modes } => TermMatcher::File { modes: *modes },
        }
    }

    fn path(&mut self, path: &PathGlob) -> u32 {
        if let Some(known) = self.known.get(path.as_str()) {
            return *known;
        }
        let id = u32::try_from(self.paths.len()).unwrap_or(u32::MAX);
        let pieces = path.segments().map(|segment| match segment {
            GlobSegment::Text(text) => PathPiece::Text(text.into()),
            GlobSegment::Glob(glob) => PathPiece::Glob(glob.into()),
            GlobSegment::Deep => PathPiece::Deep,
        });
        self.paths.push((path.clone(), pieces.collect()));
        self.known.insert(path.as_str().into(), id);
        id
    }

    pub(crate) fn glob(&self, path: u32) -> &PathGlob {
        &self.paths[path as usize].0
    }

    /// Whether a path matches a glob. This is greedy wildcard matching: each `**` first matches no
    /// segment, and after a mismatch the last `**` takes one segment more. Returning to the last
    /// `**` is enough, because an earlier one could only move the start of what the last one can
    /// match anyway. The time is at most the product of the two lengths. Example: for `/**/b` and
    /// `/b/a/b`, the first `b` matches but leaves two segments; `**` then takes one, two segments
    /// until the last `b` matches.
    pub(crate) fn matches(&self, path: u32, segments: &[String]) -> bool {
        let pieces = &self.paths[path as usize].1;
        let mut piece = 0;
        let mut at = 0;
        let mut again: Option<(usize, usize)> = None;
        loop {
            let fits = match (pieces.get(piece), segments.get(at)) {
                (None, None) => return true,
                (Some(PathPiece::Deep), _) => {
                    again = Some((piece, at));
                    piece += 1;
                    continue;
                }
                (Some(PathPiece::Text(text)), Some(segment)) => **text == **segment,
                (Some(PathPiece::Glob(glob)), Some(segment)) => {
                    **glob == *"*" || glob_matches(glob, segment)
                }
                (None, Some(_)) | (Some(_), None) => false,
            };
            if fits {
                (piece, at) = (piece + 1, at + 1);
            } else if let Some((deep, from)) = again.filter(|(_, from)| *from < segments.len()) {
                again = Some((deep, from + 1));
                (piece, at) = (deep + 1, from + 1);
            } else {
                return false;
            }
        }
    }
}
