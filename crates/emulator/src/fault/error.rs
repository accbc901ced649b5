//! Errors in the text form of a fault.

use std::num::NonZeroU64;

/// An invalid fault. The messages show a valid form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// Unknown kind.
    #[error(
        "unknown fault `{word}`{}; faults are before-STATUS, after-STATUS, reset, hang, crash, truncated, \
         undecodable, delay, revoke-tokens, and {changes}", suggestion(.nearest)
    )]
    Kind {
        word: String,
        /// The most similar kind.
        nearest: Option<String>,
        /// The changes that another client can make.
        changes: &'static str,
    },
    /// The number is not an error status.
    #[error("invalid error status `{0}`: expected 400 to 599, as in before-503")]
    Status(String),
    /// A status without `before-` or `after-`.
    #[error("`{0}` does not say whether the request is executed; write before-{0} or after-{0}")]
    StatusAlone(String),
    /// The kind does not accept this `before-` or `after-`.
    #[error("`{kind}` does not accept `{when}`; {why}")]
    When {
        kind: &'static str,
        /// `before` or `after`.
        when: &'static str,
        /// The reason.
        why: &'static str,
    },
    /// The kind requires a value.
    #[error("`{kind}` needs a value, as in {kind}={example}")]
    NoValue {
        kind: &'static str,
        example: &'static str,
    },
    /// The kind accepts no value, or fewer names.
    #[error("`{kind}` takes {takes}; to select requests, append `@` and a selector")]
    Value {
        kind: &'static str,
        /// What the kind accepts.
        takes: &'static str,
    },
    /// Invalid duration.
    #[error("invalid duration `{0}`: expected for example 200ms, 1.5s or 2m")]
    Duration(String),
    /// `Retry-After` requires whole seconds.
    #[error("invalid Retry-After `{0}`: expected whole seconds, for example 2s")]
    RetryAfter(String),
    /// A name is missing or badly quoted.
    #[error(
        "invalid name `{0}`: a name that is empty or contains `/`, `@` or `\"` needs double quotes, escaped as in JSON"
    )]
    Name(String),
    /// Unexpected text between the value and `@`.
    #[error("unexpected `{0}`; to select requests, append `@` and a selector, as in {1}@write:3")]
    Trailing(String, String),
    /// Unknown selector.
    #[error(
        "unknown selector `{word}`{}; write N, reads, writes or an operation such as {example}, each also with \
         :N, :N.. or :N..M, and p=0.05, seed=7, times=2 or once", suggestion(.nearest)
    )]
    Selector {
        word: String,
        /// The most similar selector.
        nearest: Option<String>,
        /// An operation of the service.
        example: &'static str,
    },
    /// Invalid number, or 0.
    #[error(
        "invalid request number `{0}`: requests are counted from 1, as in write:3, write:3.. or write:3..5"
    )]
    Number(String),
    /// Invalid seed.
    #[error("invalid seed `{0}`: expected a non-negative integer")]
    Seed(String),
    /// The range ends before it starts.
    #[error("invalid range {first}..{last}; write {last}..{first}")]
    Backwards { first: NonZeroU64, last: NonZeroU64 },
    /// Invalid probability.
    #[error("invalid probability `{0}`: expected a number above 0 and at most 1, as in p=0.05")]
    Probability(String),
    /// A seed without a probability.
    #[error("a seed needs a probability, as in p=0.05,seed=7")]
    SeedAlone,
    /// A duplicate selector.
    #[error("duplicate {0}; use a second --fault for a second choice")]
    Twice(&'static str),
}

impl FaultError {
    /// The word is not a change of another client. `changes` lists the service's changes.
    pub(crate) fn unknown_change(word: &str, changes: &'static str) -> Self {
        Self::Kind {
            word: word.to_owned(),
            nearest: None,
            changes,
        }
    }
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|word| format!(" (did you mean `{word}`?)"))
        .unwrap_or_default()
}

/// The most similar candidate, if it is similar enough.
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
