//! Hosts, ports and CIDRs (schemas `RuleResources` and `HTTPResource`).

use ipnet::IpNet;
use std::net::IpAddr;

/// The error in a resource of the network layer: a host with or without a port, or a CIDR.
pub(super) fn network_fault(text: &str) -> Option<&'static str> {
    if text.contains('/') {
        return text.parse::<IpNet>().is_err().then_some("is not a CIDR");
    }
    // An IPv6 address contains colons that do not start a port.
    if text.parse::<IpAddr>().is_ok() {
        return None;
    }
    match text.split_once(':') {
        None => host_fault(text),
        Some((host, port)) => port_fault(port).or_else(|| host_fault(host)),
    }
}

/// The error in the host of an HTTP resource: no port, no scheme, no CIDR.
pub(super) fn http_host_fault(text: &str) -> Option<&'static str> {
    if text.contains('/') {
        return Some("is a URL or a CIDR where a host name is needed");
    }
    if text.contains(':') {
        return Some("has a port, which belongs into `port`");
    }
    host_fault(text)
}

/// A host name or a glob. `*` (one label) and `**` (any number of labels) are only valid as the
/// first label. Published presets also contain `*` within a label.
fn host_fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("is empty");
    }
    if text.len() > 253 {
        return Some("is longer than a host name can be");
    }
    text.split('.')
        .enumerate()
        .find_map(|(index, label)| label_fault(label, index == 0))
}

fn label_fault(label: &str, is_first: bool) -> Option<&'static str> {
    if label.is_empty() {
        return Some("has an empty label");
    }
    if label.len() > 63 {
        return Some("has a label of more than 63 characters");
    }
    if matches!(label, "*" | "**") {
        return (!is_first).then_some("has a wildcard label that is not the first");
    }
    if label.contains("**") {
        return Some("has `**` inside a label");
    }
    let is_plain = label
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_*".contains(&byte));
    (!is_plain || label.starts_with('-') || label.ends_with('-')).then_some("is not a host name")
}

fn port_fault(text: &str) -> Option<&'static str> {
    let is_port = text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u16>().is_ok_and(|port| port > 0);
    (!is_port).then_some("has a port that is not from 1 to 65535")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_resources() {
        let long = format!("{}.com", "a".repeat(64));
        for (text, good) in [
            ("example.com", true),
            ("*.example.com", true),
            ("**.example.com:443", true),
            ("crl*.digicert.com:80", true),
            ("_dmarc.example.com", true),
            ("localhost", true),
            ("*", true),
            ("**:443", true),
            ("10.0.0.1", true),
            ("10.0.0.1:8080", true),
            ("10.0.0.0/8", true),
            ("2001:db8::/32", true),
            ("2001:db8::1", true),
            ("", false),
            (":443", false),
            ("example.com:", false),
            ("example.com:0", false),
            ("example.com:65536", false),
            ("example.com:+80", false),
            ("example.com:80:81", false),
            ("https://example.com", false),
            ("example.com/path", false),
            ("10.0.0.0/33", false),
            ("2001:db8::/129", false),
            ("[2001:db8::1]:443", false),
            ("example..com", false),
            ("example.com.", false),
            ("a.*.example.com", false),
            ("a**.example.com", false),
            ("-a.example.com", false),
            ("exa mple.com", false),
            (long.as_str(), false),
        ] {
            assert_eq!(
                network_fault(text).is_none(),
                good,
                "{text:?}: {:?}",
                network_fault(text)
            );
        }
    }

    #[test]
    fn http_hosts_have_neither_port_nor_prefix() {
        for (text, good) in [
            ("api.github.com", true),
            ("**.example.com", true),
            ("api.github.com:443", false),
            ("10.0.0.0/8", false),
            ("https://api.github.com", false),
            ("", false),
        ] {
            assert_eq!(http_host_fault(text).is_none(), good, "{text:?}");
        }
    }
}
