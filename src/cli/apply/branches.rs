//! The branch that `polwarden.yaml` asks for, from where a change cannot quietly take it away.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::requirements::AppliedRevision;
use git::{Revision, RevisionError, Source as _};
use manifest::config::FILE_NAME;
use manifest::{MAX_BYTES, parse_config};
use model::diag::SourceMap;

/// All branches that are asked for: by what is applied, by what it was merged into, and by the default branch of the
/// remote, as far as this clone knows them. A change that names another branch is held to the old one too.
///
/// # Errors
/// A configuration cannot be read, so that nobody knows what it asks for.
pub(super) fn configured(applied: &AppliedRevision<'_>) -> anyhow::Result<BTreeSet<String>> {
    let here = Path::new(".");
    let mut branches: BTreeSet<String> = applied.branch.map(str::to_owned).into_iter().collect();
    // Without a repository, there is nothing else to ask.
    let Ok(commit) = git::commit_id(here, applied.at) else {
        return Ok(branches);
    };
    let base = match applied.base {
        Some(base) => Some(git::commit_id(here, Some(base))?),
        None => git::first_parent(here, &commit)?,
    };
    for revision in base.into_iter().chain(git::default_branch(here)) {
        branches.extend(branch_at(here, &revision)?);
    }
    Ok(branches)
}

/// The branch that the configuration of a commit asks for.
fn branch_at(here: &Path, commit: &str) -> anyhow::Result<Option<String>> {
    let tree = match Revision::open(here, commit) {
        Ok(tree) => tree,
        Err(RevisionError::NoFolder { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if !tree.contains_file(FILE_NAME) {
        return Ok(None);
    }
    let way_out = "name the branch with --require-branch, or the revision that this was merged into with --base";
    let text = tree.read(FILE_NAME.into(), MAX_BYTES);
    let text = text.with_context(|| format!("cannot read {FILE_NAME} at {commit}; {way_out}"))?;
    let file = SourceMap::default().add(FILE_NAME, text.clone());
    match parse_config(file, &text) {
        Ok((config, _)) => Ok(config.apply.branch),
        Err(_) => {
            bail!(
                "{FILE_NAME} is invalid at {commit}, so that nobody knows which branch it asks for; {way_out}"
            )
        }
    }
}
