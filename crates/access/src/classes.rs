//! The segments that nobody wrote out: which of a few globs they can match at once.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use foldhash::fast::FixedState;

use super::budget::{Budget, Entangled};
use super::globs::Globs;

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
    let mut by_front = Globs::default();
    for (number, glob) in (0..).zip(globs) {
        by_front.node(glob, number);
    }
    let mut found = Found {
        most: most_sets(globs),
        ..Found::default()
    };
    for segment in
        candidates.filter(|segment| !segment.is_empty() && !texts.contains(segment.as_str()))
    {
        let mut set: Vec<u32> = by_front.matching(&segment).collect();
        set.sort_unstable();
        budget.spend(4 * (segment.len() + set.len()))?;
        found.offer(set, segment);
    }
    let reader = Reader {
        globs: globs.iter().map(|glob| glob.chars().collect()).collect(),
    };
    if !found.is_all() && search(&reader, texts, &mut found, budget)? {
        search_beside(&reader, texts, &mut found, budget)?;
    }
    Ok(found.segments)
}

/// How many sets of globs there can be at most: those that only say how a segment begins are matched together only where
/// one says more than the other, so that the longest of them tells which; likewise those that only say how it ends.
fn most_sets(globs: &[&str]) -> Option<usize> {
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

/// The sets that were found, each with its segment.
#[derive(Default)]
struct Found {
    known: HashSet<Vec<u32>, FixedState>,
    segments: Vec<String>,
    /// How many there can be at most, as far as that is known.
    most: Option<usize>,
}

impl Found {
    /// Whether there can be no more of them.
    fn is_all(&self) -> bool {
        self.most == Some(self.known.len())
    }

    fn offer(&mut self, set: Vec<u32>, segment: String) {
        if self.known.insert(set) {
            self.segments.push(segment);
        }
    }
}

/// Where a reader of all globs can stand: globs and positions in them, sorted. Globs that cannot match any more are
/// not there, and of a glob no position before the last `*` that was reached, since what could be matched from there
/// can be matched from that `*` too.
type Positions = Vec<(u32, u32)>;

/// What the next letter does: the positions that stay whatever it is, and those that it leads to.
struct Moves {
    stay: Positions,
    to: BTreeMap<char, Positions>,
}

struct Reader {
    globs: Vec<Vec<char>>,
}

impl Reader {
    fn start(&self) -> Positions {
        self.closed((0..).zip(&self.globs).map(|(glob, _)| (glob, 0)).collect())
    }

    fn letter(&self, (glob, at): (u32, u32)) -> Option<char> {
        self.globs[glob as usize].get(at as usize).copied()
    }

    fn moves(&self, positions: &Positions) -> Moves {
        let mut moves = Moves {
            stay: Vec::new(),
            to: BTreeMap::new(),
        };
        for position in positions {
            match self.letter(*position) {
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

    fn after(&self, moves: &Moves, letter: char) -> Positions {
        let led = moves.to.get(&letter).into_iter().flatten();
        self.closed(moves.stay.iter().chain(led).copied().collect())
    }

    /// Adds what is reached without a letter, and leaves out what is of no more use.
    fn closed(&self, mut positions: Positions) -> Positions {
        let mut at = 0;
        while let Some(position) = positions.get(at).copied() {
            if self.letter(position) == Some('*') {
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
                .rposition(|position| self.letter(*position) == Some('*'))
                .unwrap_or(0);
            closed.extend(&of_glob[star..]);
        }
        closed
    }

    /// The globs that match what was read.
    fn matched(&self, positions: &Positions) -> Vec<u32> {
        positions
            .iter()
            .filter(|position| self.letter(**position).is_none())
            .map(|(glob, _)| *glob)
            .collect()
    }
}

/// Walks all segments, shortest first, as far as they can be told apart by what they may still match. Every set is
/// found; returned is whether for some set only a text was met and no segment besides.
///
/// A segment with a letter that nobody wrote is no text. A set that such a segment can have is found with one, since
/// "whether there was such a letter" is told apart too. Of written letters, only those count that some glob waits for.
fn search(
    reader: &Reader,
    texts: &BTreeSet<&str>,
    found: &mut Found,
    budget: &Budget,
) -> Result<bool, Entangled> {
    let letters: BTreeSet<char> = reader
        .globs
        .iter()
        .flatten()
        .copied()
        .filter(|letter| *letter != '*')
        .collect();
    let other = unwritten(&letters, texts);
    let mut doubtful: HashSet<Vec<u32>, FixedState> = HashSet::default();
    let mut queue = VecDeque::from([(reader.start(), String::new(), false)]);
    let mut known: HashSet<(Positions, bool), FixedState> =
        HashSet::from_iter([(reader.start(), false)]);
    while let Some((positions, segment, besides)) = queue.pop_front() {
        if !segment.is_empty() {
            let set = reader.matched(&positions);
            if besides || !texts.contains(segment.as_str()) {
                found.offer(set, segment.clone());
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

/// The same walk, which also tells apart which texts a segment may still become: for the few sets that only segments
/// without a free letter have.
fn search_beside(
    reader: &Reader,
    texts: &BTreeSet<&str>,
    found: &mut Found,
    budget: &Budget,
) -> Result<(), Entangled> {
    let mut queue = VecDeque::from([(reader.start(), String::new())]);
    let mut known: HashSet<(Positions, Option<String>)> =
        HashSet::from([(reader.start(), Some(String::new()))]);
    while let Some((positions, segment)) = queue.pop_front() {
        if !segment.is_empty() && !texts.contains(segment.as_str()) {
            found.offer(reader.matched(&positions), segment.clone());
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
            // What matches nothing any more can only become the set of no globs, which is found already.
            if !next.is_empty() && known.insert((next.clone(), text)) {
                queue.push_back((next, longer));
            }
        }
    }
    Ok(())
}

/// A letter that is in no glob and in no text. Hosts and paths could hold all the usual ones; there are more.
fn unwritten(letters: &BTreeSet<char>, texts: &BTreeSet<&str>) -> Option<char> {
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
        let found = other_classes(globs, &texts, candidates, &Budget::new(globs.len())).unwrap();
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
        // `a` alone begins and ends with an `a` and is not matched by `a*a`; as a text of its own it is no other.
        assert!(classes(&["*a", "a*", "a*a"], &[]).contains(&vec![true, true, false]));
        assert!(!classes(&["*a", "a*", "a*a"], &["a"]).contains(&vec![true, true, false]));
        // Two segments begin with `ab`, end with `bc` and match nothing longer: `abc`, and `abbc` with a letter more.
        assert!(classes(&["*bc", "ab*", "ab*bc"], &[]).contains(&vec![true, true, false]));
        assert!(!classes(&["*bc", "ab*", "ab*bc"], &["abc"]).contains(&vec![true, true, false]));
        assert!(classes(&["*a*", "*b*"], &["ab"]).contains(&vec![true, true]));
    }

    #[test]
    fn no_more_sets_are_looked_for_than_there_can_be() {
        assert_eq!(most_sets(&[]), Some(1));
        assert_eq!(most_sets(&["a*", "ab*", "c*"]), Some(4));
        assert_eq!(most_sets(&["a*", "*b", "*bb"]), Some(6));
        assert_eq!(most_sets(&["a*", "*b*", "a*b"]), Some(8));
        // All of them exist, each with the globs that begin as the longest one does, and none for good measure.
        let sets = classes(&["a*", "ab*", "c*"], &["ab", "ab1", "ab2", "a1"]);
        assert_eq!(sets.len(), 4, "{sets:?}");
        // Where texts are all that some globs match, the candidates do not find every set, and the search tells.
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
                        sets.len() <= most_sets(&globs).unwrap(),
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
            other_classes(&globs, &BTreeSet::new(), std::iter::empty(), &budget),
            Err(Entangled)
        );
    }
}
