use super::{check_accepted, check_refused};
use crate::diag::Code;
use crate::docker::pattern::{GlobSegment, PathPattern, PathRoot, PatternFault, glob_matches};

#[test]
fn accepts_paths_of_all_formats() {
    check_accepted(
        &[
            "/",
            "/data",
            "/data/*",
            "/data/**",
            "/data/*.txt",
            "/data/**/*.txt",
            "/a b/c",
            "/ünï",
            "/cache/$weird-",
            "/100%",
            "/data/...",
            "~",
            "~/src/**",
            "~/.ssh",
            r"C:\",
            r"C:\data\**",
            r"c:\Users\*\x",
            r"*:\data\**",
            r"C:\$Recycle.Bin",
            r"\\wsl.localhost\Ubuntu",
            r"\\wsl.localhost\Ubuntu\home\**",
            r"\\wsl.localhost\*\home",
        ],
        PathPattern::parse,
    );
}

#[test]
fn refuses_paths_that_match_nothing() {
    check_refused(
        &[
            ("", PatternFault::Empty, "", None),
            ("data", PatternFault::Relative, "data", None),
            ("./data", PatternFault::Relative, "./data", None),
            ("../data", PatternFault::Relative, "../data", None),
            ("**/x", PatternFault::Relative, "**/x", None),
            ("*", PatternFault::Relative, "*", None),
            (r"\data", PatternFault::Relative, r"\data", None),
            ("/data ", PatternFault::Padded, " ", Some("/data")),
            ("/da\0ta", PatternFault::Control('\0'), "\0", None),
            ("$HOME", PatternFault::Variable, "$HOME", Some("~")),
            ("$HOME/src", PatternFault::Variable, "$HOME", Some("~/src")),
            (
                "${HOME}/src/",
                PatternFault::Variable,
                "${HOME}",
                Some("~/src"),
            ),
            ("/home/$USER/src", PatternFault::Variable, "$USER", None),
            (
                r"%USERPROFILE%\src",
                PatternFault::Variable,
                "%USERPROFILE%",
                Some("~/src"),
            ),
            (r"%APPDATA%\x", PatternFault::Variable, "%APPDATA%", None),
            (
                r"C:\%ProgramFiles(x86)%\x",
                PatternFault::Variable,
                "%ProgramFiles(x86)%",
                None,
            ),
            (
                r"$env:USERPROFILE\src",
                PatternFault::Variable,
                "$env:USERPROFILE",
                Some("~/src"),
            ),
            ("~root/x", PatternFault::HomeOfUser, "~root", None),
            (
                r"~\src\**",
                PatternFault::MixedSeparators,
                r"\",
                Some("~/src/**"),
            ),
            (
                r"/data\x",
                PatternFault::MixedSeparators,
                r"\",
                Some("/data/x"),
            ),
            (
                "C:/data",
                PatternFault::MixedSeparators,
                "/",
                Some(r"C:\data"),
            ),
            (
                r"C:\data/x",
                PatternFault::MixedSeparators,
                "/",
                Some(r"C:\data\x"),
            ),
            (
                r"\\wsl.localhost/Ubuntu",
                PatternFault::MixedSeparators,
                "/",
                Some(r"\\wsl.localhost\Ubuntu"),
            ),
            ("C:data", PatternFault::DriveRelative, "", None),
            ("C:", PatternFault::DriveRelative, "", None),
            (
                r"\\server\share",
                PatternFault::UnknownShare,
                r"\\server",
                None,
            ),
            (
                r"\\wsl$\Ubuntu\home",
                PatternFault::UnknownShare,
                r"\\wsl$",
                Some(r"\\wsl.localhost\Ubuntu\home"),
            ),
            (r"\\wsl.localhost", PatternFault::NoDistribution, "", None),
            (
                r"\\wsl.localhost\",
                PatternFault::NoDistribution,
                r"\",
                None,
            ),
            (r"C:\da?ta", PatternFault::PathCharacter('?'), "?", None),
            (r"C:\a:b", PatternFault::PathCharacter(':'), ":", None),
            (
                "/data/",
                PatternFault::TrailingSeparator,
                "/",
                Some("/data"),
            ),
            ("~/", PatternFault::TrailingSeparator, "/", Some("~")),
            (
                r"C:\data\",
                PatternFault::TrailingSeparator,
                r"\",
                Some(r"C:\data"),
            ),
            ("/a//b", PatternFault::RepeatedSeparator, "//", Some("/a/b")),
            (
                r"C:\a\\b",
                PatternFault::RepeatedSeparator,
                r"\\",
                Some(r"C:\a\b"),
            ),
            (
                "//data",
                PatternFault::RepeatedSeparator,
                "/",
                Some("/data"),
            ),
            ("/a/../b", PatternFault::DotSegment, "..", Some("/b")),
            ("~/../x", PatternFault::DotSegment, "..", None),
            (r"C:\a\..\b", PatternFault::DotSegment, "..", Some(r"C:\b")),
            (
                "/data/***",
                PatternFault::TooManyStars,
                "***",
                Some("/data/**"),
            ),
            (
                "/data/a**",
                PatternFault::DeepGlued,
                "a**",
                Some("/data/a*"),
            ),
            (
                "/data/**.txt",
                PatternFault::DeepGlued,
                "**.txt",
                Some("/data/**/*.txt"),
            ),
            (
                r"C:\**.txt",
                PatternFault::DeepGlued,
                "**.txt",
                Some(r"C:\**\*.txt"),
            ),
            (
                "file:///data/x",
                PatternFault::Scheme,
                "file://",
                Some("/data/x"),
            ),
            (
                "https://example.com/x",
                PatternFault::Scheme,
                "https://",
                None,
            ),
        ],
        PathPattern::parse,
    );
}

