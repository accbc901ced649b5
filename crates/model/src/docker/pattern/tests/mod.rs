//! Tables of texts and the expected patterns, one file per kind of pattern.

mod addresses;
mod hosts;
mod http;
mod paths;
mod properties;

use super::{PatternError, PatternFault};

/// An invalid text with the expected fault, bytes and suggestion.
type Refused = (
    &'static str,
    PatternFault,
    &'static str,
    Option<&'static str>,
);

fn check_refused<T: std::fmt::Debug>(
    cases: &[Refused],
    parse: impl Fn(&str) -> Result<T, PatternError>,
) {
    for (text, fault, blamed, suggestion) in cases {
        let error = parse(text).expect_err(text);
        assert_eq!(error.fault, *fault, "{text:?}");
        assert_eq!(
            &text[error.range.clone()],
            *blamed,
            "{text:?} is blamed at {:?}",
            error.range
        );
        assert_eq!(
            error.suggestion.as_deref(),
            *suggestion,
            "suggestion for {text:?}"
        );
    }
}

fn check_accepted<T: std::fmt::Display>(
    texts: &[&str],
    parse: impl Fn(&str) -> Result<T, PatternError>,
) {
    for text in texts {
        match parse(text) {
            Ok(pattern) => assert_eq!(&pattern.to_string(), text),
            Err(error) => panic!("{text:?} is refused: {error}"),
        }
    }
}
