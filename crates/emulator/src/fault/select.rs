//! The requests that a fault applies to.

use std::num::NonZeroU64;

use sha2::{Digest, Sha256};

use super::error::FaultError;

/// The requests that a fault applies to: those that match all fields. The default matches every
/// request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RequestSelection<O> {
    /// The requests that are counted.
    pub among: RequestClass<O>,
    /// Positions among the counted requests.
    pub nth: Option<OrdinalRange>,
    /// A random selection.
    pub chance: Option<Chance>,
    /// The maximum number of requests.
    pub times: Option<NonZeroU64>,
}

impl<O> Default for RequestSelection<O> {
    fn default() -> Self {
        Self {
            among: RequestClass::Requests,
            nth: None,
            chance: None,
            times: None,
        }
    }
}

impl<O> RequestSelection<O> {
    /// Whether the `n`-th counted request is selected, ignoring `times`.
    pub(super) fn selects(&self, n: u64) -> bool {
        self.nth.is_none_or(|range| range.contains(n))
            && self.chance.is_none_or(|chance| chance.selects(n))
    }
}

/// The requests that a fault counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum RequestClass<O> {
    /// All requests, including sign-ins and unknown operations. The number is `seq` in the request
    /// log.
    #[default]
    Requests,
    /// Requests that read the state.
    Reads,
    /// Requests that may change the state.
    Writes,
    /// Requests of one operation.
    Operation(O),
}

/// An inclusive range of positive numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OrdinalRange {
    first: NonZeroU64,
    last: Option<NonZeroU64>,
}

impl OrdinalRange {
    /// Only `n`.
    pub fn only(n: NonZeroU64) -> Self {
        Self {
            first: n,
            last: Some(n),
        }
    }

    /// `first` and all numbers after it.
    pub fn from(first: NonZeroU64) -> Self {
        Self { first, last: None }
    }

    /// An inclusive range.
    ///
    /// # Errors
    /// `last` is less than `first`.
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

    pub fn first(self) -> NonZeroU64 {
        self.first
    }

    /// The last number, unless the range is open.
    pub fn last(self) -> Option<NonZeroU64> {
        self.last
    }

    fn contains(self, n: u64) -> bool {
        self.first.get() <= n && self.last.is_none_or(|last| n <= last.get())
    }
}

/// A random selection, drawn for each request, that is reproducible from the seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance {
    /// The probability of each request.
    pub probability: Probability,
    /// The seed of the draws.
    pub seed: u64,
}

impl Chance {
    /// Draws for the `n`-th request. The result depends only on `n` and the seed, so concurrent
    /// requests do not affect it.
    fn selects(self, n: u64) -> bool {
        let digest = Sha256::new()
            .chain_update(self.seed.to_le_bytes())
            .chain_update(n.to_le_bytes())
            .finalize();
        let number = digest
            .iter()
            .take(8)
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        // A double represents 53 bits exactly.
        let drawn = (number >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < self.probability.get()
    }
}

/// Greater than 0 and at most 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Probability(f64);

impl Probability {
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
                .filter(|n| chance(p, seed).selects(*n))
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
        // A seed in a bug report must stay reproducible. The expected numbers were calculated
        // independently.
        let taken: Vec<u64> = (1..=40).filter(|n| chance(0.2, 42).selects(*n)).collect();
        assert_eq!(taken, [10, 12, 13, 14, 30, 31]);
    }

    #[test]
    fn a_range_holds_both_of_its_ends() {
        let n = |n| NonZeroU64::new(n).unwrap();
        let held =
            |range: OrdinalRange| (1..=6).filter(|n| range.contains(*n)).collect::<Vec<u64>>();
        assert_eq!(held(OrdinalRange::only(n(3))), [3]);
        assert_eq!(held(OrdinalRange::from(n(4))), [4, 5, 6]);
        assert_eq!(held(OrdinalRange::between(n(2), n(4)).unwrap()), [2, 3, 4]);
        assert!(OrdinalRange::between(n(4), n(2)).is_err());
    }
}
