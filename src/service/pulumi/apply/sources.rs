//! What versions of packs are published from.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::plan::{Commit, TargetPlan};
use crate::run::service::RunContext;
use git::PackTree;
use model::digest::{ArchiveDigest, SourceDigest};
use model::pulumi::PulumiOperation;

/// The archives that a run uploads, and their metadata.
pub struct PackSources {
    pub(super) archives: BTreeMap<ArchiveDigest, Arc<[u8]>>,
    /// The commit. No plan contains it: a plan is the same on a branch and after the merge.
    pub(super) metadata: BTreeMap<String, String>,
}

impl PackSources {
    /// What the calls of a plan need.
    pub fn of(plan: &TargetPlan, context: RunContext<'_>) -> Self {
        Self {
            archives: archives(plan, context.sources),
            metadata: context.commit.map(metadata).unwrap_or_default(),
        }
    }
}

/// The archives that a plan uploads. One that cannot be made again from what was read is left out,
/// so that its upload is refused.
fn archives(plan: &TargetPlan, trees: &[PackTree]) -> BTreeMap<ArchiveDigest, Arc<[u8]>> {
    let wanted: Vec<(&SourceDigest, &ArchiveDigest)> = plan
        .calls
        .iter()
        .filter_map(|call| match call.send.pulumi()? {
            PulumiOperation::PutArchive {
                source, archive, ..
            } => Some((source, archive)),
            PulumiOperation::CreatePackVersion { .. }
            | PulumiOperation::CompletePackVersion { .. }
            | PulumiOperation::DeletePackVersion { .. }
            | PulumiOperation::DeletePack { .. }
            | PulumiOperation::CreateGroup { .. }
            | PulumiOperation::UpdateGroup { .. }
            | PulumiOperation::DeleteGroup { .. } => None,
        })
        .collect();
    if wanted.is_empty() {
        return BTreeMap::new();
    }
    let mut found = BTreeMap::new();
    for tree in trees {
        let digest = tree.digest();
        if let Some((_, archive)) = wanted.iter().find(|(source, _)| **source == digest)
            && let Ok(made) = tree.archive()
            && made.digest() == **archive
        {
            found.insert(ArchiveDigest::clone(archive), Arc::from(made.into_bytes()));
        }
    }
    found
}

fn metadata(commit: &Commit) -> BTreeMap<String, String> {
    let dirty = ("git.dirty".to_owned(), commit.dirty.to_string());
    let branch = commit
        .branch
        .clone()
        .map(|branch| ("git.headName".to_owned(), branch));
    [("git.head".to_owned(), commit.id.clone()), dirty]
        .into_iter()
        .chain(branch)
        .collect()
}
