//! Divides all strings into classes that the same patterns match.
//!
//! In textbook terms: each pattern is an NFA whose states are the positions in it. The subset
//! construction of all of them together reaches finitely many states; the set of patterns that accept
//! in a state is the class of the strings that lead there. All characters that no pattern contains
//! lead to the same states, so one of them stands for all.
//!
//! Example: `a*` and `ab` divide the strings into three classes: `ab`, all others that begin with `a`,
//! and the rest.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

/// More states are not explored.
const MOST_STATES: usize = 4096;

/// A pattern of strings.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Glob(pub(super) Vec<GlobPart>);

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum GlobPart {
    /// Exactly this character.
    Char(char),
    /// Any characters, or none.
    Wildcard,
}

/// Strings that the same patterns match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StringClass {
    /// One of the strings; empty only if no other string is in the class.
    pub(super) witness: String,
    /// For each pattern, whether it matches.
    pub(super) matched: Vec<bool>,
}

impl Glob {
    /// The pattern of a single string.
    pub(super) fn literal(text: &str) -> Self {
        Self(text.chars().map(GlobPart::Char).collect())
    }

    /// Whether it matches only one string.
    pub(super) fn is_literal(&self) -> bool {
        !self.0.contains(&GlobPart::Wildcard)
    }

    /// As in Cedar, without quotes.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                GlobPart::Char('*') if !self.is_literal() => text.push_str("\\*"),
                GlobPart::Char(c) => text.push(*c),
                GlobPart::Wildcard => text.push('*'),
            }
        }
        text
    }

    /// Adds the positions that are reached without reading a character.
    fn close(&self, positions: &mut BTreeSet<usize>) {
        let mut last = positions.iter().copied().collect::<Vec<_>>();
        while let Some(at) = last.pop() {
            if self.0.get(at) == Some(&GlobPart::Wildcard) && positions.insert(at + 1) {
                last.push(at + 1);
            }
        }
    }

    fn step(&self, positions: &BTreeSet<usize>, read: char) -> BTreeSet<usize> {
        let mut next = BTreeSet::new();
        for at in positions {
            match self.0.get(*at) {
                Some(GlobPart::Wildcard) => {
                    next.insert(*at);
                }
                Some(GlobPart::Char(c)) if *c == read => {
                    next.insert(at + 1);
                }
                Some(GlobPart::Char(_)) | None => {}
            }
        }
        self.close(&mut next);
        next
    }
}

/// The classes of all strings, or nothing if there are too many states.
pub(super) fn string_classes(globs: &[Glob]) -> Option<Vec<StringClass>> {
    let mut alphabet: BTreeSet<char> = BTreeSet::new();
    for part in globs.iter().flat_map(|glob| &glob.0) {
        if let GlobPart::Char(c) = part {
            alphabet.insert(*c);
        }
    }
    // A character that no pattern contains, so that its readers are the wildcards only.
    let other = ('a'..='z')
        .chain('\u{100}'..)
        .find(|c| !alphabet.contains(c))?;
    let letters: Vec<char> = std::iter::once(other).chain(alphabet).collect();
    let start: Vec<BTreeSet<usize>> = globs
        .iter()
        .map(|glob| {
            let mut positions = BTreeSet::from([0]);
            glob.close(&mut positions);
            positions
        })
        .collect();
    let matched = |state: &[BTreeSet<usize>]| -> Vec<bool> {
        let pairs = globs.iter().zip(state);
        pairs
            .map(|(glob, positions)| positions.contains(&glob.0.len()))
            .collect()
    };
    let mut found: BTreeMap<Vec<bool>, String> = BTreeMap::new();
    let mut seen: HashSet<Vec<BTreeSet<usize>>> = HashSet::from([start.clone()]);
    let mut queue = VecDeque::from([(start, String::new())]);
    while let Some((state, text)) = queue.pop_front() {
        let witness = found.entry(matched(&state)).or_default();
        if witness.is_empty() {
            witness.clone_from(&text);
        }
        for letter in &letters {
            let pairs = globs.iter().zip(&state);
            let next: Vec<_> = pairs
                .map(|(glob, positions)| glob.step(positions, *letter))
                .collect();
            let mut longer = text.clone();
            longer.push(*letter);
            if seen.contains(&next) {
                // The class may have only the empty string as its witness so far.
                if let Some(witness) = found.get_mut(&matched(&next))
                    && witness.is_empty()
                {
                    *witness = longer;
                }
                continue;
            }
            if seen.len() >= MOST_STATES {
                return None;
            }
            seen.insert(next.clone());
            queue.push_back((next, longer));
        }
    }
    let classes = found.into_iter();
    Some(
        classes
            .map(|(matched, witness)| StringClass { witness, matched })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        let part = |c| match c {
            '*' => GlobPart::Wildcard,
            c => GlobPart::Char(c),
        };
        Glob(text.chars().map(part).collect())
    }

    fn classes(globs: &[&str]) -> Vec<(String, Vec<usize>)> {
        let globs: Vec<Glob> = globs.iter().map(|text| glob(text)).collect();
        let classes = string_classes(&globs).unwrap().into_iter();
        classes
            .map(|class| {
                let matched = class.matched.iter().enumerate();
                let numbers = matched.filter(|(_, matched)| **matched);
                (class.witness, numbers.map(|(at, _)| at).collect())
            })
            .collect()
    }

    #[test]
    fn every_realizable_combination_is_a_class() {
        let expected = |list: &[(&str, &[usize])]| -> Vec<(String, Vec<usize>)> {
            let each = list.iter();
            each.map(|(text, numbers)| ((*text).to_owned(), numbers.to_vec()))
                .collect()
        };
        assert_eq!(classes(&[]), expected(&[("a", &[])]));
        assert_eq!(
            classes(&["a*", "ab"]),
            expected(&[("b", &[]), ("a", &[0]), ("ab", &[0, 1])])
        );
        assert_eq!(
            classes(&["x*", "*y", "xy"]),
            expected(&[
                ("a", &[]),
                ("y", &[1]),
                ("x", &[0]),
                ("xay", &[0, 1]),
                ("xy", &[0, 1, 2])
            ])
        );
        // Patterns that exclude each other have no common class.
        assert_eq!(classes(&["a", "b"]).len(), 3);
    }
}
