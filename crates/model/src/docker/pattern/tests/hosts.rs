use super::{check_accepted, check_refused};
use crate::diag::Code;
use crate::docker::pattern::{Depth, Fault, Label, NetworkPattern};

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
            ("", Fault::Empty, "", None),
            (" example.com", Fault::Padded, " ", Some("example.com")),
            ("example.com ", Fault::Padded, " ", Some("example.com")),
            (
                "example.com\n",
                Fault::Control('\n'),
                "\n",
                Some("example.com"),
            ),
            ("exam\u{7}ple.com", Fault::Control('\u{7}'), "\u{7}", None),
            (
                "exam\u{85}ple.com",
                Fault::Control('\u{85}'),
                "\u{85}",
                None,
            ),
            (
                "https://example.com",
                Fault::Scheme,
                "https://",
                Some("example.com:443"),
            ),
            (
                "http://example.com",
                Fault::Scheme,
                "http://",
                Some("example.com:80"),
            ),
            (
                "https://example.com/a/b?c",
                Fault::Scheme,
                "https://",
                Some("example.com:443"),
            ),
            (
                "https://example.com:8443/",
                Fault::Scheme,
                "https://",
                Some("example.com:8443"),
            ),
            (
                "https://user:pw@example.com",
                Fault::Scheme,
                "https://",
                Some("example.com:443"),
            ),
            (
                "ssh://git@example.com",
                Fault::Scheme,
                "ssh://",
                Some("example.com:22"),
            ),
            ("foo://example.com", Fault::Scheme, "foo://", None),
            (
                "https://**.example.com./",
                Fault::Scheme,
                "https://",
                Some("**.example.com:443"),
            ),
            (
                "user@example.com",
                Fault::UserInfo,
                "user@",
                Some("example.com"),
            ),
            (
                "example.com/api",
                Fault::HostPath,
                "/api",
                Some("example.com"),
            ),
            ("example.com/", Fault::HostPath, "/", Some("example.com")),
            (
                "example.com?q=1",
                Fault::HostPath,
                "?q=1",
                Some("example.com"),
            ),
            (
                "example.com#top",
                Fault::HostPath,
                "#top",
                Some("example.com"),
            ),
            ("example.com.", Fault::TrailingDot, ".", Some("example.com")),
            (
                "example.com.:443",
                Fault::TrailingDot,
                ".",
                Some("example.com:443"),
            ),
            (".example.com", Fault::LeadingDot, ".", None),
            ("example..com", Fault::EmptyLabel, "", None),
            ("*..example.com", Fault::EmptyLabel, "", None),
            (":443", Fault::EmptyLabel, "", None),
            ("exa mple.com", Fault::HostCharacter(' '), " ", None),
            ("a.com,b.com", Fault::HostCharacter(','), ",", None),
            ("example.com|evil", Fault::HostCharacter('|'), "|", None),
            ("[a-z].example.com", Fault::HostCharacter('['), "[", None),
            (
                "münchen.example",
                Fault::NonAscii,
                "münchen",
                Some("xn--mnchen-3ya.example"),
            ),
            (
                "**.münchen.example:443",
                Fault::NonAscii,
                "münchen",
                Some("**.xn--mnchen-3ya.example:443"),
            ),
            ("-foo.example.com", Fault::LabelHyphen, "-", None),
            ("foo-.example.com", Fault::LabelHyphen, "-", None),
            ("1.2.3", Fault::NotAnAddress, "1.2.3", None),
            ("256.1.1.1", Fault::NotAnAddress, "256.1.1.1", None),
            ("010.0.0.1", Fault::NotAnAddress, "010.0.0.1", None),
            ("example.123", Fault::NotAnAddress, "example.123", None),
            ("*.0.0.1", Fault::NotAnAddress, "*.0.0.1", None),
        ],
        NetworkPattern::parse,
    );
}

#[test]
fn refuses_misplaced_wildcards() {
    check_refused(
        &[
            ("*", Fault::WildcardAlone, "*", None),
            ("**", Fault::WildcardAlone, "**", None),
            ("*.", Fault::WildcardAlone, "*.", None),
            ("*:443", Fault::WildcardAlone, "*", None),
            ("foo.*.com", Fault::WildcardMisplaced, "*", None),
            ("foo.**.com", Fault::WildcardMisplaced, "**", None),
            ("*.*.example.com", Fault::WildcardMisplaced, "*", None),
            ("**.*.example.com", Fault::WildcardMisplaced, "*", None),
            ("example.*", Fault::WildcardMisplaced, "*", None),
            (
                "10.0.0.*",
                Fault::WildcardMisplaced,
                "*",
                Some("10.0.0.0/24"),
            ),
            (
                "10.0.*.*",
                Fault::WildcardMisplaced,
                "*",
                Some("10.0.0.0/16"),
            ),
            (
                "10.*.*.*",
                Fault::WildcardMisplaced,
                "*",
                Some("10.0.0.0/8"),
            ),
            (
                "**example.com",
                Fault::WildcardGlued,
                "**example",
                Some("**.example.com"),
            ),
            (
                "***.example.com",
                Fault::WildcardGlued,
                "***",
                Some("**.example.com"),
            ),
            (
                "crl**.example.com",
                Fault::WildcardGlued,
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
            ("example.com:", Fault::PortEmpty, "", Some("example.com")),
            ("example.com:0", Fault::PortRange, "0", None),
            ("example.com:65536", Fault::PortRange, "65536", None),
            (
                "example.com:99999999999999999999",
                Fault::PortRange,
                "99999999999999999999",
                None,
            ),
            (
                "example.com:https",
                Fault::PortNotNumber,
                "https",
                Some("example.com:443"),
            ),
            ("example.com:web", Fault::PortNotNumber, "web", None),
            (
                "example.com:*",
                Fault::PortNotNumber,
                "*",
                Some("example.com"),
            ),
            ("example.com:80-443", Fault::PortNotNumber, "80-443", None),
            ("example.com:+80", Fault::PortNotNumber, "+80", None),
            ("example.com:-1", Fault::PortNotNumber, "-1", None),
            ("example.com:０", Fault::PortNotNumber, "０", None),
            (
                "example.com:0443",
                Fault::PortLeadingZero,
                "0443",
                Some("example.com:443"),
            ),
            ("example.com:00", Fault::PortLeadingZero, "00", None),
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
    assert_eq!(fault(&format!("{longest}a")), Err(Fault::HostTooLong));
    assert_eq!(fault(&format!("{label}a.com")), Err(Fault::LabelTooLong));
}

#[test]
fn parsed_hosts_say_what_they_mean() {
    let pattern = NetworkPattern::parse("**.crl*.Example.com:80").expect("a host");
    assert_eq!(pattern.port().map(u16::from), Some(80));
    assert_eq!(pattern.net(), None);
    let host = pattern.host().expect("a host");
    assert_eq!(host.depth(), Depth::Many);
    assert_eq!(host.name(), "crl*.Example.com");
    let labels: Vec<_> = host.labels().collect();
    assert_eq!(
        labels,
        [
            Label::Glob("crl*"),
            Label::Text("Example"),
            Label::Text("com")
        ]
    );
    assert!(host.has_inner_wildcard() && host.has_uppercase());
    let plain = NetworkPattern::parse("*.example.com").expect("a host");
    let plain = plain.host().expect("a host");
    assert_eq!(plain.depth(), Depth::One);
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
