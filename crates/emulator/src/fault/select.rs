//! At which requests a fault strikes.

use std::num::NonZeroU64;

use sha2::{Digest, Sha256};

use super::error::FaultError;

/// The requests that a fault strikes: those that fit all that is said here. The default is every request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Selection<O> {
    /// The requests that count.
    pub among: Among<O>,
    /// Which of those that count.
    pub nth: Option<Range>,
    /// With which chance.
    pub chance: Option<Chance>,
    /// How often at most.
    pub times: Option<NonZeroU64>,
}

impl<O> Default for Selection<O> {
    fn default() -> Self {
        Self {
            among: Among::Requests,
            nth: None,
            chance: None,
            times: None,
        }
    }
}

impl<O> Selection<O> {
    /// Whether the `n`-th of the requests that count is struck, apart from `times`.
    pub(super) fn takes(&self, n: u64) -> bool {
        self.nth.is_none_or(|range| range.holds(n))
            && self.chance.is_none_or(|chance| chance.takes(n))
    }
}

/// Which requests a fault counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Among<O> {
    /// All, sign-ins and what is no operation included; the number is `seq` in the request log.
    #[default]
    Requests,
    /// Those that read what the service holds.
    Reads,
    /// Those that may change it.
    Writes,
    /// Those of one operation.
    Operation(O),
}

/// From the first to the last number, both included; numbers start with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Range {
    first: NonZeroU64,
    last: Option<NonZeroU64>,
}

impl Range {
    /// The n-th alone.
    pub fn only(n: NonZeroU64) -> Self {
        Self {
            first: n,
            last: Some(n),
        }
    }

    /// The n-th and all after it.
    pub fn from(first: NonZeroU64) -> Self {
        Self { first, last: None }
    }

    /// From one to another.
    ///
    /// # Errors
    /// The last is before the first.
    pub fn between(first: NonZeroU64, last: NonZeroU64) -> Result<Self, FaultError> {
        if last < first {
            Err(FaultError::Backwards { first, last })
        } else {
            Ok(Self {
                first,
                last: Some(last),
            })
        }
    }

    /// The first number.
    pub fn first(self) -> NonZeroU64 {
        self.first
    }

    /// The last number, if there is one.
    pub fn last(self) -> Option<NonZeroU64> {
        self.last
    }

    fn holds(self, n: u64) -> bool {
        self.first.get() <= n && self.last.is_none_or(|last| n <= last.get())
    }
}

/// A chance that is drawn anew for each request, and comes out the same for the same seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance {
    /// How likely a strike is.
    pub probability: Probability,
    /// What the draws depend on, besides the request's number.
    pub seed: u64,
}

impl Chance {
    /// Draws for the `n`-th request. No state is kept, so the order of arrival among other requests does not matter.
    fn takes(self, n: u64) -> bool {
        let digest = Sha256::new()
            .chain_update(self.seed.to_le_bytes())
            .chain_update(n.to_le_bytes())
            .finalize();
        let number = digest
            .iter()
            .take(8)
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        // 53 bits are what a double holds exactly.
        let drawn = (number >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < self.probability.get()
    }
}

/// More than 0, and 1 at most.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Probability(f64);

impl Probability {
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = FaultError;

    fn try_from(number: f64) -> Result<Self, FaultError> {
        if number > 0.0 && number <= 1.0 {
            Ok(Self(number))
        } else {
            Err(FaultError::Probability(number.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chance(probability: f64, seed: u64) -> Chance {
        Chance {
            probability: probability.try_into().unwrap(),
            seed,
        }
    }

    #[test]
    fn draws_depend_on_the_seed_alone_and_come_as_often_as_they_should() {
        let taken = |p, seed| {
            (1..=10_000)
                .filter(|n| chance(p, seed).takes(*n))
                .collect::<Vec<u64>>()
        };
        assert_eq!(taken(0.05, 7), taken(0.05, 7));
        assert_ne!(taken(0.05, 7), taken(0.05, 8));
        for p in [0.05, 0.5, 0.95] {
            let share = taken(p, 1).len() as f64 / 10_000.0;
            assert!((share - p).abs() < 0.02, "{p}: {share}");
        }
        assert_eq!(taken(1.0, 3).len(), 10_000);
    }

    #[test]
    fn what_a_seed_draws_never_changes() {
        // A seed that is written down in a report must mean the same in years. Worked out outside of this program.
        let taken: Vec<u64> = (1..=40).filter(|n| chance(0.2, 42).takes(*n)).collect();
        assert_eq!(taken, [10, 12, 13, 14, 30, 31]);
    }

    #[test]
    fn a_range_holds_both_of_its_ends() {
        let n = |n| NonZeroU64::new(n).unwrap();
        let held = |range: Range| (1..=6).filter(|n| range.holds(*n)).collect::<Vec<u64>>();
        assert_eq!(held(Range::only(n(3))), [3]);
        assert_eq!(held(Range::from(n(4))), [4, 5, 6]);
        assert_eq!(held(Range::between(n(2), n(4)).unwrap()), [2, 3, 4]);
        assert!(Range::between(n(4), n(2)).is_err());
    }
}
