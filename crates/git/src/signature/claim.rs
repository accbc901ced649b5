//! The input and result of verification.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// A signature with the content that it claims to sign.
pub(super) struct SignatureClaim<'a> {
    pub(super) commit: String,
    pub(super) signature: &'a str,
    pub(super) payload: &'a [u8],
    /// Time at which the key must be valid.
    pub(super) time: Timestamp,
    pub(super) base: String,
}
