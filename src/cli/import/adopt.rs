//! `polwarden import --only`: policies as they are live, into the manifests that declare them.
//!
//! Nothing is written before it is known to be right: the manifests are read as they would be, and planned. What was
//! named has no difference left then, and everything else is as before.

mod edit;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use camino::Utf8PathBuf;

use super::{ImportArgs, ImportFile, aliases, files};
use crate::cli::connect::Session;
use crate::cli::console::Console;
use crate::cli::error::{CommandError, CommandResult, FailureKind};
use crate::cli::fmt::replace;
use crate::cli::planning::{self, TargetError};
use crate::cli::tree::PendingEdits;
use crate::cli::workspace::{Workspace, is_error};
use crate::plan::{Change, TargetPlan};
use crate::render::plan::target_heading;
use crate::render::text::neutral;
use crate::service::docker::plan::PolicyPlanRequest;
use crate::service::registry::{Checked, ServerFacts};
use edit::DeclaringManifest;
use git::{Source as _, WorkTree};
use manifest::config::Target;
use model::diag::did_you_mean;
use model::docker::{DockerLiveState, LivePolicy};

/// A run of `import --only`.
pub(super) struct Adoption<'a> {
    pub(super) import: &'a ImportArgs,
    pub(super) console: Console,
}

/// The manifests of one target as they would be, and the plan of them.
struct AdoptionDraft<'a> {
    adoption: &'a Adoption<'a>,
    session: &'a Session,
    target: &'a Target,
    live: &'a DockerLiveState,
    facts: ServerFacts,
    workspace: Workspace,
    plan: TargetPlan,
    edits: PendingEdits,
    told: Vec<String>,
}

/// The manifests with one more policy written.
struct NextDraft {
    workspace: Workspace,
    plan: TargetPlan,
    edits: PendingEdits,
}

/// Why a policy is not written.
#[derive(Debug, thiserror::Error)]
enum AdoptError {
    /// Its manifest cannot be changed safely.
    #[error("{0}")]
    Refused(String),
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl Adoption<'_> {
    pub(super) async fn adopt(
        &self,
        workspace: &Workspace,
        targets: &[&Target],
        session: &Session,
    ) -> CommandResult<()> {
        let mut states = Vec::new();
        for target in targets {
            let live = session
                .policies(target)
                .await
                .with_context(|| planning::of(target))?;
            states.push(live);
        }
        self.check_all_are_live(&states)?;
        let mut edits = PendingEdits::default();
        let mut told = Vec::new();
        for (target, live) in targets.iter().zip(&states) {
            let facts =
                planning::team_facts(session, target, workspace.needs_server_teams(target)).await?;
            let here = self.import.read_edited(&edits)?;
            let plan = match plan_of(&here, target, session, &facts, live) {
                Ok(plan) => plan,
                Err(TargetError::Invalid(findings)) => {
                    here.report(findings, self.console)?;
                    return Err(CommandError::reported(FailureKind::Invalid));
                }
                Err(TargetError::Failed(error)) => return Err(error.into()),
            };
            told.push(target_heading(&session.info(target)?));
            let mut draft = AdoptionDraft {
                adoption: self,
                session,
                target,
                live,
                facts,
                workspace: here,
                plan,
                edits,
                told,
            };
            for policy in self.named(live) {
                draft.adopt(policy).map_err(|error| match error {
                    AdoptError::Refused(why) => anyhow!(
                        "policy \"{}\" of {} cannot be written: {why}. Nothing was written.",
                        neutral(&policy.name),
                        planning::of(target)
                    ),
                    AdoptError::Failed(error) => error,
                })?;
            }
            (edits, told) = (draft.edits, draft.told);
        }
        write(&edits)?;
        for line in told {
            self.console.print(&format!("{line}\n"))?;
        }
        Ok(())
    }

    /// The named policies of a live state, each once.
    fn named<'l>(&self, live: &'l DockerLiveState) -> Vec<&'l LivePolicy> {
        let names: BTreeSet<&str> = self.import.only.iter().map(String::as_str).collect();
        live.policies
            .iter()
            .filter(|policy| names.contains(policy.name.as_str()))
            .collect()
    }

    fn check_all_are_live(&self, states: &[DockerLiveState]) -> anyhow::Result<()> {
        let live = || {
            states
                .iter()
                .flat_map(|state| &state.policies)
                .map(|policy| policy.name.as_str())
        };
        for name in &self.import.only {
            if !live().any(|known| known == name) {
                let hint = did_you_mean(live(), name).map_or_else(
                    || "to take over that it is gone, delete its manifest".to_owned(),
                    |near| format!("did you mean `{}`?", neutral(near)),
                );
                bail!("no live policy is called `{}`; {hint}", neutral(name));
            }
        }
        Ok(())
    }
}

