//! Why a commit does not count as signed.

use jiff::Timestamp;
use thiserror::Error;

use crate::RevisionError;

/// Why the signature of a commit does not count.
#[derive(Debug, Error)]
pub enum SignatureError {
    /// There is no repository, no such commit, or it cannot be read.
    #[error(transparent)]
    Revision(#[from] RevisionError),
    /// The signers cannot be told.
    #[error(transparent)]
    Signers(#[from] SignersError),
    /// No signature.
    #[error(
        "the commit {commit} is not signed; sign it with `git commit -S`, or merge it with a signed merge commit"
    )]
    Unsigned {
        /// The commit.
        commit: String,
    },
    /// A signature of a kind that is not verified here.
    #[error(
        "the commit {commit} has {what}, which is not verified here; sign it with an SSH or OpenPGP key"
    )]
    Unsupported {
        /// The commit.
        commit: String,
        /// What it has.
        what: String,
    },
    /// A signature that cannot be read.
    #[error("the signature of the commit {commit} cannot be read: {why}; sign it anew")]
    Malformed {
        /// The commit.
        commit: String,
        /// Why.
        why: String,
    },
    /// A key that nobody allowed.
    #[error(
        "the commit {commit} is signed with the key {key}, which `{file}` does not allow at the base {base}; a signer is \
         added by a change of its own, which somebody signs who is allowed already"
    )]
    Unknown {
        /// The commit.
        commit: String,
        /// The key's fingerprint or id.
        key: String,
        /// The file that does not name it.
        file: String,
        /// The commit that the file was read from.
        base: String,
    },
    /// A signature of something else.
    #[error(
        "the signature of the commit {commit} is wrong: the key {key} signed something else, or the commit was changed \
         since; do not apply it before somebody looked into this"
    )]
    Wrong {
        /// The commit.
        commit: String,
        /// The key's fingerprint or id.
        key: String,
    },
    /// An SSH signature for another purpose.
    #[error(
        "the signature of the commit {commit} is for `{found}`, not for `git`: it was made for something else, and says \
         nothing about a commit"
    )]
    Namespace {
        /// The commit.
        commit: String,
        /// The namespace of the signature.
        found: String,
    },
    /// A key that is allowed, but not for commits.
    #[error(
        "the commit {commit} is signed with the key {key} of {signer}, which `{file}` allows for {allowed} only, not for `git`"
    )]
    NotForGit {
        /// The commit.
        commit: String,
        /// The fingerprint.
        key: String,
        /// Whose key.
        signer: String,
        /// The file that says so.
        file: String,
        /// What the key is for.
        allowed: String,
    },
    /// A key that was not valid at the date of the commit.
    #[error(
        "the commit {commit} is signed with the key {key} of {signer}, which was not valid at the commit's date ({time}): \
         {why}; sign it anew with a key that is valid"
    )]
    Expired {
        /// The commit.
        commit: String,
        /// The fingerprint.
        key: String,
        /// Whose key.
        signer: String,
        /// When it had to be valid.
        time: Timestamp,
        /// Why it is not.
        why: String,
    },
    /// A key that its owner revoked.
    #[error(
        "the commit {commit} is signed with the key {key} of {signer}, which was revoked; sign it anew with another key"
    )]
    Revoked {
        /// The commit.
        commit: String,
        /// The key.
        key: String,
        /// Whose key.
        signer: String,
    },
    /// The program that verifies OpenPGP signatures is missing, or does not work.
    #[error(
        "the OpenPGP signature of the commit {commit} cannot be verified: {why}; is GnuPG (`gpg`) installed here?"
    )]
    NoGpg {
        /// The commit.
        commit: String,
        /// What went wrong.
        why: String,
    },
}

/// Why nobody can tell which signers are allowed.
#[derive(Debug, Error)]
pub enum SignersError {
    /// A base without signers.
    #[error(
        "there is neither `{file}` nor `{file}.asc` at the base {base}, so that nobody is allowed to sign; merge one of \
         them first, or name another file with --allowed-signers"
    )]
    Missing {
        /// The file.
        file: String,
        /// The commit of the base.
        base: String,
    },
    /// A file that cannot be used.
    #[error("`{file}` at the base {base} cannot be used: {why}")]
    Unusable {
        /// The file.
        file: String,
        /// The commit of the base.
        base: String,
        /// Why.
        why: String,
    },
    /// A file elsewhere.
    #[error(
        "`{file}` leads out of the repository; name a file of the repository with --allowed-signers"
    )]
    Outside {
        /// The file.
        file: String,
    },
    /// A commit without a parent.
    #[error(
        "the commit {commit} is the first of its history, so that it has no base that could say who may sign it"
    )]
    First {
        /// The commit.
        commit: String,
    },
    /// A base that is what is to be verified.
    #[error(
        "the base `{base}` is the very commit that is to be applied, which would name its own signers; name what it was merged into"
    )]
    Itself {
        /// The base as given.
        base: String,
    },
    /// A base that the commit does not come from.
    #[error(
        "the commit {commit} does not come from the base `{base}`; name what it was merged into with --base"
    )]
    Elsewhere {
        /// The base as given.
        base: String,
        /// The commit.
        commit: String,
    },
    /// A history that ends too early.
    #[error(
        "this clone is shallow, so that nobody can tell who changed the signers before; fetch the history first: `git \
         fetch --unshallow origin`, or name the commit that this one was merged into with --base"
    )]
    Shallow,
    /// An earlier commit changed the signers without being allowed to.
    #[error("the signers in `{file}` were changed by a commit that does not count: {source}")]
    Changed {
        /// The commit.
        commit: String,
        /// The file.
        file: String,
        /// Why it does not count.
        source: Box<SignatureError>,
    },
}
