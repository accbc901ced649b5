use proptest::prelude::*;

use crate::docker::pattern::{
    HostPattern, NetworkPattern, PathGlob, PathPattern, PatternError, glob_matches,
};

/// Texts that are nearly valid, so that parsing gets beyond its first check.
fn near_patterns() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z]{1,4}",
        "[0-9]{1,5}",
        prop::sample::select(vec![
            ".",
            "..",
            "/",
            "//",
            "\\",
            "\\\\",
            ":",
            "::",
            "*",
            "**",
            "***",
            "~",
            "@",
            "?",
            "#",
            "%",
            "%2F",
            "%61",
            "[",
            "]",
            "-",
            "_",
            "$HOME",
            "%USERPROFILE%",
            "https://",
            "C:",
            "wsl.localhost",
            "10.0.0.1",
            "::ffff:",
            "ü",
            " ",
            "\u{0}",
            "\u{202e}",
            ".com",
            "/8",
            "/32",
            ":443",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn check<T: PartialEq + std::fmt::Debug + std::fmt::Display>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, PatternError>,
) -> Result<(), TestCaseError> {
    match parse(text) {
        Ok(pattern) => prop_assert_eq!(parse(&pattern.to_string()), Ok(pattern)),
        Err(error) => {
            prop_assert!(
                text.get(error.range.clone()).is_some(),
                "{:?} is not a range of {:?}",
                error.range,
                text
            );
            prop_assert!(!error.to_string().is_empty());
            if let Some(suggestion) = error.suggestion {
                prop_assert!(
                    parse(&suggestion).is_ok(),
                    "{:?} is suggested for {:?}",
                    suggestion,
                    text
                );
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_parses_or_is_refused_with_a_suggestion_that_parses(text in prop_oneof![near_patterns(), any::<String>()]) {
        check(&text, NetworkPattern::parse)?;
        check(&text, HostPattern::parse)?;
        check(&text, PathGlob::parse)?;
        check(&text, PathPattern::parse)?;
    }

    #[test]
    fn addresses_and_ranges_round_trip(address in any::<std::net::Ipv6Addr>(), length in 0_u8..=128) {
        check(&address.to_string(), NetworkPattern::parse)?;
        check(&format!("{address}/{length}"), NetworkPattern::parse)?;
    }

    #[test]
    fn globs_agree_with_a_slow_matcher(glob in "[ab*]{0,6}", text in "[ab]{0,6}") {
        fn slow(glob: &[u8], text: &[u8]) -> bool {
            match glob {
                [] => text.is_empty(),
                [b'*', rest @ ..] => (0..=text.len()).any(|from| slow(rest, &text[from..])),
                [byte, rest @ ..] => text.first() == Some(byte) && slow(rest, &text[1..]),
            }
        }
        prop_assert_eq!(glob_matches(&glob, &text), slow(glob.as_bytes(), text.as_bytes()));
    }
}
