//! Gates: statements about which requests must never or always be allowed.

use super::audience::NamedAudience;
use super::request_pattern::RequestPattern;
use super::sets::RequestSet;

/// The requirement of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GateKind {
    /// Every request that matches the pattern must be denied.
    Never,
    /// Every request that matches the pattern must be allowed.
    Always,
}

/// A requirement on the access of an organization. `S` is its source, such as a place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate<S> {
    /// The requirement.
    pub kind: GateKind,
    /// The requests that it applies to.
    pub pattern: RequestPattern,
    /// The audience that it applies to; `None` means everyone.
    pub audience: Option<NamedAudience>,
    /// The reason given by its author.
    pub reason: Option<String>,
    /// The place where it is declared.
    pub source: S,
}

impl<S> Gate<S> {
    /// Whether this gate implies another one: same requirement, same audience, and a pattern that
    /// includes the pattern of the other. If the inclusion exceeds the work budget, only equal
    /// patterns imply each other.
    pub fn is_as_strict_as<T>(&self, other: &Gate<T>) -> bool {
        let people = |audience: &Option<NamedAudience>| {
            audience.as_ref().map(|named| named.audience.clone())
        };
        let takes_in = || {
            let [wide, narrow] =
                [&self.pattern, &other.pattern].map(|pattern| RequestSet::matching([pattern]));
            self.pattern == other.pattern || narrow.is_subset(&wide).unwrap_or(false)
        };
        self.kind == other.kind && people(&self.audience) == people(&other.audience) && takes_in()
    }

    /// Converts the source.
    pub fn with_source<T>(self, source: impl FnOnce(S) -> T) -> Gate<T> {
        let Self {
            kind,
            pattern,
            audience,
            reason,
            source: old,
        } = self;
        Gate {
            kind,
            pattern,
            audience,
            reason,
            source: source(old),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(kind: GateKind, pattern: &str) -> Gate<()> {
        Gate {
            kind,
            pattern: pattern.parse().unwrap(),
            audience: None,
            reason: None,
            source: (),
        }
    }

    #[test]
    fn a_gate_asks_as_much_as_another_whose_requests_it_takes_in() {
        for (wide, narrow, expected) in [
            ("tcp **.example.com", "tcp a.example.com:443", true),
            ("tcp a.example.com:443", "tcp **.example.com", false),
            ("tcp 10.0.0.2/32", "tcp 10.0.0.2", true),
            ("read /data/**", "read /data/*/x", true),
            ("read /data/*", "read /data/**", false),
            ("tcp api.example.com", "get https://api.example.com/x", true),
            ("http api.example.com/**", "tcp api.example.com", false),
        ] {
            let one = gate(GateKind::Never, wide);
            let two = gate(GateKind::Never, narrow);
            assert_eq!(one.is_as_strict_as(&two), expected, "{wide} and {narrow}");
            assert!(!gate(GateKind::Always, wide).is_as_strict_as(&two));
        }
    }
}
