//! What `apply` asks of the commit that it applies: files that are committed, on the branch that they were merged into,
//! signed by somebody who may, and the very commit that a saved plan was made from.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;

use anyhow::{Context as _, bail};
use camino::Utf8PathBuf;
use clap::{ArgGroup, Args};

use super::saved::PlanFile;
use crate::cli::directory;
use crate::cli::error::{CommandError, CommandResult};
use crate::cli::workspace::Workspace;
use crate::plan::{Commit, Fingerprint, Plan};
use crate::render::annotations::RepositoryPrefix;
use git::{
    BranchError, Pipeline, Revision, RevisionError, RevisionPath, SignatureError, SignatureRequest,
    SignedBy, Source as _,
};
use manifest::config::FILE_NAME;
use manifest::{MAX_BYTES, parse_config};
use model::diag::SourceMap;

/// What is asked of the commit. In a pipeline the first three are asked without a word.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Commit requirements",
    group = ArgGroup::new("signatures").args(["require_signed", "verify"]).multiple(true)
)]
pub(super) struct RequirementArgs {
    /// Refuse uncommitted changes (default in a pipeline).
    #[arg(long)]
    require_clean: bool,
    /// Apply uncommitted files, even in a pipeline.
    #[arg(long, conflicts_with = "require_clean")]
    allow_dirty: bool,
    /// Refuse a commit that is not on this branch.
    ///
    /// The branch is `origin/BRANCH`, or the local branch if the remote branch is unknown. In a pipeline, the default is
    /// `apply.branch` of polwarden.yaml, and one of the two is required.
    #[arg(long, value_name = "BRANCH")]
    require_branch: Option<String>,
    /// Apply a commit of any branch, even in a pipeline.
    #[arg(long, conflicts_with = "require_branch")]
    allow_any_branch: bool,
    /// Refuse a plan of another commit or other files (default in a pipeline).
    #[arg(long)]
    require_same_commit: bool,
    /// Apply a saved plan of any commit, even in a pipeline.
    #[arg(long, conflicts_with = "require_same_commit")]
    allow_other_commit: bool,
    /// Refuse a commit without a valid signature of an allowed signer.
    ///
    /// The base revision (--base, or else the first parent) lists the allowed signers.
    #[arg(long)]
    require_signed: bool,
    /// Refuse a saved plan without a valid signature of an allowed signer.
    ///
    /// The signature is in PLAN.sig. The allowed signers are those of --require-signed.
    #[arg(long, requires = "path")]
    verify: bool,
    /// File of allowed signers, next to polwarden.yaml.
    ///
    /// It has the format of OpenSSH; FILE.asc contains OpenPGP keys. It is read from the base revision.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "allowed_signers",
        requires = "signatures"
    )]
    allowed_signers: Utf8PathBuf,
}

/// What is applied.
pub(super) struct AppliedRevision<'a> {
    /// The revision that the manifests are read from: the named one, or what is checked out.
    pub(super) at: RevisionPath,
    /// Whether the revision was named.
    pub(super) is_named: bool,
    /// The revision that it was merged into, if it was named, at the same folder.
    pub(super) base: Option<RevisionPath>,
    /// Where the configuration is, from the top of the repository.
    pub(super) prefix: &'a RepositoryPrefix,
    /// The branch that the configuration names.
    pub(super) branch: Option<&'a str>,
}

