//! Names of documents and inputs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::name::checked_text;

/// The text is not a valid name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ChainloopNameError {
    #[error("must not be empty")]
    Empty,
    /// Invalid character in the name of a document.
    #[error("must not contain `{0}`; use lowercase letters, digits and `-`")]
    Character(char),
    #[error("must not begin or end with `-`")]
    Hyphen,
    /// Invalid character in the name of an input.
    #[error("must not contain `{0}`; use letters, digits and `_`")]
    InputCharacter(char),
    #[error("must begin with a letter")]
    NoLetter,
}

/// The service's rule for names of documents: `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`.
fn document(text: &str) -> Result<(), ChainloopNameError> {
    let other = |c: &char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-');
    match text.chars().find(other) {
        _ if text.is_empty() => Err(ChainloopNameError::Empty),
        Some(character) => Err(ChainloopNameError::Character(character)),
        None if text.starts_with('-') || text.ends_with('-') => Err(ChainloopNameError::Hyphen),
        None => Ok(()),
    }
}

/// The service's rule for names of inputs: `^[a-zA-Z][a-zA-Z0-9_]*$`.
fn input(text: &str) -> Result<(), ChainloopNameError> {
    let other = |c: &char| !(c.is_ascii_alphanumeric() || *c == '_');
    match text.chars().find(other) {
        _ if text.is_empty() => Err(ChainloopNameError::Empty),
        Some(character) => Err(ChainloopNameError::InputCharacter(character)),
        None if !text.starts_with(|first: char| first.is_ascii_alphabetic()) => {
            Err(ChainloopNameError::NoLetter)
        }
        None => Ok(()),
    }
}

checked_text! {
    /// The name of a policy or of a policy group, unique among those of its kind in the organization.
    PolicyName, ChainloopNameError, document
}
checked_text! {
    /// The name of an input of a policy or of a policy group.
    InputName, ChainloopNameError, input
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_service_takes() {
        for good in ["a", "0", "sbom-fresh", "a--b", "1-2"] {
            assert_eq!(PolicyName::new(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", ChainloopNameError::Empty),
            ("A", ChainloopNameError::Character('A')),
            ("a_b", ChainloopNameError::Character('_')),
            ("a.b", ChainloopNameError::Character('.')),
            ("a/b", ChainloopNameError::Character('/')),
            ("é", ChainloopNameError::Character('é')),
            ("a\n", ChainloopNameError::Character('\n')),
            ("-a", ChainloopNameError::Hyphen),
            ("a-", ChainloopNameError::Hyphen),
            ("-", ChainloopNameError::Hyphen),
        ] {
            assert_eq!(PolicyName::new(bad), Err(why), "{bad:?}");
        }
        assert!(serde_json::from_str::<PolicyName>("\"A\"").is_err());
    }

    #[test]
    fn names_of_inputs_are_what_the_service_takes() {
        for good in ["a", "Z", "max_days2"] {
            assert_eq!(InputName::new(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", ChainloopNameError::Empty),
            ("a-b", ChainloopNameError::InputCharacter('-')),
            ("1a", ChainloopNameError::NoLetter),
            ("_a", ChainloopNameError::NoLetter),
            ("ä", ChainloopNameError::InputCharacter('ä')),
        ] {
            assert_eq!(InputName::new(bad), Err(why), "{bad:?}");
        }
    }
}
