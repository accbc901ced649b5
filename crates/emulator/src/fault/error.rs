//! Why a text is no fault.

use std::num::NonZeroU64;

/// A text that describes no fault: what is wrong in it, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// There is no such kind.
    #[error(
        "`{word}` is no kind of fault{}; kinds are before-STATUS, after-STATUS, reset, hang, crash, truncated, \
         undecodable, delay, revoke-tokens, and {changes}", near(.nearest)
    )]
    Kind {
        /// What was given.
        word: String,
        /// A kind that is nearly the same.
        nearest: Option<String>,
        /// What another writer can do.
        changes: &'static str,
    },
    /// The number is not the status of an error.
    #[error(
        "`{0}` is not the status of an error; statuses lie between 400 and 599, as in before-503"
    )]
    Status(String),
    /// A status is given without saying whether the work is done.
    #[error("`{0}` does not say whether the work is done; write before-{0} or after-{0}")]
    StatusAlone(String),
    /// The kind is the same before and after, or makes sense only one way.
    #[error("`{kind}` cannot be said to be `{when}`; {why}")]
    When {
        /// The kind.
        kind: &'static str,
        /// `before` or `after`.
        when: &'static str,
        /// What speaks against it.
        why: &'static str,
    },
    /// The kind needs a value.
    #[error("`{kind}` needs a value, as in {kind}={example}")]
    NoValue {
        /// The kind.
        kind: &'static str,
        /// A value.
        example: &'static str,
    },
    /// The kind takes no value, or fewer names.
    #[error(
        "`{kind}` takes {takes}; after it stands `@` and at which requests, if not at all of them"
    )]
    Value {
        /// The kind.
        kind: &'static str,
        /// What it takes.
        takes: &'static str,
    },
    /// The text is not a duration.
    #[error("`{0}` is not a duration; write one such as 200ms, 1.5s or 2m")]
    Duration(String),
    /// The header counts in seconds.
    #[error("`{0}` cannot stand in Retry-After, which holds whole seconds; write one such as 2s")]
    RetryAfter(String),
    /// A name is missing or not quoted well.
    #[error(
        "`{0}` is not a name; a name that is empty or holds `/`, `@` or `\"` stands in double quotes, escaped as in JSON"
    )]
    Name(String),
    /// Something stands between the value and `@`.
    #[error(
        "`{0}` is not expected here; after the fault stands `@` and at which requests, as in {1}@write:3"
    )]
    Trailing(String, String),
    /// There is no such selector.
    #[error(
        "`{word}` selects no requests{}; write N, reads, writes or an operation such as {example}, each also with \
         :N, :N.. or :N..M, and p=0.05, seed=7, times=2 or once", near(.nearest)
    )]
    Selector {
        /// What was given.
        word: String,
        /// A selector that is nearly the same.
        nearest: Option<String>,
        /// An operation of the service.
        example: &'static str,
    },
    /// The text is not a number, or 0.
    #[error(
        "`{0}` is not a number of requests; they are counted from 1, as in write:3, write:3.. or write:3..5"
    )]
    Number(String),
    /// The text is not a seed.
    #[error("`{0}` is not a seed; seeds are whole numbers from 0 on")]
    Seed(String),
    /// A range ends before it begins.
    #[error("{first}..{last} ends before it begins; write {last}..{first}")]
    Backwards {
        /// The first number.
        first: NonZeroU64,
        /// The last number.
        last: NonZeroU64,
    },
    /// The number is not a probability.
    #[error("`{0}` is not a probability; it is more than 0 and at most 1, as in p=0.05")]
    Probability(String),
    /// A seed has nothing to draw.
    #[error("a seed needs a probability, as in p=0.05,seed=7")]
    SeedAlone,
    /// Something is said twice.
    #[error("{0} is said twice; give a second --fault for a second choice")]
    Twice(&'static str),
}

impl FaultError {
    /// The word names no change of another writer; `changes` lists the changes of the service.
    pub(crate) fn unknown_change(word: &str, changes: &'static str) -> Self {
        Self::Kind {
            word: word.to_owned(),
            nearest: None,
            changes,
        }
    }
}

fn near(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|word| format!(" (did you mean `{word}`?)"))
        .unwrap_or_default()
}

/// The candidate that `word` was probably meant to be.
pub(super) fn nearest(
    word: &str,
    candidates: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    let rated = candidates.map(|candidate| {
        (
            strsim::damerau_levenshtein(&word, &candidate.to_ascii_lowercase()),
            candidate,
        )
    });
    rated
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min()
        .map(|(_, candidate)| candidate)
}
