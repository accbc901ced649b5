use super::{check_accepted, check_refused};
use crate::diag::Code;
use crate::docker::HttpResource;
use crate::docker::pattern::{Fault, HostPattern, HttpField, HttpPattern, PathGlob, Segment};

#[test]
fn accepts_hosts_of_targets() {
    check_accepted(
        &[
            "api.example.com",
            "*.example.com",
            "**.example.com",
            "crl*.example.com",
            "10.0.0.1",
            "localhost",
        ],
        HostPattern::parse,
    );
}

#[test]
fn refuses_hosts_of_targets() {
    check_refused(
        &[
            ("", Fault::Empty, "", None),
            (
                "https://api.example.com/v1",
                Fault::Scheme,
                "https://",
                Some("api.example.com"),
            ),
            (
                "api.example.com:443",
                Fault::PortInHost,
                ":443",
                Some("api.example.com"),
            ),
            (
                "api.example.com/v1",
                Fault::HostPath,
                "/v1",
                Some("api.example.com"),
            ),
            ("10.0.0.0/8", Fault::AddressAsHttpHost, "10.0.0.0/8", None),
            (
                "2001:db8::/32",
                Fault::AddressAsHttpHost,
                "2001:db8::/32",
                None,
            ),
            ("2001:db8::1", Fault::AddressAsHttpHost, "2001:db8::1", None),
            ("[::1]", Fault::AddressAsHttpHost, "[::1]", None),
            ("10.0.0.*", Fault::WildcardMisplaced, "*", None),
            (
                "user@api.example.com",
                Fault::UserInfo,
                "user@",
                Some("api.example.com"),
            ),
            ("*", Fault::WildcardAlone, "*", None),
            (
                "api.example.com.",
                Fault::TrailingDot,
                ".",
                Some("api.example.com"),
            ),
        ],
        HostPattern::parse,
    );
}

#[test]
fn accepts_canonical_paths() {
    check_accepted(
        &[
            "/",
            "/**",
            "/*",
            "/repos/docker/**",
            "/a/*/b",
            "/a/**/b",
            "/v1/*.json",
            "/a b",
            "/ä",
            "/a:b;c=d,e",
            "/~x",
        ],
        PathGlob::parse,
    );
}

#[test]
fn refuses_paths_that_are_not_canonical() {
    check_refused(
        &[
            ("", Fault::Empty, "", None),
            ("repos/x", Fault::HttpRelative, "", Some("/repos/x")),
            ("**", Fault::HttpRelative, "", Some("/**")),
            (
                "https://api.example.com/v1/x",
                Fault::Scheme,
                "https://",
                Some("/v1/x"),
            ),
            (
                "https://api.example.com",
                Fault::Scheme,
                "https://",
                Some("/"),
            ),
            ("/a?b=c", Fault::Query, "?b=c", Some("/a")),
            ("/a/?b", Fault::Query, "?b", Some("/a")),
            ("/a#b", Fault::Fragment, "#b", Some("/a")),
            ("/a%20b", Fault::PercentEncoding, "%20", Some("/a b")),
            ("/%C3%A4", Fault::PercentEncoding, "%C3", Some("/ä")),
            ("/a%2Fb", Fault::PercentEncoding, "%2F", None),
            ("/a%2Ab", Fault::PercentEncoding, "%2A", None),
            ("/a%3Fb", Fault::PercentEncoding, "%3F", None),
            ("/a%00b", Fault::PercentEncoding, "%00", None),
            ("/a%FF", Fault::PercentEncoding, "%FF", None),
            ("/a%", Fault::PercentEncoding, "%", None),
            ("/a%ä", Fault::PercentEncoding, "%ä", None),
            ("/a//b", Fault::RepeatedSeparator, "//", Some("/a/b")),
            ("//a", Fault::RepeatedSeparator, "/", Some("/a")),
            ("/a////b", Fault::RepeatedSeparator, "//", Some("/a/b")),
            ("//", Fault::RepeatedSeparator, "/", Some("/")),
            ("/a/", Fault::TrailingSeparator, "/", Some("/a")),
            ("/a/**/", Fault::TrailingSeparator, "/", Some("/a/**")),
            ("/a/./b", Fault::DotSegment, ".", Some("/a/b")),
            ("/a/../b", Fault::DotSegment, "..", Some("/b")),
            ("/a/..", Fault::DotSegment, "..", Some("/")),
            ("/..", Fault::DotSegment, "..", None),
            ("/a/*/..", Fault::DotSegment, "..", None),
            ("/a\u{1}b", Fault::Control('\u{1}'), "\u{1}", None),
            ("/a ", Fault::Padded, " ", Some("/a")),
            ("/a**", Fault::DeepGlued, "a**", Some("/a*")),
            ("/**.json", Fault::DeepGlued, "**.json", Some("/**/*.json")),
            ("/***", Fault::TooManyStars, "***", Some("/**")),
        ],
        PathGlob::parse,
    );
}

#[test]
fn a_target_names_every_field_that_is_wrong() {
    let resource = HttpResource {
        host: "10.0.0.0/8".into(),
        port: Some(0),
        path: "x".into(),
    };
    let errors = HttpPattern::parse(&resource).expect_err("three faults");
    let found: Vec<_> = errors
        .iter()
        .map(|(field, error)| (*field, error.code()))
        .collect();
    let expected = [
        (HttpField::Host, Code::CidrInvalid),
        (HttpField::Port, Code::PortInvalid),
        (HttpField::Path, Code::HttpPathInvalid),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_target_is_shown_like_a_url_without_scheme() {
    let resource = HttpResource {
        host: "api.example.com".into(),
        port: Some(443),
        path: "/v1/**".into(),
    };
    let pattern = HttpPattern::parse(&resource).expect("a target");
    assert_eq!(pattern.to_string(), "api.example.com:443/v1/**");
    let segments: Vec<_> = pattern.path.segments().collect();
    assert_eq!(segments, [Segment::Text("v1"), Segment::Deep]);
    assert_eq!(
        PathGlob::parse("/").expect("the root").segments().count(),
        0
    );
}
