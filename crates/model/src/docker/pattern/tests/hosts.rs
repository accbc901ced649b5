use super::{check_accepted, check_refused};
use crate::diag::Code;
use crate::docker::pattern::{HostLabel, NetworkPattern, PatternFault, WildcardDepth};

#[test]
fn accepts_hosts() {
    check_accepted(
        &[
            "example.com",
            "example.com:443",
            "example.com:1",
            "example.com:65535",
            "localhost",
            "localhost:8080",
            "*.example.com",
            "*.example.com:443",
            "**",
            "**:443",
            "**.example.com",
            "**.example.com:8443",
            "*.com",
            "crl*.digicert.com:80",
            "*api.example.com",
            "a*b*c.example.com",
            "*.crl*.example.com",
            "_dmarc.example.com",
            "xn--mnchen-3ya.example",
            "API.Example.COM",
            "1password.com",
            "1.2.3.example",
            "r3---sn-4g5e6nez.example.com",
            "docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com:443",
            "**.public.blob.vercel-storage.com:443",
            "*.one.digicert.co.jp:80",
            "a.b.c.d.e.f.g.h",
            "example.com:80",
        ],
        NetworkPattern::parse,
    );
}

#[test]
fn refuses_what_is_no_host() {
    check_refused(
        &[
            ("", PatternFault::Empty, "", None),
            (
                " example.com",
                PatternFault::Padded,
                " ",
                Some("example.com"),
            ),
            (
                "example.com ",
                PatternFault::Padded,
                " ",
                Some("example.com"),
            ),
            (
                "example.com\n",
                PatternFault::Control('\n'),
                "\n",
                Some("example.com"),
            ),
            (
                "exam\u{7}ple.com",
                PatternFault::Control('\u{7}'),
                "\u{7}",
                None,
            ),
            (
                "exam\u{85}ple.com",
                PatternFault::Control('\u{85}'),
                "\u{85}",
                None,
            ),
            (
                "https://example.com",
                PatternFault::Scheme,
                "https://",
                Some("example.com:443"),
            ),
            (
                "http://example.com",
                PatternFault::Scheme,
                "http://",
                Some("example.com:80"),
            ),
            (
                "https://example.com/a/b?c",
                PatternFault::Scheme,
                "https://",
                Some("example.com:443"),
            ),
            (
                "https://example.com:8443/",
                PatternFault::Scheme,
                "https://",
                Some("example.com:8443"),
            ),
            (
                "https://user:pw@example.com",
                PatternFault::Scheme,
                "https://",
                Some("example.com:443"),
            ),
            (
                "ssh://git@example.com",
                PatternFault::Scheme,
                "ssh://",
                Some("example.com:22"),
            ),
            ("foo://example.com", PatternFault::Scheme, "foo://", None),
            (
                "https://**.example.com./",
                PatternFault::Scheme,
                "https://",
                Some("**.example.com:443"),
            ),
            (
                "user@example.com",
                PatternFault::UserInfo,
                "user@",
                Some("example.com"),
            ),
            (
                "example.com/api",
                PatternFault::HostPath,
                "/api",
                Some("example.com"),
            ),
            (
                "example.com/",
                PatternFault::HostPath,
                "/",
                Some("example.com"),
            ),
            (
                "example.com?q=1",
                PatternFault::HostPath,
                "?q=1",
                Some("example.com"),
            ),
            (
                "example.com#top",
                PatternFault::HostPath,
                "#top",
                Some("example.com"),
            ),
            (
                "example.com.",
                PatternFault::TrailingDot,
                ".",
                Some("example.com"),
            ),
            (
                "example.com.:443",
                PatternFault::TrailingDot,
                ".",
                Some("example.com:443"),
            ),
            (".example.com", PatternFault::LeadingDot, ".", None),
            ("example..com", PatternFault::EmptyLabel, "", None),
            ("*..example.com", PatternFault::EmptyLabel, "", None),
            (":443", PatternFault::EmptyLabel, "", None),
            ("exa mple.com", PatternFault::HostCharacter(' '), " ", None),
            (
                "a.com,b.com",
                PatternFault::SeveralHosts,
                "a.com,b.com",
                None,
            ),
            ("a,com", PatternFault::HostCharacter(','), ",", None),
            (
                "example.com|evil",
                PatternFault::HostCharacter('|'),
                "|",
                None,
            ),
            (
                "[a-z].example.com",
                PatternFault::HostCharacter('['),
                "[",
                None,
            ),
            (
                "münchen.example",
                PatternFault::NonAscii,
                "münchen",
                Some("xn--mnchen-3ya.example"),
            ),
            (
                "**.münchen.example:443",
                PatternFault::NonAscii,
                "münchen",
                Some("**.xn--mnchen-3ya.example:443"),
            ),
            ("-foo.example.com", PatternFault::LabelHyphen, "-", None),
            ("foo-.example.com", PatternFault::LabelHyphen, "-", None),
            ("1.2.3", PatternFault::NotAnAddress, "1.2.3", None),
            ("256.1.1.1", PatternFault::NotAnAddress, "256.1.1.1", None),
            ("010.0.0.1", PatternFault::NotAnAddress, "010.0.0.1", None),
            (
                "example.123",
                PatternFault::NotAnAddress,
                "example.123",
                None,
            ),
            ("*.0.0.1", PatternFault::NotAnAddress, "*.0.0.1", None),
        ],
        NetworkPattern::parse,
    );
}

