use super::{check_accepted, check_refused};
use crate::diag::Code;
use crate::docker::pattern::{Fault, PathPattern, Root, Segment, glob_matches};

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
            ("", Fault::Empty, "", None),
            ("data", Fault::Relative, "data", None),
            ("./data", Fault::Relative, "./data", None),
            ("../data", Fault::Relative, "../data", None),
            ("**", Fault::Relative, "**", None),
            (r"\data", Fault::Relative, r"\data", None),
            ("/data ", Fault::Padded, " ", Some("/data")),
            ("/da\0ta", Fault::Control('\0'), "\0", None),
            ("$HOME", Fault::Variable, "$HOME", Some("~")),
            ("$HOME/src", Fault::Variable, "$HOME", Some("~/src")),
            ("${HOME}/src/", Fault::Variable, "${HOME}", Some("~/src")),
            ("/home/$USER/src", Fault::Variable, "$USER", None),
            (
                r"%USERPROFILE%\src",
                Fault::Variable,
                "%USERPROFILE%",
                Some("~/src"),
            ),
            (r"%APPDATA%\x", Fault::Variable, "%APPDATA%", None),
            (
                r"C:\%ProgramFiles(x86)%\x",
                Fault::Variable,
                "%ProgramFiles(x86)%",
                None,
            ),
            (
                r"$env:USERPROFILE\src",
                Fault::Variable,
                "$env:USERPROFILE",
                Some("~/src"),
            ),
            ("~root/x", Fault::HomeOfUser, "~root", None),
            (r"~\src\**", Fault::MixedSeparators, r"\", Some("~/src/**")),
            (r"/data\x", Fault::MixedSeparators, r"\", Some("/data/x")),
            ("C:/data", Fault::MixedSeparators, "/", Some(r"C:\data")),
            (
                r"C:\data/x",
                Fault::MixedSeparators,
                "/",
                Some(r"C:\data\x"),
            ),
            (
                r"\\wsl.localhost/Ubuntu",
                Fault::MixedSeparators,
                "/",
                Some(r"\\wsl.localhost\Ubuntu"),
            ),
            ("C:data", Fault::DriveRelative, "", None),
            ("C:", Fault::DriveRelative, "", None),
            (r"\\server\share", Fault::UnknownShare, r"\\server", None),
            (
                r"\\wsl$\Ubuntu\home",
                Fault::UnknownShare,
                r"\\wsl$",
                Some(r"\\wsl.localhost\Ubuntu\home"),
            ),
            (r"\\wsl.localhost", Fault::NoDistribution, "", None),
            (r"\\wsl.localhost\", Fault::NoDistribution, r"\", None),
            (r"C:\da?ta", Fault::PathCharacter('?'), "?", None),
            (r"C:\a:b", Fault::PathCharacter(':'), ":", None),
            ("/data/", Fault::TrailingSeparator, "/", Some("/data")),
            ("~/", Fault::TrailingSeparator, "/", Some("~")),
            (
                r"C:\data\",
                Fault::TrailingSeparator,
                r"\",
                Some(r"C:\data"),
            ),
            ("/a//b", Fault::RepeatedSeparator, "//", Some("/a/b")),
            (r"C:\a\\b", Fault::RepeatedSeparator, r"\\", Some(r"C:\a\b")),
            ("//data", Fault::RepeatedSeparator, "/", Some("/data")),
            ("/a/../b", Fault::DotSegment, "..", Some("/b")),
            ("~/../x", Fault::DotSegment, "..", None),
            (r"C:\a\..\b", Fault::DotSegment, "..", Some(r"C:\b")),
            ("/data/***", Fault::TooManyStars, "***", Some("/data/**")),
            ("/data/a**", Fault::DeepGlued, "a**", Some("/data/a*")),
            (
                "/data/**.txt",
                Fault::DeepGlued,
                "**.txt",
                Some("/data/**/*.txt"),
            ),
            (
                r"C:\**.txt",
                Fault::DeepGlued,
                "**.txt",
                Some(r"C:\**\*.txt"),
            ),
            ("file:///data/x", Fault::Scheme, "file://", Some("/data/x")),
            ("https://example.com/x", Fault::Scheme, "https://", None),
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
    let cases: &[(&str, Root, &[Segment<'_>])] = &[
        ("/", Root::Posix, &[]),
        ("~", Root::Home, &[]),
        ("~/a/**", Root::Home, &[Segment::Text("a"), Segment::Deep]),
        (
            r"C:\a\*.txt",
            Root::Drive('C'),
            &[Segment::Text("a"), Segment::Glob("*.txt")],
        ),
        (r"*:\*", Root::AnyDrive, &[Segment::Glob("*")]),
        (
            r"\\wsl.localhost\Ubuntu\x",
            Root::Wsl,
            &[Segment::Text("Ubuntu"), Segment::Text("x")],
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
