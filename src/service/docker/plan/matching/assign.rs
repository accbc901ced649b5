//! The assignment problem for the rules of a policy.
//!
//! Given a weight for each pair of a live and a desired rule ([`SimilarityTable`]), find the pairs with the
//! greatest total weight in which every rule occurs at most once: maximum weight bipartite
//! matching, solved by the Kuhn-Munkres algorithm in O(n³). Every pair becomes one update instead
//! of a deletion and a creation, and it keeps the rule's id.
//!
//! Additional constraint: renames must not form a cycle. If live `a` becomes `b` and live `b`
//! becomes `a`, one of them needs a temporary name, which costs a call. Pairing the rules of a
//! cycle by name needs no rename at all, so there is always an acyclic assignment with no more
//! calls. The constraint resembles subtour elimination in the traveling salesman problem and is
//! solved in the same way, by best-first branch and bound: solve without the constraint; if the
//! result contains a cycle, branch once for each pair of the cycle. Branch i forbids pair i and
//! keeps the pairs before it, so the branches are disjoint. The first assignment without a cycle
//! that leaves the priority queue is optimal.
//!
//! Example: live rules `a` (allows x.com) and `b` (allows y.com) are to become `b` (allows x.com),
//! `a` (allows y.com) and `c`. By content, `a` → `b` and `b` → `a` are best, but they form a cycle.
//! The best assignment without a cycle is `a` → `a`, `b` → `b`, with two changed resource lists.

use std::collections::{BTreeSet, BinaryHeap, HashMap};

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

use super::pairing::rename_cycles;
use super::similarity::{LARGEST, SimilarityTable};

/// Maximum number of assignments to compute before cycles are broken by [`without_cycles`].
const MOST_TRIES: usize = 512;
/// Maximum number of steps of all assignments together, where one assignment takes about n³.
const MOST_STEPS: usize = 40_000_000;

type Pairs = Vec<(usize, usize)>;

/// The assignment with the greatest weight that contains no cycle of renames, or after
/// [`MOST_TRIES`] one with as few calls but perhaps larger patches.
pub(super) fn best(table: &SimilarityTable<'_>) -> Pairs {
    let size = table.live().max(table.desired());
    if size > LARGEST {
        return pair_greedily(table);
    }
    if let Some(pairs) = pair_by_name(table) {
        return pairs;
    }
    let tries = (MOST_STEPS / size.pow(3).max(1)).clamp(1, MOST_TRIES);
    let first = solve(table, &PairingConstraints::default());
    let mut open = BinaryHeap::from([(
        weight(table, &first),
        0,
        PairingConstraints::default(),
        first.clone(),
    )]);
    let mut number = 0;
    for _ in 0..tries {
        let Some((_, _, mut choice, pairs)) = open.pop() else {
            break;
        };
        let kept = |pair: &(usize, usize)| choice.kept.contains(pair);
        let Some(ring) = shortest_cycle(table, &pairs) else {
            return pairs;
        };
        for pair in ring
            .into_iter()
            .filter(|pair| !kept(pair))
            .collect::<Pairs>()
        {
            let mut other = choice.clone();
            other.forbidden.insert(pair);
            let pairs = solve(table, &other);
            // The numbers decrease, so that among equal weights the first one wins.
            number -= 1;
            open.push((weight(table, &pairs), number, other, pairs));
            choice.kept.insert(pair);
        }
    }
    without_cycles(table, first)
}

/// Shortcut: if both sides have the same unique names and any two rules may be paired, every other
/// assignment with as few calls renames in a cycle, as no name becomes free.
fn pair_by_name(table: &SimilarityTable<'_>) -> Option<Pairs> {
    let by_name: HashMap<&str, usize> = (0..table.desired())
        .map(|desired| (table.desired_name(desired), desired))
        .collect();
    if table.live() != table.desired() || by_name.len() != table.desired() {
        return None;
    }
    let pairs: Pairs = (0..table.live())
        .map(|live| Some((live, *by_name.get(table.live_name(live))?)))
        .collect::<Option<_>>()?;
    let names: BTreeSet<usize> = pairs.iter().map(|(_, desired)| *desired).collect();
    (names.len() == pairs.len() && table.all_can_pair()).then_some(pairs)
}

/// A node of the branch and bound search.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct PairingConstraints {
    forbidden: BTreeSet<(usize, usize)>,
    kept: BTreeSet<(usize, usize)>,
}

impl PairingConstraints {
    /// Pairs that are excluded: those that are forbidden, and those that share a rule with a kept
    /// pair.
    fn closed(&self, size: (usize, usize)) -> impl Iterator<Item = (usize, usize)> {
        let rivals = self.kept.iter().flat_map(move |(live, desired)| {
            let of_live = (0..size.1)
                .filter(move |other| other != desired)
                .map(move |other| (*live, other));
            let of_desired = (0..size.0)
                .filter(move |other| other != live)
                .map(move |other| (other, *desired));
            of_live.chain(of_desired)
        });
        self.forbidden.iter().copied().chain(rivals)
    }
}

