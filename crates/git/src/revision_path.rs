//! A revision together with the folder that is read from it.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A revision and a folder of it, written `REV` or `REV:FOLDER` as in git.
///
/// Everything that is compared with a change, such as gates and branches of the base revision, must
/// come from the same folder as the change. Therefore revisions are passed with their folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionPath {
    revision: String,
    folder: Option<String>,
}

impl RevisionPath {
    /// The commit that is checked out, at the working directory.
    pub fn head() -> Self {
        Self {
            revision: "HEAD".to_owned(),
            folder: None,
        }
    }

    /// The revision as it was named.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The folder from the root of the repository. `None` stands for the working directory.
    pub(crate) fn folder(&self) -> Option<&str> {
        self.folder.as_deref()
    }

    /// The same folder of another revision.
    pub fn at(&self, revision: impl Into<String>) -> Self {
        Self {
            revision: revision.into(),
            folder: self.folder.clone(),
        }
    }

    /// The revision with the folder of another one, unless it names a folder itself.
    #[must_use]
    pub fn or_folder_of(self, other: &Self) -> Self {
        Self {
            revision: self.revision,
            folder: self.folder.or_else(|| other.folder.clone()),
        }
    }

    /// The revision at another folder, from the root of the repository.
    pub(crate) fn in_folder(&self, folder: String) -> Self {
        Self {
            revision: self.revision.clone(),
            folder: Some(folder),
        }
    }
}

impl From<&str> for RevisionPath {
    fn from(text: &str) -> Self {
        let split = text.split_once(':').filter(|(name, _)| !name.is_empty());
        let folder = split.map(|(_, folder)| folder.to_owned());
        Self {
            revision: split.map_or(text, |(name, _)| name).to_owned(),
            folder,
        }
    }
}

impl FromStr for RevisionPath {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl fmt::Display for RevisionPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.folder {
            Some(folder) => write!(f, "{}:{folder}", self.revision),
            None => f.write_str(&self.revision),
        }
    }
}