impl AppliedRevision<'_> {
    /// The revision that the commit was merged into, at the same folder: the named one, or the first
    /// parent.
    fn base(&self, commit: &str) -> Result<Option<RevisionPath>, RevisionError> {
        let here = directory::start();
        Ok(match &self.base {
            Some(base) => Some(base.at(git::commit_id(here, base)?)),
            None => git::first_parent(here, commit)?.map(|parent| self.at.at(parent)),
        })
    }
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
        let branches = self.branches(applied)?;
        if let Some(outer) = git::superproject(directory::start())
            && (self.require_signed || self.verify || !branches.is_empty())
        {
            let why = format!(
                "this directory is in a submodule of `{}`, so a change there can replace its branches and signers; run in a clone of the submodule",
                outer.display()
            );
            return Err(refused(
                &why,
                "--allow-any-branch applies a commit of any branch.",
            ));
        }
        let is_open = self.require_branch.is_none() && !self.allow_any_branch;
        if branches.is_empty() && is_open && pipeline().is_some() {
            return Err(no_branch());
        }
        for branch in branches {
            on_branch(applied, &branch).map_err(|error| match error {
                // A revision that does not exist is a mistyped one, unless there is nothing to look into at all.
                BranchError::Revision(error) if applied.is_named => CommandError::from(error),
                error => refused(&error, "--allow-any-branch applies a commit of any branch."),
            })?;
        }
        if !self.require_signed {
            return Ok(None);
        }
        let signed = self.with_signature_request(applied, git::verify);
        let signed = signed
            .map_err(|error| signature_refused(error, "--require-signed asks for a signature."))?;
        Ok(Some(signed))
    }

    /// Whether the signature of a saved plan is verified.
    pub(super) fn verifies_plan(&self) -> bool {
        self.verify
    }

    /// Verifies the signature of a saved plan.
    ///
    /// # Errors
    /// The signature is missing or refused.
    pub(super) fn check_plan_signature(
        &self,
        file: &PlanFile,
        applied: &AppliedRevision<'_>,
    ) -> CommandResult<Option<SignedBy>> {
        let Some(plan) = file.signed()? else {
            return Ok(None);
        };
        let signed =
            self.with_signature_request(applied, |request| git::verify_plan(request, &plan));
        let signed = signed.map_err(|error| {
            signature_refused(error, "--verify requires a signature of the plan.")
        })?;
        Ok(Some(signed))
    }

    /// Refuses files that are not committed, where that counts.
    ///
    /// # Errors
    /// The files are refused.
    pub(super) fn check_files(
        &self,
        commit: Option<&Commit>,
        workspace: &Workspace,
    ) -> CommandResult<()> {
        let why = match commit {
            _ if !is_required(self.require_clean, self.allow_dirty) => return Ok(()),
            Some(commit) if !commit.dirty => return Ok(()),
            Some(_) => {
                "files here are not as they were committed, so that what would be applied is nothing that was merged; \
                 `git status` shows them (a manifest that git ignores counts too)"
                    .to_owned()
            }
            None => match workspace.commit() {
                Err(error) => error.to_string(),
                Ok(_) => "no commit is checked out here: no git repository was found, or it is empty"
                    .to_owned(),
            },
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

    /// Verifies a signature with the signers of the base revision.
    fn with_signature_request(
        &self,
        applied: &AppliedRevision<'_>,
        verify: impl FnOnce(&SignatureRequest<'_>) -> Result<SignedBy, SignatureError>,
    ) -> Result<SignedBy, SignatureError> {
        let here = directory::start();
        let commit = git::commit_id(here, &applied.at)?;
        let file = applied.prefix.file(self.allowed_signers.as_str());
        verify(&SignatureRequest {
            directory: here,
            commit: &commit,
            base: applied.base.as_ref().map(RevisionPath::revision),
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
    let here = directory::start();
    git::on_branch(here, &git::commit_id(here, &applied.at)?, branch)
}

/// All branches that are asked for: by what is applied, by what it was merged into, and by the default branch of the
/// remote, as far as this clone knows them. The old branch still applies to a change that names another one.
///
/// # Errors
/// A configuration cannot be read, so that nobody knows what it asks for.
fn configured_branches(applied: &AppliedRevision<'_>) -> anyhow::Result<BTreeSet<String>> {
    let here = directory::start();
    let mut branches: BTreeSet<String> = applied.branch.map(str::to_owned).into_iter().collect();
    // Without a repository, there is nothing else to ask.
    let commit = match git::commit_id(here, &applied.at) {
        Ok(commit) => commit,
        Err(RevisionError::NoRepository { .. } | RevisionError::NoRevision { .. }) => {
            return Ok(branches);
        }
        Err(error) => return Err(error.into()),
    };
    let base = applied.base(&commit)?;
    let default = git::default_branch(here).map(|tip| applied.at.at(tip));
    for path in base.into_iter().chain(default) {
        branches.extend(branch_at(here, &path)?);
    }
    Ok(branches)
}

/// The branch that the configuration of a commit asks for.
fn branch_at(here: &Path, path: &RevisionPath) -> anyhow::Result<Option<String>> {
    let commit = path.revision();
    let Some(tree) = Revision::open_base_containing(here, path, FILE_NAME)? else {
        return Ok(None);
    };
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

/// The refusal in a pipeline that would apply commits that nobody merged.
fn no_branch() -> CommandError {
    let branch = git::main_branch(directory::start()).unwrap_or_else(|| "main".to_owned());
    CommandError::refused("no branch is configured, so a pipeline could apply unmerged commits.")
        .hint(format!(
            "Nothing was applied. Add `apply: {{branch: {branch}}}` to polwarden.yaml, or pass --require-branch {branch}."
        ))
        .hint("--allow-any-branch applies a commit of any branch.")
}

fn signature_refused(error: SignatureError, way_out: &str) -> CommandError {
    match error {
        // A revision that does not exist is mistyped.
        SignatureError::Revision(
            error @ (RevisionError::NoRevision { .. } | RevisionError::NoCommit { .. }),
        ) => error.into(),
        error => refused(&error, way_out),
    }
}

fn refused(why: &dyn Display, way_out: &str) -> CommandError {
    CommandError::refused(format!("{why}.")).hint(format!("Nothing was applied. {way_out}"))
}