/// The best assignment for one node, without regard to cycles.
fn solve(table: &SimilarityTable<'_>, choice: &PairingConstraints) -> Pairs {
    let live = table.live();
    let desired = table.desired();
    if live == 0 || desired == 0 {
        return Vec::new();
    }
    let mut weights = Matrix::from_fn(live, desired, |(live, desired)| table.weight(live, desired));
    for (live, desired) in choice.closed((live, desired)) {
        weights[(live, desired)] = 0;
    }
    let weight = |pair: (usize, usize)| weights[pair];
    if let Some(pairs) = pair_best_matches(live, desired, &weight) {
        return pairs;
    }
    // `kuhn_munkres` requires at least as many columns as rows.
    let pairs: Pairs = if live <= desired {
        let (_, columns) = kuhn_munkres(&weights);
        columns.into_iter().enumerate().collect()
    } else {
        let (_, columns) = kuhn_munkres(&weights.transposed());
        columns
            .into_iter()
            .enumerate()
            .map(|(desired, live)| (live, desired))
            .collect()
    };
    pairs.into_iter().filter(|pair| weight(*pair) > 0).collect()
}

/// Shortcut: if every rule of the smaller side has a unique best partner and no two have the same,
/// these pairs are optimal. This is the usual case and avoids the cubic algorithm.
fn pair_best_matches(
    live: usize,
    desired: usize,
    weight: &dyn Fn((usize, usize)) -> i64,
) -> Option<Pairs> {
    let by_live = live <= desired;
    let (rows, columns) = if by_live {
        (live, desired)
    } else {
        (desired, live)
    };
    let pair = |row: usize, column: usize| {
        if by_live {
            (row, column)
        } else {
            (column, row)
        }
    };
    let mut taken = vec![false; columns];
    let mut pairs = Pairs::with_capacity(rows);
    for row in 0..rows {
        let best = (0..columns).max_by_key(|column| weight(pair(row, *column)))?;
        let greatest = weight(pair(row, best));
        // With equal weights, the choice may affect other rules.
        let alone = (0..columns)
            .filter(|column| weight(pair(row, *column)) == greatest)
            .count()
            == 1;
        if greatest <= 0 || !alone || std::mem::replace(&mut taken[best], true) {
            return None;
        }
        pairs.push(pair(row, best));
    }
    Some(pairs)
}

fn weight(table: &SimilarityTable<'_>, pairs: &Pairs) -> i64 {
    pairs
        .iter()
        .map(|(live, desired)| table.weight(*live, *desired))
        .sum()
}

fn all_cycles(table: &SimilarityTable<'_>, pairs: &Pairs) -> Vec<Pairs> {
    let renamed = |pair: &&(usize, usize)| table.live_name(pair.0) != table.desired_name(pair.1);
    let renames: Pairs = pairs.iter().filter(renamed).copied().collect();
    let names: Vec<(&str, &str)> = renames
        .iter()
        .map(|(live, desired)| (table.live_name(*live), table.desired_name(*desired)))
        .collect();
    let positions = rename_cycles(&names).into_iter();
    positions
        .map(|ring| ring.into_iter().map(|position| renames[position]).collect())
        .collect()
}

fn shortest_cycle(table: &SimilarityTable<'_>, pairs: &Pairs) -> Option<Pairs> {
    all_cycles(table, pairs).into_iter().min_by_key(Vec::len)
}

/// Pairs the rules of each cycle by name instead. This needs as many calls, but perhaps larger
/// patches.
fn without_cycles(table: &SimilarityTable<'_>, mut pairs: Pairs) -> Pairs {
    loop {
        let rings = all_cycles(table, &pairs);
        if rings.is_empty() {
            return pairs;
        }
        for ring in rings {
            pairs.retain(|pair| !ring.contains(pair));
            for (live, _) in &ring {
                let own = ring
                    .iter()
                    .find(|(_, desired)| table.desired_name(*desired) == table.live_name(*live));
                pairs.extend(own.map(|(_, desired)| (*live, *desired)));
            }
        }
    }
}

/// For more rules than [`LARGEST`] on one side, which no policy may have: pairs by name, then by
/// declared name and content, then in order. If any two rules may be paired, the number of calls is
/// minimal here, too.
fn pair_greedily(table: &SimilarityTable<'_>) -> Pairs {
    let mut free_live = vec![true; table.live()];
    let mut free_desired = vec![true; table.desired()];
    let mut pairs = Vec::new();
    let mut pass = |fits: &dyn Fn(usize, usize) -> bool| {
        for (live, is_free) in free_live
            .iter_mut()
            .enumerate()
            .filter(|(_, is_free)| **is_free)
        {
            let found =
                (0..table.desired()).find(|desired| free_desired[*desired] && fits(live, *desired));
            if let Some(desired) = found {
                *is_free = false;
                free_desired[desired] = false;
                pairs.push((live, desired));
            }
        }
    };
    pass(&|live, desired| table.live_name(live) == table.desired_name(desired));
    pass(&|live, desired| table.is_expected(live, desired));
    pass(&|live, desired| table.can_pair(live, desired));
    without_cycles(table, pairs)
}
