//! The segments that nobody wrote out: which of a few globs they can match at once.

use std::collections::{BTreeSet, HashSet, VecDeque};

use crate::model::docker::pattern::glob_matches;

/// One segment for each set of globs that some segment outside of `texts` matches together (no glob at all is such a
/// set too). `fresh` makes segments that look as a person would write them.
pub(super) fn other_classes(
    globs: &BTreeSet<&str>,
    texts: &BTreeSet<&str>,
    fresh: &dyn Fn(usize) -> String,
) -> Vec<String> {
    let matched = |segment: &str| globs.iter().map(|glob| glob_matches(glob, segment)).collect::<Vec<bool>>();
    let mut found: Vec<(Vec<bool>, String)> = Vec::new();
    // A good-looking segment for the most common sets first; the search below finds what is left.
    for number in 0..texts.len() + 8 {
        let segment = fresh(number);
        if !texts.contains(segment.as_str()) {
            let set = matched(&segment);
            if !found.iter().any(|(known, _)| *known == set) {
                found.push((set, segment));
            }
            if globs.is_empty() {
                break;
            }
        }
    }
    if !globs.is_empty() {
        search(globs, texts, &matched, &mut found);
    }
    found.into_iter().map(|(_, segment)| segment).collect()
}

/// Where a reader of one glob can stand: positions in it, sorted.
type Positions = Vec<Vec<usize>>;

/// Walks all segments, shortest first, as far as they can be told apart: by what they may still match, and by the
/// texts that they may still become.
fn search(
    globs: &BTreeSet<&str>,
    texts: &BTreeSet<&str>,
    matched: &dyn Fn(&str) -> Vec<bool>,
    found: &mut Vec<(Vec<bool>, String)>,
) {
    let patterns: Vec<Vec<char>> = globs.iter().map(|glob| glob.chars().collect()).collect();
    // A text that no glob matches only matters to the set of no globs, for which a fresh segment was found already.
    let texts: BTreeSet<&str> = texts.iter().copied().filter(|text| matched(text).contains(&true)).collect();
    let alphabet = alphabet(&patterns, &texts);
    let start: Positions = patterns.iter().map(|pattern| closure(pattern, vec![0])).collect();
    let mut queue = VecDeque::from([(start.clone(), String::new())]);
    let mut known: HashSet<(Positions, Option<String>)> = HashSet::from([(start, Some(String::new()))]);
    while let Some((positions, segment)) = queue.pop_front() {
        if !segment.is_empty() && !texts.contains(segment.as_str()) {
            let set = matched(&segment);
            if !found.iter().any(|(seen, _)| *seen == set) {
                found.push((set, segment.clone()));
            }
        }
        for letter in &alphabet {
            let next: Positions =
                patterns.iter().zip(&positions).map(|(pattern, at)| advance(pattern, at, *letter)).collect();
            let mut longer = segment.clone();
            longer.push(*letter);
            let becomes = texts.range(longer.as_str()..).next().is_some_and(|text| text.starts_with(longer.as_str()));
            let text = becomes.then(|| longer.clone());
            if known.insert((next.clone(), text)) {
                queue.push_back((next, longer));
            }
        }
    }
}

/// The letters that make a difference, and one that makes none.
fn alphabet(patterns: &[Vec<char>], texts: &BTreeSet<&str>) -> Vec<char> {
    let written = patterns.iter().flatten().copied().filter(|letter| *letter != '*');
    let mut letters: BTreeSet<char> = written.chain(texts.iter().flat_map(|text| text.chars())).collect();
    let other = ('a'..='z').chain('0'..='9').chain(['_', '\u{e9}']).find(|letter| !letters.contains(letter));
    letters.extend(other);
    letters.into_iter().collect()
}

fn closure(pattern: &[char], positions: Vec<usize>) -> Vec<usize> {
    let mut all = BTreeSet::new();
    for mut at in positions {
        all.insert(at);
        while pattern.get(at) == Some(&'*') {
            at += 1;
            all.insert(at);
        }
    }
    all.into_iter().collect()
}

fn advance(pattern: &[char], positions: &[usize], letter: char) -> Vec<usize> {
    let step = |at: &usize| match pattern.get(*at) {
        Some('*') => Some(*at),
        Some(expected) if *expected == letter => Some(at + 1),
        Some(_) | None => None,
    };
    closure(pattern, positions.iter().filter_map(step).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(globs: &[&str], texts: &[&str]) -> BTreeSet<Vec<bool>> {
        let fresh = |number: usize| format!("any{number}");
        let (globs, texts) = (globs.iter().copied().collect(), texts.iter().copied().collect());
        let found = other_classes(&globs, &texts, &fresh);
        assert!(found.iter().all(|segment| !texts.contains(segment.as_str())), "{found:?}");
        found.iter().map(|segment| globs.iter().map(|glob| glob_matches(glob, segment)).collect()).collect()
    }

    #[test]
    fn every_possible_set_is_found() {
        let sets = |sets: &[&[bool]]| sets.iter().map(|set| set.to_vec()).collect::<BTreeSet<_>>();
        assert_eq!(classes(&[], &["a"]), sets(&[&[]]));
        assert_eq!(classes(&["crl*"], &[]), sets(&[&[false], &[true]]));
        assert_eq!(
            classes(&["a*", "*a"], &[]),
            sets(&[&[false, false], &[false, true], &[true, false], &[true, true]])
        );
        // `a` alone begins and ends with an `a` and is not matched by `a*a`; as a text of its own it is no other.
        let in_order: Vec<&str> = ["a*", "*a", "a*a"].into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        assert_eq!(in_order, ["*a", "a*", "a*a"]);
        assert!(classes(&["a*", "*a", "a*a"], &[]).contains(&vec![true, true, false]));
        assert!(!classes(&["a*", "*a", "a*a"], &["a"]).contains(&vec![true, true, false]));
    }
}
