//! Errors in the text form of a fault.

use std::num::NonZeroU64;

/// An invalid fault. The messages show a valid form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// Unknown kind.
    #[error(
        "`{word}` is no kind of fault{}; kinds are before-STATUS, after-STATUS, reset, hang, crash, truncated, \
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
    #[error(
        "`{0}` is not the status of an error; statuses lie between 400 and 599, as in before-503"
    )]
    Status(String),
    /// A status without `before-` or `after-`.
    #[error("`{0}` does not say whether the work is done; write before-{0} or after-{0}")]
    StatusAlone(String),
    /// The kind does not accept this `before-` or `after-`.
    #[error("`{kind}` cannot be said to be `{when}`; {why}")]
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
    #[error(
        "`{kind}` takes {takes}; after it stands `@` and at which requests, if not at all of them"
    )]
    Value {
        kind: &'static str,
        /// What the kind accepts.
        takes: &'static str,
    },
    /// Invalid duration.
    #[error("`{0}` is not a duration; write one such as 200ms, 1.5s or 2m")]
    Duration(String),
    /// `Retry-After` requires whole seconds.
    #[error("`{0}` cannot stand in Retry-After, which holds whole seconds; write one such as 2s")]
    RetryAfter(String),
    /// A name is missing or badly quoted.
    #[error(
        "`{0}` is not a name; a name that is empty or holds `/`, `@` or `\"` stands in double quotes, escaped as in JSON"
    )]
    Name(String),
    /// Unexpected text between the value and `@`.
    #[error(
        "`{0}` is not expected here; after the fault stands `@` and at which requests, as in {1}@write:3"
    )]
    Trailing(String, String),
    /// Unknown selector.
    #[error(
        "`{word}` selects no requests{}; write N, reads, writes or an operation such as {example}, each also with \
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
        "`{0}` is not a number of requests; they are counted from 1, as in write:3, write:3.. or write:3..5"
    )]
    Number(String),
    /// Invalid seed.
    #[error("`{0}` is not a seed; seeds are whole numbers from 0 on")]
    Seed(String),
    /// The range ends before it starts.
    #[error("{first}..{last} ends before it begins; write {last}..{first}")]
    Backwards { first: NonZeroU64, last: NonZeroU64 },
    /// Invalid probability.
    #[error("`{0}` is not a probability; it is more than 0 and at most 1, as in p=0.05")]
    Probability(String),
    /// A seed without a probability.
    #[error("a seed needs a probability, as in p=0.05,seed=7")]
    SeedAlone,
    /// A duplicate selector.
    #[error("{0} is said twice; give a second --fault for a second choice")]
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