impl AdoptionDraft<'_> {
    /// Brings the manifests to what is live of one policy, or says why that cannot be.
    fn adopt(&mut self, policy: &LivePolicy) -> Result<(), AdoptError> {
        if self
            .live
            .policies
            .iter()
            .filter(|other| other.name == policy.name)
            .count()
            > 1
        {
            return Err(refused("two live policies have this name"));
        }
        let found = DeclaringManifest::find(&self.workspace, self.target, &policy.name)?;
        let Some(declared) = found else {
            return self.create(policy);
        };
        let Some(change) = self.change(&self.plan, policy) else {
            let line = format!(
                "{} says what is live (policy \"{}\")",
                declared.place(),
                neutral(&policy.name)
            );
            self.told.push(line);
            return Ok(());
        };
        if let Some(other) = self.workspace.other_reader(self.target, declared.file()) {
            return Err(refused(format!(
                "{} is read for target `{}` too",
                declared.place(),
                neutral(&other.name)
            )));
        }
        let ways = declared.ways(policy, change, &aliases(self.target))?;
        let place = declared.place();
        let mut last = format!("{place} is written in a way that cannot be changed safely");
        for (path, text) in ways {
            let mut edits = self.edits.clone();
            edits.insert(path.clone(), text);
            match self.fits(policy, edits, true) {
                Ok(next) => {
                    self.told.push(format!(
                        "updated {} (policy \"{}\")",
                        neutral(path.as_str()),
                        neutral(&policy.name)
                    ));
                    self.take(next);
                    return Ok(());
                }
                Err(AdoptError::Refused(why)) => last = why,
                Err(error) => return Err(error),
            }
        }
        Err(refused(format!("{last}; change {place} by hand")))
    }

    /// A new file for a policy that nothing declares.
    fn create(&mut self, policy: &LivePolicy) -> Result<(), AdoptError> {
        let import = self.adoption.import;
        let (mut new, inexpressible) = files(&[policy], self.target, &import.folder(self.target));
        if let Some((_, why)) = inexpressible.into_iter().next() {
            return Err(refused(neutral(&why)));
        }
        let Some(ImportFile {
            path,
            kind: _,
            policy: name,
            imported,
        }) = new.pop()
        else {
            return Err(refused("there is nothing to write"));
        };
        if self.edits.contains_key(&path) || (path.exists() && !import.force) {
            let path = neutral(path.as_str());
            return Err(refused(format!(
                "`{path}` exists; move it away, choose another folder with --out, or add --force"
            )));
        }
        let mut edits = self.edits.clone();
        edits.insert(path.clone(), imported.text);
        let next = self.fits(policy, edits, false)?;
        self.take(next);
        self.told.push(format!(
            "wrote {} (policy \"{}\")",
            neutral(path.as_str()),
            neutral(&name)
        ));
        let left = imported.left_out.iter();
        self.told
            .extend(left.map(|line| format!("  left at the server as it is: {}", neutral(line))));
        Ok(())
    }

    fn take(&mut self, next: NextDraft) {
        let NextDraft {
            workspace,
            plan,
            edits,
        } = next;
        (self.workspace, self.plan, self.edits) = (workspace, plan, edits);
    }

    /// What edits lead to, if the policy has no difference then, and, where they change what is there, nothing else has
    /// another.
    fn fits(
        &self,
        policy: &LivePolicy,
        edits: PendingEdits,
        others: bool,
    ) -> Result<NextDraft, AdoptError> {
        let workspace = self.adoption.import.read_edited(&edits)?;
        let plan = match plan_of(
            &workspace,
            self.target,
            self.session,
            &self.facts,
            self.live,
        ) {
            Ok(plan) => plan,
            Err(TargetError::Failed(error)) => return Err(error.into()),
            Err(TargetError::Invalid(findings)) => {
                let first = workspace
                    .findings()
                    .iter()
                    .chain(&findings)
                    .find(|finding| is_error(finding));
                let said = first
                    .map(|finding| neutral(&finding.message).into_owned())
                    .unwrap_or_default();
                return Err(refused(format!("its manifest would not be valid: {said}")));
            }
        };
        if self.change(&plan, policy).is_some() {
            return Err(refused("its manifest would still differ from what is live"));
        }
        if others && self.rest(&plan, policy) != self.rest(&self.plan, policy) {
            return Err(refused("another policy would change with it"));
        }
        Ok(NextDraft {
            workspace,
            plan,
            edits,
        })
    }

    fn change<'p>(&self, plan: &'p TargetPlan, policy: &LivePolicy) -> Option<&'p Change> {
        plan.changes
            .iter()
            .find(|change| change.id.as_deref() == Some(policy.id.as_str()))
    }

    /// What a plan changes of other policies, wherever that stands.
    fn rest(&self, plan: &TargetPlan, policy: &LivePolicy) -> Vec<Change> {
        let others = plan
            .changes
            .iter()
            .filter(|change| change.id.as_deref() != Some(policy.id.as_str()));
        others.cloned().map(without_source).collect()
    }
}

fn refused(why: impl Into<String>) -> AdoptError {
    AdoptError::Refused(why.into())
}

fn without_source(mut change: Change) -> Change {
    change.source = None;
    change.children = change.children.into_iter().map(without_source).collect();
    change
}

/// Plans a target.
///
/// # Errors
/// Its manifests are invalid, or it has no connection.
fn plan_of(
    workspace: &Workspace,
    target: &Target,
    session: &Session,
    facts: &ServerFacts,
    live: &DockerLiveState,
) -> Result<TargetPlan, TargetError> {
    let Checked {
        desired,
        diagnostics,
    } = workspace.check(target, facts);
    // A folder that holds no manifests yet is no error where some are about to be written.
    if diagnostics.iter().any(is_error) || workspace.has_errors_for_import() {
        return Err(TargetError::Invalid(diagnostics));
    }
    let request = PolicyPlanRequest {
        target: session.info(target)?,
        desired: &desired.policies,
        live,
        unmanaged: target.unmanaged,
        teams: target.teams(),
        locate: &|place| planning::locate(workspace.sources(), place),
    };
    Ok(crate::service::docker::plan::plan_target(&request))
}

/// Writes all files: those that are there in one step each, unless they changed meanwhile.
pub(super) fn write(edits: &PendingEdits) -> anyhow::Result<()> {
    let tree = WorkTree::open(Path::new("."))?;
    for (path, text) in edits {
        let written = match tree.read(path, manifest::MAX_BYTES) {
            Ok(before) => replace(&tree, path, &before, text),
            Err(_) => create(path, text),
        };
        written.with_context(|| format!("cannot write `{path}`"))?;
    }
    Ok(())
}

fn create(path: &Utf8PathBuf, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(std::fs::write(path, text)?)
}
