//! Parses the resources of rules.

use std::num::NonZeroU16;
use std::sync::Arc;

use ipnet::IpNet;

use super::terms::{ActionSet, ResourceMatcher};
use model::docker::pattern::{HostPattern, HttpPattern, NetworkPattern, PathPattern};
use model::docker::{Decision, HttpResource, Rule, RuleAccess, RuleMeaning};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParsedResource {
    pub(crate) decision: Decision,
    pub(crate) at: ResourceDestination,
    pub(crate) about: ResourceMatcher,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ResourceDestination {
    Host(HostPattern),
    Net(IpNet),
    Path(PathPattern),
}

/// The reason why a resource cannot be parsed.
#[derive(Debug)]
pub(crate) struct ResourceParseError {
    pub(crate) why: String,
}

/// A resource as written. It is only formatted when the text is needed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RawResource<'r> {
    Plain(&'r str),
    Http(&'r HttpResource),
}

impl RawResource<'_> {
    pub(crate) fn text(self) -> Arc<str> {
        match self {
            Self::Plain(text) => text.into(),
            Self::Http(resource) => resource.to_string().into(),
        }
    }
}

/// Parses the resources of a rule and passes each to `each`, together with its text.
pub(crate) fn parse(
    rule: &Rule,
    mut each: impl FnMut(RawResource<'_>, Result<ParsedResource, ResourceParseError>),
) {
    let RuleMeaning { decision, access } = rule.meaning();
    match access {
        RuleAccess::Network { actions, resources } => {
            let transports = ActionSet::from_positions(actions.iter().map(|action| *action as u16));
            for resource in resources {
                let parsed = NetworkPattern::parse_live(resource)
                    .map(|pattern| network(decision, transports, pattern));
                each(
                    RawResource::Plain(resource),
                    parsed.map_err(|error| ResourceParseError {
                        why: error.to_string(),
                    }),
                );
            }
        }
        RuleAccess::Http { actions, resources } => {
            let methods = ActionSet::from_positions(actions.iter().map(|action| *action as u16));
            for resource in resources {
                let parsed =
                    HttpPattern::parse(resource).map(|pattern| http(decision, methods, pattern));
                let parsed = parsed.map_err(|errors| {
                    let why: Vec<String> =
                        errors.iter().map(|(_, error)| error.to_string()).collect();
                    ResourceParseError {
                        why: why.join("; "),
                    }
                });
                each(RawResource::Http(resource), parsed);
            }
        }
        RuleAccess::Filesystem { actions, resources } => {
            let modes = ActionSet::from_positions(actions.iter().map(|action| *action as u16));
            for resource in resources {
                let parsed =
                    PathPattern::parse(resource).map(|pattern| file(decision, modes, pattern));
                each(
                    RawResource::Plain(resource),
                    parsed.map_err(|error| ResourceParseError {
                        why: error.to_string(),
                    }),
                );
            }
        }
    }
}

pub(crate) fn network(
    decision: Decision,
    transports: ActionSet,
    pattern: NetworkPattern,
) -> ParsedResource {
    let port = pattern.port().map(NonZeroU16::get);
    let at = match pattern {
        NetworkPattern::Host { host, port: _ } => ResourceDestination::Host(host),
        NetworkPattern::Address { address, port: _ } => ResourceDestination::Net(address.into()),
        NetworkPattern::Cidr(net) => ResourceDestination::Net(net),
    };
    ParsedResource {
        decision,
        at,
        about: ResourceMatcher::Connect { transports, port },
    }
}

pub(crate) fn http(decision: Decision, methods: ActionSet, pattern: HttpPattern) -> ParsedResource {
    let HttpPattern { host, port, path } = pattern;
    let about = ResourceMatcher::Http {
        methods,
        port: port.map(NonZeroU16::get),
        path,
    };
    ParsedResource {
        decision,
        at: ResourceDestination::Host(host),
        about,
    }
}

pub(crate) fn file(decision: Decision, modes: ActionSet, pattern: PathPattern) -> ParsedResource {
    ParsedResource {
        decision,
        at: ResourceDestination::Path(pattern),
        about: ResourceMatcher::File { modes },
    }
}
