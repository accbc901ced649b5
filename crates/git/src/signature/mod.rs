//! Who signed a commit: its SSH or OpenPGP signature, held to the signers that a base revision allows.
//!
//! A change must not be able to add its own signer. So the signers are read from the base: the revision that somebody
//! names, or else the first parent, and then every earlier change of the signers must itself be signed by somebody whom
//! the signers before it allow.

mod allowed;
mod error;
mod gpg;
mod signers;
mod ssh;
#[cfg(test)]
mod tests;

use std::path::Path;

use git2::{ErrorCode, Oid, Repository};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::revision::find;
pub use error::{SignatureError, SignersError};
use signers::Signers;

/// What kind of signature a commit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "SignatureScheme")]
pub enum Scheme {
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
    pub scheme: Scheme,
    /// The fingerprint of the key.
    pub key: String,
    /// Whose key it is: the principals of the allowed signers, or the user id of an OpenPGP key.
    pub signer: String,
    /// The commit that the allowed signers were read from.
    pub base: String,
}

/// What is verified.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// A folder in the repository: that of `polwarden.yaml`.
    pub directory: &'a Path,
    /// The commit.
    pub commit: &'a str,
    /// The revision whose signers count; without it, the first parent.
    pub base: Option<&'a str>,
    /// The file of the allowed signers, from the top of the repository.
    pub file: &'a str,
}

/// Verifies the signature of a commit.
///
/// # Errors
/// It has none, it is not good, its signer is not allowed, or nobody can tell.
pub fn verify(request: &Request<'_>) -> Result<SignedBy, SignatureError> {
    let Request {
        directory,
        commit,
        base,
        file,
    } = *request;
    let repository = find::repository(directory)?;
    let id = find::commit(&repository, commit)?;
    let file = &normal(file).ok_or_else(|| SignersError::Outside {
        file: file.to_owned(),
    })?;
    let case = Case {
        repository: &repository,
        file,
    };
    match base {
        Some(name) => {
            let base = find::commit(&repository, name)?;
            if base == id {
                return Err(SignersError::Itself {
                    base: name.to_owned(),
                }
                .into());
            }
            if !repository.graph_descendant_of(id, base).unwrap_or(false) {
                return Err(SignersError::Elsewhere {
                    base: name.to_owned(),
                    commit: id.to_string(),
                }
                .into());
            }
            case.verify(id, base)
        }
        None => {
            let base = case.parent(id)?.ok_or_else(|| case.first(id))?;
            let signed = case.verify(id, base)?;
            case.hold_history(base)?;
            Ok(signed)
        }
    }
}

/// The way to a file without detours; nothing for one that leads out of the repository.
fn normal(file: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in file.split('/') {
        match part {
            "" if parts.is_empty() => return None,
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

struct Case<'a> {
    repository: &'a Repository,
    file: &'a str,
}

impl Case<'_> {
    /// Verifies a commit by the signers of another.
    fn verify(&self, id: Oid, base: Oid) -> Result<SignedBy, SignatureError> {
        let signers = Signers::read(self.repository, base, self.file)?;
        let commit = id.to_string();
        let (signature, payload) = match self.repository.extract_signature(&id, None) {
            Ok(parts) => parts,
            Err(error) if error.code() == ErrorCode::NotFound => {
                return Err(SignatureError::Unsigned { commit });
            }
            Err(source) => return Err(find::incomplete(self.repository, &commit, source).into()),
        };
        // A date is the committer's word. What is merged already is older than what is made on top of it, so that a key
        // that ended before the base cannot come back with an old date.
        let time = self.time(id)?.max(self.time(base)?);
        let text = String::from_utf8_lossy(&signature);
        let claim = Claim {
            commit,
            signature: text.trim_start(),
            payload: &payload,
            time,
            base: base.to_string(),
        };
        match claim
            .signature
            .lines()
            .next()
            .unwrap_or_default()
            .trim_end()
        {
            "-----BEGIN SSH SIGNATURE-----" => ssh::verify(&claim, &signers),
            "-----BEGIN PGP SIGNATURE-----" | "-----BEGIN PGP MESSAGE-----" => {
                gpg::verify(&claim, &signers)
            }
            "-----BEGIN SIGNED MESSAGE-----" => Err(SignatureError::Unsupported {
                commit: claim.commit,
                what: "an X.509 signature".to_owned(),
            }),
            _ => Err(SignatureError::Malformed {
                commit: claim.commit,
                why: "it begins as none does".to_owned(),
            }),
        }
    }

    fn time(&self, id: Oid) -> Result<Timestamp, SignatureError> {
        let commit = self
            .repository
            .find_commit(id)
            .map_err(|source| self.unreadable(id, source))?;
        Timestamp::from_second(commit.time().seconds()).map_err(|_| SignatureError::Malformed {
            commit: id.to_string(),
            why: "the commit has a date that no calendar has".to_owned(),
        })
    }

    /// The first parent; nothing at the beginning of a history, or of what a shallow clone holds of it.
    fn parent(&self, id: Oid) -> Result<Option<Oid>, SignatureError> {
        let commit = self
            .repository
            .find_commit(id)
            .map_err(|source| self.unreadable(id, source))?;
        Ok(commit.parent(0).ok().map(|parent| parent.id()))
    }

    fn unreadable(&self, id: Oid, source: git2::Error) -> SignatureError {
        find::incomplete(self.repository, &id.to_string(), source).into()
    }

    fn first(&self, id: Oid) -> SignatureError {
        match self.repository.is_shallow() {
            true => SignersError::Shallow.into(),
            false => SignersError::First {
                commit: id.to_string(),
            }
            .into(),
        }
    }

    /// Makes sure that the signers at a commit came about well: whoever changed them was allowed by those before.
    /// Otherwise a change of two commits could add a signer with the first and be signed by him with the second.
    fn hold_history(&self, from: Oid) -> Result<(), SignatureError> {
        let mut id = from;
        let mut now = Signers::ids(self.repository, id, self.file)?;
        while let Some(parent) = self.parent(id)? {
            let before = Signers::ids(self.repository, parent, self.file)?;
            if before != now && before.is_some() {
                self.verify(id, parent)
                    .map_err(|source| SignersError::Changed {
                        commit: id.to_string(),
                        file: self.file.to_owned(),
                        source: Box::new(source),
                    })?;
            }
            (id, now) = (parent, before);
        }
        // Where the clone ends, the history does not.
        if self.repository.is_shallow() {
            Err(SignersError::Shallow.into())
        } else {
            Ok(())
        }
    }
}

/// A signature, and what it is said to be of.
struct Claim<'a> {
    commit: String,
    signature: &'a str,
    payload: &'a [u8],
    /// When the key has to be valid.
    time: Timestamp,
    base: String,
}
