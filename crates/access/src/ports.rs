//! Sets of ports.

use std::collections::BTreeSet;
use std::fmt;

/// Some ports, or all but some; 0 is no port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ports {
    /// These.
    Only(BTreeSet<u16>),
    /// All but these.
    AllBut(BTreeSet<u16>),
}

impl Ports {
    /// Every port.
    pub fn all() -> Self {
        Self::AllBut(BTreeSet::new())
    }

    /// Whether the set holds no port.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Only(ports) if ports.is_empty())
    }

    /// A port of the set that a person would think of: 443 or 80 if they are in it.
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

impl fmt::Display for Ports {
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