#[test]
fn a_variable_has_its_own_code() {
    let code = |text| PathPattern::parse(text).map_err(|error| error.code());
    assert_eq!(code("$HOME/x"), Err(Code::PathVariable));
    assert_eq!(code("data"), Err(Code::PathInvalid));
}

#[test]
fn parsed_paths_say_what_they_mean() {
    let cases: &[(&str, PathRoot, &[GlobSegment<'_>])] = &[
        ("/", PathRoot::Posix, &[]),
        ("~", PathRoot::Home, &[]),
        (
            "~/a/**",
            PathRoot::Home,
            &[GlobSegment::Text("a"), GlobSegment::Deep],
        ),
        (
            r"C:\a\*.txt",
            PathRoot::Drive('C'),
            &[GlobSegment::Text("a"), GlobSegment::Glob("*.txt")],
        ),
        (r"*:\*", PathRoot::AnyDrive, &[GlobSegment::Glob("*")]),
        (
            r"\\wsl.localhost\Ubuntu\x",
            PathRoot::Wsl,
            &[GlobSegment::Text("Ubuntu"), GlobSegment::Text("x")],
        ),
    ];
    for (text, root, segments) in cases {
        let pattern = PathPattern::parse(text).expect(text);
        assert_eq!(pattern.root(), *root, "{text}");
        assert_eq!(pattern.segments().collect::<Vec<_>>(), *segments, "{text}");
    }
}

#[test]
fn covering_is_sound() {
    let cases = [
        ("/data/**", "/data", true),
        ("/data/**", "/data/a/b", true),
        ("/data/**", "/data/**", true),
        ("/data/**", "/data/*/x/**", true),
        ("/data/**", "/database", false),
        ("/data/*", "/data/x", true),
        ("/data/*", "/data/*.txt", true),
        ("/data/*.txt", "/data/*", false),
        ("/data/*", "/data/**", false),
        ("/data/*", "/data", false),
        ("/**", "/anything/at/all", true),
        ("/**/x/**", "/a/b/x/c", true),
        ("/**/x", "/a/b/y", false),
        ("/data", "~/data", false),
        ("~/**", "~/src/**", true),
        (r"*:\data\**", r"C:\data\x", true),
        (r"C:\data\**", r"*:\data\x", false),
    ];
    for (this, other, expected) in cases {
        let parse = |text| PathPattern::parse(text).expect(text);
        assert_eq!(
            parse(this).covers(&parse(other)),
            expected,
            "{this} covers {other}"
        );
    }
}

#[test]
fn stars_match_inside_one_segment() {
    let cases = [
        ("*", "x", true),
        ("*.txt", "a.txt", true),
        ("*.txt", "a.txtx", false),
        ("a*a", "a", false),
        ("a*a", "aa", true),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "acb", false),
        ("*a*", "bab", true),
        ("crl*", "crl", true),
        ("x", "x", true),
    ];
    for (glob, text, expected) in cases {
        assert_eq!(glob_matches(glob, text), expected, "{glob} on {text}");
    }
}

#[test]
fn two_stars_alone_are_every_path_of_every_format() {
    let all = PathPattern::parse("**").unwrap();
    assert!(all.matches_all());
    assert_eq!(all.to_string(), "**");
    assert_eq!(all.segments().collect::<Vec<_>>(), [GlobSegment::Deep]);
    for text in [
        "/",
        "/**",
        "~/x",
        r"C:\x",
        r"\\wsl.localhost\Ubuntu\x",
        "**",
    ] {
        assert!(all.covers(&PathPattern::parse(text).unwrap()), "{text}");
    }
    assert!(!PathPattern::parse("/**").unwrap().covers(&all));
}
