//! Where in git's history the manifests stood.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use git::{Head, Person, Pipeline};

/// Where in git's history the manifests stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Commit {
    /// The commit's id.
    pub id: String,
    /// Whether something else was read than the commit: a tracked file that differs from it, or one that is not tracked.
    pub dirty: bool,
    /// The branch that was checked out, or by which the revision was named; none on a detached head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Who wrote the change, as the commit says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Person>,
    /// Who made the commit, as the commit says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committer: Option<Person>,
    /// What the pipeline said of itself; nothing checks that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<Pipeline>,
}

impl Commit {
    /// What git knows, with what a pipeline says.
    pub fn new(head: Head, pipeline: Option<Pipeline>) -> Self {
        let Head {
            id,
            dirty,
            branch,
            author,
            committer,
        } = head;
        Self {
            id,
            dirty,
            branch,
            author: Some(author),
            committer: Some(committer),
            pipeline,
        }
    }
}