#[test]
fn refuses_misplaced_wildcards() {
    check_refused(
        &[
            ("*", PatternFault::WildcardAlone, "*", None),
            ("***", PatternFault::WildcardGlued, "***", None),
            ("*.", PatternFault::WildcardAlone, "*.", None),
            ("*:443", PatternFault::WildcardAlone, "*", None),
            ("**:", PatternFault::PortEmpty, "", None),
            (":443", PatternFault::EmptyLabel, "", None),
            ("https://**", PatternFault::Scheme, "https://", None),
            ("foo.*.com", PatternFault::WildcardMisplaced, "*", None),
            ("foo.**.com", PatternFault::WildcardMisplaced, "**", None),
            (
                "*.*.example.com",
                PatternFault::WildcardMisplaced,
                "*",
                None,
            ),
            (
                "**.*.example.com",
                PatternFault::WildcardMisplaced,
                "*",
                None,
            ),
            ("example.*", PatternFault::WildcardMisplaced, "*", None),
            (
                "10.0.0.*",
                PatternFault::WildcardMisplaced,
                "*",
                Some("10.0.0.0/24"),
            ),
            (
                "10.0.*.*",
                PatternFault::WildcardMisplaced,
                "*",
                Some("10.0.0.0/16"),
            ),
            (
                "10.*.*.*",
                PatternFault::WildcardMisplaced,
                "*",
                Some("10.0.0.0/8"),
            ),
            (
                "**example.com",
                PatternFault::WildcardGlued,
                "**example",
                Some("**.example.com"),
            ),
            (
                "***.example.com",
                PatternFault::WildcardGlued,
                "***",
                Some("**.example.com"),
            ),
            (
                "crl**.example.com",
                PatternFault::WildcardGlued,
                "crl**",
                Some("crl*.example.com"),
            ),
        ],
        NetworkPattern::parse,
    );
}

#[test]
fn refuses_ports_that_are_none() {
    check_refused(
        &[
            (
                "example.com:",
                PatternFault::PortEmpty,
                "",
                Some("example.com"),
            ),
            ("example.com:0", PatternFault::PortRange, "0", None),
            ("example.com:65536", PatternFault::PortRange, "65536", None),
            (
                "example.com:99999999999999999999",
                PatternFault::PortRange,
                "99999999999999999999",
                None,
            ),
            (
                "example.com:https",
                PatternFault::PortNotNumber,
                "https",
                Some("example.com:443"),
            ),
            ("example.com:web", PatternFault::PortNotNumber, "web", None),
            (
                "example.com:*",
                PatternFault::PortNotNumber,
                "*",
                Some("example.com"),
            ),
            (
                "example.com:80-443",
                PatternFault::PortNotNumber,
                "80-443",
                None,
            ),
            ("example.com:+80", PatternFault::PortNotNumber, "+80", None),
            ("example.com:-1", PatternFault::PortNotNumber, "-1", None),
            ("example.com:０", PatternFault::PortNotNumber, "０", None),
            (
                "example.com:0443",
                PatternFault::PortLeadingZero,
                "0443",
                Some("example.com:443"),
            ),
            ("example.com:00", PatternFault::PortLeadingZero, "00", None),
        ],
        NetworkPattern::parse,
    );
}

