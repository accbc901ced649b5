//! Resources of rules, parsed: what every question about access begins with.

use std::num::NonZeroU16;
use std::sync::Arc;

use ipnet::IpNet;

use super::terms::{About, Actions};
use model::docker::pattern::{HostPattern, HttpPattern, NetworkPattern, PathPattern};
use model::docker::{Decision, HttpResource, Rule, RuleAccess, RuleMeaning};

/// One resource of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) decision: Decision,
    pub(super) at: Where,
    pub(super) about: About,
}

/// The destination or path of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Where {
    Host(HostPattern),
    Net(IpNet),
    Path(PathPattern),
}

/// A resource that is no pattern.
#[derive(Debug)]
pub(super) struct Unparsed {
    pub(super) why: String,
}

/// A resource as written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Written<'r> {
    Plain(&'r str),
    Http(&'r HttpResource),
}

impl Written<'_> {
    pub(super) fn text(self) -> Arc<str> {
        match self {
            Self::Plain(text) => text.into(),
            Self::Http(resource) => resource.to_string().into(),
        }
    }
}

/// Parses the resources of a rule, each beside what is written.
pub(super) fn parse(rule: &Rule, mut each: impl FnMut(Written<'_>, Result<Parsed, Unparsed>)) {
    let RuleMeaning { decision, access } = rule.meaning();
    match access {
        RuleAccess::Network { actions, resources } => {
            let transports = Actions::of(actions.iter().map(|action| *action as u16));
            for resource in resources {
                let parsed = NetworkPattern::parse(resource)
                    .map(|pattern| network(decision, transports, pattern));
                each(
                    Written::Plain(resource),
                    parsed.map_err(|error| Unparsed {
                        why: error.to_string(),
                    }),
                );
            }
        }
        RuleAccess::Http { actions, resources } => {
            let methods = Actions::of(actions.iter().map(|action| *action as u16));
            for resource in resources {
                let parsed =
                    HttpPattern::parse(resource).map(|pattern| http(decision, methods, pattern));
                let parsed = parsed.map_err(|errors| {
                    let why: Vec<String> =
                        errors.iter().map(|(_, error)| error.to_string()).collect();
                    Unparsed {
                        why: why.join("; "),
                    }
                });
                each(Written::Http(resource), parsed);
            }
        }
        RuleAccess::Filesystem { actions, resources } => {
            let modes = Actions::of(actions.iter().map(|action| *action as u16));
            for resource in resources {
                let parsed =
                    PathPattern::parse(resource).map(|pattern| file(decision, modes, pattern));
                each(
                    Written::Plain(resource),
                    parsed.map_err(|error| Unparsed {
                        why: error.to_string(),
                    }),
                );
            }
        }
    }
}

/// A resource of a network rule.
pub(super) fn network(decision: Decision, transports: Actions, pattern: NetworkPattern) -> Parsed {
    let port = pattern.port().map(NonZeroU16::get);
    let at = match pattern {
        NetworkPattern::Host { host, port: _ } => Where::Host(host),
        NetworkPattern::Address { address, port: _ } => Where::Net(address.into()),
        NetworkPattern::Cidr(net) => Where::Net(net),
    };
    Parsed {
        decision,
        at,
        about: About::Connect { transports, port },
    }
}

/// A target of an HTTP rule.
pub(super) fn http(decision: Decision, methods: Actions, pattern: HttpPattern) -> Parsed {
    let HttpPattern { host, port, path } = pattern;
    let about = About::Http {
        methods,
        port: port.map(NonZeroU16::get),
        path,
    };
    Parsed {
        decision,
        at: Where::Host(host),
        about,
    }
}

/// A resource of a filesystem rule.
pub(super) fn file(decision: Decision, modes: Actions, pattern: PathPattern) -> Parsed {
    Parsed {
        decision,
        at: Where::Path(pattern),
        about: About::File { modes },
    }
}
