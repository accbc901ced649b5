//! The segments that nobody wrote out: which of a few globs they can match at once.

use std::collections::{BTreeSet, HashSet, VecDeque};

use super::budget::{Budget, Entangled};
use crate::model::docker::pattern::glob_matches;

/// One segment for each set of globs that some segment outside of `texts` matches together (no glob at all is such a
/// set too). The `candidates` are segments as a person would write them, the best ones first.
///
/// # Errors
/// Globs can double the sets with each glob more; the work is bounded by the budget.
pub(super) fn other_classes(
    globs: &[&str],
    texts: &BTreeSet<&str>,
    candidates: impl Iterator<Item = String>,
    budget: &Budget,
) -> Result<Vec<String>, Entangled> {
    let matched = |segment: &str| globs.iter().map(|glob| glob_matches(glob, segment)).collect::<Vec<bool>>();
    let mut found = Found::default();
    for segment in candidates.filter(|segment| !texts.contains(segment.as_str())) {
        budget.spend(globs.len())?;
        found.offer(matched(&segment), segment);
    }
    let patterns: Vec<Vec<char>> = globs.iter().map(|glob| glob.chars().collect()).collect();
    let doubtful = search(&patterns, texts, &matched, &mut found, budget)?;
    if !doubtful.is_empty() {
        search_beside(&patterns, texts, &matched, &mut found, budget)?;
    }
    Ok(found.segments)
}

/// The sets that were found, each with its segment.
#[derive(Default)]
struct Found {
    known: HashSet<Vec<bool>>,
    segments: Vec<String>,
}

impl Found {
    fn offer(&mut self, set: Vec<bool>, segment: String) {
        if self.known.insert(set) {
            self.segments.push(segment);
        }
    }
}

/// Where a reader of one glob can stand: positions in it, sorted. None before the last `*` that was reached, since
/// what could be matched from there can be matched from that `*` too.
type Positions = Vec<Vec<usize>>;

/// Walks all segments, shortest first, as far as they can be told apart by what they may still match. Every set is
/// found; returned are those for which only a text was met and no segment besides.
///
/// A segment with a letter that nobody wrote is no text. A set that such a segment can have is found with one, since
/// "whether there was such a letter" is told apart too.
fn search(
    patterns: &[Vec<char>],
    texts: &BTreeSet<&str>,
    matched: &dyn Fn(&str) -> Vec<bool>,
    found: &mut Found,
    budget: &Budget,
) -> Result<HashSet<Vec<bool>>, Entangled> {
    let letters: BTreeSet<char> = patterns.iter().flatten().copied().filter(|letter| *letter != '*').collect();
    let other = unwritten(&letters, texts);
    let alphabet: Vec<char> = other.into_iter().chain(letters).collect();
    let start: Positions = patterns.iter().map(|pattern| closure(pattern, vec![0])).collect();
    let mut doubtful = HashSet::new();
    let mut queue = VecDeque::from([(start.clone(), String::new(), false)]);
    let mut known: HashSet<(Positions, bool)> = HashSet::from([(start, false)]);
    while let Some((positions, segment, besides)) = queue.pop_front() {
        if !segment.is_empty() {
            let set = matched(&segment);
            if besides || !texts.contains(segment.as_str()) {
                found.offer(set, segment.clone());
            } else {
                doubtful.insert(set);
            }
        }
        for letter in &alphabet {
            budget.spend(8 * (positions.len() + 1))?;
            let next: Positions =
                patterns.iter().zip(&positions).map(|(pattern, at)| advance(pattern, at, *letter)).collect();
            let besides = besides || Some(*letter) == other;
            let key = (next, besides);
            if !known.contains(&key) {
                let mut longer = segment.clone();
                longer.push(*letter);
                known.insert(key.clone());
                queue.push_back((key.0, longer, besides));
            }
        }
    }
    doubtful.retain(|set| !found.known.contains(set));
    Ok(doubtful)
}

/// The same walk, which also tells apart which texts a segment may still become: for the few sets that only segments
/// without a free letter have.
fn search_beside(
    patterns: &[Vec<char>],
    texts: &BTreeSet<&str>,
    matched: &dyn Fn(&str) -> Vec<bool>,
    found: &mut Found,
    budget: &Budget,
) -> Result<(), Entangled> {
    // A text that no glob matches only matters to the set of no globs, which is found already.
    let texts: BTreeSet<&str> = texts.iter().copied().filter(|text| matched(text).contains(&true)).collect();
    let letters: BTreeSet<char> = patterns.iter().flatten().copied().filter(|letter| *letter != '*').collect();
    let start: Positions = patterns.iter().map(|pattern| closure(pattern, vec![0])).collect();
    let mut queue = VecDeque::from([(start.clone(), String::new())]);
    let mut known: HashSet<(Positions, Option<String>)> = HashSet::from([(start, Some(String::new()))]);
    while let Some((positions, segment)) = queue.pop_front() {
        if !segment.is_empty() && !texts.contains(segment.as_str()) {
            found.offer(matched(&segment), segment.clone());
        }
        for letter in &letters {
            budget.spend(8 * (positions.len() + 1))?;
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
    Ok(())
}

/// A letter that is in no glob and in no text. Hosts and paths could hold all the usual ones; there are more.
fn unwritten(letters: &BTreeSet<char>, texts: &BTreeSet<&str>) -> Option<char> {
    let usual = ('a'..='z').chain('0'..='9').chain(['_', '\u{e9}']);
    let free = |letter: &char| !letters.contains(letter) && !texts.iter().any(|text| text.contains(*letter));
    usual.chain('\u{100}'..='\u{ffff}').find(free)
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
    let star = all.iter().rev().find(|at| pattern.get(**at) == Some(&'*')).copied().unwrap_or(0);
    all.into_iter().filter(|at| *at >= star).collect()
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
        let candidates = (0..3).map(|number| format!("any{number}"));
        let texts = texts.iter().copied().collect();
        let found = other_classes(globs, &texts, candidates, &Budget::new(globs.len())).unwrap();
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
        assert!(classes(&["*a", "a*", "a*a"], &[]).contains(&vec![true, true, false]));
        assert!(!classes(&["*a", "a*", "a*a"], &["a"]).contains(&vec![true, true, false]));
        // Two segments begin with `ab`, end with `bc` and match nothing longer: `abc`, and `abbc` with a letter more.
        assert!(classes(&["*bc", "ab*", "ab*bc"], &[]).contains(&vec![true, true, false]));
        assert!(!classes(&["*bc", "ab*", "ab*bc"], &["abc"]).contains(&vec![true, true, false]));
        assert!(classes(&["*a*", "*b*"], &["ab"]).contains(&vec![true, true]));
    }

    #[test]
    fn too_many_sets_are_an_error_and_not_a_stall() {
        let globs: Vec<String> = ('a'..='z').map(|letter| format!("*{letter}*")).collect();
        let globs: Vec<&str> = globs.iter().map(String::as_str).collect();
        let budget = Budget::new(0);
        assert_eq!(other_classes(&globs, &BTreeSet::new(), std::iter::empty(), &budget), Err(Entangled));
    }
}
