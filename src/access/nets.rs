//! Sets of addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

/// Ranges of addresses; each holds the numbers of the entries that are about it.
#[derive(Debug, Default)]
pub(super) struct Nets {
    /// In order: a range comes before the ranges inside it.
    ranges: BTreeMap<IpNet, Vec<u32>>,
    /// The prefix lengths that occur.
    lengths: std::collections::BTreeSet<u8>,
}

/// Addresses that lie in the same ranges.
#[derive(Debug)]
pub(super) struct NetCell {
    /// The entries of all those ranges.
    pub(super) entries: Vec<u32>,
    /// One of them.
    pub(super) witness: IpAddr,
}

impl Nets {
    pub(super) fn insert(&mut self, net: IpNet, entry: u32) {
        self.lengths.insert(net.prefix_len());
        self.ranges.entry(net).or_default().push(entry);
    }

    /// The entries about an address.
    pub(super) fn entries(&self, address: IpAddr) -> Vec<u32> {
        let within = |length: &u8| IpNet::new(address, *length).ok().map(|net| net.trunc());
        let nets = self.lengths.iter().filter_map(within);
        nets.filter_map(|net| self.ranges.get(&net)).flatten().copied().collect()
    }

    /// For each range, the addresses of it that lie in no narrower one, if there are any.
    pub(super) fn cells(&self) -> Vec<NetCell> {
        let nets: Vec<(&IpNet, &Vec<u32>)> = self.ranges.iter().collect();
        let mut cells = Vec::new();
        for (position, (net, _)) in nets.iter().enumerate() {
            let inner = nets[position + 1..].iter().map(|(inner, _)| *inner).take_while(|inner| net.contains(*inner));
            if let Some(witness) = first_outside(net, inner) {
                cells.push(NetCell { entries: self.entries(witness), witness });
            }
        }
        cells
    }
}

/// An address of a range that lies in none of these ranges inside it, which come in order. The range's own first
/// address is taken only if no other is free: nobody connects to a network's address.
fn first_outside<'n>(net: &IpNet, inner: impl Iterator<Item = &'n IpNet>) -> Option<IpAddr> {
    let (first, last) = bounds(net);
    let mut only_first = false;
    for (from, to) in gaps(first, last, inner) {
        if from > first {
            return Some(address(net, from));
        }
        if to > first {
            return Some(address(net, first + 1));
        }
        only_first = true;
    }
    only_first.then(|| address(net, first))
}

/// The stretches from `first` to `last` that none of the ranges covers.
fn gaps<'n>(first: u128, last: u128, inner: impl Iterator<Item = &'n IpNet>) -> Vec<(u128, u128)> {
    let mut gaps = Vec::new();
    let mut next = Some(first);
    for (from, to) in inner.map(bounds) {
        let Some(at) = next else { break };
        if from > at {
            gaps.push((at, from - 1));
        }
        next = to.checked_add(1).map(|after| after.max(at));
    }
    gaps.extend(next.filter(|at| *at <= last).map(|at| (at, last)));
    gaps
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
