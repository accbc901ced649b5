//! Reads the allowed signers of a revision.

use git2::{ErrorCode, ObjectType, Oid, Repository};

use super::allowed::AllowedSigners;
use super::error::{SignatureError, SignersError};
use crate::find;

/// Maximum size of a file of signers in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// Suffix of the file with OpenPGP keys.
const KEYS: &str = ".asc";

/// The allowed signers of a revision.
pub(super) struct Signers {
    /// Path of the file for messages.
    pub(super) file: String,
    /// Id of the commit from which the file was read.
    pub(super) base: String,
    pub(super) ssh: AllowedSigners,
    /// OpenPGP keys in ASCII armor.
    pub(super) keys: Option<Vec<u8>>,
}

/// The objects that contain the signers of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SignerBlobs {
    /// File of SSH keys.
    ssh: Option<Oid>,
    /// File of OpenPGP keys.
    keys: Option<Oid>,
}

impl Signers {
    /// Reads the signers of a commit.
    pub(super) fn read(
        repository: &Repository,
        commit: Oid,
        file: &str,
    ) -> Result<Self, SignatureError> {
        let base = commit.to_string();
        let Some(SignerBlobs { ssh, keys }) = Self::ids(repository, commit, file)? else {
            return Err(SignersError::Missing {
                file: file.to_owned(),
                base,
            }
            .into());
        };
        let unusable = |file: String, why: &str| SignersError::Unusable {
            file,
            base: base.clone(),
            why: why.to_owned(),
        };
        let content = |id: Oid, file: String| {
            let incomplete = |source| find::incomplete(repository, &base, source);
            // Only the header is read, so that a large file does not fill the memory.
            let header = repository.odb().and_then(|odb| odb.read_header(id));
            let (size, _) = header.map_err(incomplete)?;
            if size > MAX_BYTES {
                return Err(SignatureError::from(unusable(
                    file,
                    "it is larger than 1 MiB",
                )));
            }
            let blob = repository.find_blob(id).map_err(incomplete)?;
            Ok(blob.content().to_vec())
        };
        let ssh = match ssh {
            Some(id) => {
                let text = content(id, file.to_owned())?;
                let text = std::str::from_utf8(&text)
                    .map_err(|_| unusable(file.to_owned(), "it is not UTF-8"))?;
                AllowedSigners::parse(text)
                    .map_err(|error| unusable(file.to_owned(), &error.to_string()))?
            }
            None => AllowedSigners::default(),
        };
        let keys = keys
            .map(|id| content(id, format!("{file}{KEYS}")))
            .transpose()?;
        Ok(Self {
            file: file.to_owned(),
            base,
            ssh,
            keys,
        })
    }

    /// The objects that contain the signers of a commit, or `None` if neither file exists.
    pub(super) fn ids(
        repository: &Repository,
        commit: Oid,
        file: &str,
    ) -> Result<Option<SignerBlobs>, SignatureError> {
        let tree = repository
            .find_commit(commit)
            .and_then(|commit| commit.tree());
        let tree =
            tree.map_err(|source| find::incomplete(repository, &commit.to_string(), source))?;
        let id = |path: String| match tree.get_path(path.as_ref()) {
            // Links are not followed.
            Ok(entry)
                if entry.kind() == Some(ObjectType::Blob) && entry.filemode() != 0o120_000 =>
            {
                Ok(Some(entry.id()))
            }
            Ok(_) => Err(SignatureError::from(SignersError::Unusable {
                file: path,
                base: commit.to_string(),
                why: "it is not a file".to_owned(),
            })),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(source) => Err(find::incomplete(repository, &commit.to_string(), source).into()),
        };
        let found = SignerBlobs {
            ssh: id(file.to_owned())?,
            keys: id(format!("{file}{KEYS}"))?,
        };
        Ok((found.ssh.is_some() || found.keys.is_some()).then_some(found))
    }
}
