//! Splits segments into classes by the globs that they match.
//!
//! Textbook problem: given globs g1 … gn and a finite number of texts, which sets of globs does
//! some segment other than the texts match exactly? These are the satisfiable sign vectors of the
//! languages of the globs, that is, the nonempty atoms of the Boolean algebra that they generate.
//! Deciding one of them is the emptiness problem of a product of automata, and there can be 2^n of
//! them.
//!
//! It is solved in three stages, cheapest first. (1) Plausible candidate segments are matched
//! against all globs; this usually finds every set, and a simple upper bound (`max_sets`) proves
//! that none is missing. (2) Otherwise `search` explores the product of the NFAs of all globs
//! breadth-first by subset construction, with one letter for each class of letters. A flag in the
//! state records whether a letter was read that occurs in no glob and no text: such a segment
//! cannot be one of the texts. (3) Sets for which stage 2 met only a text are searched again by
//! `search_beside`, with the prefix of the texts as part of the state (a product with the trie of
//! the texts).
//!
//! Example: `a*` and `*a` have four sets: {} by `b`, {`a*`} by `ab`, {`*a`} by `ba`, and both by
//! `a`. If `a` is one of the texts, both are matched by `aa` instead. With the additional glob
//! `a*a`, however, only `a` matches `a*` and `*a` but not `a*a`, so that this set does not exist
//! outside of the text `a`.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use foldhash::fast::FixedState;

use super::budget::{Budget, TooComplex};
use super::segments::GlobIndex;

/// Returns one segment for each set of globs that some segment outside of `texts` matches exactly;
/// the empty set counts too. `candidates` are readable segments, the best first. They become
/// witnesses in reports.
///
/// # Errors
/// The work is limited by the budget because each additional glob can double the number of sets.
pub(crate) fn representative_segments(
    globs: &[&str],
    texts: &BTreeSet<&str>,
    candidates: impl Iterator<Item = String>,
    budget: &Budget,
) -> Result<Vec<String>, TooComplex> {
    let mut by_front = GlobIndex::default();
    for (number, glob) in (0..).zip(globs) {
        by_front.node(glob, number);
    }
    let mut found = SegmentClasses {
        most: max_sets(globs),
        ..SegmentClasses::default()
    };
    for segment in
        candidates.filter(|segment| !segment.is_empty() && !texts.contains(segment.as_str()))
    {
        let mut set: Vec<u32> = by_front.matching(&segment).collect();
        set.sort_unstable();
        budget.spend(4 * (segment.len() + set.len()))?;
        found.add_set(set, segment);
    }
    let reader = GlobAutomaton {
        globs: globs.iter().map(|glob| glob.chars().collect()).collect(),
    };
    if !found.is_all() && search(&reader, texts, &mut found, budget)? {
        search_beside(&reader, texts, &mut found, budget)?;
    }
    Ok(found.segments)
}

/// An upper bound of the number of sets. Of the globs of the form `text*`, the longest that matches
/// determines which others match. n of them therefore give at most n + 1 sets instead of 2^n. The
/// same is true for `*text`. `None` if the bound overflows.
fn max_sets(globs: &[&str]) -> Option<usize> {
    let mut begins = 1_usize;
    let mut ends = 1_usize;
    let mut others = 0;
    for glob in globs {
        match (glob.strip_prefix('*'), glob.strip_suffix('*')) {
            (Some(end), _) if !end.contains('*') => ends += 1,
            (_, Some(begin)) if !begin.contains('*') => begins += 1,
            _ => others += 1,
        }
    }
    begins
        .checked_mul(ends)?
        .checked_mul(1_usize.checked_shl(others)?)
}

/// The sets found so far, with one segment for each.
#[derive(Default)]
struct SegmentClasses {
    known: HashSet<Vec<u32>, FixedState>,
    segments: Vec<String>,
    /// The upper bound, if known.
    most: Option<usize>,
}

impl SegmentClasses {
    fn is_all(&self) -> bool {
        self.most == Some(self.known.len())
    }

