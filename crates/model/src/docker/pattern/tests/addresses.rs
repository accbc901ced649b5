use super::{check_accepted, check_refused};
use crate::docker::pattern::{NetworkPattern, PatternFault};

#[test]
fn accepts_addresses_and_cidrs() {
    check_accepted(
        &[
            "10.0.0.0/8",
            "0.0.0.0/0",
            "192.168.1.1/32",
            "2001:db8::/32",
            "::/0",
            "::1/128",
            "10.0.0.1",
            "10.0.0.1:443",
            "255.255.255.255",
            "2001:db8::1",
            "2001:db8::a:b",
            "::1",
            "::",
            "fe80::/10",
        ],
        NetworkPattern::parse,
    );
}

#[test]
fn refuses_what_is_no_range() {
    check_refused(
        &[
            (
                "10.0.0.1/8",
                PatternFault::HostBits,
                "10.0.0.1/8",
                Some("10.0.0.0/8"),
            ),
            (
                "2001:db8::1/32",
                PatternFault::HostBits,
                "2001:db8::1/32",
                Some("2001:db8::/32"),
            ),
            ("10.0.0.0/33", PatternFault::CidrPrefix(32), "33", None),
            ("10.0.0.0/", PatternFault::CidrPrefix(32), "", None),
            (
                "10.0.0.0/08",
                PatternFault::CidrPrefix(32),
                "08",
                Some("10.0.0.0/8"),
            ),
            ("10.0.0.0/+8", PatternFault::CidrPrefix(32), "+8", None),
            ("10.0.0.0/-1", PatternFault::CidrPrefix(32), "-1", None),
            (
                "10.1.0.0/255.255.0.0",
                PatternFault::CidrPrefix(32),
                "255.255.0.0",
                Some("10.1.0.0/16"),
            ),
            ("2001:db8::/129", PatternFault::CidrPrefix(128), "129", None),
            ("2001:db8::/x", PatternFault::CidrPrefix(128), "x", None),
            ("300.0.0.0/8", PatternFault::CidrAddress, "300.0.0.0", None),
            ("10.0.0/8", PatternFault::CidrAddress, "10.0.0", None),
            (
                "2001:db8:::/32",
                PatternFault::CidrAddress,
                "2001:db8:::",
                None,
            ),
            ("10.0.0.0/8:443", PatternFault::CidrPort, ":443", None),
            ("2001:db8::/32:443", PatternFault::CidrPort, ":443", None),
            (
                "[2001:db8::1]:443",
                PatternFault::Ipv6Port,
                "[2001:db8::1]:443",
                None,
            ),
            (
                "[2001:db8::1]",
                PatternFault::Ipv6Brackets,
                "[2001:db8::1]",
                Some("2001:db8::1"),
            ),
            (
                "[2001:db8::]/32",
                PatternFault::Ipv6Brackets,
                "[2001:db8::]",
                Some("2001:db8::/32"),
            ),
            (
                "[::1:2]",
                PatternFault::Ipv6Brackets,
                "[::1:2]",
                Some("::1:2/128"),
            ),
            (
                "2001:db8::1:443",
                PatternFault::Ipv6Ambiguous,
                ":443",
                Some("2001:db8::1:443/128"),
            ),
            ("1:2:3:4:5:6:7:8:443", PatternFault::Ipv6Port, ":443", None),
            (
                "2001:db8::zz",
                PatternFault::CidrAddress,
                "2001:db8::zz",
                None,
            ),
            (
                "fe80::1%eth0",
                PatternFault::CidrAddress,
                "fe80::1%eth0",
                None,
            ),
            (
                "::ffff:10.0.0.1",
                PatternFault::Ipv4Mapped,
                "::ffff:10.0.0.1",
                Some("10.0.0.1"),
            ),
            (
                "::ffff:10.0.0.0/104",
                PatternFault::Ipv4Mapped,
                "::ffff:10.0.0.0/104",
                Some("10.0.0.0/8"),
            ),
            (
                "https://10.0.0.1/",
                PatternFault::Scheme,
                "https://",
                Some("10.0.0.1:443"),
            ),
            ("10.0.0.1:0", PatternFault::PortRange, "0", None),
        ],
        NetworkPattern::parse,
    );
}

#[test]
fn one_address_is_a_range_of_one() {
    let cases = [
        ("10.0.0.1", Some("10.0.0.1/32")),
        ("10.0.0.1:443", Some("10.0.0.1/32")),
        ("2001:db8::1", Some("2001:db8::1/128")),
        ("10.0.0.0/8", Some("10.0.0.0/8")),
        ("example.com", None),
    ];
    for (text, net) in cases {
        let pattern = NetworkPattern::parse(text).expect(text);
        assert_eq!(
            pattern.net().map(|net| net.to_string()).as_deref(),
            net,
            "{text}"
        );
    }
}

#[test]
fn written_forms_of_one_range_are_equal() {
    let short = NetworkPattern::parse("2001:db8::/32").expect("a range");
    let long = NetworkPattern::parse("2001:0DB8:0:0:0:0:0:0/32").expect("a range");
    assert_eq!(short, long);
}

#[test]
fn an_address_whose_short_form_reads_like_a_port_is_shown_in_full() {
    let pattern = NetworkPattern::parse("2001:db8:0:0:0:0:1:443").expect("an address");
    assert_eq!(pattern.to_string(), "2001:db8:0:0:0:0:1:443");
    assert_eq!(NetworkPattern::parse(&pattern.to_string()), Ok(pattern));
}
