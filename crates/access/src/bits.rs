//! Sets of small numbers, used for rule sets and audiences.

use smallvec::SmallVec;

/// A bit set without an upper limit. Sets of numbers below 64 need no heap allocation, which is the
/// common case: one side or a few audiences.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BitSet(SmallVec<[u64; 1]>);

impl BitSet {
    pub(crate) fn single(number: usize) -> Self {
        let mut bits = Self::default();
        bits.insert(number);
        bits
    }

    /// The numbers from 0 to `end - 1`.
    pub(crate) fn below(end: usize) -> Self {
        (0..end).collect()
    }

    pub(crate) fn insert(&mut self, number: usize) {
        let word = number / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (number % 64);
    }

    pub(crate) fn contains(&self, number: usize) -> bool {
        self.0
            .get(number / 64)
            .is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    /// The set difference.
    #[must_use]
    pub(crate) fn without(mut self, other: &Self) -> Self {
        for (word, less) in self.0.iter_mut().zip(&other.0) {
            *word &= !less;
        }
        // Trailing zero words are removed because `Eq` and `Hash` compare words.
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }

    /// The numbers `n` for which exactly one of `2n` and `2n + 1` is in the set. With sides `2n`
    /// (before) and `2n + 1` (after), these are the audiences for which something changes.
    pub(crate) fn unpaired(&self) -> Self {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let words = self.0.iter().map(|word| (word ^ (word >> 1)) & EVEN);
        words
            .enumerate()
            .flat_map(|(at, odd)| {
                (0..32)
                    .filter(move |pair| odd >> (2 * pair) & 1 == 1)
                    .map(move |pair| at * 32 + pair)
            })
            .collect()
    }

    /// The numbers `n` for which `2n` is in the set, and those for which `2n + 1` is.
    pub(crate) fn halves(&self) -> (Self, Self) {
        let half = |odd: usize| {
            self.iter()
                .filter(|number| number % 2 == odd)
                .map(|number| number / 2)
                .collect()
        };
        (half(0), half(1))
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        self.iter()
            .filter(|number| other.contains(*number))
            .collect()
    }

    pub(crate) fn is_subset(&self, other: &Self) -> bool {
        self.0.len() <= other.0.len()
            && self
                .0
                .iter()
                .zip(&other.0)
                .all(|(word, all)| word & !all == 0)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(at * 64 + bit)
            })
        })
    }
}

impl FromIterator<usize> for BitSet {
    fn from_iter<I: IntoIterator<Item = usize>>(numbers: I) -> Self {
        let mut bits = Self::default();
        for number in numbers {
            bits.insert(number);
        }
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_numbers_beyond_one_word() {
        let set: BitSet = [3, 64, 200].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [3, 64, 200]);
        assert!(set.contains(200) && !set.contains(199) && !set.contains(100_000));
        assert!(
            BitSet::single(64).is_subset(&set)
                && !set.is_subset(&BitSet::below(200))
                && set.is_subset(&BitSet::below(201))
        );
        assert_eq!(
            set.clone().without(&BitSet::single(200)),
            [3, 64].into_iter().collect()
        );
        assert!(set.clone().without(&BitSet::below(201)).is_empty());
        let pairs: BitSet = [0, 1, 4, 7, 129, 130].into_iter().collect();
        assert_eq!(pairs.unpaired().iter().collect::<Vec<_>>(), [2, 3, 64, 65]);
        let mut all = BitSet::single(1);
        all.add(&set);
        assert_eq!(all.iter().collect::<Vec<_>>(), [1, 3, 64, 200]);
    }
}
