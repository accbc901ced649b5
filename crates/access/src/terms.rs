//! Terms: what entries mean, apart from the destination or path that leads to them.

use smallvec::SmallVec;

use super::bits::Bits;
use super::segments::Map;
use model::docker::pattern::{PathGlob, Segment, glob_matches};
use model::docker::{Decision, FileMode, Method, Transport};

/// What one or more entries at the same place say.
#[derive(Debug)]
pub(super) struct Term {
    pub(super) decision: Decision,
    pub(super) what: What,
    /// The sides of all its entries.
    pub(super) sides: Bits,
    /// The first term that says the same at the same place, whatever its sides.
    pub(super) meaning: u32,
    pub(super) entries: SmallVec<[u32; 2]>,
}

/// Some of the actions of one kind, by their positions in `ALL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Actions(u16);

impl Actions {
    /// A set of actions; `action as u16` is its position.
    pub(super) fn of(positions: impl Iterator<Item = u16>) -> Self {
        Self(positions.fold(0, |bits, position| bits | 1 << position))
    }

    pub(super) fn has(self, position: u16) -> bool {
        self.0 >> position & 1 == 1
    }
}

/// What a term is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum What {
    Connect {
        transports: Actions,
        port: Option<u16>,
    },
    Http {
        methods: Actions,
        port: Option<u16>,
        path: u32,
    },
    File {
        modes: Actions,
    },
}

impl What {
    /// Whether it is about connections by this transport.
    pub(super) fn connects(self, transport: Transport) -> bool {
        match self {
            Self::Connect { transports, .. } => transports.has(transport as u16),
            Self::Http { .. } | Self::File { .. } => false,
        }
    }

    /// Whether it is about HTTP requests with this method.
    pub(super) fn requests(self, method: Method) -> bool {
        match self {
            Self::Http { methods, .. } => methods.has(method as u16),
            Self::Connect { .. } | Self::File { .. } => false,
        }
    }

    /// Whether it is about mounts of this mode.
    pub(super) fn mounts(self, mode: FileMode) -> bool {
        match self {
            Self::File { modes } => modes.has(mode as u16),
            Self::Connect { .. } | Self::Http { .. } => false,
        }
    }

    /// Whether both are about connections by a transport in common, whatever their ports.
    pub(super) fn overlaps(self, other: Self) -> bool {
        Transport::ALL
            .iter()
            .any(|transport| self.connects(*transport) && other.connects(*transport))
    }

    /// The only port that it is about.
    pub(super) fn port(self) -> Option<u16> {
        match self {
            Self::Connect { port, .. } | Self::Http { port, .. } => port,
            Self::File { .. } => None,
        }
    }
}

/// What a resource is about, with its own copy of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum About {
    Connect {
        transports: Actions,
        port: Option<u16>,
    },
    Http {
        methods: Actions,
        port: Option<u16>,
        path: PathGlob,
    },
    File {
        modes: Actions,
    },
}

/// The HTTP paths that rules name, each once.
#[derive(Debug, Default)]
pub(super) struct Places {
    paths: Vec<(PathGlob, Box<[Piece]>)>,
    known: Map<Box<str>, u32>,
}

#[derive(Debug)]
enum Piece {
    Text(Box<str>),
    Glob(Box<str>),
    Deep,
}

impl Places {
    pub(super) fn what(&mut self, about: &About) -> What {
        match about {
            About::Connect { transports, port } => What::Connect {
                transports: *transports,
                port: *port,
            },
            About::Http {
                methods,
                port,
                path,
            } => What::Http {
                methods: *methods,
                port: *port,
                path: self.path(path),
            },
            About::File { modes } => What::File { modes: *modes },
        }
    }

    fn path(&mut self, path: &PathGlob) -> u32 {
        if let Some(known) = self.known.get(path.as_str()) {
            return *known;
        }
        let id = u32::try_from(self.paths.len()).unwrap_or(u32::MAX);
        let pieces = path.segments().map(|segment| match segment {
            Segment::Text(text) => Piece::Text(text.into()),
            Segment::Glob(glob) => Piece::Glob(glob.into()),
            Segment::Deep => Piece::Deep,
        });
        self.paths.push((path.clone(), pieces.collect()));
        self.known.insert(path.as_str().into(), id);
        id
    }

    pub(super) fn glob(&self, path: u32) -> &PathGlob {
        &self.paths[path as usize].0
    }

    /// Whether a path matches: `**` takes as little as it can and more only when the rest does not fit, which is
    /// enough, since what follows the last `**` decides.
    pub(super) fn matches(&self, path: u32, segments: &[String]) -> bool {
        let pieces = &self.paths[path as usize].1;
        let mut piece = 0;
        let mut at = 0;
        let mut again: Option<(usize, usize)> = None;
        loop {
            let fits = match (pieces.get(piece), segments.get(at)) {
                (None, None) => return true,
                (Some(Piece::Deep), _) => {
                    again = Some((piece, at));
                    piece += 1;
                    continue;
                }
                (Some(Piece::Text(text)), Some(segment)) => **text == **segment,
                (Some(Piece::Glob(glob)), Some(segment)) => {
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
