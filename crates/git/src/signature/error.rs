//! Errors of signature verification.

use jiff::Timestamp;
use thiserror::Error;

use super::claim::SignedSubject;
use crate::RevisionError;

/// A signature is not accepted.
#[derive(Debug, Error)]
pub enum SignatureError {
    /// The repository or commit is missing or unreadable.
    #[error(transparent)]
    Revision(#[from] RevisionError),
    /// The allowed signers cannot be determined.
    #[error(transparent)]
    Signers(#[from] SignersError),
    /// The commit is not signed.
    #[error(
        "the commit {commit} is not signed; sign it with `git commit -S`, or merge it with a signed merge commit"
    )]
    Unsigned {
        /// Id of the commit.
        commit: String,
    },
    /// The kind of signature is not supported.
    #[error("{subject} has {what}, which is not verified here; sign it with an SSH or OpenPGP key")]
    Unsupported {
        /// What is signed.
        subject: SignedSubject,
        /// Description of the signature.
        what: String,
    },
    /// Invalid signature format.
    #[error("the signature of {subject} cannot be read: {why}; sign it again")]
    Malformed {
        /// What is signed.
        subject: SignedSubject,
        /// Reason.
        why: String,
    },
    /// The key is not an allowed signer.
    #[error(
        "{subject} is signed with the key {key}, which `{file}` does not allow at the base {base}; add the signer \
         in a separate change that is signed by an allowed signer"
    )]
    Unknown {
        /// What is signed.
        subject: SignedSubject,
        /// Fingerprint or id of the key.
        key: String,
        /// File of the allowed signers.
        file: String,
        /// Commit from which the file was read.
        base: String,
    },
    /// The signature does not match the content.
    #[error(
        "the signature of {subject} is wrong: the key {key} signed something else, or the {} was changed \
         since; find out why before you apply it",
        subject.kind()
    )]
    Wrong {
        /// What is signed.
        subject: SignedSubject,
        /// Fingerprint or id of the key.
        key: String,
    },
    /// An SSH signature with another namespace.
    #[error(
        "the signature of {subject} is for `{found}`, not for `{}`: it was made for something else, and says \
         nothing about a {}",
        subject.namespace(),
        subject.kind()
    )]
    Namespace {
        /// What is signed.
        subject: SignedSubject,
        /// Namespace of the signature.
        found: String,
    },
    /// The key is allowed, but not for signatures of this kind.
    #[error(
        "{subject} is signed with the key {key} of {signer}, which `{file}` allows for {allowed} only, not for `{}`",
        subject.namespace()
    )]
    OtherNamespace {
        /// What is signed.
        subject: SignedSubject,
        /// Fingerprint of the key.
        key: String,
        /// Principals or user id of the key.
        signer: String,
        /// File of the allowed signers.
        file: String,
        /// Allowed namespaces of the key.
        allowed: String,
    },
    /// The key was not valid when it had to be.
    #[error(
        "{subject} is signed with the key {key} of {signer}, which was not valid at {} ({time}): \
         {why}; sign it again with a key that is valid",
        subject.time_words()
    )]
    Expired {
        /// What is signed.
        subject: SignedSubject,
        /// Fingerprint of the key.
        key: String,
        /// Principals or user id of the key.
        signer: String,
        /// Time at which the key must be valid.
        time: Timestamp,
        /// Reason.
        why: String,
    },
    /// The key was revoked by its owner.
    #[error(
        "{subject} is signed with the key {key} of {signer}, which was revoked; sign it again with another key"
    )]
    Revoked {
        /// What is signed.
        subject: SignedSubject,
        /// Fingerprint or id of the key.
        key: String,
        /// Principals or user id of the key.
        signer: String,
    },
    /// GnuPG is missing or failed.
    #[error(
        "the OpenPGP signature of {subject} cannot be verified: {why}; is GnuPG (`gpg`) installed here?"
    )]
    NoGpg {
        /// What is signed.
        subject: SignedSubject,
        /// Reason.
        why: String,
    },
}

/// The allowed signers cannot be determined.
#[derive(Debug, Error)]
pub enum SignersError {
    /// The base does not contain a file of allowed signers.
    #[error(
        "the base {base} contains neither `{file}` nor `{file}.asc`, so no signer is allowed; merge one of \
         them first, or name another file with --allowed-signers"
    )]
    Missing {
        /// Path of the file.
        file: String,
        /// Id of the base commit.
        base: String,
    },
    /// The file is invalid.
    #[error("`{file}` at the base {base} cannot be used: {why}")]
    Unusable {
        /// Path of the file.
        file: String,
        /// Id of the base commit.
        base: String,
        /// Reason.
        why: String,
    },
    /// The file is outside of the repository.
    #[error(
        "`{file}` is outside of the repository; name a file of the repository with --allowed-signers"
    )]
    Outside {
        /// Path of the file.
        file: String,
    },
    /// The commit has no parent.
    #[error(
        "the commit {commit} is the first of its history, so it has no base with allowed signers"
    )]
    First {
        /// Id of the commit.
        commit: String,
    },
    /// The base is the commit to verify.
    #[error(
        "the base `{base}` is the commit to apply, which must not define its own signers; name the commit that it was merged into"
    )]
    Itself {
        /// Name of the base as given.
        base: String,
    },
    /// The base is not an ancestor of the commit.
    #[error(
        "the base `{base}` is not an ancestor of the commit {commit}; name the commit that it was merged into with --base"
    )]
    Elsewhere {
        /// Name of the base as given.
        base: String,
        /// Id of the commit.
        commit: String,
    },
    /// The history of the clone is too short.
    #[error(
        "this clone is shallow and does not show who changed the signers before; fetch the history first: `git \
         fetch --unshallow origin`, or name the commit that this one was merged into with --base"
    )]
    Shallow,
    /// An earlier commit changed the signers without a valid signature.
    #[error("the signers in `{file}` were changed by a commit that does not count: {source}")]
    Changed {
        /// Id of the commit.
        commit: String,
        /// Path of the file.
        file: String,
        /// Reason.
        source: Box<SignatureError>,
    },
}
