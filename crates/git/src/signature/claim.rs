//! The input and result of verification.

use std::fmt::{self, Display, Formatter};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The namespace of signatures of plans.
pub(super) const PLAN_NAMESPACE: &str = "polwarden-plan";

/// What kind of signature a commit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "SignatureScheme")]
pub enum SignatureScheme {
    /// An SSH key.
    Ssh,
    /// An OpenPGP key.
    Openpgp,
}

/// Who signed a commit, as was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedBy {
    /// The kind of signature.
    pub scheme: SignatureScheme,
    /// The fingerprint of the key.
    pub key: String,
    /// Whose key it is: the principals of the allowed signers, or the user id of an OpenPGP key.
    pub signer: String,
    /// The commit that the allowed signers were read from.
    pub base: String,
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedSubject {
    /// The commit with this id.
    Commit(Box<str>),
    /// The saved plan with this path.
    Plan(Box<str>),
}

impl SignedSubject {
    /// The namespace of its SSH signatures. A signature for one kind says nothing about the other.
    pub(super) fn namespace(&self) -> &'static str {
        match self {
            Self::Commit(_) => "git",
            Self::Plan(_) => PLAN_NAMESPACE,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Commit(_) => "commit",
            Self::Plan(_) => "plan",
        }
    }

    /// The time at which its key must be valid.
    pub(super) fn time_words(&self) -> &'static str {
        match self {
            Self::Commit(_) => "the commit's date",
            // A signature of a plan contains no date.
            Self::Plan(_) => "the time of this run",
        }
    }
}

impl Display for SignedSubject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit(id) => write!(f, "the commit {id}"),
            Self::Plan(path) => write!(f, "the plan `{path}`"),
        }
    }
}

/// A signature with the content that it claims to sign.
pub(super) struct SignatureClaim<'a> {
    pub(super) subject: SignedSubject,
    pub(super) signature: &'a str,
    pub(super) payload: &'a [u8],
    /// Time at which the key must be valid.
    pub(super) time: Timestamp,
    pub(super) base: String,
}