    fn add_set(&mut self, set: Vec<u32>, segment: String) {
        if self.known.insert(set) {
            self.segments.push(segment);
        }
    }
}

/// A state of the subset construction: pairs of a glob and a position in it, sorted. Globs that can
/// no longer match are absent. Positions of a glob before its last reached `*` are dropped, because
/// whatever matches from there also matches from that `*`. This keeps the states small and few.
type Positions = Vec<(u32, u32)>;

/// The transitions of a state: positions that stay on any letter (at a `*`), and positions that a
/// certain letter leads to.
struct Transitions {
    stay: Positions,
    to: BTreeMap<char, Positions>,
}

struct GlobAutomaton {
    globs: Vec<Vec<char>>,
}

impl GlobAutomaton {
    fn start(&self) -> Positions {
        self.closed((0..).zip(&self.globs).map(|(glob, _)| (glob, 0)).collect())
    }

    fn char_at(&self, (glob, at): (u32, u32)) -> Option<char> {
        self.globs[glob as usize].get(at as usize).copied()
    }

    fn moves(&self, positions: &Positions) -> Transitions {
        let mut moves = Transitions {
            stay: Vec::new(),
            to: BTreeMap::new(),
        };
        for position in positions {
            match self.char_at(*position) {
                Some('*') => moves.stay.push(*position),
                Some(letter) => moves
                    .to
                    .entry(letter)
                    .or_default()
                    .push((position.0, position.1 + 1)),
                None => {}
            }
        }
        moves
    }

    fn after(&self, moves: &Transitions, letter: char) -> Positions {
        let led = moves.to.get(&letter).into_iter().flatten();
        self.closed(moves.stay.iter().chain(led).copied().collect())
    }

    /// Computes the epsilon closure (a `*` may match nothing) and drops dominated positions.
    fn closed(&self, mut positions: Positions) -> Positions {
        let mut at = 0;
        while let Some(position) = positions.get(at).copied() {
            if self.char_at(position) == Some('*') {
                positions.push((position.0, position.1 + 1));
            }
            at += 1;
        }
        positions.sort_unstable();
        positions.dedup();
        let mut closed = Positions::new();
        for of_glob in positions.chunk_by(|(one, _), (other, _)| one == other) {
            let star = of_glob
                .iter()
                .rposition(|position| self.char_at(*position) == Some('*'))
                .unwrap_or(0);
            closed.extend(&of_glob[star..]);
        }
        closed
    }

    /// The globs that accept in this state.
    fn matched(&self, positions: &Positions) -> Vec<u32> {
        positions
            .iter()
            .filter(|position| self.char_at(**position).is_none())
            .map(|(glob, _)| *glob)
            .collect()
    }
}

/// Explores all segments, shortest first, up to equality of states. Finds every set that a segment
/// with an unwritten letter has, and offers each set that is found for a segment outside of the
/// texts. Returns whether some set was met only for texts, which requires `search_beside`.
///
/// One unwritten letter represents all letters that occur in no glob and no text, since no glob
/// distinguishes them. Of the written letters, only those that some glob expects next lead to
/// another state than it.
fn search(
    reader: &GlobAutomaton,
    texts: &BTreeSet<&str>,
    found: &mut SegmentClasses,
    budget: &Budget,
) -> Result<bool, TooComplex> {
    let letters: BTreeSet<char> = reader
        .globs
        .iter()
        .flatten()
        .copied()
        .filter(|letter| *letter != '*')
        .collect();
    let other = unused_letter(&letters, texts);
    let mut doubtful: HashSet<Vec<u32>, FixedState> = HashSet::default();
    let mut queue = VecDeque::from([(reader.start(), String::new(), false)]);
    let mut known: HashSet<(Positions, bool), FixedState> =
        HashSet::from_iter([(reader.start(), false)]);
    while let Some((positions, segment, besides)) = queue.pop_front() {
        if !segment.is_empty() {
            let set = reader.matched(&positions);
            if besides || !texts.contains(segment.as_str()) {
                found.add_set(set, segment.clone());
            } else {
                doubtful.insert(set);
            }
        }
        let moves = reader.moves(&positions);
        budget.spend(4 * (positions.len() + 1))?;
        for letter in other.into_iter().chain(moves.to.keys().copied()) {
            let besides = besides || Some(letter) == other;
            let key = (reader.after(&moves, letter), besides);
            budget.spend(4 * (key.0.len() + 1))?;
            if !known.contains(&key) {
                let mut longer = segment.clone();
                longer.push(letter);
                queue.push_back((key.0.clone(), longer, besides));
                known.insert(key);
            }
        }
    }
    Ok(doubtful.iter().any(|set| !found.known.contains(set)))
}

