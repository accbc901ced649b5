//! Names and tags: 1 to 100 letters, digits, `_`, `.` or `-`, except reserved words. References to
//! versions.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::name::checked_text;

/// Maximum number of characters of a name or tag.
const LONGEST_WORD: usize = 100;
/// The reserved word for all versions or all policies.
pub const ALL: &str = "all";
/// The reserved word for the newest version.
const LATEST: &str = "latest";

/// The text is not a valid name or tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PulumiNameError {
    #[error("must not be empty")]
    Empty,
    #[error("must not be longer than {LONGEST_WORD} characters")]
    TooLong,
    /// An invalid character.
    #[error("must not contain `{0}`; use letters, digits, `_`, `.` and `-`")]
    Character(char),
    /// A word with a special meaning for the service.
    #[error("must not be `{0}`, which is a reserved word")]
    Reserved(&'static str),
    /// A dot segment, which URLs cannot contain.
    #[error("must not be `{0}`, which is not allowed in URLs")]
    Dots(&'static str),
}

/// The common rules of names and tags. The contract does not mention `.` and `..`, but URLs cannot
/// contain them.
fn check(text: &str, reserved: &[&'static str]) -> Result<(), PulumiNameError> {
    if text.is_empty() {
        return Err(PulumiNameError::Empty);
    }
    let other = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    if let Some(character) = text.chars().find(other) {
        return Err(PulumiNameError::Character(character));
    }
    if text.len() > LONGEST_WORD {
        return Err(PulumiNameError::TooLong);
    }
    if let Some(dots) = [".", ".."].into_iter().find(|dots| *dots == text) {
        return Err(PulumiNameError::Dots(dots));
    }
    reserved
        .iter()
        .find(|word| **word == text)
        .map_or(Ok(()), |word| Err(PulumiNameError::Reserved(word)))
}

checked_text! {
    /// The name of a policy pack, unique in the organization.
    PackName, PulumiNameError, check, &[]
}
checked_text! {
    /// The name of a policy, unique in a version of its pack; `all` stands for all of them.
    PolicyName, PulumiNameError, check, &[ALL]
}
checked_text! {
    /// The tag of a version. Once it was published, no other content can ever have it.
    VersionTag, PulumiNameError, check, &[LATEST, ALL]
}
checked_text! {
    /// The name of a policy group, unique in the organization. `metadata` is another address of the API.
    GroupName, PulumiNameError, check, &["metadata"]
}

/// The number that the server assigned to a version, counted from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct VersionNumber(pub u64);

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The reference of a call to a version.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum VersionRef {
    /// The tag.
    Tag(VersionTag),
    /// The number, for versions that old clients published without a tag.
    Number(VersionNumber),
}

impl fmt::Display for VersionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_hold_a_few_characters_and_are_not_reserved() {
        let long = "a".repeat(100);
        for good in ["a", "1.0.0-rc.1_x", "Latest", "all-of-it", "...", &long] {
            assert_eq!(VersionTag::new(good).unwrap().as_str(), good);
            assert!(
                PackName::new(good).is_ok()
                    && PolicyName::new(good).is_ok()
                    && GroupName::new(good).is_ok()
            );
        }
        for (bad, wanted) in [
            ("", PulumiNameError::Empty),
            ("1.0.0+build", PulumiNameError::Character('+')),
            ("a b", PulumiNameError::Character(' ')),
            ("é", PulumiNameError::Character('é')),
            ("a/b", PulumiNameError::Character('/')),
            ("..", PulumiNameError::Dots("..")),
            (&format!("{long}a"), PulumiNameError::TooLong),
        ] {
            assert_eq!(VersionTag::new(bad), Err(wanted), "{bad}");
            assert_eq!(PackName::new(bad), Err(wanted), "{bad}");
        }
        assert_eq!(
            VersionTag::new(LATEST),
            Err(PulumiNameError::Reserved(LATEST))
        );
        assert_eq!(VersionTag::new(ALL), Err(PulumiNameError::Reserved(ALL)));
        assert_eq!(PolicyName::new(ALL), Err(PulumiNameError::Reserved(ALL)));
        assert_eq!(
            GroupName::new("metadata"),
            Err(PulumiNameError::Reserved("metadata"))
        );
        assert!(PackName::new(ALL).is_ok() && PolicyName::new(LATEST).is_ok());
        assert!(serde_json::from_str::<VersionTag>("\"latest\"").is_err());
    }
}
