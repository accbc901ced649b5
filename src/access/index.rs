//! Rules, taken apart into patterns and put where requests find them.

use std::net::IpAddr;
use std::num::NonZeroU16;

use super::nets::Nets;
use super::segments::Trie;
use crate::model::docker::pattern::{
    Depth, HostPattern, HttpPattern, Label, NetworkPattern, PathGlob, PathPattern, Root, Segment,
};
use crate::model::docker::{Decision, FileMode, Method, Rule, RuleAccess, Transport};

/// One resource of one rule.
#[derive(Debug)]
pub(super) struct Entry {
    /// The bit of the rule set that the rule is in.
    pub(super) side: u8,
    /// The position of the rule in its set.
    pub(super) rule: usize,
    /// The resource as written.
    pub(super) resource: String,
    pub(super) decision: Decision,
    pub(super) what: What,
}

/// What an entry is about, apart from the destination or path that leads to it.
#[derive(Debug)]
pub(super) enum What {
    Connect { transports: Vec<Transport>, port: Option<u16> },
    Http { methods: Vec<Method>, port: Option<u16>, path: PathGlob },
    File { modes: Vec<FileMode> },
}

/// A resource that is no pattern. Manifests hold none; a server may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The position of the rule in its set.
    pub rule: usize,
    /// The resource.
    pub resource: String,
    /// Why it is no pattern.
    pub why: String,
}

/// The tries of paths, one for each format: a rule matches only paths of its own.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) posix: Trie,
    pub(super) home: Trie,
    /// The first segment is the drive's letter.
    pub(super) windows: Trie,
    /// The first segment is the distribution.
    pub(super) wsl: Trie,
}

/// The rules of up to eight sets.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) entries: Vec<Entry>,
    /// Host names by label, the last one first.
    pub(super) hosts: Trie,
    pub(super) nets: Nets,
    pub(super) files: Files,
    pub(super) unreadable: Vec<Unreadable>,
}

impl Index {
    /// Takes the rules of these sets apart.
    pub(super) fn new(sets: &[&[&Rule]]) -> Self {
        let mut index = Self::default();
        for (number, rules) in sets.iter().enumerate() {
            let side = 1 << number;
            for (position, rule) in rules.iter().enumerate() {
                index.add(side, position, rule);
            }
        }
        index
    }

    fn add(&mut self, side: u8, position: usize, rule: &Rule) {
        let Rule { name: _, decision, access } = rule;
        let place = |resource: String, what| Entry { side, rule: position, resource, decision: *decision, what };
        match access {
            RuleAccess::Network { actions, resources } => {
                let transports: Vec<Transport> = actions.iter().copied().collect();
                for resource in resources {
                    match NetworkPattern::parse(resource) {
                        Ok(pattern) => {
                            let port = pattern.port().map(NonZeroU16::get);
                            let what = What::Connect { transports: transports.clone(), port };
                            let entry = self.push(place(resource.clone(), what));
                            self.route(&pattern, entry);
                        }
                        Err(error) => self.refuse(position, resource.clone(), &error.to_string()),
                    }
                }
            }
            RuleAccess::Http { actions, resources } => {
                let methods: Vec<Method> = actions.iter().copied().collect();
                for resource in resources {
                    match HttpPattern::parse(resource) {
                        Ok(HttpPattern { host, port, path }) => {
                            let what = What::Http { methods: methods.clone(), port: port.map(NonZeroU16::get), path };
                            let entry = self.push(place(resource.to_string(), what));
                            self.route_host(&host, entry);
                        }
                        Err(errors) => {
                            let why: Vec<String> = errors.iter().map(|(_, error)| error.to_string()).collect();
                            self.refuse(position, resource.to_string(), &why.join("; "));
                        }
                    }
                }
            }
            RuleAccess::Filesystem { actions, resources } => {
                let modes: Vec<FileMode> = actions.iter().copied().collect();
                for resource in resources {
                    match PathPattern::parse(resource) {
                        Ok(pattern) => {
                            let entry = self.push(place(resource.clone(), What::File { modes: modes.clone() }));
                            self.route_path(&pattern, entry);
                        }
                        Err(error) => self.refuse(position, resource.clone(), &error.to_string()),
                    }
                }
            }
        }
    }

    fn push(&mut self, entry: Entry) -> u32 {
        self.entries.push(entry);
        u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
    }

    fn refuse(&mut self, rule: usize, resource: String, why: &str) {
        self.unreadable.push(Unreadable { rule, resource, why: why.to_owned() });
    }

    fn route(&mut self, pattern: &NetworkPattern, entry: u32) {
        match pattern {
            NetworkPattern::Host { host, port: _ } => self.route_host(host, entry),
            NetworkPattern::Address { address, port: _ } => self.nets.insert((*address).into(), entry),
            NetworkPattern::Cidr(net) => self.nets.insert(*net, entry),
        }
    }

    fn route_host(&mut self, host: &HostPattern, entry: u32) {
        if let Some(address) = host.address() {
            self.nets.insert(IpAddr::from(address).into(), entry);
            return;
        }
        let labels = host.labels().rev().map(|label| match label {
            Label::Text(text) => Segment::Text(text),
            Label::Glob(glob) => Segment::Glob(glob),
        });
        let front: &[Segment<'_>] = match host.depth() {
            Depth::Exact => &[],
            Depth::One => &[Segment::Glob("*")],
            Depth::Many => &[Segment::Glob("*"), Segment::Deep],
        };
        self.hosts.insert(labels.chain(front.iter().copied()), entry);
    }

    fn route_path(&mut self, pattern: &PathPattern, entry: u32) {
        let Files { posix, home, windows, wsl } = &mut self.files;
        match pattern.root() {
            Root::Posix => posix.insert(pattern.segments(), entry),
            Root::Home => home.insert(pattern.segments(), entry),
            Root::Wsl => wsl.insert(pattern.segments(), entry),
            Root::AnyDrive => windows.insert(std::iter::once(Segment::Glob("*")).chain(pattern.segments()), entry),
            Root::Drive(letter) => {
                let letter = letter.to_string();
                windows.insert(std::iter::once(Segment::Text(&letter)).chain(pattern.segments()), entry);
            }
        }
    }

    pub(super) fn entry(&self, id: u32) -> &Entry {
        &self.entries[id as usize]
    }
}