/// The same search with the texts that a segment may still become as part of the state. It handles
/// the few sets that only segments without an unwritten letter have.
fn search_beside(
    reader: &GlobAutomaton,
    texts: &BTreeSet<&str>,
    found: &mut SegmentClasses,
    budget: &Budget,
) -> Result<(), TooComplex> {
    let mut queue = VecDeque::from([(reader.start(), String::new())]);
    let mut known: HashSet<(Positions, Option<String>)> =
        HashSet::from([(reader.start(), Some(String::new()))]);
    while let Some((positions, segment)) = queue.pop_front() {
        if !segment.is_empty() && !texts.contains(segment.as_str()) {
            found.add_set(reader.matched(&positions), segment.clone());
        }
        let moves = reader.moves(&positions);
        for letter in reader
            .globs
            .iter()
            .flatten()
            .copied()
            .filter(|letter| *letter != '*')
            .collect::<BTreeSet<_>>()
        {
            let next = reader.after(&moves, letter);
            budget.spend(8 * (next.len() + 1))?;
            let mut longer = segment.clone();
            longer.push(letter);
            let becomes = texts
                .range(longer.as_str()..)
                .next()
                .is_some_and(|text| text.starts_with(longer.as_str()));
            let text = becomes.then(|| longer.clone());
            // An empty state only leads to the empty set, which stage 2 has found already.
            if !next.is_empty() && known.insert((next.clone(), text)) {
                queue.push_back((next, longer));
            }
        }
    }
    Ok(())
}

