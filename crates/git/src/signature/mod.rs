//! Verifies that a commit is signed by an allowed signer, with SSH or OpenPGP, or a plan, with SSH.
//!
//! A change must not be able to add its own signer. Therefore the allowed signers are read from a
//! base revision: the given one, or the first parent. With the first parent, every earlier change
//! of the signers must itself be signed by a signer allowed before it.

mod allowed;
mod claim;
mod error;
mod gpg;
mod padded_key;
mod sign;
mod signers;
mod ssh;
#[cfg(test)]
mod tests;

use std::path::Path;

use git2::{ErrorCode, Oid, Repository};
use jiff::Timestamp;

use crate::find;
use crate::location;
use claim::SignatureClaim;
pub use claim::{SignatureScheme, SignedBy, SignedSubject};
pub use error::{SignatureError, SignersError};
pub use sign::{SigningError, sign_plan};
use signers::Signers;

/// The commit to verify and the source of its allowed signers.
#[derive(Debug, Clone, Copy)]
pub struct SignatureRequest<'a> {
    /// A folder in the repository, usually that of `polwarden.yaml`.
    pub directory: &'a Path,
    /// Id of the commit.
    pub commit: &'a str,
    /// The revision from which the signers are read. Default: the first parent.
    pub base: Option<&'a str>,
    /// Path of the allowed signers file from the root of the repository.
    pub file: &'a str,
}

/// A saved plan with its signature.
#[derive(Debug, Clone, Copy)]
pub struct SignedPlan<'a> {
    /// Path of the plan for messages.
    pub path: &'a str,
    /// The bytes of the plan.
    pub content: &'a [u8],
    /// The signature in the armored format of OpenSSH.
    pub signature: &'a str,
}

/// Verifies the signature of a commit.
///
/// # Errors
/// The signature is missing or invalid, its signer is not allowed, or the allowed signers cannot be
/// determined.
pub fn verify(request: &SignatureRequest<'_>) -> Result<SignedBy, SignatureError> {
    verify_with(request, |check, commit, base| check.verify(commit, base))
}

/// Verifies the signature of a plan that is applied with a commit. Its signers are those that
/// [`verify`] allows for the commit.
///
/// # Errors
/// As for [`verify`].
pub fn verify_plan(
    request: &SignatureRequest<'_>,
    plan: &SignedPlan<'_>,
) -> Result<SignedBy, SignatureError> {
    verify_with(request, |check, _, base| check.verify_plan(plan, base))
}

/// Verifies a signature with the signers of the base of a commit.
fn verify_with(
    request: &SignatureRequest<'_>,
    verify: impl FnOnce(&SignatureCheck<'_>, Oid, Oid) -> Result<SignedBy, SignatureError>,
) -> Result<SignedBy, SignatureError> {
    let SignatureRequest {
        directory,
        commit,
        base,
        file,
    } = *request;
    let repository = location::open(directory)?;
    let id = find::commit(&repository, commit)?;
    let file = &normalize(file).ok_or_else(|| SignersError::Outside {
        file: file.to_owned(),
    })?;
    let check = SignatureCheck {
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
            verify(&check, id, base)
        }
        None => {
            let base = check.parent(id)?.ok_or_else(|| check.first(id))?;
            let signed = verify(&check, id, base)?;
            check.verify_history(base)?;
            Ok(signed)
        }
    }
}

/// Normalizes a path. Returns `None` if it leaves the repository.
fn normalize(file: &str) -> Option<String> {
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

struct SignatureCheck<'a> {
    repository: &'a Repository,
    file: &'a str,
}

impl SignatureCheck<'_> {
    /// Verifies a commit with the signers allowed in `base`.
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
        // The committer chooses the date of a commit. A commit is never older than its base, so a
        // key that expired before the base cannot be used with an old date.
        let time = self.time(id)?.max(self.time(base)?);
        let text = String::from_utf8_lossy(&signature);
        let claim = SignatureClaim {
            subject: SignedSubject::Commit(commit.into()),
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
                subject: claim.subject,
                what: "an X.509 signature".to_owned(),
            }),
            _ => Err(SignatureError::Malformed {
                subject: claim.subject,
                why: "it begins as none does".to_owned(),
            }),
        }
    }

    /// Verifies a plan with the signers allowed in `base`.
    fn verify_plan(&self, plan: &SignedPlan<'_>, base: Oid) -> Result<SignedBy, SignatureError> {
        let SignedPlan {
            path,
            content,
            signature,
        } = *plan;
        let signers = Signers::read(self.repository, base, self.file)?;
        let claim = SignatureClaim {
            subject: SignedSubject::Plan(path.into()),
            signature: signature.trim_start(),
            payload: content,
            time: Timestamp::now(),
            base: base.to_string(),
        };
        ssh::verify(&claim, &signers)
    }

    fn time(&self, id: Oid) -> Result<Timestamp, SignatureError> {
        let commit = self
            .repository
            .find_commit(id)
            .map_err(|source| self.unreadable(id, source))?;
        Timestamp::from_second(commit.time().seconds()).map_err(|_| SignatureError::Malformed {
            subject: SignedSubject::Commit(id.to_string().into()),
            why: "the commit has a date that no calendar has".to_owned(),
        })
    }

    /// The first parent, or `None` at the beginning of the history or of a shallow clone.
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

    /// Checks that every change of the signers was signed by a signer allowed before it. Otherwise
    /// a change of two commits could add a signer with the first and use it for the second.
    fn verify_history(&self, from: Oid) -> Result<(), SignatureError> {
        let verify_change = |id: Oid, base: Oid| {
            self.verify(id, base)
                .map(drop)
                .map_err(|source| SignersError::Changed {
                    commit: id.to_string(),
                    file: self.file.to_owned(),
                    source: Box::new(source),
                })
        };
        let mut id = from;
        let mut now = Signers::ids(self.repository, id, self.file)?;
        // The commit that introduced the signers. Without signers in any earlier commit, no signer could
        // have signed it: trust begins there. Otherwise the last signers before it must have.
        let mut introduced: Option<Oid> = None;
        while let Some(parent) = self.parent(id)? {
            let before = Signers::ids(self.repository, parent, self.file)?;
            match before {
                None if now.is_some() => introduced = Some(id),
                None => {}
                Some(_) => {
                    if before != now {
                        verify_change(id, parent)?;
                    }
                    if let Some(introduced) = introduced.take() {
                        verify_change(introduced, parent)?;
                    }
                }
            }
            (id, now) = (parent, before);
        }
        // A shallow clone ends before the history does.
        if self.repository.is_shallow() {
            Err(SignersError::Shallow.into())
        } else {
            Ok(())
        }
    }
}
