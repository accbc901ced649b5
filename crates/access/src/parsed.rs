//! Parses the resources of rules.

use std::num::NonZeroU16;
use std::sync::Arc;

use ipnet::IpNet;

use super::terms::{About, Actions};
use model::docker::pattern::{HostPattern, HttpPattern, NetworkPattern, PathPattern};
use model::docker::{Decision, HttpResource, Rule, RuleAccess, RuleMeaning};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) decision: Decision,
    pub(crate) at: Where,
    pub(crate) about: About,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Where {
    Host(HostPattern),
    Net(IpNet),
    Path(PathPattern),
}

/// The reason why a resource cannot be parsed.
#[derive(Debug)]
pub(crate) struct Unparsed {
    pub(crate) why: String,
}

/// A resource as written. It is only formatted when the text is needed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Written<'r> {
    Plain(&'r str),
    Http(&'r HttpResource),
}

impl Written<'_> {
    pub(crate) fn text(self) -> Arc<str> {
        match self {
            Self::Plain(text) => text.into(),
            Self::Http(resource) => resource.to_string().into(),
        }
    }
}

/// Parses the resources of a rule and passes each to `each`, together with its text.
pub(crate) fn parse(rule: &Rule, mut each: impl FnMut(Written<'_>, Result<Parsed, Unparsed>)) {
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

pub(crate) fn network(decision: Decision, transports: Actions, pattern: NetworkPattern) -> Parsed {
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

pub(crate) fn http(decision: Decision, methods: Actions, pattern: HttpPattern) -> Parsed {
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

pub(crate) fn file(decision: Decision, modes: Actions, pattern: PathPattern) -> Parsed {
    Parsed {
        decision,
        at: Where::Path(pattern),
        about: About::File { modes },
    }
}