#[test]
fn limits_of_the_domain_name_system_hold() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    assert!(NetworkPattern::parse(&longest).is_ok());
    let fault = |text: &str| NetworkPattern::parse(text).map_err(|error| error.fault);
    assert_eq!(
        fault(&format!("{longest}a")),
        Err(PatternFault::HostTooLong)
    );
    assert_eq!(
        fault(&format!("{label}a.com")),
        Err(PatternFault::LabelTooLong)
    );
}

#[test]
fn parsed_hosts_say_what_they_mean() {
    let pattern = NetworkPattern::parse("**.crl*.Example.com:80").expect("a host");
    assert_eq!(pattern.port().map(u16::from), Some(80));
    assert_eq!(pattern.net(), None);
    let host = pattern.host().expect("a host");
    assert_eq!(host.depth(), WildcardDepth::Many);
    assert_eq!(host.name(), "crl*.Example.com");
    let labels: Vec<_> = host.labels().collect();
    assert_eq!(
        labels,
        [
            HostLabel::Glob("crl*"),
            HostLabel::Text("Example"),
            HostLabel::Text("com")
        ]
    );
    assert!(host.has_inner_wildcard() && host.has_uppercase());
    let plain = NetworkPattern::parse("*.example.com").expect("a host");
    let plain = plain.host().expect("a host");
    assert_eq!(plain.depth(), WildcardDepth::One);
    assert!(!plain.has_inner_wildcard() && !plain.has_uppercase());
}

#[test]
fn every_kind_of_fault_has_its_code() {
    let cases = [
        ("https://example.com", Code::HostMalformed),
        ("a..b", Code::HostMalformed),
        ("foo.*.com", Code::WildcardMisplaced),
        ("**foo.com", Code::WildcardMisplaced),
        ("example.com:0", Code::PortInvalid),
        ("10.0.0.1/8", Code::CidrInvalid),
        ("[::1]:443", Code::CidrInvalid),
        ("10.0.0.0/33", Code::CidrInvalid),
    ];
    for (text, code) in cases {
        assert_eq!(
            NetworkPattern::parse(text).map_err(|error| error.code()),
            Err(code),
            "{text}"
        );
    }
}

#[test]
fn two_stars_alone_are_every_host() {
    let pattern = NetworkPattern::parse("**:443").unwrap();
    let host = pattern.host().unwrap();
    assert!(host.matches_all());
    assert_eq!(host.labels().count(), 0);
    assert_eq!(pattern.port().map(std::num::NonZeroU16::get), Some(443));
    assert_eq!(pattern.to_string(), "**:443");
    let below = NetworkPattern::parse("**.example.com").unwrap();
    assert!(!below.host().unwrap().matches_all());
}

#[test]
fn a_live_range_with_host_bits_is_its_network() {
    let live = |text| NetworkPattern::parse_live(text).map(|pattern| pattern.to_string());
    assert_eq!(live("10.1.2.3/8").as_deref(), Ok("10.0.0.0/8"));
    assert_eq!(live("2001:db8::1/32").as_deref(), Ok("2001:db8::/32"));
    assert_eq!(live("example.com:443").as_deref(), Ok("example.com:443"));
    // The network of this one has no form that a manifest could contain.
    assert!(live("::ffff:10.1.2.3/104").is_err());
    assert!(live("10.1.2.3/33").is_err());
    assert!(NetworkPattern::parse("10.1.2.3/8").is_err());
}
