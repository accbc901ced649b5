//! Three-way plans: which differences are due to a change, and which were there before it.

use super::connect::Session;
use super::console::Console;
use super::error::OpenWorkspaceError;
use super::tree::RevisionArgs;
use super::workspace::{TargetSelection, Workspace};
use crate::plan;
use crate::plan::{Gates, Origin, Plan, SourceRef, TargetOrigins, TargetPlan};
use crate::render::text::neutral;
use crate::run::service::{PlanError, PlanRequest, Reads};
use crate::service::diagnostics::is_error;
use crate::service::registry;
use manifest::config::Target;
use model::Desired;

/// The manifests of the base revision.
pub(super) struct BaseManifests {
    workspace: Workspace,
    revision: String,
}

/// What the base revision wants of one organization.
pub(super) struct BaseDesired {
    /// What its manifests declare, what to do with the rest, and how many versions are kept; nothing of an organization
    /// that no target was for.
    target: Option<(Desired, Target)>,
}

impl BaseManifests {
    /// Reads the manifests of a revision. Where they cannot be understood, that is said, and nothing is told apart.
    pub(super) fn read(revision: &str, console: Console) -> Option<Self> {
        let workspace = match Workspace::open(
            &TargetSelection::default(),
            &RevisionArgs::revision(revision),
        ) {
            Ok(workspace) => workspace,
            Err(OpenWorkspaceError::Invalid(_)) => {
                return warn_without_base(revision, "its configuration is invalid", console);
            }
            Err(OpenWorkspaceError::Unreadable(error)) => {
                return warn_without_base(revision, &error.to_string(), console);
            }
        };
        if workspace.findings().iter().any(is_error) {
            return warn_without_base(revision, "its manifests are invalid", console);
        }
        Some(Self {
            workspace,
            revision: revision.to_owned(),
        })
    }

    pub(super) fn commit(&self) -> String {
        self.workspace
            .commit()
            .map_or_else(|| self.revision.clone(), |commit| commit.id)
    }

    /// What it wants of the organizations of some targets, in their order; nothing where that cannot be understood,
    /// which is said.
    ///
    /// # Errors
    /// A server does not tell the names of its teams.
    pub(super) async fn wanted(
        &self,
        targets: &[&Target],
        session: &Session,
        console: Console,
    ) -> anyhow::Result<Option<Vec<BaseDesired>>> {
        let all = self.workspace.targets();
        let mut wanted = Vec::new();
        for target in targets {
            let same = |other: &&&Target| other.is_same_organization(target);
            // A target that is new wants nothing at the base.
            let Some(old) = all.iter().find(same) else {
                wanted.push(BaseDesired { target: None });
                continue;
            };
            let facts = registry::team_facts(
                session.connections(),
                target,
                self.workspace.needs_server_teams(old),
            )
            .await?;
            let checked = self.workspace.check(old, &facts);
            if checked.diagnostics.iter().any(is_error) {
                return Ok(warn_without_base(
                    &self.revision,
                    "its manifests are invalid",
                    console,
                ));
            }
            wanted.push(BaseDesired {
                target: Some((checked.desired, Target::clone(old))),
            });
        }
        Ok(Some(wanted))
    }

    /// The plan that the base revision would have of the same live state; nothing for a target that is new, and where
    /// what the base wants cannot be any more.
    ///
    /// # Errors
    /// The live state is missing, or the base is of another service.
    pub(super) fn plan<T: Reads + ?Sized>(
        &self,
        wanted: &BaseDesired,
        service: &T,
    ) -> Result<Option<TargetPlan>, PlanError> {
        let Some((desired, old)) = &wanted.target else {
            return Ok(None);
        };
        let planned = service.plan(&PlanRequest {
            desired,
            target: old,
            gates: &Gates::default(),
            locate: &|place| SourceRef::locate(self.workspace.sources(), place),
        });
        match planned {
            Ok(plan) => Ok(Some(plan)),
            Err(PlanError::Manifests(_)) => Ok(None),
            Err(error @ (PlanError::Replay(_) | PlanError::Service(_))) => Err(error),
        }
    }
}

fn warn_without_base<T>(base: &str, why: &str, console: Console) -> Option<T> {
    console.status(&format!(
        "What is drift is not told apart from what changed: the base revision {} cannot be compared, as {}.",
        neutral(base),
        neutral(why)
    ));
    None
}

/// Where the differences of a plan come from, given the plan that the base revision would have of the same live state.
pub(super) fn origins(head: &TargetPlan, base: Option<&TargetPlan>) -> TargetOrigins {
    let (changes, held) = base
        .map(|base| (base.changes.as_slice(), base.held.as_slice()))
        .unwrap_or_default();
    TargetOrigins {
        target: head.target.name.clone(),
        changes: plan::origins(&head.changes, changes),
        held: plan::held_origins(&head.held, held),
    }
}

/// Whether any difference was there before the change, whether or not it can be undone.
pub(super) fn has_drift(plan: &Plan) -> bool {
    let targets = || plan.origins.iter().flat_map(|origins| &origins.targets);
    let changes = targets()
        .flat_map(|target| &target.changes)
        .map(|told| told.origin);
    let mut all = changes.chain(targets().flat_map(|target| target.held.iter().copied()));
    all.any(|origin| match origin {
        Origin::Change => false,
        Origin::Drift | Origin::Mixed | Origin::Conflict => true,
    })
}
