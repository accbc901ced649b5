//! What `apply` asks of the commit that it applies: files that are committed, on the branch that they were merged into,
//! signed by somebody who may, and the very commit that a saved plan was made from.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;

use anyhow::{Context as _, bail};
use camino::Utf8PathBuf;
use clap::Args;

use crate::cli::error::{CommandError, CommandResult};
use crate::plan::{Commit, Fingerprint, Plan};
use crate::render::annotations::RepositoryPrefix;
use git::{
    BranchError, Pipeline, Revision, RevisionError, SignatureError, SignatureRequest, SignedBy,
    Source as _,
};
use manifest::config::FILE_NAME;
use manifest::{MAX_BYTES, parse_config};
use model::diag::SourceMap;

/// What is asked of the commit. In a pipeline the first three are asked without a word.
#[derive(Debug, Args)]
#[command(next_help_heading = "What may be applied")]
pub(super) struct RequirementArgs {
    /// Refuse files that are not as they were committed. In a pipeline this holds by itself.
    #[arg(long)]
    require_clean: bool,
    /// Apply files that are not committed, in a pipeline too.
    #[arg(long, conflicts_with = "require_clean")]
    allow_dirty: bool,
    /// Refuse a commit that is not on this branch (`origin/BRANCH`, or the local one where the remote's is not known). In a
    /// pipeline, `apply.branch` of polwarden.yaml holds by itself.
    #[arg(long, value_name = "BRANCH")]
    require_branch: Option<String>,
    /// Apply a commit of any branch, in a pipeline too.
    #[arg(long, conflicts_with = "require_branch")]
    allow_any_branch: bool,
    /// Refuse a saved plan that was made from another commit or from other files. In a pipeline this holds by itself.
    #[arg(long)]
    require_same_commit: bool,
    /// Apply a saved plan of any commit, in a pipeline too.
    #[arg(long, conflicts_with = "require_same_commit")]
    allow_other_commit: bool,
    /// Refuse a commit that is not signed by somebody whom the base revision allows (--base, or else the first parent).
    #[arg(long)]
    require_signed: bool,
    /// The file of those who may sign, beside polwarden.yaml, in the form of OpenSSH; FILE.asc holds OpenPGP keys. It is
    /// read from the base revision.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "allowed_signers",
        requires = "require_signed"
    )]
    allowed_signers: Utf8PathBuf,
}

/// What is applied.
pub(super) struct AppliedRevision<'a> {
    /// The revision that the manifests are read from; what is checked out without it.
    pub(super) at: Option<&'a str>,
    /// The revision that it was merged into, as named.
    pub(super) base: Option<&'a str>,
    /// Where the configuration is, from the top of the repository.
    pub(super) prefix: &'a RepositoryPrefix,
    /// The branch that the configuration names.
    pub(super) branch: Option<&'a str>,
}

impl RequirementArgs {
    /// Holds the commit to all that git alone can tell, before any server is asked. Gives who signed it, where that was
    /// asked for.
    ///
    /// # Errors
    /// The commit is refused; or there is no such revision, or a configuration that says what is asked cannot be read.
    pub(super) fn check_commit(
        &self,
        applied: &AppliedRevision<'_>,
    ) -> CommandResult<Option<SignedBy>> {
        for branch in self.branches(applied)? {
            on_branch(applied, &branch).map_err(|error| match error {
                // A revision that does not exist is a mistyped one, unless there is nothing to look into at all.
                BranchError::Revision(error) if applied.at.is_some() => CommandError::from(error),
                error => refused(&error, "--allow-any-branch applies a commit of any branch."),
            })?;
        }
        if !self.require_signed {
            return Ok(None);
        }
        self.signed(applied).map(Some).map_err(|error| match error {
            // One that does not exist is mistyped.
            SignatureError::Revision(
                error @ (RevisionError::NoRevision { .. } | RevisionError::NoCommit { .. }),
            ) => error.into(),
            error => refused(&error, "--require-signed asks for a signature."),
        })
    }

