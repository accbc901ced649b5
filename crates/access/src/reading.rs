//! Readings of what the contract leaves open: how the service compares hosts and paths.
//!
//! DNS ignores case and a trailing dot (RFC 4343), but the contract does not say how the service
//! compares names. A gate must pass under every reading, each applied to all rules and patterns at
//! once. A reading that ignores case is evaluated by converting all patterns to lowercase; regions
//! then represent requests in any spelling.

use super::parsed::{ParsedResource, ResourceDestination};
use super::terms::ResourceMatcher;

/// How the service may compare texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reading {
    /// Hosts are compared ignoring case and a trailing dot.
    pub(crate) loose_hosts: bool,
    /// Paths, of files and in URLs, are compared ignoring case.
    pub(crate) loose_paths: bool,
}

impl Reading {
    /// The readings that differ for patterns with or without these properties, exact comparison
    /// first.
    pub(crate) fn all(hosts_vary: bool, paths_vary: bool) -> Vec<Self> {
        let mut readings = Vec::new();
        for loose_hosts in [false, true] {
            for loose_paths in [false, true] {
                if (hosts_vary || !loose_hosts) && (paths_vary || !loose_paths) {
                    readings.push(Self {
                        loose_hosts,
                        loose_paths,
                    });
                }
            }
        }
        readings
    }

    /// The resource as this reading compares it.
    pub(crate) fn of(self, resource: &ParsedResource) -> ParsedResource {
        let mut resource = resource.clone();
        match &mut resource.at {
            ResourceDestination::Host(host) if self.loose_hosts => *host = host.to_lowercase(),
            ResourceDestination::Path(path) if self.loose_paths => *path = path.to_lowercase(),
            ResourceDestination::Host(_)
            | ResourceDestination::Path(_)
            | ResourceDestination::Net(_) => {}
        }
        if let ResourceMatcher::Http { path, .. } = &mut resource.about
            && self.loose_paths
        {
            *path = path.to_lowercase();
        }
        resource
    }
}

/// Whether the host and the paths of a resource depend on the reading.
pub(crate) fn varies(resource: &ParsedResource) -> (bool, bool) {
    let ParsedResource {
        decision: _,
        at,
        about,
    } = resource;
    let hosts = matches!(at, ResourceDestination::Host(host) if host.to_lowercase() != *host);
    let file = matches!(at, ResourceDestination::Path(path) if path.to_lowercase() != *path);
    let url = matches!(
        about, ResourceMatcher::Http { path, .. } if path.to_lowercase() != *path
    );
    (hosts, file || url)
}
