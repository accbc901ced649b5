use super::{check_accepted, check_refused};
use crate::diag::Code;
use crate::docker::HttpResource;
use crate::docker::pattern::{
    GlobSegment, HostPattern, HttpField, HttpPattern, PathGlob, PatternFault,
};

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
            ("", PatternFault::Empty, "", None),
            (
                "https://api.example.com/v1",
                PatternFault::Scheme,
                "https://",
                Some("api.example.com"),
            ),
            (
                "api.example.com:443",
                PatternFault::PortInHost,
                ":443",
                Some("api.example.com"),
            ),
            (
                "api.example.com/v1",
                PatternFault::HostPath,
                "/v1",
                Some("api.example.com"),
            ),
            (
                "10.0.0.0/8",
                PatternFault::AddressAsHttpHost,
                "10.0.0.0/8",
                None,
            ),
            (
                "2001:db8::/32",
                PatternFault::AddressAsHttpHost,
                "2001:db8::/32",
                None,
            ),
            (
                "2001:db8::1",
                PatternFault::AddressAsHttpHost,
                "2001:db8::1",
                None,
            ),
            ("[::1]", PatternFault::AddressAsHttpHost, "[::1]", None),
            ("10.0.0.*", PatternFault::WildcardMisplaced, "*", None),
            (
                "user@api.example.com",
                PatternFault::UserInfo,
                "user@",
                Some("api.example.com"),
            ),
            ("*", PatternFault::WildcardAlone, "*", None),
            ("**:443", PatternFault::PortInHost, ":443", None),
            (
                "api.example.com.",
                PatternFault::TrailingDot,
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
            ("", PatternFault::Empty, "", None),
            ("repos/x", PatternFault::HttpRelative, "", Some("/repos/x")),
            ("**", PatternFault::HttpRelative, "", Some("/**")),
            (
                "https://api.example.com/v1/x",
                PatternFault::Scheme,
                "https://",
                Some("/v1/x"),
            ),
            (
                "https://api.example.com",
                PatternFault::Scheme,
                "https://",
                Some("/"),
            ),
            ("/a?b=c", PatternFault::Query, "?b=c", Some("/a")),
            ("/a/?b", PatternFault::Query, "?b", Some("/a")),
            ("/a#b", PatternFault::Fragment, "#b", Some("/a")),
            ("/a%20b", PatternFault::PercentEncoding, "%20", Some("/a b")),
            ("/%C3%A4", PatternFault::PercentEncoding, "%C3", Some("/ä")),
            ("/a%2Fb", PatternFault::PercentEncoding, "%2F", None),
            ("/a%2Ab", PatternFault::PercentEncoding, "%2A", None),
            ("/a%3Fb", PatternFault::PercentEncoding, "%3F", None),
            ("/a%00b", PatternFault::PercentEncoding, "%00", None),
            ("/a%FF", PatternFault::PercentEncoding, "%FF", None),
            ("/a%", PatternFault::PercentEncoding, "%", None),
            ("/a%ä", PatternFault::PercentEncoding, "%ä", None),
            ("/a//b", PatternFault::RepeatedSeparator, "//", Some("/a/b")),
            ("//a", PatternFault::RepeatedSeparator, "/", Some("/a")),
            (
                "/a////b",
                PatternFault::RepeatedSeparator,
                "//",
                Some("/a/b"),
            ),
            ("//", PatternFault::RepeatedSeparator, "/", Some("/")),
            ("/a/", PatternFault::TrailingSeparator, "/", Some("/a")),
            (
                "/a/**/",
                PatternFault::TrailingSeparator,
                "/",
                Some("/a/**"),
            ),
            ("/a/./b", PatternFault::DotSegment, ".", Some("/a/b")),
            ("/a/../b", PatternFault::DotSegment, "..", Some("/b")),
            ("/a/..", PatternFault::DotSegment, "..", Some("/")),
            ("/..", PatternFault::DotSegment, "..", None),
            ("/a/*/..", PatternFault::DotSegment, "..", None),
            ("/a\u{1}b", PatternFault::Control('\u{1}'), "\u{1}", None),
            ("/a ", PatternFault::Padded, " ", Some("/a")),
            ("/a**", PatternFault::DeepGlued, "a**", Some("/a*")),
            (
                "/**.json",
                PatternFault::DeepGlued,
                "**.json",
                Some("/**/*.json"),
            ),
            ("/***", PatternFault::TooManyStars, "***", Some("/**")),
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
    assert_eq!(segments, [GlobSegment::Text("v1"), GlobSegment::Deep]);
    assert_eq!(
        PathGlob::parse("/").expect("the root").segments().count(),
        0
    );
}