    /// Refuses files that are not committed, where that counts.
    ///
    /// # Errors
    /// The files are refused.
    pub(super) fn check_files(&self, commit: Option<&Commit>) -> CommandResult<()> {
        let why = match commit {
            _ if !is_required(self.require_clean, self.allow_dirty) => return Ok(()),
            Some(commit) if !commit.dirty => return Ok(()),
            Some(_) => {
                "files here are not as they were committed, so that what would be applied is nothing that was merged; \
                 `git status` shows them (a manifest that git ignores counts too)"
            }
            None => {
                "git does not tell which commit this is: there is no repository or no commit, or it belongs to somebody \
                 else, and `git config --global --add safe.directory DIR` says that it is fine"
            }
        };
        Err(refused(&why, "--allow-dirty applies what is here."))
    }

    /// Refuses a saved plan that was made from something else than what is here, where that counts.
    ///
    /// # Errors
    /// The plan is stale.
    pub(super) fn check_plan(
        &self,
        plan: &Plan,
        commit: Option<&Commit>,
        tree: &Fingerprint,
    ) -> CommandResult<()> {
        if !is_required(self.require_same_commit, self.allow_other_commit) {
            return Ok(());
        }
        let id = |commit: &Commit| commit.id.clone();
        let made = plan.commit.as_ref().map(id);
        let here = commit.map(id);
        let name = |id: &Option<String>| id.clone().unwrap_or_else(|| "no commit".to_owned());
        let why = if made != here || made.is_none() {
            format!(
                "the plan was made from {}, and this is {}",
                name(&made),
                name(&here)
            )
        } else if plan.tree.as_ref() != Some(tree) {
            "the plan was made from other files than those that are here".to_owned()
        } else {
            return Ok(());
        };
        Err(CommandError::stale(format!("{why}.")).hint(
            "Nothing was applied. Make the plan again from this commit; --allow-other-commit applies it anyway.",
        ))
    }

    /// The branches that the commit must be on.
    fn branches(&self, applied: &AppliedRevision<'_>) -> anyhow::Result<BTreeSet<String>> {
        let Self {
            require_branch,
            allow_any_branch,
            ..
        } = self;
        if let Some(branch) = require_branch {
            return Ok(BTreeSet::from([branch.clone()]));
        }
        if *allow_any_branch || pipeline().is_none() {
            return Ok(BTreeSet::new());
        }
        configured_branches(applied)
    }

    fn signed(&self, applied: &AppliedRevision<'_>) -> Result<SignedBy, SignatureError> {
        let here = Path::new(".");
        let commit = git::commit_id(here, applied.at)?;
        let file = applied.prefix.file(self.allowed_signers.as_str());
        git::verify(&SignatureRequest {
            directory: here,
            commit: &commit,
            base: applied.base,
            file: &file,
        })
    }
}

/// Whether something is asked for: by an option, or since this is a pipeline and no option takes it away.
fn is_required(required: bool, allowed: bool) -> bool {
    required || (!allowed && pipeline().is_some())
}

fn pipeline() -> Option<Pipeline> {
    Pipeline::from_variables(|name| std::env::var(name).ok())
}

fn on_branch(applied: &AppliedRevision<'_>, branch: &str) -> Result<(), BranchError> {
    let here = Path::new(".");
    git::on_branch(here, &git::commit_id(here, applied.at)?, branch)
}

/// All branches that are asked for: by what is applied, by what it was merged into, and by the default branch of the
/// remote, as far as this clone knows them. A change that names another branch is held to the old one too.
///
/// # Errors
/// A configuration cannot be read, so that nobody knows what it asks for.
fn configured_branches(applied: &AppliedRevision<'_>) -> anyhow::Result<BTreeSet<String>> {
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

fn refused(why: &dyn Display, way_out: &str) -> CommandError {
    CommandError::refused(format!("{why}.")).hint(format!("Nothing was applied. {way_out}"))
}
