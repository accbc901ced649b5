//! Whether two rules may be about the same request: a quick look at their texts that is never wrong when it says no.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::docker::{Domain, Resources, Rule};

/// Whether some request may match both rules. Only a no is certain.
pub(super) fn may_meet(one: &Rule, other: &Rule) -> bool {
    if one.access.layer().domain() != other.access.layer().domain() {
        return false;
    }
    match one.access.layer().domain() {
        // Paths are few; the exact walk is quick enough.
        Domain::Filesystem => true,
        Domain::Network => {
            let (one, other) = (hosts(one), hosts(other));
            one.iter().any(|one| other.iter().any(|other| hosts_may_meet(one, other)))
        }
    }
}

/// The hosts of a network or HTTP rule, without ports.
fn hosts(rule: &Rule) -> Vec<String> {
    match rule.access.resources() {
        Resources::Plain(texts) => texts.into_iter().map(without_port).collect(),
        Resources::Http(targets) => targets.into_iter().map(|target| target.host).collect(),
    }
}

fn without_port(text: String) -> String {
    match text.rsplit_once(':') {
        Some((host, _)) if !host.contains(':') => host.to_owned(),
        Some(_) | None => text,
    }
}

fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok() || host.parse::<IpNet>().is_ok()
}

/// Compares labels from the right, as far as both are written out.
fn hosts_may_meet(one: &str, other: &str) -> bool {
    match (is_address(one), is_address(other)) {
        (true, true) => return true,
        (true, false) | (false, true) => return false,
        (false, false) => {}
    }
    for (one, other) in one.rsplit('.').zip(other.rsplit('.')) {
        if one.contains('*') || other.contains('*') {
            return true;
        }
        if one != other {
            return false;
        }
    }
    // One is a suffix of the other: only a wildcard could make them meet, and it would have been met above, unless
    // both are the same.
    one.split('.').count() == other.split('.').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_no_is_certain() {
        let meets = [
            ("a.example.com", "a.example.com"),
            ("**.example.com", "a.b.example.com"),
            ("**.com", "*.example.com"),
            ("crl*.example.com", "crl3.example.com"),
            ("10.0.0.0/8", "10.1.0.0"),
            ("2001:db8::/32", "2001:db8::1"),
        ];
        let apart = [
            ("a.example.com", "b.example.com"),
            ("**.example.com", "example.com"),
            ("example.com", "a.example.com"),
            ("**.example.com", "**.example.org"),
            ("10.0.0.0/8", "**.example.com"),
        ];
        for (one, other) in meets {
            assert!(hosts_may_meet(one, other) && hosts_may_meet(other, one), "{one} {other}");
        }
        for (one, other) in apart {
            assert!(!hosts_may_meet(one, other) && !hosts_may_meet(other, one), "{one} {other}");
        }
        assert_eq!(without_port("a.example.com:443".to_owned()), "a.example.com");
        assert_eq!(without_port("2001:db8::1".to_owned()), "2001:db8::1");
    }
}
