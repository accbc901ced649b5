//! Paths in formats for reviewers.

/// The path of files relative to the root of the repository, which pipelines expect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepositoryPrefix(String);

impl RepositoryPrefix {
    /// The directory of `polwarden.yaml` relative to the root of its repository; empty for the
    /// root.
    pub fn new(folder: &str) -> Self {
        Self(if folder.is_empty() {
            String::new()
        } else {
            format!("{}/", folder.trim_end_matches('/'))
        })
    }

    pub fn file(&self, file: &str) -> String {
        format!("{}{file}", self.0)
    }
}
