//! The best assignment, without renames that go round in a ring.

use std::collections::{BTreeSet, BinaryHeap, HashMap};

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

use super::likeness::{LARGEST, Table};
use super::rings;

/// How many assignments are looked at, at most, before a ring is broken by hand.
const MOST_TRIES: usize = 512;
/// How many steps all of them together may take; one takes about the third power of the number of rules.
const MOST_STEPS: usize = 40_000_000;

/// Pairs of live and desired.
type Pairs = Vec<(usize, usize)>;

/// The pairs with the greatest weight together.
///
/// The names of a ring (`a` becomes `b`, `b` becomes `a`) could only be given with a temporary name, which is a call
/// more. Pairing by names what is in the ring needs no name at all, so there is always a pairing without rings that
/// makes no more calls. To find the best of them, one pair of a ring after the other is forbidden and those before it
/// are kept, and the best of what is left is looked at first, as for the tours of a salesman.
pub(super) fn best(table: &Table<'_>) -> Pairs {
    let size = table.live().max(table.desired());
    if size > LARGEST {
        return by_hand(table);
    }
    if let Some(pairs) = only_by_name(table) {
        return pairs;
    }
    let tries = (MOST_STEPS / size.pow(3).max(1)).clamp(1, MOST_TRIES);
    let first = solve(table, &Choice::default());
    let mut open = BinaryHeap::from([(weight(table, &first), 0, Choice::default(), first.clone())]);
    let mut number = 0;
    for _ in 0..tries {
        let Some((_, _, mut choice, pairs)) = open.pop() else {
            break;
        };
        let kept = |pair: &(usize, usize)| choice.kept.contains(pair);
        let Some(ring) = shortest_ring(table, &pairs) else {
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
            // Of those that are as good, the first one.
            number -= 1;
            open.push((weight(table, &pairs), number, other, pairs));
            choice.kept.insert(pair);
        }
    }
    without_rings(table, first)
}

/// Where both sides have the same names, each once, and any two rules may be paired, every other pairing that makes as
/// few calls has a ring: nobody gives up a name before another takes it.
fn only_by_name(table: &Table<'_>) -> Option<Pairs> {
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
    (names.len() == pairs.len() && table.fits_all()).then_some(pairs)
}

/// What is settled about pairs while a ring is avoided.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Choice {
    forbidden: BTreeSet<(usize, usize)>,
    kept: BTreeSet<(usize, usize)>,
}

impl Choice {
    /// The pairs that are out of the question: those that are forbidden, and the rivals of those that are kept.
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

/// The best pairs of those that a choice allows.
fn solve(table: &Table<'_>, choice: &Choice) -> Pairs {
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
    if let Some(pairs) = each_its_best(live, desired, &weight) {
        return pairs;
    }
    // No row may be without a column.
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

/// Each side that has fewer rules pairs every rule with what suits it best, if no two want the same: no sum is greater.
/// Most policies are like that, and are paired in no time.
fn each_its_best(
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
        // Where two suit as well, the choice may matter to others.
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

fn weight(table: &Table<'_>, pairs: &Pairs) -> i64 {
    pairs
        .iter()
        .map(|(live, desired)| table.weight(*live, *desired))
        .sum()
}

fn all_rings(table: &Table<'_>, pairs: &Pairs) -> Vec<Pairs> {
    let renamed = |pair: &&(usize, usize)| table.live_name(pair.0) != table.desired_name(pair.1);
    let renames: Pairs = pairs.iter().filter(renamed).copied().collect();
    let names: Vec<(&str, &str)> = renames
        .iter()
        .map(|(live, desired)| (table.live_name(*live), table.desired_name(*desired)))
        .collect();
    let positions = rings(&names).into_iter();
    positions
        .map(|ring| ring.into_iter().map(|position| renames[position]).collect())
        .collect()
}

fn shortest_ring(table: &Table<'_>, pairs: &Pairs) -> Option<Pairs> {
    all_rings(table, pairs).into_iter().min_by_key(Vec::len)
}

/// The same with what is in a ring paired by names: as many calls, though perhaps greater patches.
fn without_rings(table: &Table<'_>, mut pairs: Pairs) -> Pairs {
    loop {
        let rings = all_rings(table, &pairs);
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

/// Far more rules than a policy can hold: by name, by declared name and content, then one after the other. The calls
/// are the fewest here too, as long as all may be paired.
fn by_hand(table: &Table<'_>) -> Pairs {
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
    pass(&|live, desired| table.fits(live, desired));
    without_rings(table, pairs)
}