/// A letter that occurs in no glob and no text. The usual letters may all be taken; then a rarer
/// one is used.
fn unused_letter(letters: &BTreeSet<char>, texts: &BTreeSet<&str>) -> Option<char> {
    let usual = ('a'..='z').chain('0'..='9').chain(['_', '\u{e9}']);
    let free = |letter: &char| {
        !letters.contains(letter) && !texts.iter().any(|text| text.contains(*letter))
    };
    usual.chain('\u{100}'..='\u{ffff}').find(free)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::docker::pattern::glob_matches;

    fn classes(globs: &[&str], texts: &[&str]) -> BTreeSet<Vec<bool>> {
        let candidates = (0..3).map(|number| format!("any{number}"));
        let texts = texts.iter().copied().collect();
        let found =
            representative_segments(globs, &texts, candidates, &Budget::new(globs.len())).unwrap();
        assert!(
            found
                .iter()
                .all(|segment| !texts.contains(segment.as_str())),
            "{found:?}"
        );
        found
            .iter()
            .map(|segment| {
                globs
                    .iter()
                    .map(|glob| glob_matches(glob, segment))
                    .collect()
            })
            .collect()
    }

    #[test]
    fn every_possible_set_is_found() {
        let sets = |sets: &[&[bool]]| sets.iter().map(|set| set.to_vec()).collect::<BTreeSet<_>>();
        assert_eq!(classes(&[], &["a"]), sets(&[&[]]));
        assert_eq!(classes(&["crl*"], &[]), sets(&[&[false], &[true]]));
        assert_eq!(
            classes(&["a*", "*a"], &[]),
            sets(&[
                &[false, false],
                &[false, true],
                &[true, false],
                &[true, true]
            ])
        );
        // `a` alone begins and ends with an `a` and is not matched by `a*a`; as a text of its own
        // it is no other.
        assert!(classes(&["*a", "a*", "a*a"], &[]).contains(&vec![true, true, false]));
        assert!(!classes(&["*a", "a*", "a*a"], &["a"]).contains(&vec![true, true, false]));
        // Two segments begin with `ab`, end with `bc` and match nothing longer: `abc`, and `abbc`
        // with a letter more.
        assert!(classes(&["*bc", "ab*", "ab*bc"], &[]).contains(&vec![true, true, false]));
        assert!(!classes(&["*bc", "ab*", "ab*bc"], &["abc"]).contains(&vec![true, true, false]));
        assert!(classes(&["*a*", "*b*"], &["ab"]).contains(&vec![true, true]));
    }

    #[test]
    fn no_more_sets_are_looked_for_than_there_can_be() {
        assert_eq!(max_sets(&[]), Some(1));
        assert_eq!(max_sets(&["a*", "ab*", "c*"]), Some(4));
        assert_eq!(max_sets(&["a*", "*b", "*bb"]), Some(6));
        assert_eq!(max_sets(&["a*", "*b*", "a*b"]), Some(8));
        // All of them exist, each with the globs that begin as the longest one does, and none for
        // good measure.
        let sets = classes(&["a*", "ab*", "c*"], &["ab", "ab1", "ab2", "a1"]);
        assert_eq!(sets.len(), 4, "{sets:?}");
        // Where texts are all that some globs match, the candidates do not find every set, and the
        // search tells.
        assert_eq!(classes(&["*1", "1*"], &["1"]).len(), 4);
        let letters: Vec<String> = ('a'..='z')
            .chain('0'..='9')
            .map(|letter| format!("a{letter}"))
            .collect();
        let texts: Vec<&str> = letters
            .iter()
            .map(String::as_str)
            .chain(["a", "a1", "a2"])
            .collect();
        assert!(classes(&["a*"], &texts).contains(&vec![true]));
    }

    #[test]
    fn there_are_never_more_sets_than_said() {
        let longer = |texts: &[String]| -> Vec<String> {
            texts
                .iter()
                .flat_map(|text| ["a", "b", "*"].map(|letter| format!("{text}{letter}")))
                .collect()
        };
        let two = longer(&longer(&[String::new()]));
        let three = longer(&longer(&longer(&[String::new()])));
        let globs: Vec<&str> = two
            .iter()
            .chain(&three)
            .map(String::as_str)
            .filter(|text| text.contains('*'))
            .collect();
        let segments: Vec<String> = (0..6)
            .fold(vec![vec![String::new()]], |mut all, _| {
                all.push(
                    all.last()
                        .unwrap()
                        .iter()
                        .flat_map(|text| ["a", "b", "c"].map(|letter| format!("{text}{letter}")))
                        .collect(),
                );
                all
            })
            .concat();
        for (at, one) in globs.iter().enumerate() {
            for (before, other) in globs[..at].iter().enumerate() {
                for third in globs[..before].iter().step_by(5) {
                    let globs = [*one, *other, *third];
                    let set = |segment: &String| globs.map(|glob| glob_matches(glob, segment));
                    let sets: BTreeSet<[bool; 3]> = segments[1..].iter().map(set).collect();
                    assert!(
                        sets.len() <= max_sets(&globs).unwrap(),
                        "{globs:?}: {sets:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn too_many_sets_are_an_error_and_not_a_stall() {
        let globs: Vec<String> = ('a'..='z').map(|letter| format!("*{letter}*")).collect();
        let globs: Vec<&str> = globs.iter().map(String::as_str).collect();
        let budget = Budget::new(0);
        assert_eq!(
            representative_segments(&globs, &BTreeSet::new(), std::iter::empty(), &budget),
            Err(TooComplex)
        );
    }
}
