//! Ranges of addresses.
//!
//! CIDR ranges form a laminar family: two of them are disjoint or one contains the other. Sorted by
//! address and prefix length, they are the preorder of a forest in which the parent of a range is
//! the narrowest range around it. The atoms are then simple: each range without its children, if
//! that leaves an address.
//!
//! Example: `10.0.0.0/8` and `10.0.0.0/16` have two cells, one with the witness `10.1.0.0` (only
//! the wider range) and one with `10.0.0.1` (both).

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::segments::FixedMap;

/// Ranges of addresses with the terms that apply to each.
#[derive(Debug, Default)]
pub(crate) struct AddressRanges {
    ranges: FixedMap<IpNet, Vec<u32>>,
    /// The prefix lengths that occur: a lookup needs one probe for each of them.
    lengths: BTreeSet<u8>,
}

/// Addresses that are in the same ranges.
#[derive(Debug)]
pub(crate) struct AddressCell {
    pub(crate) terms: Vec<u32>,
    /// One of the addresses.
    pub(crate) witness: IpAddr,
}

impl AddressRanges {
    pub(crate) fn insert(&mut self, net: IpNet, term: u32) {
        self.lengths.insert(net.prefix_len());
        self.ranges.entry(net).or_default().push(term);
    }

    pub(crate) fn terms(&self, address: IpAddr) -> impl Iterator<Item = u32> {
        let within = move |length: &u8| IpNet::new(address, *length).ok().map(|net| net.trunc());
        let nets = self.lengths.iter().filter_map(within);
        nets.filter_map(|net| self.ranges.get(&net))
            .flatten()
            .copied()
    }

    /// All ranges, each before the ranges inside it (preorder).
    pub(crate) fn in_order(&self) -> Vec<IpNet> {
        let mut nets: Vec<IpNet> = self.ranges.keys().copied().collect();
        nets.sort_unstable();
        nets
    }

    /// Whether some range contains this one or is inside it. `in_order` is the result of the method
    /// of that name, which the caller computes once.
    pub(crate) fn may_overlap(&self, net: &IpNet, in_order: &[IpNet]) -> bool {
        let wider = self
            .lengths
            .iter()
            .take_while(|length| **length <= net.prefix_len());
        let mut around =
            wider.filter_map(|length| IpNet::new(net.addr(), *length).ok().map(|net| net.trunc()));
        if around.any(|around| self.ranges.contains_key(&around)) {
            return true;
        }
        let next = in_order.partition_point(|known| known < net);
        in_order.get(next).is_some_and(|known| net.contains(known))
    }

    /// One cell for each range that has an address outside of all narrower ranges.
    pub(crate) fn cells(&self) -> impl Iterator<Item = AddressCell> {
        let nets = self.in_order();
        (0..nets.len()).filter_map(move |position| {
            let net = nets.get(position)?;
            let inner = nets
                .get(position + 1..)?
                .iter()
                .take_while(|inner| net.contains(*inner));
            let witness = first_outside(net, inner)?;
            Some(AddressCell {
                terms: self.terms(witness).collect(),
                witness,
            })
        })
    }

    /// Each range inside a wider one, as pairs of terms: those of the narrowest range around it,
    /// then its own. A stack keeps the ancestors of the current range.
    pub(crate) fn nested(&self) -> Vec<(&[u32], &[u32])> {
        let mut around: Vec<IpNet> = Vec::new();
        let mut pairs = Vec::new();
        for net in self.in_order() {
            while around.last().is_some_and(|outer| !outer.contains(&net)) {
                around.pop();
            }
            let terms = |net: &IpNet| self.ranges.get(net).map(Vec::as_slice);
            if let (Some(outer), Some(inner)) = (around.last().and_then(terms), terms(&net)) {
                pairs.push((outer, inner));
            }
            around.push(net);
        }
        pairs
    }
}

/// An address of a range outside of the ranges inside it, which come in order. The network address
/// itself is the last resort because nothing connects to it.
fn first_outside<'n>(net: &IpNet, inner: impl Iterator<Item = &'n IpNet>) -> Option<IpAddr> {
    let (first, last) = bounds(net);
    let mut only_first = false;
    let mut next = Some(first);
    // A sentinel after the last inner range makes the final gap an ordinary one.
    let behind = last.checked_add(1);
    for (from, to) in inner
        .map(bounds)
        .map(|(from, to)| (Some(from), to))
        .chain([(behind, last)])
    {
        let Some(at) = next else { break };
        // The gap from `at` to before `from`; without `from` it ends at the largest number.
        let end = from.map_or(Some(u128::MAX), |from| from.checked_sub(1));
        match end {
            Some(end) if end >= at && at > first => return Some(address(net, at)),
            Some(end) if end > at => return Some(address(net, at + 1)),
            Some(end) if end == at => only_first = true,
            Some(_) | None => {}
        }
        next = to.checked_add(1).map(|after| after.max(at));
    }
    only_first.then(|| address(net, first))
}

fn bounds(net: &IpNet) -> (u128, u128) {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    };
    (number(net.network()), number(net.broadcast()))
}

fn address(like: &IpNet, number: u128) -> IpAddr {
    match (like, u32::try_from(number)) {
        (IpNet::V4(_), Ok(number)) => IpAddr::V4(number.into()),
        (IpNet::V4(_) | IpNet::V6(_), _) => IpAddr::V6(number.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::AddressRanges;

    /// One address for each cell, with the ranges that contain it.
    fn cells(ranges: &[&str]) -> Vec<(String, Vec<u32>)> {
        let mut all = AddressRanges::default();
        for (term, range) in (0..).zip(ranges) {
            all.insert(range.parse().unwrap(), term);
        }
        all.cells()
            .map(|mut cell| {
                cell.terms.sort_unstable();
                (cell.witness.to_string(), cell.terms)
            })
            .collect()
    }

    #[test]
    fn the_witness_of_a_range_is_its_network_address_only_if_nothing_else_is_left() {
        let cases: &[(&[&str], &[&str])] = &[
            (&["10.0.0.0/8"], &["10.0.0.1"]),
            (&["10.0.0.0/31"], &["10.0.0.1"]),
            (&["10.0.0.7/32"], &["10.0.0.7"]),
            (&["10.0.0.0/31", "10.0.0.1/32"], &["10.0.0.0", "10.0.0.1"]),
            (&["10.0.0.0/30", "10.0.0.0/31"], &["10.0.0.2", "10.0.0.1"]),
            (&["10.0.0.0/30", "10.0.0.1/32"], &["10.0.0.2", "10.0.0.1"]),
            (&["10.0.0.0/31", "10.0.0.0/32"], &["10.0.0.1", "10.0.0.0"]),
            (&["255.255.255.254/31"], &["255.255.255.255"]),
            (&["::/0"], &["::1"]),
            (&["::/0", "::/1"], &["8000::", "::1"]),
        ];
        for (ranges, expected) in cases {
            let found: Vec<String> = cells(ranges).into_iter().map(|(at, _)| at).collect();
            assert_eq!(found, *expected, "{ranges:?}");
        }
    }

    #[test]
    fn a_range_that_narrower_ranges_fill_has_no_cell() {
        let found = cells(&["10.0.0.0/30", "10.0.0.0/31", "10.0.0.2/31"]);
        let expected = [("10.0.0.1", vec![0, 1]), ("10.0.0.3", vec![0, 2])];
        assert_eq!(found, expected.map(|(at, terms)| (at.to_owned(), terms)));
    }
}
